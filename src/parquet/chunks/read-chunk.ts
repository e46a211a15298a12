import type { ChunkLayout, Codec, ColumnData } from "../values/column-data.ts";
import { decodePage } from "../pages/decode-page.ts";
import { ChunkAssembly } from "../pages/chunk-assembly.ts";
import type { LeafColumn } from "../leaf-type.ts";
import { malformedPage } from "../page-error.ts";
import {
  defaultReadLimits,
  inflate,
  listPages,
  located,
  type Page,
  readDictionary,
  type ReadLimits,
} from "../pages/read-page.ts";
import { widthOf } from "../values/value-pieces.ts";

/** What the footer says about a chunk. */
export interface ChunkFacts {
  readonly codec: Codec;
  /** Entries, nulls included. */
  readonly numValues: number;
}

/**
 * Decodes a column chunk; `bytes` begins with its dictionary page, or its first data page where it has none.
 *
 * Throws `data`: `PAGE_MALFORMED`, `DICTIONARY_MALFORMED`, `PAGE_CHECKSUM`, `CODEC_UNSUPPORTED`,
 * `ENCODING_UNSUPPORTED`, `CHUNK_TOO_LARGE`; details name the page and its offset in the chunk.
 * Source: parquet-format README "Data Pages", Encodings.md, Compression.md.
 */
export function readColumnChunk(
  bytes: Uint8Array,
  column: LeafColumn,
  facts: ChunkFacts,
  limits: ReadLimits = defaultReadLimits,
): ColumnData {
  if (widthOf(column) === 0) throw malformedPage("a fixed-length column has no length");
  const { dictionaryPage, dataPages } = listPages(bytes, facts.numValues, limits);
  const dictionary = dictionaryPage && readDictionary(dictionaryPage, column, facts.codec, limits);
  const assembly = new ChunkAssembly(column, facts.numValues, dictionary, limits.chunkBytesMax);
  for (const [index, page] of dataPages.entries()) {
    try {
      decodePage(page.head.page, inflate(page, facts.codec), column, assembly);
    } catch (error) {
      throw located(error, index, page.position);
    }
  }
  return assembly.finish(layoutOf(dataPages, facts.codec));
}

/** How a chunk was written, but for what its dictionary says. */
export function layoutOf(
  dataPages: readonly Pick<Page, "head">[],
  codec: Codec,
): Omit<ChunkLayout, "dictionary"> {
  const [first] = dataPages;
  return {
    codec,
    dataPageVersion: first?.head.page.type === "dataV2" ? 2 : 1,
    pageChecksums: first?.head.crc !== undefined,
  };
}
