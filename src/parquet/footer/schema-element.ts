import { ColonnadeError } from "../../base/errors.ts";
import type { LeafType, PhysicalType, TimeUnit } from "../leaf-type.ts";
import { sameLeafType } from "../leaf-type.ts";
import {
  ConvertedType,
  DecimalType,
  FieldRepetitionType,
  IntType,
  LogicalType,
  SchemaElement,
  TimestampType,
  TimeType,
  TimeUnit as TimeUnitField,
} from "../spec.ts";
import { canStore, physicalTypes, type Storage, storageOf } from "./storage.ts";
import { ThriftStruct, thriftType } from "../thrift/thrift.ts";

const timeUnits = new Map<number, TimeUnit>([
  [TimeUnitField.MILLIS, "ms"],
  [TimeUnitField.MICROS, "us"],
  [TimeUnitField.NANOS, "ns"],
]);

/** The physical type of a leaf's schema element. Throws `data` `SCHEMA_MALFORMED`. */
export function physicalTypeOf(element: ThriftStruct): PhysicalType {
  const number = element.i32(SchemaElement.type);
  const type = number === undefined ? undefined : physicalTypes[number];
  if (type === undefined) {
    throw new ColonnadeError("data", "SCHEMA_MALFORMED", "a leaf has no known physical type", {
      name: element.string(SchemaElement.name),
      type: number,
    });
  }
  return type;
}

/** The physical type and, for FIXED_LEN_BYTE_ARRAY, the length. Throws `data` `SCHEMA_MALFORMED`. */
export function storageOfElement(element: ThriftStruct): Storage {
  const physicalType = physicalTypeOf(element);
  if (physicalType !== "FIXED_LEN_BYTE_ARRAY") return { physicalType };
  const typeLength = element.i32(SchemaElement.type_length);
  if (typeLength === undefined || typeLength < 1) {
    throw new ColonnadeError("data", "SCHEMA_MALFORMED", "a FIXED_LEN_BYTE_ARRAY has no length", {
      name: element.string(SchemaElement.name),
      typeLength,
    });
  }
  return { physicalType, typeLength };
}

/**
 * What the values of a leaf mean: the LogicalType when it is known and fits the physical type, else the
 * ConvertedType, else the physical type alone, so that every readable leaf has a type. As in Arrow, INT96 is
 * `timestamp[ns]` without a zone (Impala and Spark disagree on whether it is UTC). ConvertedTypes of times and timestamps are adjusted to UTC
 * (LogicalTypes.md, "Deprecated time ConvertedType"). Throws `data` `SCHEMA_MALFORMED` for a bad physical type.
 */
export function leafTypeOf(element: ThriftStruct): LeafType {
  const storage = storageOfElement(element);
  for (const type of [fromLogicalType(element), fromConvertedType(element)]) {
    if (type !== undefined && isAnnotatedBy(storage, type)) return type;
  }
  return bareType(storage);
}

/** As {@link canStore}, but a decimal that claims more digits than its storage holds is still a decimal. */
function isAnnotatedBy(storage: Storage, type: LeafType): boolean {
  return canStore(storage, type.kind === "decimal" ? { ...type, precision: 1 } : type);
}

function bareType(storage: Storage): LeafType {
  switch (storage.physicalType) {
    case "BOOLEAN":
      return { kind: "bool" };
    case "INT32":
      return { kind: "int", bits: 32, signed: true };
    case "INT64":
      return { kind: "int", bits: 64, signed: true };
    case "INT96":
      return { kind: "timestamp", unit: "ns", timezone: null };
    case "FLOAT":
      return { kind: "float", bits: 32 };
    case "DOUBLE":
      return { kind: "float", bits: 64 };
    case "BYTE_ARRAY":
      return { kind: "binary" };
    case "FIXED_LEN_BYTE_ARRAY":
      return { kind: "fixedBinary", bytes: storage.typeLength as number };
  }
}

