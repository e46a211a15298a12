import { crc32 } from "node:zlib";
import { freeBuffer } from "../../base/free-buffer.ts";
import { indexBitWidth } from "../encodings/build-dictionary.ts";
import { ByteWriter } from "../byte-writer.ts";
import type { Codec, ColumnData, Dictionary } from "../values/column-data.ts";
import { compress } from "./compression.ts";
import { encodeHybrid } from "../encodings/hybrid.ts";
import type { LeafColumn } from "../leaf-type.ts";
import { encodeLevels } from "../encodings/levels.ts";
import { tooLarge } from "../page-error.ts";
import type { DataPageV1, DataPageV2, DictionaryPage } from "./page-header.ts";
import { writePageHeader } from "./page-header.ts";
import { encodePlain, plainBytes } from "../encodings/plain.ts";
import type { PageSpan } from "./plan-pages.ts";
import { Encoding } from "../spec.ts";
import type { Values } from "../values/values.ts";
import { valueCount } from "../values/values.ts";

/** What is known of a page once it is written. Serialisable. */
export interface PageFacts {
  readonly page: DataPageV1 | DataPageV2 | DictionaryPage;
  /** Header and body. */
  readonly bytes: number;
  /** Header and body, had the body not been compressed. */
  readonly uncompressedBytes: number;
}

/** A page as it goes into the chunk. */
export interface EncodedPage extends PageFacts {
  readonly header: Uint8Array;
  /** In order; of a v2 page the levels come first, uncompressed. */
  readonly body: readonly Uint8Array[];
}

export function pageFacts({ page, bytes, uncompressedBytes }: EncodedPage): PageFacts {
  return { page, bytes, uncompressedBytes };
}

/** The values of a chunk as they are written: as indices into a dictionary, or plain. */
export type Stored =
  | { readonly as: "dictionary"; readonly dictionary: Dictionary }
  | { readonly as: "plain"; readonly values: Values };

export interface PageFormat {
  readonly codec: Codec;
  readonly dataPageVersion: 1 | 2;
  readonly checksums: boolean;
}

export function encodeDictionaryPage(
  entries: Values,
  format: PageFormat,
  encoding: number = Encoding.PLAIN,
): EncodedPage {
  const count = valueCount(entries);
  const writer = new ByteWriter(plainBytes(entries, 0, count));
  encodePlain(entries, 0, count, writer);
  const page: DictionaryPage = { type: "dictionary", numValues: count, encoding };
  const body = compress(format.codec, writer.finish());
  return sealed(page, [body], writer.length, format);
}

/** The data page of `span`. Source: parquet-format README "Data Pages"; parquet.thrift, DataPageHeaderV2. */
export function encodeDataPage(
  data: ColumnData,
  stored: Stored,
  span: PageSpan,
  column: LeafColumn,
  format: PageFormat,
): EncodedPage {
  const v2 = format.dataPageVersion === 2;
  const writer = new ByteWriter(bodyBytes(data, stored, span));
  const { entryStart, entries } = span;
  let repetitionLevelsBytes = 0;
  if (data.repetitionLevels !== undefined) {
    const max = column.maxRepetitionLevel;
    repetitionLevelsBytes = encodeLevels(data.repetitionLevels, entryStart, entries, max, !v2, writer);
  }
  let definitionLevelsBytes = 0;
  if (column.maxDefinitionLevel > 0) {
    const max = column.maxDefinitionLevel;
    definitionLevelsBytes = encodeLevels(data.definitionLevels, entryStart, entries, max, !v2, writer);
  }
  encodeValues(stored, span, writer);
  const body = writer.finish();
  const uncompressedBytes = body.length;
  const encoding = stored.as === "dictionary" ? Encoding.RLE_DICTIONARY : Encoding.PLAIN;
  if (!v2) {
    const page: DataPageV1 = {
      type: "data",
      numValues: entries,
      encoding,
      definitionLevelEncoding: Encoding.RLE,
      repetitionLevelEncoding: Encoding.RLE,
    };
    return sealed(page, [compressed(body, format)], uncompressedBytes, format);
  }
  const levelsBytes = repetitionLevelsBytes + definitionLevelsBytes;
  const page: DataPageV2 = {
    type: "dataV2",
    numValues: entries,
    numNulls: entries - span.values,
    numRows: span.rows,
    encoding,
    definitionLevelsBytes,
    repetitionLevelsBytes,
    // Some readers stumble over a compressed section that holds nothing.
    compressed: format.codec !== "UNCOMPRESSED" && body.length > levelsBytes,
  };
  const levels = body.slice(0, levelsBytes);
  const values = body.subarray(levelsBytes);
  const section = page.compressed ? compressed(values, format) : values;
  return sealed(page, [levels, section], uncompressedBytes, format);
}

/** The body compressed, in whose place it is. */
function compressed(body: Uint8Array, { codec }: PageFormat): Uint8Array {
  const bytes = compress(codec, body);
  if (bytes.buffer !== body.buffer) freeBuffer(body);
  return bytes;
}

function encodeValues(stored: Stored, span: PageSpan, writer: ByteWriter): void {
  if (stored.as === "plain") {
    encodePlain(stored.values, span.valueStart, span.valueStart + span.values, writer);
    return;
  }
  const { entries, indices } = stored.dictionary;
  const bitWidth = indexBitWidth(valueCount(entries));
  writer.byte(bitWidth);
  encodeHybrid(indices, span.valueStart, span.values, bitWidth, writer);
}

/** About what the body takes, so that it seldom has to grow. */
function bodyBytes(data: ColumnData, stored: Stored, span: PageSpan): number {
  const levelsBytes = data.definitionLevels === undefined ? 0 : span.entries;
  const { valueStart, values } = span;
  if (stored.as === "plain") {
    return 256 + levelsBytes + plainBytes(stored.values, valueStart, valueStart + values);
  }
  const bitWidth = indexBitWidth(valueCount(stored.dictionary.entries));
  return 256 + levelsBytes + Math.ceil((values * bitWidth) / 8);
}

/** Puts the header before a body whose parts are final. */
export function sealed(
  page: EncodedPage["page"],
  body: readonly Uint8Array[],
  uncompressedBytes: number,
  format: PageFormat,
): EncodedPage {
  let compressedBytes = 0;
  let crc = 0;
  for (const part of body) {
    compressedBytes += part.length;
    if (format.checksums) crc = crc32(part, crc);
  }
  if (Math.max(uncompressedBytes, compressedBytes) > 0x7fffffff) {
    throw tooLarge("a page would be 2 GiB or more: one row holds too much", { uncompressedBytes });
  }
  const header = writePageHeader(
    page,
    uncompressedBytes,
    compressedBytes,
    format.checksums ? crc : undefined,
  );
  return {
    page,
    header,
    body,
    bytes: header.length + compressedBytes,
    uncompressedBytes: header.length + uncompressedBytes,
  };
}
