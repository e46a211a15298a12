import { describe, expect, test } from "vitest";
import { constantChunk } from "../../../../src/parquet/chunks/constant-chunk.ts";
import { ColumnMetaData, OffsetIndex, PageLocation, Statistics } from "../../../../src/parquet/spec.ts";
import { readColumnChunk } from "../../../../src/parquet/chunks/read-chunk.ts";
import { annotatedTypes, physicalTypes } from "../../../support/column-arbitraries.ts";
import { leafColumn, rowsOfColumn, type Shape, type Value, valuesOf } from "../../../support/column-rows.ts";
import { fileOfChunks, schemaOfColumn } from "../../../support/file-of-chunks.ts";
import { canonicalText, rowReaders } from "../../../support/read-rows.ts";

const bare = { statistics: false, pageIndex: false, bloomFilter: false, sizeStatistics: false };
const everything = { statistics: true, pageIndex: true, bloomFilter: false, sizeStatistics: true };

function sample(physicalType: string, typeLength = 0): Value {
  if (physicalType === "BOOLEAN") return true;
  if (physicalType === "INT64") return 7n;
  if (physicalType === "BYTE_ARRAY") return new TextEncoder().encode("unknown");
  return physicalType === "FIXED_LEN_BYTE_ARRAY" ? new Uint8Array(typeLength).fill(1) : 7;
}

describe.each([...physicalTypes, ...annotatedTypes])("a constant of $type in $physicalType", (stored) => {
  test.each<Shape>(["required", "optional", "list"])("is read by every reader: %s", async (shape) => {
    const column = leafColumn(shape, stored.type, stored.physicalType, stored.typeLength);
    const value = sample(stored.physicalType, stored.typeLength);
    for (const codec of ["UNCOMPRESSED", "ZSTD"] as const) {
      const chunk = constantChunk(valuesOf([value], column), column, 2000, everything, codec);
      const own = readColumnChunk(chunk.bytes, column, { codec, numValues: 2000 });
      const row = shape === "list" ? [value] : value;
      expect(new Set(rowsOfColumn(own, column).map(canonicalText))).toEqual(new Set([canonicalText(row)]));
      const file = fileOfChunks(schemaOfColumn(column), [{ rows: 2000, chunks: [chunk] }]);
      for (const read of Object.values(rowReaders)) {
        const rows = await read(file);
        expect(rows).toHaveLength(2000);
        expect(new Set(rows).size).toBe(1);
        expect(rows[0]).not.toContain("null");
      }
    }
  });
});

test("a null in every row is read as such by every reader, in flat columns and in absent lists", async () => {
  for (const shape of ["optional", "list"] as const) {
    const column = leafColumn(shape, { kind: "string" }, "BYTE_ARRAY");
    const chunk = constantChunk(valuesOf([], column), column, 1000, everything, "UNCOMPRESSED");
    expect(chunk.metadata.struct(ColumnMetaData.statistics)?.i64(Statistics.null_count)).toBe(1000);
    const file = fileOfChunks(schemaOfColumn(column), [{ rows: 1000, chunks: [chunk] }]);
    for (const read of Object.values(rowReaders)) {
      const rows = await read(file);
      expect(rows).toHaveLength(1000);
      expect(new Set(rows).size).toBe(1);
    }
  }
});

test("a million rows take about 50 bytes", async () => {
  const column = leafColumn("optional", { kind: "int", bits: 32, signed: true }, "INT32");
  const value = { kind: "int32", data: Int32Array.of(5) } as const;
  const chunk = constantChunk(value, column, 1_000_000, bare, "UNCOMPRESSED");
  expect(chunk.bytes.length).toBeLessThan(64);
});

test("no rows make a chunk that readers take", async () => {
  const column = leafColumn("optional", { kind: "int", bits: 32, signed: true }, "INT32");
  const value = { kind: "int32", data: Int32Array.of(5) } as const;
  const chunk = constantChunk(value, column, 0, everything, "UNCOMPRESSED");
  const full = constantChunk(value, column, 2, everything, "UNCOMPRESSED");
  const groups = [
    { rows: 0, chunks: [chunk] },
    { rows: 2, chunks: [full] },
  ];
  const file = fileOfChunks(schemaOfColumn(column), groups);
  for (const read of Object.values(rowReaders)) expect(await read(file)).toHaveLength(2);
});

test("rows beyond 2^31 - 1 go into several pages", async () => {
  const column = leafColumn("required", { kind: "int", bits: 32, signed: true }, "INT32");
  const value = { kind: "int32", data: Int32Array.of(5) } as const;
  const rows = 5_000_000_000;
  const chunk = constantChunk(value, column, rows, everything, "UNCOMPRESSED");
  expect(chunk.metadata.i64(ColumnMetaData.num_values)).toBe(rows);
  const locations = chunk.offsetIndex?.structs(OffsetIndex.page_locations) ?? [];
  expect(locations.map((location) => location.i64(PageLocation.first_row_index))).toEqual([
    0,
    2 ** 31 - 1,
    2 * (2 ** 31 - 1),
  ]);
});
