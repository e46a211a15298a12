import { parquetMetadata } from "hyparquet";
import { describe, expect, test } from "vitest";
import { scanFooter } from "../../src/parquet/footer/footer.ts";
import { frameFooter, rewriteFooter } from "../../src/parquet/footer/rewrite-footer.ts";
import { ColumnChunk, FileMetaData, RowGroup } from "../../src/parquet/spec.ts";
import { decodeStruct } from "../../src/parquet/thrift/thrift-reader.ts";
import { encodeStruct } from "../../src/parquet/thrift/thrift-writer.ts";
import type { ThriftStruct } from "../../src/parquet/thrift/thrift.ts";
import { corpusFiles } from "../support/corpus.ts";
import { identityRowGroups, identityTarget, readFileFooter } from "../support/corpus-footer.ts";
import { thrownCode } from "../support/thrown-code.ts";

const data = corpusFiles("data");
const encrypted = data.filter(({ name }) => name.endsWith(".encrypted"));
const readable = data.filter(({ name }) => !name.endsWith(".encrypted"));
const bad = corpusFiles("bad_data");

/** The deprecated offsets are put right (or to 0) by a rewrite even where nothing moves. */
function withoutFileOffsets(footer: Uint8Array): ThriftStruct {
  const metadata = decodeStruct(footer);
  for (const rowGroup of metadata.structs(FileMetaData.row_groups) ?? []) {
    rowGroup.setI64(RowGroup.file_offset, undefined);
    for (const chunk of rowGroup.structs(RowGroup.columns) ?? []) chunk.setI64(ColumnChunk.file_offset, 0);
  }
  return metadata;
}

function hyparquetMetadata(footer: Uint8Array) {
  const framed = frameFooter(footer);
  const object = new Uint8Array(framed.length + 4);
  object.set([0x50, 0x41, 0x52, 0x31]);
  object.set(framed, 4);
  return parquetMetadata(object.buffer);
}

describe.skipIf(readable.length === 0)("readable footers", () => {
  test.each(readable)("$name decodes and encodes to the same bytes", (file) => {
    const { footer } = readFileFooter(file);
    expect(encodeStruct(decodeStruct(footer.bytes))).toEqual(footer.bytes.slice());
  });

  test.each(readable)("$name is carried whole by a rewrite that changes nothing", (file) => {
    const { footer } = readFileFooter(file);
    const rewritten = rewriteFooter(footer, identityTarget(footer), identityRowGroups(footer));
    const expected = withoutFileOffsets(footer.bytes);
    expect(encodeStruct(withoutFileOffsets(rewritten))).toEqual(encodeStruct(expected));
    expect(hyparquetMetadata(encodeStruct(withoutFileOffsets(rewritten)))).toEqual(
      hyparquetMetadata(encodeStruct(expected)),
    );
  });

  test.each(readable)("$name moved there and back is what it was", (file) => {
    const { footer } = readFileFooter(file);
    const away = scanFooter(
      rewriteFooter(footer, identityTarget(footer), identityRowGroups(footer, 1_000_000)),
    );
    const back = rewriteFooter(away, identityTarget(away), identityRowGroups(away, -1_000_000));
    expect(encodeStruct(withoutFileOffsets(back))).toEqual(encodeStruct(withoutFileOffsets(footer.bytes)));
    const first =
      footer.rowGroups.length > 0 && footer.leaves.length > 0 ? footer.chunkFacts(0, 0) : undefined;
    const moved = first === undefined ? undefined : away.chunkFacts(0, 0);
    const shift = first !== undefined && first.dataPageOffset > 0 ? 1_000_000 : 0;
    expect(moved?.dataPageOffset).toBe(first === undefined ? undefined : first.dataPageOffset + shift);
  });
});

describe.skipIf(encrypted.length === 0)("encrypted files are refused by name", () => {
  test.each(encrypted)("$name", (file) => {
    const code = thrownCode(() => readFileFooter(file));
    expect(code).toBe(file.name.includes("plaintext_footer") ? "COLUMN_ENCRYPTED" : "FOOTER_ENCRYPTED");
  });
});

/** What a look at the footer finds; "none": the damage is in the pages, and the footer is sound. */
const badFooters: Record<string, string> = {
  // A page header's worth of the footer was overwritten: encodings of one chunk are no list of integers.
  "ARROW-GH-41317.parquet": "CHUNK_MALFORMED",
  "ARROW-GH-41321.parquet": "none",
  "ARROW-GH-43605.parquet": "none",
  "ARROW-GH-45185.parquet": "none",
  "ARROW-GH-47662.parquet": "none",
  // Its chunks end beyond the data.
  "ARROW-RS-GH-6229-DICTHEADER.parquet": "CHUNK_OUT_OF_BOUNDS",
  "ARROW-RS-GH-6229-LEVELS.parquet": "none",
  // A physical type of -7.
  "PARQUET-1481.parquet": "SCHEMA_MALFORMED",
};

describe.skipIf(bad.length === 0)("bad files", () => {
  test.each(bad)("$name gives a typed error or a footer", (file) => {
    expect(thrownCode(() => readFileFooter(file))).toBe(badFooters[file.name]);
  });
});
