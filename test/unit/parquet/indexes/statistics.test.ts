import { describe, expect, test } from "vitest";
import type { LeafType, PhysicalType } from "../../../../src/parquet/leaf-type.ts";
import {
  BoundaryOrder,
  ColumnIndex,
  ColumnMetaData,
  OffsetIndex,
  PageLocation,
  SizeStatistics,
  Statistics,
} from "../../../../src/parquet/spec.ts";
import { decodeStruct } from "../../../../src/parquet/thrift/thrift-reader.ts";
import type { ThriftStruct } from "../../../../src/parquet/thrift/thrift.ts";
import { writeColumnChunk } from "../../../../src/parquet/chunks/write-chunk.ts";
import { columnOfRows, leafColumn, plainLayout, type Row, type Shape } from "../../../support/column-rows.ts";

const everything = { statistics: true, pageIndex: true, bloomFilter: false, sizeStatistics: true };

interface Written {
  readonly statistics: ThriftStruct;
  readonly columnIndex: ThriftStruct | undefined;
  readonly offsetIndex: ThriftStruct | undefined;
  readonly metadata: ThriftStruct;
}

async function write(
  rows: readonly Row[],
  type: LeafType,
  physicalType: PhysicalType,
  options: { typeLength?: number; shape?: Shape; pageRows?: number; dictionary?: "all" } = {},
): Promise<Written> {
  const column = leafColumn(options.shape ?? "optional", type, physicalType, options.typeLength);
  const layout = { ...plainLayout, dictionary: options.dictionary ?? ("none" as const) };
  const length = options.pageRows ?? rows.length;
  const pages = Array.from({ length: Math.ceil(rows.length / length) }, (_, i) => ({
    rows: Math.min(length, rows.length - i * length),
    entries: 0,
  }));
  const chunk = writeColumnChunk(columnOfRows(rows, column, layout, pages), column, everything);
  return {
    statistics: chunk.metadata.struct(ColumnMetaData.statistics) as ThriftStruct,
    columnIndex: chunk.columnIndex && decodeStruct(chunk.columnIndex),
    offsetIndex: chunk.offsetIndex,
    metadata: chunk.metadata,
  };
}

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const hex = (bytes: Uint8Array | undefined): string | undefined =>
  bytes && Buffer.from(bytes).toString("hex");
const hexes = (elements: readonly unknown[] = []): (string | undefined)[] =>
  elements.map((element) => hex(element as Uint8Array));
const f64 = (value: number): string | undefined => hex(new Uint8Array(Float64Array.of(value).buffer));

function bounds({ statistics }: Written): (string | undefined)[] {
  return [hex(statistics.binary(Statistics.min_value)), hex(statistics.binary(Statistics.max_value))];
}

describe("bounds follow the order of the logical type", () => {
  test.each<[string, Row[], LeafType, PhysicalType, number | undefined, string, string]>([
    [
      "int32 is signed",
      [5, -1, 3],
      { kind: "int", bits: 32, signed: true },
      "INT32",
      undefined,
      "ffffffff",
      "05000000",
    ],
    [
      "uint32 is not",
      [5, -1, 3],
      { kind: "int", bits: 32, signed: false },
      "INT32",
      undefined,
      "03000000",
      "ffffffff",
    ],
    [
      "uint64 is not signed",
      [5n, -1n],
      { kind: "int", bits: 64, signed: false },
      "INT64",
      undefined,
      "0500000000000000",
      "ffffffffffffffff",
    ],
    [
      "booleans have false below true",
      [true, false, null],
      { kind: "bool" },
      "BOOLEAN",
      undefined,
      "00",
      "01",
    ],
    [
      "strings go by unsigned bytes, and a prefix is smaller",
      [text("b"), text("é"), text("ba")],
      { kind: "string" },
      "BYTE_ARRAY",
      undefined,
      "62",
      "c3a9",
    ],
    [
      "decimals in fixed bytes are signed, most significant byte first",
      [Uint8Array.of(0, 1), Uint8Array.of(0xff, 0xff), Uint8Array.of(0x7f, 0)],
      { kind: "decimal", precision: 4, scale: 0 },
      "FIXED_LEN_BYTE_ARRAY",
      2,
      "ffff",
      "7f00",
    ],
    [
      "decimals in byte arrays compare across lengths",
      [Uint8Array.of(1), Uint8Array.of(0xff, 0x7f), Uint8Array.of(0x80), Uint8Array.of(0, 0x80)],
      { kind: "decimal", precision: 4, scale: 0 },
      "BYTE_ARRAY",
      undefined,
      "ff7f",
      "0080",
    ],
    [
      "float16 compares by the number it stands for",
      [
        Uint8Array.of(0x00, 0xbc),
        Uint8Array.of(0x00, 0x3c),
        Uint8Array.of(0x00, 0x7e),
        Uint8Array.of(0x00, 0xc0),
      ],
      { kind: "float", bits: 16 },
      "FIXED_LEN_BYTE_ARRAY",
      2,
      "00c0",
      "003c",
    ],
    [
      "uuids go by unsigned bytes",
      [new Uint8Array(16).fill(0x80), new Uint8Array(16).fill(0x7f)],
      { kind: "uuid" },
      "FIXED_LEN_BYTE_ARRAY",
      16,
      "7f".repeat(16),
      "80".repeat(16),
    ],
  ])("%s", async (_, rows, type, physicalType, typeLength, min, max) => {
    for (const dictionary of [undefined, "all"] as const) {
      const written = await write([...rows, ...rows, ...rows, ...rows], type, physicalType, {
        ...(typeLength === undefined ? {} : { typeLength }),
        ...(dictionary === undefined ? {} : { dictionary }),
      });
      expect(bounds(written)).toEqual([min, max]);
      expect(written.statistics.bool(Statistics.is_min_value_exact)).toBe(true);
      expect(written.columnIndex?.list(ColumnIndex.min_values)?.elements).toHaveLength(1);
    }
  });

  test.each<[string, LeafType, PhysicalType, number | undefined]>([
    ["INT96", { kind: "timestamp", unit: "ns", timezone: null }, "INT96", undefined],
    ["interval", { kind: "interval" }, "FIXED_LEN_BYTE_ARRAY", 12],
    ["geometry", { kind: "geometry" }, "BYTE_ARRAY", undefined],
  ])(
    "%s has no order, so it has no bounds and no column index",
    async (_, type, physicalType, typeLength) => {
      const rows = [new Uint8Array(12).fill(1), null];
      const written = await write(rows, type, physicalType, typeLength === undefined ? {} : { typeLength });
      expect(bounds(written)).toEqual([undefined, undefined]);
      expect(written.statistics.i64(Statistics.null_count)).toBe(1);
      expect(written.columnIndex).toBeUndefined();
      expect(written.offsetIndex?.structs(OffsetIndex.page_locations)).toHaveLength(1);
    },
  );
});

