import { expect, test } from "vitest";
import { chunkByteRange } from "../../../../src/parquet/footer/chunk-range.ts";
import { Encoding } from "../../../../src/parquet/spec.ts";
import { rowsOfColumn } from "../../../support/column-rows.ts";
import { openParquet, readChunkOf } from "../../../support/read-file-chunks.ts";
import { canonicalText, queryFile, writeWithDuckdb } from "../../../support/read-rows.ts";

const wide = `SELECT (i * 7919) % 1009 - 500 AS small, (i::HUGEINT * 9223372036854775 % 9223372036854775807)::BIGINT AS big,
    CASE WHEN i % 5 = 0 THEN NULL ELSE 'value ' || (i * 31 % 977) END AS text, i / 7.0::DOUBLE AS d,
    (i / 3.0)::FLOAT AS f, i % 3 = 0 AS flag, CASE WHEN i % 2 = 0 THEN NULL ELSE i END AS sparse
  FROM range(5000) r(i)`;

test.each([
  ["V1", "snappy", "DICTIONARY_SIZE_LIMIT 100000", [Encoding.PLAIN_DICTIONARY]],
  ["V2", "zstd", "DICTIONARY_SIZE_LIMIT 1", [Encoding.DELTA_BINARY_PACKED, Encoding.BYTE_STREAM_SPLIT]],
  ["V2", "gzip", "DICTIONARY_SIZE_LIMIT 1", [Encoding.DELTA_LENGTH_BYTE_ARRAY]],
  ["V2", "brotli", "ROW_GROUP_SIZE 2048", [Encoding.DELTA_BINARY_PACKED]],
  ["V1", "lz4_raw", "DICTIONARY_SIZE_LIMIT 1", [Encoding.PLAIN]],
])(
  "DuckDB's Parquet %s with %s and %s decodes to DuckDB's values",
  async (version, codec, option, expected) => {
    const bytes = await writeWithDuckdb(wide, `PARQUET_VERSION ${version}, COMPRESSION ${codec}, ${option}`);
    const file = openParquet(bytes);
    const rows = await queryFile(bytes, "SELECT * FROM read_parquet('{file}')");
    const encodings = new Set<number>();
    for (const leaf of file.footer.leaves) {
      const decoded: unknown[] = [];
      for (const rowGroup of file.footer.rowGroups.keys()) {
        const facts = file.footer.chunkFacts(rowGroup, leaf.leafIndex);
        expect(chunkByteRange(facts, bytes.length).end).toBeGreaterThan(0);
        for (const encoding of facts.encodings) encodings.add(encoding);
        decoded.push(...rowsOfColumn(await readChunkOf(file, rowGroup, leaf.leafIndex), leaf.column));
      }
      const plain = decoded.map((value) => {
        if (value instanceof Uint8Array) return new TextDecoder().decode(value);
        return typeof value === "bigint" ? String(value) : value;
      });
      expect(plain.map(canonicalText)).toEqual(rows.map((row) => canonicalText(row[leaf.name])));
    }
    for (const encoding of expected) expect(encodings).toContain(encoding);
  },
);
