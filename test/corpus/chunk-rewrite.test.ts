import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { ColonnadeError } from "../../src/base/errors.ts";
import { chunkByteRange } from "../../src/parquet/footer/chunk-range.ts";
import type { ColumnData, WrittenChunk } from "../../src/parquet/values/column-data.ts";
import { readColumnChunk } from "../../src/parquet/chunks/read-chunk.ts";
import { writeColumnChunk } from "../../src/parquet/chunks/write-chunk.ts";
import { corpusFiles } from "../support/corpus.ts";
import { fileOfChunks, type RowGroupOfChunks } from "../support/file-of-chunks.ts";
import { type OpenFile, openParquet } from "../support/read-file-chunks.ts";
import { type RowReader, rowReaders } from "../support/read-rows.ts";

/** Files of the corpus that are broken on purpose, or that go beyond a limit, and what we say about them. */
const refused: Readonly<Record<string, string>> = {
  "datapage_v1-corrupt-checksum.parquet": "PAGE_CHECKSUM",
  "rle-dict-uncompressed-corrupt-checksum.parquet": "PAGE_CHECKSUM",
  "large_string_map.brotli.parquet": "CHUNK_TOO_LARGE",
};

const limits = { pageBytesMax: 2 ** 28, chunkBytesMax: 2 ** 30 };
const everything = { statistics: true, pageIndex: true, bloomFilter: true, sizeStatistics: true };

async function readAll(file: OpenFile): Promise<{ rows: number; columns: ColumnData[] }[]> {
  const groups: { rows: number; columns: ColumnData[] }[] = [];
  for (const [rowGroup, { rows }] of file.footer.rowGroups.entries()) {
    const columns: ColumnData[] = [];
    for (const leaf of file.footer.leaves) {
      const facts = file.footer.chunkFacts(rowGroup, leaf.leafIndex);
      const { start, end } = chunkByteRange(facts, file.bytes.length);
      columns.push(readColumnChunk(file.bytes.subarray(start, end), leaf.column, facts, limits));
    }
    groups.push({ rows, columns });
  }
  return groups;
}

/** The whole file with every chunk decoded and encoded anew. */
async function rewrite(file: OpenFile, relaid: (data: ColumnData) => ColumnData): Promise<Uint8Array> {
  const groups: RowGroupOfChunks[] = [];
  for (const { rows, columns } of await readAll(file)) {
    const chunks: WrittenChunk[] = [];
    for (const [index, data] of columns.entries()) {
      const column = file.footer.leaves[index]?.column;
      if (column === undefined) throw new Error("a column chunk without a leaf");
      expect(data.rows).toBe(rows);
      chunks.push(writeColumnChunk(relaid(data), column, everything));
    }
    groups.push({ rows, chunks });
  }
  return fileOfChunks(file.footer.schema, groups);
}

/** The other layout: version, dictionary, codec and page boundaries are not the source's. */
function relay(data: ColumnData): ColumnData {
  const { layout } = data;
  return {
    ...data,
    pages: [],
    layout: {
      codec: layout.codec === "ZSTD" ? "SNAPPY" : "ZSTD",
      dataPageVersion: layout.dataPageVersion === 1 ? 2 : 1,
      dictionary: layout.dictionary === "none" ? "all" : "none",
      pageChecksums: true,
    },
  };
}

async function rowsOrUndefined(read: RowReader, bytes: Uint8Array): Promise<string[] | undefined> {
  try {
    return await read(bytes);
  } catch {
    return undefined;
  }
}

const readable = corpusFiles("data").filter(({ name }) => !name.endsWith(".encrypted") && !(name in refused));

describe.skipIf(readable.length === 0)("every readable file of the corpus", () => {
  test.each(readable)("$name, all chunks written anew, reads the same in other readers", async ({ path }) => {
    const original = new Uint8Array(readFileSync(path));
    const file = openParquet(original);
    const rewritten = await rewrite(file, (data) => data);
    const relaid = await rewrite(file, relay);
    let readers = 0;
    for (const [reader, read] of Object.entries(rowReaders)) {
      const expected = await rowsOrUndefined(read, original);
      // Readers give up on some files, and one stops at a row count that is wrong in the footer.
      if (expected?.length !== file.footer.rows) continue;
      readers += 1;
      expect(await read(rewritten), `${reader} reads the mirrored layout`).toEqual(expected);
      expect(await read(relaid), `${reader} reads another layout`).toEqual(expected);
    }
    expect(readers).toBeGreaterThan(0);
  });

  test.each(readable)("$name keeps pages, levels and values through our own reader", async ({ path }) => {
    const file = openParquet(path);
    const before = await readAll(file);
    const after = await readAll(openParquet(await rewrite(file, (data) => data)));
    for (const [rowGroup, { columns }] of before.entries()) {
      for (const [index, data] of columns.entries()) {
        const again = after[rowGroup]?.columns[index];
        expect(again?.values).toEqual(data.values);
        expect(again?.definitionLevels).toEqual(data.definitionLevels);
        expect(again?.repetitionLevels).toEqual(data.repetitionLevels);
        const rows = data.pages.map((page) => page.rows).filter((count) => count > 0);
        // A chunk without rows has one page, which a page without rows is not worth keeping.
        expect(again?.pages.map((page) => page.rows)).toEqual(data.rows > 0 ? rows : []);
        expect(again?.layout.dataPageVersion).toBe(data.layout.dataPageVersion);
        expect(again?.layout.pageChecksums).toBe(data.layout.pageChecksums);
      }
    }
  });
});

describe.skipIf(readable.length === 0)("broken files of the corpus", () => {
  test.each(Object.entries(refused))("%s is refused with %s", async (name, code) => {
    const path = corpusFiles("data").find((file) => file.name === name)?.path ?? "";
    await expect(readAll(openParquet(path))).rejects.toMatchObject({ kind: "data", code });
  });

  test.each(corpusFiles("bad_data"))("$name ends in a typed error or in values", async ({ path }) => {
    const outcome = await settle(() => readAll(openParquet(path)));
    expect(outcome === "values" || (outcome instanceof ColonnadeError && outcome.kind === "data")).toBe(true);
  });
});

async function settle(read: () => Promise<unknown>): Promise<unknown> {
  try {
    await read();
    return "values";
  } catch (error) {
    return error;
  }
}