function fromLogicalType(element: ThriftStruct): LeafType | undefined {
  const member = element.struct(SchemaElement.logicalType)?.fields[0];
  if (member === undefined || !(member.value instanceof ThriftStruct)) return undefined;
  switch (member.id) {
    case LogicalType.STRING:
      return { kind: "string" };
    case LogicalType.ENUM:
      return { kind: "enum" };
    case LogicalType.DECIMAL:
      return decimal(member.value.i32(DecimalType.precision), member.value.i32(DecimalType.scale));
    case LogicalType.DATE:
      return { kind: "date" };
    case LogicalType.TIME: {
      const unit = timeUnit(member.value.struct(TimeType.unit));
      const utc = member.value.bool(TimeType.isAdjustedToUTC) ?? false;
      return unit === undefined ? undefined : { kind: "time", unit, utc };
    }
    case LogicalType.TIMESTAMP: {
      const unit = timeUnit(member.value.struct(TimestampType.unit));
      const timezone = member.value.bool(TimestampType.isAdjustedToUTC) === true ? "UTC" : null;
      return unit === undefined ? undefined : { kind: "timestamp", unit, timezone };
    }
    case LogicalType.INTEGER:
      return integer(member.value.i32(IntType.bitWidth), member.value.bool(IntType.isSigned) ?? true);
    case LogicalType.UNKNOWN:
      return { kind: "null" };
    case LogicalType.JSON:
      return { kind: "json" };
    case LogicalType.BSON:
      return { kind: "bson" };
    case LogicalType.UUID:
      return { kind: "uuid" };
    case LogicalType.FLOAT16:
      return { kind: "float", bits: 16 };
    case LogicalType.GEOMETRY:
      return { kind: "geometry" };
    case LogicalType.GEOGRAPHY:
      return { kind: "geography" };
    default:
      return undefined; // a member of a later format, or a group's annotation on a leaf
  }
}

function timeUnit(union: ThriftStruct | undefined): TimeUnit | undefined {
  return timeUnits.get(union?.fields[0]?.id ?? 0);
}

function integer(bits: number | undefined, signed: boolean): LeafType | undefined {
  return bits === 8 || bits === 16 || bits === 32 || bits === 64 ? { kind: "int", bits, signed } : undefined;
}

function decimal(precision: number | undefined, scale = 0): LeafType | undefined {
  if (precision === undefined || precision < 1 || precision > 76) return undefined;
  return scale >= 0 && scale <= precision ? { kind: "decimal", precision, scale } : undefined;
}

const convertedTypes = new Map<number, LeafType>([
  [ConvertedType.UTF8, { kind: "string" }],
  [ConvertedType.ENUM, { kind: "enum" }],
  [ConvertedType.DATE, { kind: "date" }],
  [ConvertedType.TIME_MILLIS, { kind: "time", unit: "ms", utc: true }],
  [ConvertedType.TIME_MICROS, { kind: "time", unit: "us", utc: true }],
  [ConvertedType.TIMESTAMP_MILLIS, { kind: "timestamp", unit: "ms", timezone: "UTC" }],
  [ConvertedType.TIMESTAMP_MICROS, { kind: "timestamp", unit: "us", timezone: "UTC" }],
  [ConvertedType.UINT_8, { kind: "int", bits: 8, signed: false }],
  [ConvertedType.UINT_16, { kind: "int", bits: 16, signed: false }],
  [ConvertedType.UINT_32, { kind: "int", bits: 32, signed: false }],
  [ConvertedType.UINT_64, { kind: "int", bits: 64, signed: false }],
  [ConvertedType.INT_8, { kind: "int", bits: 8, signed: true }],
  [ConvertedType.INT_16, { kind: "int", bits: 16, signed: true }],
  [ConvertedType.INT_32, { kind: "int", bits: 32, signed: true }],
  [ConvertedType.INT_64, { kind: "int", bits: 64, signed: true }],
  [ConvertedType.JSON, { kind: "json" }],
  [ConvertedType.BSON, { kind: "bson" }],
  [ConvertedType.INTERVAL, { kind: "interval" }],
]);

function fromConvertedType(element: ThriftStruct): LeafType | undefined {
  const converted = element.i32(SchemaElement.converted_type);
  if (converted === undefined) return undefined;
  if (converted === ConvertedType.DECIMAL) {
    return decimal(element.i32(SchemaElement.precision), element.i32(SchemaElement.scale));
  }
  return convertedTypes.get(converted);
}

/**
 * Sets the annotations of a leaf's element (logicalType, converted_type, and scale and precision of decimals) to
 * mean `type`, and leaves an element alone that already does, so that a coordinate system or a redundant
 * annotation survives. The physical type is not touched: set it before.
 */
export function annotate(element: ThriftStruct, type: LeafType): ThriftStruct {
  if (sameMeaning(leafTypeOf(element), type)) return element;
  element.setStruct(SchemaElement.logicalType, logicalTypeOf(type));
  element.setI32(SchemaElement.converted_type, convertedTypeOf(type));
  element.setI32(SchemaElement.scale, type.kind === "decimal" ? type.scale : undefined);
  element.setI32(SchemaElement.precision, type.kind === "decimal" ? type.precision : undefined);
  return element;
}