describe("floating point", () => {
  const double: LeafType = { kind: "float", bits: 64 };

  test("NaN is counted and is no bound", async () => {
    const written = await write([Number.NaN, 2, -1, Number.NaN], double, "DOUBLE", { shape: "required" });
    expect(bounds(written)).toEqual([f64(-1), f64(2)]);
    expect(written.statistics.i64(Statistics.nan_count)).toBe(2);
    expect(written.columnIndex?.list(ColumnIndex.nan_counts)?.elements).toEqual([2n]);
  });

  test("a page of NaN alone has no bounds, and so the chunk has no column index", async () => {
    const written = await write([1, Number.NaN], double, "DOUBLE", { pageRows: 1 });
    expect(bounds(written)).toEqual([f64(1), f64(1)]);
    expect(written.columnIndex).toBeUndefined();
  });

  test("zeros are -0 below and +0 above, and not exact where the sign was another", async () => {
    const written = await write([0, 0], double, "DOUBLE");
    expect(bounds(written)).toEqual([f64(-0), f64(0)]);
    expect(written.statistics.bool(Statistics.is_min_value_exact)).toBe(false);
    expect(written.statistics.bool(Statistics.is_max_value_exact)).toBe(true);
  });
});

describe("deprecated min and max", () => {
  test("are there where the order is signed and nowhere else", async () => {
    const signed = await write([1, 2], { kind: "date" }, "INT32");
    expect(hex(signed.statistics.binary(Statistics.max))).toBe("02000000");
    const strings = await write([text("a")], { kind: "string" }, "BYTE_ARRAY");
    expect(strings.statistics.has(Statistics.max)).toBe(false);
    const unsigned = await write([1], { kind: "int", bits: 8, signed: false }, "INT32");
    expect(unsigned.statistics.has(Statistics.min)).toBe(false);
  });
});

