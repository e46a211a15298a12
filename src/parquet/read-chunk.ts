import { crc32 } from "node:zlib";
import { ColonnadeError, withDetails } from "../base/errors.ts";
import type { ChunkLayout, Codec, ColumnData } from "./column-data.ts";
import { decompress } from "./compression.ts";
import { decodePage } from "./decode-page.ts";
import { ChunkAssembly } from "./chunk-assembly.ts";
import type { LeafColumn } from "./leaf-type.ts";
import { malformedPage, tooLarge } from "./page-error.ts";
import type { DictionaryPage, PageHead } from "./page-header.ts";
import { readPageHeader } from "./page-header.ts";
import { decodePlain } from "./plain.ts";
import { Encoding } from "./spec.ts";
import { joinPieces, widthOf } from "./value-pieces.ts";
import type { Values } from "./values.ts";
import { valueCount } from "./values.ts";

/** What the footer says about a chunk. */
export interface ChunkFacts {
  readonly codec: Codec;
  /** Entries, nulls included. */
  readonly numValues: number;
}

/** What a chunk may take, for no size in a file is believed. Both in bytes. */
export interface ReadLimits {
  /** One page, decompressed. */
  readonly pageBytesMax: number;
  /** Values and levels of one chunk, decoded. */
  readonly chunkBytesMax: number;
}

export const defaultReadLimits: ReadLimits = { pageBytesMax: 2 ** 31 - 1, chunkBytesMax: 2 ** 32 };

/** Pages are decompressed ahead of the one that is decoded: so many, while they are no larger together than this. */
const pagesAhead = 4;
const aheadBytesMax = 16 * 1024 * 1024;

interface Page {
  readonly head: PageHead;
  /** Offset of the header in the chunk, for messages. */
  readonly position: number;
  readonly body: Uint8Array;
}

/**
 * Decodes a column chunk; `bytes` begins with its dictionary page, or its first data page where it has none.
 *
 * Throws `data`: `PAGE_MALFORMED`, `DICTIONARY_MALFORMED`, `PAGE_CHECKSUM`, `CODEC_UNSUPPORTED`,
 * `ENCODING_UNSUPPORTED`, `CHUNK_TOO_LARGE`; details name the page and its offset in the chunk.
 * Source: parquet-format README "Data Pages", Encodings.md, Compression.md.
 */
export async function readColumnChunk(
  bytes: Uint8Array,
  column: LeafColumn,
  facts: ChunkFacts,
  limits: ReadLimits = defaultReadLimits,
): Promise<ColumnData> {
  if (widthOf(column) === 0) throw malformedPage("a fixed-length column has no length");
  const { dictionaryPage, dataPages } = listPages(bytes, facts.numValues, limits);
  const dictionary = dictionaryPage && (await readDictionary(dictionaryPage, column, facts.codec, limits));
  const assembly = new ChunkAssembly(column, facts.numValues, dictionary, limits.chunkBytesMax);
  const bodies: (Uint8Array | Promise<Uint8Array> | undefined)[] = [];
  for (const [index, page] of dataPages.entries()) {
    try {
      for (let ahead = aheadFrom(dataPages, index); bodies.length < ahead;) {
        bodies.push(inflate(dataPages[bodies.length] as Page, facts.codec));
      }
      const body = await bodies[index];
      bodies[index] = undefined;
      decodePage(page.head.page, body as Uint8Array, column, assembly);
    } catch (error) {
      throw located(error, index, page.position);
    }
  }
  return assembly.finish(layoutOf(dataPages, facts.codec));
}

/** The page before which decompression ahead of page `index` stops. */
function aheadFrom(dataPages: readonly Page[], index: number): number {
  let bytes = 0;
  let next = index;
  for (; next < Math.min(dataPages.length, index + pagesAhead); next += 1) {
    bytes += (dataPages[next] as Page).head.uncompressedBytes;
    if (next > index && bytes > aheadBytesMax) break;
  }
  return next;
}

function layoutOf(dataPages: readonly Page[], codec: Codec): Omit<ChunkLayout, "dictionary"> {
  const [first] = dataPages;
  return {
    codec,
    dataPageVersion: first?.head.page.type === "dataV2" ? 2 : 1,
    pageChecksums: first?.head.crc !== undefined,
  };
}

