import { assembleChunk } from "./assemble-chunk.ts";
import { ByteWriter } from "../byte-writer.ts";
import type { ChunkExtras, Codec, WrittenChunk } from "../values/column-data.ts";
import { compress, writableCodec } from "../pages/compression.ts";
import type { EncodedPage, PageFormat, Stored } from "../pages/encode-page.ts";
import { encodeDictionaryPage, sealed } from "../pages/encode-page.ts";
import { bitWidthOf, encodeRun } from "../encodings/hybrid.ts";
import type { LeafColumn } from "../leaf-type.ts";
import type { DataPageV1 } from "../pages/page-header.ts";
import type { PageSpan } from "../pages/plan-pages.ts";
import { Encoding } from "../spec.ts";
import type { ChunkSummary } from "../indexes/summarise-chunk.ts";
import { orderOf } from "../values/value-order.ts";
import { rangeOf } from "../values/value-range.ts";
import type { Values } from "../values/values.ts";
import { valueCount } from "../values/values.ts";

/** Both a page's number of values and the length of a run are 32-bit and signed. */
const pageRowsMax = 2 ** 31 - 1;

/**
 * A chunk of one value for each of `rows` rows, in about 50 bytes: a dictionary of one entry, and runs. No value (`value`
 * empty) is null in every row, which for a leaf inside a new struct or list means that the outermost of them is.
 *
 * A value in a repeated column is a list of one element. Rows beyond 2^31 - 1 take several pages.
 */
export function constantChunk(
  value: Values,
  column: LeafColumn,
  rows: number,
  extras: ChunkExtras,
  codec: Codec = "UNCOMPRESSED",
): WrittenChunk {
  const format: PageFormat = { codec: writableCodec(codec), dataPageVersion: 1, checksums: false };
  const present = valueCount(value) > 0 && rows > 0;
  const inDictionary = present && column.physicalType !== "BOOLEAN";
  const dictionaryPage = inDictionary ? encodeDictionaryPage(value, format) : undefined;
  const spans: PageSpan[] = [];
  const pages: EncodedPage[] = [];
  for (let start = 0; start < rows || spans.length === 0; start += pageRowsMax) {
    const count = Math.min(pageRowsMax, rows - start);
    const values = present ? count : 0;
    spans.push({
      rowStart: start,
      rows: count,
      entryStart: start,
      entries: count,
      valueStart: present ? start : 0,
      values,
    });
    pages.push(constantPage(value, column, count, present, format));
  }
  const stored: Stored = { as: "plain", values: value };
  const summary = summarise(value, column, spans, present, extras);
  return assembleChunk(
    { column, codec: format.codec, spans, summary, extras },
    dictionaryPage,
    pages,
    stored,
  );
}

function constantPage(
  value: Values,
  column: LeafColumn,
  count: number,
  present: boolean,
  format: PageFormat,
): EncodedPage {
  const writer = new ByteWriter(64);
  const { maxDefinitionLevel, maxRepetitionLevel } = column;
  if (maxRepetitionLevel > 0) encodeRepeatedLevel(0, count, maxRepetitionLevel, writer);
  if (maxDefinitionLevel > 0) {
    encodeRepeatedLevel(present ? maxDefinitionLevel : 0, count, maxDefinitionLevel, writer);
  }
  let encoding: number = Encoding.PLAIN;
  if (present && value.kind === "bool") {
    // Readers do not expect booleans in a dictionary; they have runs of their own, with the length in front.
    encoding = Encoding.RLE;
    prefixed(writer, () => encodeRun(value.data[0] as number, count, 1, writer));
  } else if (present) {
    encoding = Encoding.RLE_DICTIONARY;
    writer.byte(1);
    encodeRun(0, count, 1, writer);
  }
  const page: DataPageV1 = {
    type: "data",
    numValues: count,
    encoding,
    definitionLevelEncoding: Encoding.RLE,
    repetitionLevelEncoding: Encoding.RLE,
  };
  const body = writer.finish();
  return sealed(page, [compress(format.codec, body)], body.length, format);
}

/** One level for all entries, as a v1 page holds it. */
function encodeRepeatedLevel(level: number, count: number, max: number, writer: ByteWriter): void {
  prefixed(writer, () => {
    if (count > 0) encodeRun(level, count, bitWidthOf(max), writer);
  });
}

function prefixed(writer: ByteWriter, write: () => void): void {
  const start = writer.length;
  writer.raw(new Uint8Array(4));
  write();
  writer.patchUint32(start, writer.length - start - 4);
}

function summarise(
  value: Values,
  column: LeafColumn,
  spans: readonly PageSpan[],
  present: boolean,
  extras: ChunkExtras,
): ChunkSummary {
  const order = orderOf(column);
  const one = rangeOf(value, order, 0, present ? 1 : 0);
  const pageRanges = spans.map(({ rows }) => ({ ...one, nans: one.nans * rows }));
  const rows = spans.reduce((sum, span) => sum + span.rows, 0);
  const level = present ? column.maxDefinitionLevel : 0;
  const { maxDefinitionLevel, maxRepetitionLevel } = column;
  const sizes = extras.sizeStatistics ? spans : [];
  return {
    order,
    values: value,
    range: { ...one, nans: one.nans * rows },
    pageRanges,
    nullCount: present ? 0 : rows,
    repetitionHistograms:
      maxRepetitionLevel === 0 ? [] : sizes.map((s) => histogram(0, maxRepetitionLevel, s.rows)),
    definitionHistograms:
      maxDefinitionLevel === 0 ? [] : sizes.map((s) => histogram(level, maxDefinitionLevel, s.rows)),
    byteArrayBytes:
      value.kind === "bytes" ? sizes.map((span) => (present ? value.data.length * span.rows : 0)) : [],
  };
}

function histogram(level: number, max: number, count: number): number[] {
  return Array.from({ length: max + 1 }, (_, i) => (i === level ? count : 0));
}
