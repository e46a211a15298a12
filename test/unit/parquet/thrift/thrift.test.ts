import { describe, expect, test } from "vitest";
import { decodeStruct, ThriftReader } from "../../../../src/parquet/thrift/thrift-reader.ts";
import { encodeStruct, ThriftWriter } from "../../../../src/parquet/thrift/thrift-writer.ts";
import { ThriftStruct, thriftType } from "../../../../src/parquet/thrift/thrift.ts";
import { thrownCode } from "../../../support/thrown-code.ts";

const int64Edges = [
  0n,
  -1n,
  63n,
  -64n,
  2n ** 27n,
  -(2n ** 28n),
  2n ** 47n - 1n,
  2n ** 47n,
  2n ** 48n,
  -(2n ** 48n) - 1n,
  2n ** 53n - 2n,
  2n ** 62n,
  2n ** 63n - 1n,
  -(2n ** 63n),
];

test.each(int64Edges)("an i64 of %s comes back", (value) => {
  const writer = new ThriftWriter();
  writer.zigzag64(value);
  const reader = new ThriftReader(writer.finish());
  expect(reader.zigzag64()).toBe(value);
  expect(reader.position).toBe(writer.length);
});

test.each(int64Edges)("an i64 of %s is a safe integer or an error", (value) => {
  const writer = new ThriftWriter();
  writer.zigzag64(value);
  let read: number | undefined;
  const code = thrownCode(() => {
    read = new ThriftReader(writer.finish()).safeInteger();
  });
  const isSafe = value < 2n ** 53n - 1n && value > -(2n ** 53n);
  expect([code, read]).toEqual(isSafe ? ["none", Number(value)] : ["THRIFT_MALFORMED", undefined]);
});

test("the bytes are those of the compact protocol", () => {
  const struct = new ThriftStruct()
    .setI32(1, -1)
    .setBool(3, true)
    .setBool(4, false)
    .setString(20, "é")
    .set(21, thriftType.list, { elementType: thriftType.i32, elements: [1, 150] });
  const expected = [0x15, 0x01, 0x21, 0x12, 0x08, 0x28, 0x02, 0xc3, 0xa9, 0x19, 0x25, 0x02, 0xac, 0x02, 0x00];
  expect([...encodeStruct(struct)]).toEqual(expected);
  expect(decodeStruct(encodeStruct(struct))).toEqual(struct);
});

test("setting a field inserts it in the order of ids, replaces it in place, and removes it", () => {
  const struct = new ThriftStruct().setI32(5, 1).setI32(2, 1).setI32(9, 1);
  expect(struct.fields.map((field) => field.id)).toEqual([2, 5, 9]);
  struct.setI32(5, 7).setI32(2, undefined).setI32(4, undefined);
  expect(struct.fields.map((field) => [field.id, field.value])).toEqual([
    [5, 7],
    [9, 1],
  ]);
});

test("a clone can be set without changing its original", () => {
  const original = new ThriftStruct().setI32(1, 1);
  original.clone().setI32(1, 2).setI32(2, 3);
  expect(original).toEqual(new ThriftStruct().setI32(1, 1));
});

test("a field of another type than asked for is an error, not a guess", () => {
  const struct = decodeStruct(encodeStruct(new ThriftStruct().setString(1, "1").setI32(2, 1)));
  for (const read of [
    () => struct.i32(1),
    () => struct.i64(2),
    () => struct.struct(1),
    () => struct.list(2),
  ]) {
    expect(thrownCode(read)).toBe("THRIFT_MALFORMED");
  }
});

describe("hostile bytes end in a typed error", () => {
  const malformed: [string, number[]][] = [
    ["no stop", [0x15, 0x02]],
    ["nothing", []],
    ["a varint without end", [0x16, ...Array.from({ length: 20 }, () => 0xff)]],
    ["a string longer than the input", [0x18, 0x7f, 0x61, 0x00]],
    ["a list of four billion", [0x19, 0xfc, 0xff, 0xff, 0xff, 0xff, 0x0f]],
    ["a map of four billion", [0x1b, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x55]],
    ["an unknown wire type", [0x1e, 0x00]],
    ["structs in structs without end", Array.from({ length: 5000 }, () => 0x1c)],
    ["lists in lists without end", [0x19, ...Array.from({ length: 5000 }, () => 0x19)]],
    ["a field twice", [0x15, 0x02, 0x05, 0x02, 0x02, 0x00]],
  ];

  test.each(malformed)("%s", (name, bytes) => {
    expect(thrownCode(() => decodeStruct(Uint8Array.from(bytes)))).toBe("THRIFT_MALFORMED");
    const skip = () => new ThriftReader(Uint8Array.from(bytes)).skip(thriftType.struct);
    expect(thrownCode(skip)).toBe(name === "a field twice" ? "none" : "THRIFT_MALFORMED");
  });

  test("millions of empty structs are refused before they take memory", () => {
    const bytes = new Uint8Array(6_000_000);
    bytes.set([0x19, 0xfc, 0x80, 0xda, 0xc4, 0x02]); // field 1: a list of 5,319,936 structs
    expect(thrownCode(() => decodeStruct(bytes))).toBe("THRIFT_MALFORMED");
    const reader = new ThriftReader(bytes);
    reader.skip(thriftType.struct);
    expect(reader.position).toBeGreaterThan(5_000_000);
  });
});