/** Equal as far as Parquet can tell: of a time zone it keeps only whether there is one. */
function sameMeaning(a: LeafType, b: LeafType): boolean {
  if (a.kind === "timestamp" && b.kind === "timestamp") {
    return a.unit === b.unit && (a.timezone === null) === (b.timezone === null);
  }
  return sameLeafType(a, b);
}

/** A complete schema element of a newly written leaf. */
export function leafElement(
  name: string,
  type: LeafType,
  options: { readonly nullable: boolean; readonly fieldId?: number },
): ThriftStruct {
  const { physicalType, typeLength } = storageOf(type);
  const { OPTIONAL, REQUIRED } = FieldRepetitionType;
  const element = new ThriftStruct()
    .setI32(SchemaElement.type, physicalTypes.indexOf(physicalType))
    .setI32(SchemaElement.type_length, typeLength)
    .setI32(SchemaElement.repetition_type, options.nullable ? OPTIONAL : REQUIRED)
    .setString(SchemaElement.name, name)
    .setI32(SchemaElement.field_id, options.fieldId);
  return annotate(element, type);
}

function union(member: number, value = new ThriftStruct()): ThriftStruct {
  return new ThriftStruct().setStruct(member, value);
}

function logicalTypeOf(type: LeafType): ThriftStruct | undefined {
  switch (type.kind) {
    case "int":
      // As Arrow does: the physical type alone says int32 and int64.
      if (type.signed && type.bits >= 32) return undefined;
      return union(
        LogicalType.INTEGER,
        new ThriftStruct()
          .set(IntType.bitWidth, thriftType.i8, type.bits)
          .setBool(IntType.isSigned, type.signed),
      );
    case "float":
      return type.bits === 16 ? union(LogicalType.FLOAT16) : undefined;
    case "decimal":
      return union(
        LogicalType.DECIMAL,
        new ThriftStruct()
          .setI32(DecimalType.scale, type.scale)
          .setI32(DecimalType.precision, type.precision),
      );
    case "time":
      return union(LogicalType.TIME, timeParameters(type.utc, type.unit));
    case "timestamp":
      return union(LogicalType.TIMESTAMP, timeParameters(type.timezone !== null, type.unit));
    case "string":
      return union(LogicalType.STRING);
    case "date":
      return union(LogicalType.DATE);
    case "json":
      return union(LogicalType.JSON);
    case "bson":
      return union(LogicalType.BSON);
    case "enum":
      return union(LogicalType.ENUM);
    case "uuid":
      return union(LogicalType.UUID);
    case "geometry":
      return union(LogicalType.GEOMETRY);
    case "geography":
      return union(LogicalType.GEOGRAPHY);
    case "null":
      return union(LogicalType.UNKNOWN);
    case "bool":
    case "binary":
    case "fixedBinary":
    case "interval": // has only its ConvertedType
      return undefined;
  }
}

/** TimeType and TimestampType have the same two fields. */
function timeParameters(isAdjustedToUTC: boolean, unit: TimeUnit): ThriftStruct {
  const member = { ms: TimeUnitField.MILLIS, us: TimeUnitField.MICROS, ns: TimeUnitField.NANOS }[unit];
  return new ThriftStruct()
    .setBool(TimeType.isAdjustedToUTC, isAdjustedToUTC)
    .setStruct(TimeType.unit, union(member));
}

/** The ConvertedType that writers must set beside the logical type, for old readers; local times get it too. */
function convertedTypeOf(type: LeafType): number | undefined {
  switch (type.kind) {
    case "int":
      if (type.signed && type.bits >= 32) return undefined;
      return (type.signed ? ConvertedType.INT_8 : ConvertedType.UINT_8) + Math.log2(type.bits / 8);
    case "decimal":
      return ConvertedType.DECIMAL;
    case "time":
      return { ms: ConvertedType.TIME_MILLIS, us: ConvertedType.TIME_MICROS, ns: undefined }[type.unit];
    case "timestamp":
      return { ms: ConvertedType.TIMESTAMP_MILLIS, us: ConvertedType.TIMESTAMP_MICROS, ns: undefined }[
        type.unit
      ];
    case "string":
      return ConvertedType.UTF8;
    case "date":
      return ConvertedType.DATE;
    case "json":
      return ConvertedType.JSON;
    case "bson":
      return ConvertedType.BSON;
    case "enum":
      return ConvertedType.ENUM;
    case "interval":
      return ConvertedType.INTERVAL;
    case "bool":
    case "float":
    case "binary":
    case "fixedBinary":
    case "uuid":
    case "geometry":
    case "geography":
    case "null":
      return undefined;
  }
}
