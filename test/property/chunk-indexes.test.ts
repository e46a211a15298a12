import * as fc from "fast-check";
import { parquetReadObjects } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { expect, test } from "vitest";
import { writeColumnChunk } from "../../src/parquet/chunks/write-chunk.ts";
import { columns, physicalTypes } from "../support/column-arbitraries.ts";
import { fileOfChunks, schemaOfColumn } from "../support/file-of-chunks.ts";
import { canonicalText } from "../support/read-rows.ts";

const everything = { statistics: true, pageIndex: true, bloomFilter: true, sizeStatistics: true };
const numbers = physicalTypes.filter(({ type }) => type.kind === "int" || type.kind === "float");

test("a reader that skips pages by their bounds and chunks by Bloom filters misses no row", async () => {
  await fc.assert(
    fc.asyncProperty(columns(numbers, ["required", "optional"]), fc.nat(), async (generated, pick) => {
      const { column, data, rows } = generated;
      const wanted = rows.filter((row) => row !== null && !Number.isNaN(row));
      fc.pre(wanted.length > 0);
      const value = wanted[pick % wanted.length] as number | bigint;
      const chunk = writeColumnChunk(data, column, everything);
      const file = fileOfChunks(schemaOfColumn(column), [{ rows: rows.length, chunks: [chunk] }]).buffer;
      const skipping = { file, compressors, usePageIndex: true, useBloomFilters: true };
      const count = async (filter: Record<string, unknown>): Promise<number> =>
        (await parquetReadObjects({ ...skipping, filter: { c: filter } })).length;
      expect(await count({ $eq: value })).toBe(wanted.filter((row) => row === value).length);
      expect(await count({ $gt: value })).toBe(wanted.filter((row) => (row as number) > value).length);
      expect(await count({ $lte: value })).toBe(wanted.filter((row) => (row as number) <= value).length);
    }),
    { numRuns: 200 },
  );
});

test("a reader that goes to rows by the offset index finds them", async () => {
  await fc.assert(
    fc.asyncProperty(
      columns(physicalTypes, ["required", "optional"]),
      fc.nat(),
      fc.nat(),
      async (generated, a, b) => {
        const { column, data, rows } = generated;
        const [rowStart, rowEnd] = [a % (rows.length + 1), b % (rows.length + 1)].toSorted((x, y) => x - y);
        const chunk = writeColumnChunk(data, column, everything);
        const file = fileOfChunks(schemaOfColumn(column), [{ rows: rows.length, chunks: [chunk] }]).buffer;
        const options = { file, compressors, utf8: false, useOffsetIndex: true };
        const found = await parquetReadObjects({ ...options, rowStart: rowStart ?? 0, rowEnd: rowEnd ?? 0 });
        const expected = rows.slice(rowStart, rowEnd).map((row) => canonicalText(row));
        expect(found.map((row) => canonicalText(row["c"] ?? null))).toEqual(expected);
      },
    ),
    { numRuns: 200 },
  );
});
