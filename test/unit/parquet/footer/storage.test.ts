import { expect, test } from "vitest";
import { formatLeafType, type LeafType, parseLeafType } from "../../../../src/parquet/leaf-type.ts";
import {
  ConvertedType,
  DecimalType,
  LogicalType,
  SchemaElement,
  Type,
} from "../../../../src/parquet/spec.ts";
import { annotate, leafElement, leafTypeOf } from "../../../../src/parquet/footer/schema-element.ts";
import { canStore, storageOf } from "../../../../src/parquet/footer/storage.ts";
import { ThriftStruct } from "../../../../src/parquet/thrift/thrift.ts";

function typeNamed(text: string): LeafType {
  const type = parseLeafType(text);
  if ("error" in type) throw new Error(type.error);
  return type;
}

function element(type: number, typeLength?: number): ThriftStruct {
  return new ThriftStruct()
    .setI32(SchemaElement.type, type)
    .setI32(SchemaElement.type_length, typeLength)
    .setI32(SchemaElement.repetition_type, 1)
    .setString(SchemaElement.name, "x");
}

function union(member: number, value = new ThriftStruct()): ThriftStruct {
  return new ThriftStruct().setStruct(member, value);
}

/** Type, length, ConvertedType and the member of LogicalType, as parquet-cpp-arrow writes them. */
const written: [string, number, number | undefined, number | undefined, number | undefined][] = [
  ["bool", Type.BOOLEAN, undefined, undefined, undefined],
  ["int8", Type.INT32, undefined, ConvertedType.INT_8, LogicalType.INTEGER],
  ["int16", Type.INT32, undefined, ConvertedType.INT_16, LogicalType.INTEGER],
  ["int32", Type.INT32, undefined, undefined, undefined],
  ["int64", Type.INT64, undefined, undefined, undefined],
  ["uint8", Type.INT32, undefined, ConvertedType.UINT_8, LogicalType.INTEGER],
  ["uint16", Type.INT32, undefined, ConvertedType.UINT_16, LogicalType.INTEGER],
  ["uint32", Type.INT32, undefined, ConvertedType.UINT_32, LogicalType.INTEGER],
  ["uint64", Type.INT64, undefined, ConvertedType.UINT_64, LogicalType.INTEGER],
  ["float16", Type.FIXED_LEN_BYTE_ARRAY, 2, undefined, LogicalType.FLOAT16],
  ["float32", Type.FLOAT, undefined, undefined, undefined],
  ["float64", Type.DOUBLE, undefined, undefined, undefined],
  ["decimal128(9, 2)", Type.INT32, undefined, ConvertedType.DECIMAL, LogicalType.DECIMAL],
  ["decimal128(18, 2)", Type.INT64, undefined, ConvertedType.DECIMAL, LogicalType.DECIMAL],
  ["decimal128(19, 2)", Type.FIXED_LEN_BYTE_ARRAY, 9, ConvertedType.DECIMAL, LogicalType.DECIMAL],
  ["decimal128(38, 2)", Type.FIXED_LEN_BYTE_ARRAY, 16, ConvertedType.DECIMAL, LogicalType.DECIMAL],
  ["decimal256(76, 2)", Type.FIXED_LEN_BYTE_ARRAY, 32, ConvertedType.DECIMAL, LogicalType.DECIMAL],
  ["string", Type.BYTE_ARRAY, undefined, ConvertedType.UTF8, LogicalType.STRING],
  ["binary", Type.BYTE_ARRAY, undefined, undefined, undefined],
  ["fixed_size_binary(5)", Type.FIXED_LEN_BYTE_ARRAY, 5, undefined, undefined],
  ["date32", Type.INT32, undefined, ConvertedType.DATE, LogicalType.DATE],
  ["time32[ms]", Type.INT32, undefined, ConvertedType.TIME_MILLIS, LogicalType.TIME],
  ["time64[us, utc]", Type.INT64, undefined, ConvertedType.TIME_MICROS, LogicalType.TIME],
  ["time64[ns]", Type.INT64, undefined, undefined, LogicalType.TIME],
  ["timestamp[ms, tz=UTC]", Type.INT64, undefined, ConvertedType.TIMESTAMP_MILLIS, LogicalType.TIMESTAMP],
  ["timestamp[us]", Type.INT64, undefined, ConvertedType.TIMESTAMP_MICROS, LogicalType.TIMESTAMP],
  ["timestamp[ns]", Type.INT64, undefined, undefined, LogicalType.TIMESTAMP],
  ["json", Type.BYTE_ARRAY, undefined, ConvertedType.JSON, LogicalType.JSON],
  ["bson", Type.BYTE_ARRAY, undefined, ConvertedType.BSON, LogicalType.BSON],
  ["enum", Type.BYTE_ARRAY, undefined, ConvertedType.ENUM, LogicalType.ENUM],
  ["uuid", Type.FIXED_LEN_BYTE_ARRAY, 16, undefined, LogicalType.UUID],
  ["interval", Type.FIXED_LEN_BYTE_ARRAY, 12, ConvertedType.INTERVAL, undefined],
  ["geometry", Type.BYTE_ARRAY, undefined, undefined, LogicalType.GEOMETRY],
  ["geography", Type.BYTE_ARRAY, undefined, undefined, LogicalType.GEOGRAPHY],
  ["null", Type.INT32, undefined, undefined, LogicalType.UNKNOWN],
];

