import { expect, test } from "vitest";
import type { LeafType, PhysicalType } from "../../../../src/parquet/leaf-type.ts";
import { BloomFilterHeader } from "../../../../src/parquet/spec.ts";
import { decodeStruct } from "../../../../src/parquet/thrift/thrift-reader.ts";
import { writeColumnChunk } from "../../../../src/parquet/chunks/write-chunk.ts";
import { columnOfRows, leafColumn, plainLayout, type Row } from "../../../support/column-rows.ts";
import { fileOfChunks, schemaOfColumn } from "../../../support/file-of-chunks.ts";
import { queryFile } from "../../../support/read-rows.ts";

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const wanted = { statistics: false, pageIndex: false, bloomFilter: true, sizeStatistics: false };

test.each<[string, LeafType, PhysicalType, (i: number) => Row, (i: number) => string]>([
  ["int32", { kind: "int", bits: 32, signed: true }, "INT32", (i) => i * 3, (i) => `${i}::INTEGER`],
  ["int64", { kind: "int", bits: 64, signed: true }, "INT64", (i) => BigInt(i * 3), (i) => `${i}::BIGINT`],
  ["double", { kind: "float", bits: 64 }, "DOUBLE", (i) => i * 3, (i) => `${i}::DOUBLE`],
  ["string", { kind: "string" }, "BYTE_ARRAY", (i) => text(`value ${i * 3}`), (i) => `'value ${i}'`],
])("DuckDB probes a Bloom filter of %s values", async (_, type, physicalType, valueOf, literal) => {
  const column = leafColumn("optional", type, physicalType);
  for (const dictionary of ["all", "none"] as const) {
    const rows = Array.from({ length: 3000 }, (_, i) => (i % 7 === 0 ? null : valueOf(i % 300)));
    const data = columnOfRows(rows, column, { ...plainLayout, dictionary });
    const chunk = writeColumnChunk(data, column, wanted);
    const file = fileOfChunks(schemaOfColumn(column), [{ rows: rows.length, chunks: [chunk] }]);
    const excludes = async (i: number): Promise<boolean> => {
      const found = await queryFile(file, `SELECT * FROM parquet_bloom_probe('{file}', 'c', ${literal(i)})`);
      return found.every((row) => row["bloom_filter_excludes"] === true);
    };
    for (const i of [3, 6, 300, 897]) expect(await excludes(i)).toBe(false);
    const absent = [1, 2, 4, 5, 10_001, 10_002, 10_003, 10_004];
    const excluded = await Promise.all(absent.map(excludes));
    expect(excluded.filter(Boolean).length).toBeGreaterThanOrEqual(7);
  }
});

test("the filter is as large as the source's was, or as its values need", async () => {
  const column = leafColumn("required", { kind: "int", bits: 32, signed: true }, "INT32");
  const data = columnOfRows([1, 2, 3], column);
  const sizeOf = async (bloomFilterBytes?: number): Promise<number | undefined> => {
    const extras = bloomFilterBytes === undefined ? wanted : { ...wanted, bloomFilterBytes };
    const { bloomFilter } = writeColumnChunk(data, column, extras);
    return bloomFilter && decodeStruct(bloomFilter).i32(BloomFilterHeader.numBytes);
  };
  expect(await sizeOf()).toBe(32);
  expect(await sizeOf(1024 + 15)).toBe(1024);
  expect(await sizeOf(96 + 13)).toBe(96);
});
