import { DuckDBBlobValue, DuckDBInstance, DuckDBListValue } from "@duckdb/node-api";
import * as fc from "fast-check";
import { parquetReadObjects } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { codecs } from "../../src/parquet/values/column-data.ts";
import { readColumnChunk } from "../../src/parquet/chunks/read-chunk.ts";
import { ColumnMetaData, Statistics } from "../../src/parquet/spec.ts";
import { writeColumnChunk } from "../../src/parquet/chunks/write-chunk.ts";
import { annotatedTypes, columns, extras, physicalTypes } from "../support/column-arbitraries.ts";
import { rowsOfColumn } from "../support/column-rows.ts";
import { fileOfChunks, schemaOfColumn } from "../support/file-of-chunks.ts";
import { canonicalText } from "../support/read-rows.ts";

const folder = mkdtempSync(join(tmpdir(), "colonnade-chunks-"));
let files = 0;
let database: DuckDBInstance;

beforeAll(async () => {
  database = await DuckDBInstance.create(":memory:", { threads: "1" });
});
afterAll(() => {
  database.closeSync();
  rmSync(folder, { recursive: true });
});

/** A name of its own for every file: DuckDB remembers what it read under a name, and may not notice that it was written anew. */
function writeFile(content: Uint8Array): string {
  files += 1;
  const path = join(folder, `chunk-${files}.parquet`);
  writeFileSync(path, content);
  return path;
}

async function query(sql: string): Promise<unknown[][]> {
  const connection = await database.connect();
  try {
    return (await connection.runAndReadAll(sql)).getRows();
  } finally {
    connection.closeSync();
  }
}

function native(value: unknown): unknown {
  if (value instanceof DuckDBListValue) return value.items.map(native);
  if (value instanceof DuckDBBlobValue) return new Uint8Array(value.bytes);
  return value;
}

test("what is written is read back: levels, values, pages, by our own reader", async () => {
  await fc.assert(
    fc.asyncProperty(
      columns([...physicalTypes, ...annotatedTypes]),
      extras,
      async ({ column, data, rows }, wanted) => {
        const chunk = writeColumnChunk(data, column, wanted);
        const codec = codecs[chunk.metadata.i32(ColumnMetaData.codec) ?? -1] ?? "LZO";
        const numValues = chunk.metadata.i64(ColumnMetaData.num_values) ?? -1;
        const again = readColumnChunk(chunk.bytes, column, { codec, numValues });
        expect(again.values).toEqual(data.values);
        expect(again.definitionLevels).toEqual(data.definitionLevels);
        expect(again.repetitionLevels).toEqual(data.repetitionLevels);
        expect(again.rows).toBe(rows.length);
        expect(rowsOfColumn(again, column)).toEqual(rows);
        expect(again.pages).toEqual(data.pages.length > 0 ? data.pages : again.pages);
        const repeated = writeColumnChunk(data, column, wanted);
        expect(repeated).toEqual(chunk);
      },
    ),
    { numRuns: 300 },
  );
});

test("what is written is read by DuckDB and hyparquet as the same values", async () => {
  await fc.assert(
    fc.asyncProperty(columns(physicalTypes), extras, async ({ column, data, rows }, wanted) => {
      const chunk = writeColumnChunk(data, column, wanted);
      const file = fileOfChunks(schemaOfColumn(column), [{ rows: rows.length, chunks: [chunk] }]);
      const expected = rows.map((row) => canonicalText(row));
      const path = writeFile(file);
      const duckdb = await query(`SELECT c FROM read_parquet('${path}')`);
      expect(duckdb.map(([value]) => canonicalText(native(value)))).toEqual(expected);
      // It leaves null lists out of its rows, and empty ones of a repeated field that is no LIST.
      const absent = column.path.length === 1 && column.maxRepetitionLevel > 0 ? [] : null;
      const options = { file: file.buffer, compressors, utf8: false };
      const objects = await parquetReadObjects(options);
      expect(objects.map((row) => canonicalText(row["c"] ?? absent))).toEqual(expected);
    }),
    { numRuns: 150 },
  );
});

test("DuckDB finds each value through statistics, page index and Bloom filter, and the bounds are its own", async () => {
  const types = annotatedTypes.filter(({ type }) => type.kind !== "string");
  await fc.assert(
    fc.asyncProperty(columns(types, ["required", "optional"]), async ({ column, data, rows }) => {
      const all = { statistics: true, pageIndex: true, bloomFilter: true, sizeStatistics: true };
      const chunk = writeColumnChunk(data, column, all);
      const path = writeFile(fileOfChunks(schemaOfColumn(column), [{ rows: rows.length, chunks: [chunk] }]));
      const statistics = chunk.metadata.struct(ColumnMetaData.statistics);
      const nulls = rows.filter((row) => row === null).length;
      expect(statistics?.i64(Statistics.null_count)).toBe(nulls);
      expect(statistics?.has(Statistics.min_value)).toBe(nulls < rows.length);
      const [bounds] = await query(`SELECT min(c)::VARCHAR, max(c)::VARCHAR FROM read_parquet('${path}')`);
      const [stored] = await query(
        `SELECT stats_min_value, stats_max_value FROM parquet_metadata('${path}') LIMIT 1`,
      );
      expect(stored).toEqual(nulls < rows.length ? bounds : stored);
      const [lost] = await query(
        `SELECT count(*) FROM (SELECT DISTINCT c FROM read_parquet('${path}') WHERE c IS NOT NULL) v
         WHERE NOT EXISTS (SELECT 1 FROM read_parquet('${path}') f WHERE f.c = v.c)`,
      );
      expect(lost).toEqual([0n]);
    }),
    { numRuns: 80 },
  );
});