/** All pages up to `numValues` entries, by their headers; bodies are views. */
function listPages(
  bytes: Uint8Array,
  numValues: number,
  limits: ReadLimits,
): { dictionaryPage: Page | undefined; dataPages: Page[] } {
  let dictionaryPage: Page | undefined;
  const dataPages: Page[] = [];
  let entries = 0;
  for (let position = 0; entries < numValues;) {
    const number = dataPages.length;
    if (position >= bytes.length) {
      throw malformedPage("a column chunk ends before its last page", { entries, numValues, page: number });
    }
    const page = pageAt(bytes, position, number, limits);
    const { head } = page;
    position += head.headerBytes + head.compressedBytes;
    if (head.page.type === "dictionary") {
      if (dictionaryPage !== undefined || number > 0) {
        throw malformedPage("a dictionary page is not the first page of its chunk", {
          page: number,
          position,
        });
      }
      dictionaryPage = page;
    } else if (head.page.type !== "index") {
      entries += head.page.numValues;
      dataPages.push(page);
    }
  }
  if (entries !== numValues) {
    throw malformedPage("the pages of a chunk hold more entries than its footer says", {
      entries,
      numValues,
    });
  }
  return { dictionaryPage, dataPages };
}

function pageAt(bytes: Uint8Array, position: number, number: number, limits: ReadLimits): Page {
  try {
    const head = readPageHeader(bytes, position);
    const start = position + head.headerBytes;
    if (head.compressedBytes > bytes.length - start) {
      throw malformedPage("a page is longer than its chunk", { compressedBytes: head.compressedBytes });
    }
    if (head.uncompressedBytes > limits.pageBytesMax) {
      throw tooLarge("a page is larger than allowed", {
        uncompressedBytes: head.uncompressedBytes,
        pageBytesMax: limits.pageBytesMax,
      });
    }
    return { head, position, body: bytes.subarray(start, start + head.compressedBytes) };
  } catch (error) {
    throw located(error, number, position);
  }
}

/** The page's bytes as they were before compression; of a v2 page that includes its levels. */
function inflate(page: Page, codec: Codec): Uint8Array | Promise<Uint8Array> {
  const { head, body } = page;
  // PageHeader.crc covers the page as it is stored, its header excluded.
  if (head.crc !== undefined && (crc32(body) | 0) !== head.crc) {
    throw new ColonnadeError("data", "PAGE_CHECKSUM", "the checksum of a page does not match", {
      expected: head.crc >>> 0,
      actual: crc32(body),
    });
  }
  let output: Uint8Array | Promise<Uint8Array>;
  if (head.page.type === "dataV2") {
    const levelsBytes = head.page.definitionLevelsBytes + head.page.repetitionLevelsBytes;
    if (levelsBytes > body.length || levelsBytes > head.uncompressedBytes) {
      throw malformedPage("levels are longer than their page", { levelsBytes });
    }
    if (!head.page.compressed || codec === "UNCOMPRESSED") return body;
    const values = decompress(codec, body.subarray(levelsBytes), head.uncompressedBytes - levelsBytes);
    const levels = body.subarray(0, levelsBytes);
    output =
      values instanceof Promise
        ? values.then((later) => concatenate(levels, later))
        : concatenate(levels, values);
  } else {
    output = decompress(codec, body, head.uncompressedBytes);
  }
  // Decompressed ahead, it may fail before anybody waits for it.
  if (output instanceof Promise) output.catch(() => undefined);
  return output;
}

function concatenate(levels: Uint8Array, values: Uint8Array): Uint8Array {
  if (levels.length === 0) return values;
  const body = new Uint8Array(levels.length + values.length);
  body.set(levels);
  body.set(values, levels.length);
  return body;
}

async function readDictionary(
  page: Page,
  column: LeafColumn,
  codec: Codec,
  limits: ReadLimits,
): Promise<Values> {
  try {
    const { numValues, encoding } = page.head.page as DictionaryPage;
    if (encoding !== Encoding.PLAIN && encoding !== Encoding.PLAIN_DICTIONARY) {
      throw malformedPage("a dictionary page is not PLAIN", { encoding });
    }
    const body = await inflate(page, codec);
    const entries = joinPieces(column, [decodePlain(body, 0, column, numValues)]);
    if (valueCount(entries) !== numValues) throw malformedPage("a dictionary page has too few entries");
    if (body.length > limits.chunkBytesMax) throw tooLarge("a dictionary is larger than allowed", {});
    return entries;
  } catch (error) {
    if (!(error instanceof ColonnadeError) || error.code !== "PAGE_MALFORMED")
      throw located(error, -1, page.position);
    const details = { reason: error.message, position: page.position, ...error.details };
    throw new ColonnadeError("data", "DICTIONARY_MALFORMED", "a dictionary page is malformed", details, {
      cause: error,
    });
  }
}

/** Names the page: its number among the data pages (-1 is the dictionary page) and its offset in the chunk. */
function located(error: unknown, page: number, position: number): unknown {
  return error instanceof ColonnadeError ? withDetails(error, { page, position }) : error;
}
