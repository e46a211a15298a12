import {
  buildDictionary,
  compactDictionary,
  dictionaryBytesMax,
  dictionaryGains,
} from "../encodings/build-dictionary.ts";
import { assembleChunk } from "./assemble-chunk.ts";
import type { ChunkExtras, ColumnData, WrittenChunk } from "../values/column-data.ts";
import { writableCodec } from "../pages/compression.ts";
import type { PageFormat, Stored } from "../pages/encode-page.ts";
import { encodeDataPage, encodeDictionaryPage } from "../pages/encode-page.ts";
import type { LeafColumn } from "../leaf-type.ts";
import { planPages } from "../pages/plan-pages.ts";
import { summariseChunk } from "../indexes/summarise-chunk.ts";

/**
 * Writes a column chunk as its source was laid out: page boundaries, dictionary, version of data pages, codec,
 * checksums. The same input gives the same bytes.
 *
 * Values go into a dictionary where the source had one, unless it would pass 1 MiB or gain nothing, and else as PLAIN;
 * Hadoop's LZ4 becomes LZ4_RAW. Throws `data` `CODEC_UNSUPPORTED`, `CHUNK_TOO_LARGE`.
 */
export function writeColumnChunk(data: ColumnData, column: LeafColumn, extras: ChunkExtras): WrittenChunk {
  const { layout } = data;
  const format: PageFormat = {
    codec: writableCodec(layout.codec),
    dataPageVersion: layout.dataPageVersion,
    checksums: layout.pageChecksums,
  };
  const stored = chooseStorage(data, column);
  const spans = planPages(data, column, stored.as === "plain" ? stored.values : undefined);
  const dictionaryPage =
    stored.as === "dictionary" ? encodeDictionaryPage(stored.dictionary.entries, format) : undefined;
  const pages = spans.map((span) => encodeDataPage(data, stored, span, column, format));
  const summary = summariseChunk(data, stored, spans, column, extras);
  return assembleChunk(
    { column, codec: format.codec, spans, summary, extras },
    dictionaryPage,
    pages,
    stored,
  );
}

function chooseStorage(data: ColumnData, column: LeafColumn): Stored {
  const plain = (): Stored => ({ as: "plain", values: data.values });
  // No writer puts booleans into a dictionary, and few readers would take them from there.
  if (data.layout.dictionary === "none" || column.physicalType === "BOOLEAN") return plain();
  const dictionary =
    data.dictionary === undefined
      ? buildDictionary(data.values, dictionaryBytesMax)
      : compactDictionary(data.dictionary);
  if (dictionary === undefined || dictionary.indices.length === 0) return plain();
  return dictionaryGains(dictionary) ? { as: "dictionary", dictionary } : plain();
}