test.each(written)("%s is written as its physical type with both annotations, and read back", (...row) => {
  const [text, type, typeLength, converted, logical] = row;
  const made = leafElement("x", typeNamed(text), { nullable: true, fieldId: 7 });
  expect(made.i32(SchemaElement.type)).toBe(type);
  expect(made.i32(SchemaElement.type_length)).toBe(typeLength);
  expect(made.i32(SchemaElement.converted_type)).toBe(converted);
  expect(made.struct(SchemaElement.logicalType)?.fields[0]?.id).toBe(logical);
  expect(formatLeafType(leafTypeOf(made))).toBe(text);
  expect(canStore(storageOf(typeNamed(text)), typeNamed(text))).toBe(true);
});

test("the bytes of a decimal are the fewest that hold its digits", () => {
  for (let precision = 19; precision <= 76; precision += 1) {
    const bytes = storageOf({ kind: "decimal", precision, scale: 0 }).typeLength ?? 0;
    const largest = 10n ** BigInt(precision) - 1n;
    expect(2n ** BigInt(8 * bytes - 1) - 1n >= largest).toBe(true);
    expect(2n ** BigInt(8 * bytes - 9) - 1n >= largest).toBe(false);
    const fits = (digits: number) =>
      canStore(
        { physicalType: "FIXED_LEN_BYTE_ARRAY", typeLength: bytes },
        { kind: "decimal", precision: digits, scale: 0 },
      );
    expect(fits(precision)).toBe(true);
    expect(fits(precision + 3)).toBe(false);
  }
});

test("a ConvertedType alone means the type that LogicalTypes.md gives it", () => {
  const converted = (type: number, number: number) =>
    formatLeafType(leafTypeOf(element(type).setI32(SchemaElement.converted_type, number)));
  expect(converted(Type.BYTE_ARRAY, ConvertedType.UTF8)).toBe("string");
  expect(converted(Type.INT32, ConvertedType.TIME_MILLIS)).toBe("time32[ms, utc]");
  expect(converted(Type.INT64, ConvertedType.TIMESTAMP_MICROS)).toBe("timestamp[us, tz=UTC]");
  const decimal = element(Type.BYTE_ARRAY).setI32(SchemaElement.converted_type, ConvertedType.DECIMAL);
  expect(formatLeafType(leafTypeOf(decimal.setI32(SchemaElement.precision, 4)))).toBe("decimal128(4, 0)");
});

test("INT96 is a local timestamp in nanoseconds, as in Arrow", () => {
  expect(formatLeafType(leafTypeOf(element(Type.INT96)))).toBe("timestamp[ns]");
});

test("an unknown LogicalType, or one that the physical type cannot carry, leaves the physical type", () => {
  const unknown = element(Type.BYTE_ARRAY).setStruct(SchemaElement.logicalType, union(2555));
  expect(leafTypeOf(unknown)).toEqual({ kind: "binary" });
  const misplaced = element(Type.DOUBLE).setStruct(SchemaElement.logicalType, union(LogicalType.STRING));
  expect(leafTypeOf(misplaced)).toEqual({ kind: "float", bits: 64 });
  const shortUuid = element(Type.FIXED_LEN_BYTE_ARRAY, 15);
  expect(leafTypeOf(shortUuid.setStruct(SchemaElement.logicalType, union(LogicalType.UUID)))).toEqual({
    kind: "fixedBinary",
    bytes: 15,
  });
});

test("a decimal that claims more digits than its storage holds keeps its scale", () => {
  const parameters = new ThriftStruct().setI32(DecimalType.scale, 4).setI32(DecimalType.precision, 20);
  const logical = new ThriftStruct().setStruct(LogicalType.DECIMAL, parameters);
  const claimed = element(Type.INT64).setStruct(SchemaElement.logicalType, logical);
  expect(leafTypeOf(claimed)).toEqual({ kind: "decimal", precision: 20, scale: 4 });
});

test("annotating with the type that an element already has keeps its coordinate system", () => {
  const crs = new ThriftStruct().setString(1, "srid:5070");
  const geometry = element(Type.BYTE_ARRAY).setStruct(
    SchemaElement.logicalType,
    new ThriftStruct().setStruct(LogicalType.GEOMETRY, crs),
  );
  annotate(geometry, { kind: "geometry" });
  expect(geometry.struct(SchemaElement.logicalType)?.struct(LogicalType.GEOMETRY)?.string(1)).toBe(
    "srid:5070",
  );
});

test("a time zone by name is adjusted to UTC already: no annotation changes", () => {
  const made = leafElement("x", typeNamed("timestamp[us, tz=Asia/Tokyo]"), { nullable: false });
  const before = made.struct(SchemaElement.logicalType);
  annotate(made, typeNamed("timestamp[us, tz=UTC]"));
  expect(made.struct(SchemaElement.logicalType)).toBe(before);
});

test("annotating with another type leaves nothing of the old annotation", () => {
  const decimal = leafElement("x", typeNamed("decimal128(5, 2)"), { nullable: false });
  annotate(decimal, typeNamed("int32"));
  expect(decimal.fields.map((field) => field.id)).toEqual([
    SchemaElement.type,
    SchemaElement.repetition_type,
    SchemaElement.name,
  ]);
});

test("a physical type that does not exist is a data error", () => {
  expect(() => leafTypeOf(element(8))).toThrow(expect.objectContaining({ code: "SCHEMA_MALFORMED" }));
  expect(() => leafTypeOf(element(Type.FIXED_LEN_BYTE_ARRAY))).toThrow(
    expect.objectContaining({ code: "SCHEMA_MALFORMED" }),
  );
});
