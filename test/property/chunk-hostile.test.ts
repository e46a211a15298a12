import * as fc from "fast-check";
import { expect, test } from "vitest";
import { ColonnadeError } from "../../src/base/errors.ts";
import type { ColumnData } from "../../src/parquet/values/column-data.ts";
import { codecs } from "../../src/parquet/values/column-data.ts";
import { constantChunk } from "../../src/parquet/chunks/constant-chunk.ts";
import type { LeafColumn } from "../../src/parquet/leaf-type.ts";
import { readColumnChunk } from "../../src/parquet/chunks/read-chunk.ts";
import { ColumnMetaData } from "../../src/parquet/spec.ts";
import { valueCount } from "../../src/parquet/values/values.ts";
import { writeColumnChunk } from "../../src/parquet/chunks/write-chunk.ts";
import { annotatedTypes, columns, physicalTypes } from "../support/column-arbitraries.ts";
import { writeWithDuckdb } from "../support/read-rows.ts";
import { openParquet } from "../support/read-file-chunks.ts";
import { chunkByteRange } from "../../src/parquet/footer/chunk-range.ts";
import { propertyRuns, recordFigures } from "../support/long-runs.ts";

const nothing = { statistics: false, pageIndex: false, bloomFilter: false, sizeStatistics: false };
const limits = { pageBytesMax: 2 ** 22, chunkBytesMax: 2 ** 24 };

/** Evenly spread: most doubles are next to zero, and would damage the first byte only. */
const share = fc.nat({ max: 999_999 }).map((number) => number / 1_000_000);

/** Flipped bits, overwritten bytes, and a cut at the end. */
const damage = fc.record({
  edits: fc.array(fc.record({ at: share, byte: fc.nat(255) }), {
    minLength: 1,
    maxLength: 4,
  }),
  cut: fc.option(share, { freq: 4 }),
});

type Damage = typeof damage extends fc.Arbitrary<infer T> ? T : never;

function damaged(bytes: Uint8Array, { edits, cut }: Damage): Uint8Array {
  const copy = bytes.slice(0, cut === null ? bytes.length : Math.floor(bytes.length * cut));
  for (const { at, byte } of edits) copy[Math.floor(at * copy.length)] = byte;
  return copy;
}

const runs = propertyRuns(1500);
const timeoutMs = 120_000 + 10 * runs;

/** What is wrong with the outcome: only values that hang together, or a `data` error, may come out, and not late. */
async function faultOf(
  bytes: Uint8Array,
  column: LeafColumn,
  facts: Parameters<typeof readColumnChunk>[2],
): Promise<string | undefined> {
  const started = performance.now();
  try {
    const data = readColumnChunk(bytes, column, facts, limits);
    if (valueCount(data.values) !== presentEntries(data, column)) return "values and levels do not agree";
    if (data.entries !== facts.numValues) return "another number of entries";
    if ((data.repetitionLevels?.[0] ?? 0) !== 0) return "begins inside a row";
  } catch (error) {
    if (!(error instanceof ColonnadeError)) return String(error);
    if (error.kind !== "data") return error.kind;
  }
  return performance.now() - started > 3000 ? "took too long" : undefined;
}

function presentEntries(data: ColumnData, column: LeafColumn): number {
  if (data.definitionLevels === undefined) return data.entries;
  return data.definitionLevels.filter((level) => level === column.maxDefinitionLevel).length;
}

test(
  "a damaged chunk of ours decodes to sound values or ends in a data error",
  async () => {
    await fc.assert(
      fc.asyncProperty(
        columns([...physicalTypes, ...annotatedTypes]),
        damage,
        async ({ column, data }, how) => {
          // Without checksums, which would notice every damage.
          const bare = { ...data, layout: { ...data.layout, pageChecksums: false } };
          const chunk = writeColumnChunk(bare, column, nothing);
          const codec = codecs[chunk.metadata.i32(ColumnMetaData.codec) ?? -1] ?? "LZO";
          const facts = { codec, numValues: data.entries };
          expect(await faultOf(damaged(chunk.bytes, how), column, facts)).toBeUndefined();
        },
      ),
      { numRuns: runs },
    );
    recordFigures("damaged chunks: page headers, levels, dictionaries, values", { cases: runs });
  },
  timeoutMs,
);

test("a checksum notices every damage of a page's body", async () => {
  await fc.assert(
    fc.asyncProperty(columns(physicalTypes), fc.nat(), async ({ column, data }, seed) => {
      fc.pre(data.entries > 0);
      const layout = { ...data.layout, pageChecksums: true, dictionary: "none" as const };
      const chunk = writeColumnChunk({ ...data, pages: [], layout }, column, nothing);
      const codec = codecs[chunk.metadata.i32(ColumnMetaData.codec) ?? -1] ?? "LZO";
      const copy = chunk.bytes.slice();
      // The last bytes are the body's, whatever the header's length is.
      const at = copy.length - 1 - (seed % 2);
      fc.pre(copy.length > 40);
      copy[at] = (copy[at] as number) ^ (1 << (seed % 8));
      const reading = (): unknown => readColumnChunk(copy, column, { codec, numValues: data.entries });
      expect(reading).toThrow(expect.objectContaining({ kind: "data" }));
    }),
  );
});

test(
  "damaged delta and byte-stream-split pages of DuckDB's decode to sound values or end in a data error",
  async () => {
    const sql = `SELECT (i * 7919) % 1009 AS a, (i * i * 104729)::BIGINT - 7 AS b, 'row number ' || i AS s,
    i / 7.0::DOUBLE AS d, (i / 3.0)::FLOAT AS f, i % 3 = 0 AS t FROM range(700) r(i)`;
    const written = await writeWithDuckdb(
      sql,
      "PARQUET_VERSION V2, DICTIONARY_SIZE_LIMIT 1, COMPRESSION uncompressed",
    );
    const file = openParquet(written);
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: file.footer.leaves.length - 1 }), damage, async (index, how) => {
        const facts = file.footer.chunkFacts(0, index);
        const { start, end } = chunkByteRange(facts, file.bytes.length);
        const bytes = damaged(file.bytes.subarray(start, end), how);
        expect(await faultOf(bytes, facts.context.leaf, facts)).toBeUndefined();
      }),
      { numRuns: runs },
    );
    recordFigures("damaged chunks: page headers, levels, dictionaries, values", { cases: runs });
  },
  timeoutMs,
);

test("a chunk that claims more entries than its limits allow is refused without allocating them", async () => {
  const column = {
    path: ["c"],
    physicalType: "INT64",
    type: { kind: "int", bits: 64, signed: true },
  } as const;
  const optional: LeafColumn = { ...column, maxDefinitionLevel: 1, maxRepetitionLevel: 0 };
  const one = { kind: "int64", data: BigInt64Array.of(1n) } as const;
  const rows = 2 ** 31 - 1;
  const chunk = constantChunk(one, optional, rows, nothing, "UNCOMPRESSED");
  const facts = { codec: "UNCOMPRESSED", numValues: rows } as const;
  expect(() => readColumnChunk(chunk.bytes, optional, facts, limits)).toThrow(
    expect.objectContaining({
      kind: "data",
      code: "CHUNK_TOO_LARGE",
    }),
  );
});