describe("long values", () => {
  const string: LeafType = { kind: "string" };

  test("the column index cuts text between characters and raises the upper bound", async () => {
    const written = await write([text("é".repeat(40))], string, "BYTE_ARRAY");
    const [min] = written.columnIndex?.list(ColumnIndex.min_values)?.elements ?? [];
    const [max] = written.columnIndex?.list(ColumnIndex.max_values)?.elements ?? [];
    expect(hex(min as Uint8Array)).toBe(hex(text("é".repeat(32))));
    expect(hex(max as Uint8Array)).toBe(hex(text(`${"é".repeat(31)}ê`)));
    // Statistics have room for it.
    expect(written.statistics.bool(Statistics.is_max_value_exact)).toBe(true);
    const longer = await write([text("x".repeat(2000))], string, "BYTE_ARRAY");
    expect(bounds(longer)).toEqual([hex(text("x".repeat(1024))), hex(text(`${"x".repeat(1023)}y`))]);
    expect(longer.statistics.bool(Statistics.is_max_value_exact)).toBe(false);
    expect(longer.statistics.bool(Statistics.is_min_value_exact)).toBe(false);
  });

  test("a character that has no successor is dropped and the one before it raised", async () => {
    const value = `${"a".repeat(57)}\u{d7ff}\u{10ffff}${"z".repeat(9)}`;
    const written = await write([text(value)], string, "BYTE_ARRAY");
    const [max] = written.columnIndex?.list(ColumnIndex.max_values)?.elements ?? [];
    expect(new TextDecoder().decode(max as Uint8Array)).toBe(`${"a".repeat(57)}\u{e000}`);
    const top = await write([text("\u{10ffff}".repeat(20))], string, "BYTE_ARRAY");
    expect(top.columnIndex).toBeUndefined();
  });

  test("a byte that has no successor is dropped and the one before it raised", async () => {
    const value = new Uint8Array(70).fill(0xff);
    value[0] = 7;
    const written = await write([value], { kind: "binary" }, "BYTE_ARRAY");
    const [max] = written.columnIndex?.list(ColumnIndex.max_values)?.elements ?? [];
    expect(hex(max as Uint8Array)).toBe("08");
    const all = await write([new Uint8Array(70).fill(0xff)], { kind: "binary" }, "BYTE_ARRAY");
    expect(all.columnIndex).toBeUndefined();
  });

  test("what a cut would make invalid is not cut: JSON and long fixed bytes have no bounds instead", async () => {
    const json = await write([text(`"${"a".repeat(100)}"`)], { kind: "json" }, "BYTE_ARRAY");
    expect(json.columnIndex).toBeUndefined();
    expect(json.statistics.bool(Statistics.is_max_value_exact)).toBe(true);
  });
});

describe("page index", () => {
  test("says where pages are, where their rows begin, and which are null", async () => {
    const rows = [1, 2, null, null, 3, 9];
    const written = await write(rows, { kind: "int", bits: 32, signed: true }, "INT32", { pageRows: 2 });
    const index = written.columnIndex;
    expect(index?.list(ColumnIndex.null_pages)?.elements).toEqual([2, 1, 2]);
    expect(index?.list(ColumnIndex.null_counts)?.elements).toEqual([0n, 2n, 0n]);
    expect(hexes(index?.list(ColumnIndex.min_values)?.elements)).toEqual(["01000000", "", "03000000"]);
    expect(index?.i32(ColumnIndex.boundary_order)).toBe(BoundaryOrder.ASCENDING);
    const locations = written.offsetIndex?.structs(OffsetIndex.page_locations) ?? [];
    expect(locations.map((location) => location.i64(PageLocation.first_row_index))).toEqual([0, 2, 4]);
    const ends = locations.map(
      (location) =>
        (location.i64(PageLocation.offset) ?? 0) + (location.i32(PageLocation.compressed_page_size) ?? 0),
    );
    expect(locations.map((location) => location.i64(PageLocation.offset)).slice(1)).toEqual(
      ends.slice(0, -1),
    );
    expect(ends.at(-1)).toBe(written.metadata.i64(ColumnMetaData.total_compressed_size));
  });

  test.each([
    [[3, 2, 1], BoundaryOrder.DESCENDING],
    [[1, 3, 2], BoundaryOrder.UNORDERED],
    [[1, 1, 1], BoundaryOrder.ASCENDING],
  ])("bounds of pages %j have order %d", async (rows, order) => {
    const type: LeafType = { kind: "int", bits: 32, signed: true };
    const written = await write(rows, type, "INT32", { pageRows: 1 });
    expect(written.columnIndex?.i32(ColumnIndex.boundary_order)).toBe(order);
  });

  test("size statistics count bytes and levels, over the chunk and per page", async () => {
    const rows = [[text("ab"), null], [], null, [text("cde")]];
    const written = await write(rows, { kind: "string" }, "BYTE_ARRAY", { shape: "list", pageRows: 2 });
    const sizes = written.metadata.struct(ColumnMetaData.size_statistics);
    expect(sizes?.i64(SizeStatistics.unencoded_byte_array_data_bytes)).toBe(5);
    expect(sizes?.list(SizeStatistics.repetition_level_histogram)?.elements).toEqual([4n, 1n]);
    expect(sizes?.list(SizeStatistics.definition_level_histogram)?.elements).toEqual([1n, 1n, 1n, 2n]);
    expect(written.offsetIndex?.list(OffsetIndex.unencoded_byte_array_data_bytes)?.elements).toEqual([
      2n,
      3n,
    ]);
    const index = written.columnIndex;
    expect(index?.list(ColumnIndex.definition_level_histograms)?.elements).toEqual([
      0n,
      1n,
      1n,
      1n,
      1n,
      0n,
      0n,
      1n,
    ]);
    expect(index?.list(ColumnIndex.repetition_level_histograms)?.elements).toEqual([2n, 1n, 2n, 0n]);
  });
});
