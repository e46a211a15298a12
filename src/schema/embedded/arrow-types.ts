import {
  Binary,
  Bool,
  DateDay,
  Decimal,
  Field,
  FixedSizeBinary,
  Float16,
  Float32,
  Float64,
  Int,
  List,
  Map_,
  Null,
  Struct,
  Time,
  Timestamp,
  TimeUnit,
  Utf8,
} from "apache-arrow";
import type { DataType } from "apache-arrow";
import type { LeafType } from "../../parquet/leaf-type.ts";
import type { OutputField } from "./mapping.ts";

const units = { ms: TimeUnit.MILLISECOND, us: TimeUnit.MICROSECOND, ns: TimeUnit.NANOSECOND } as const;

/** A field in the types that Arrow's own Parquet readers give to columns without an `ARROW:schema`. */
export function plainArrowField(field: OutputField): Field {
  return new Field(field.name, plainType(field), field.nullable);
}

function plainType({ type }: OutputField): DataType {
  switch (type.kind) {
    case "leaf":
      return leafArrowType(type.leaf);
    case "struct":
      return new Struct(type.fields.map(plainArrowField));
    case "list":
      return new List(plainArrowField(type.element));
    case "map": {
      const entries = new Struct<{ key: DataType; value: DataType }>([
        plainArrowField(type.key),
        plainArrowField(type.value),
      ]);
      return new Map_(new Field("entries", entries, false));
    }
  }
}

/** What values of this type are in Arrow. */
export function leafArrowType(type: LeafType): DataType {
  switch (type.kind) {
    case "bool":
      return new Bool();
    case "int":
      return new Int(type.signed, type.bits);
    case "float":
      return type.bits === 16 ? new Float16() : type.bits === 32 ? new Float32() : new Float64();
    case "decimal":
      return new Decimal(type.scale, type.precision, type.precision <= 38 ? 128 : 256);
    case "string":
    case "json":
    case "enum":
      return new Utf8();
    case "binary":
    case "bson":
    case "geometry":
    case "geography":
      return new Binary();
    case "fixedBinary":
      return new FixedSizeBinary(type.bytes);
    case "uuid":
      return new FixedSizeBinary(16);
    case "interval":
      return new FixedSizeBinary(12);
    case "date":
      return new DateDay();
    case "time":
      return new Time(units[type.unit], type.unit === "ms" ? 32 : 64);
    case "timestamp":
      return new Timestamp(units[type.unit], type.timezone);
    case "null":
      return new Null();
  }
}
