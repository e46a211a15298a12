import { crc32 } from "node:zlib";
import { ColonnadeError, withDetails } from "../../base/errors.ts";
import type { Codec } from "../values/column-data.ts";
import { decompress } from "./compression.ts";
import type { LeafColumn } from "../leaf-type.ts";
import { malformedPage, tooLarge } from "../page-error.ts";
import type { DictionaryPage, PageHead } from "./page-header.ts";
import { readPageHeader } from "./page-header.ts";
import { decodePlain } from "../encodings/plain.ts";
import { Encoding } from "../spec.ts";
import { joinPieces } from "../values/value-pieces.ts";
import type { Values } from "../values/values.ts";
import { valueCount } from "../values/values.ts";

/** What a chunk may take, for no size in a file is believed. Both in bytes. */
export interface ReadLimits {
  /** One page, decompressed. */
  readonly pageBytesMax: number;
  /** Values and levels of what is decoded at one time: a chunk, or a page of one. */
  readonly chunkBytesMax: number;
}

export const defaultReadLimits: ReadLimits = { pageBytesMax: 2 ** 31 - 1, chunkBytesMax: 2 ** 32 };

/** A page as it lies in its chunk. */
export interface Page {
  readonly head: PageHead;
  /** Offset of the header in the bytes that were listed, for messages. */
  readonly position: number;
  /** As it is stored: compressed, as a rule. */
  readonly body: Uint8Array;
}

/** All pages up to `numValues` entries, by their headers; bodies are views. */
export function listPages(
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

/**
 * The page whose header is at `position`; `number` and `position` are for messages. Where the `head` is wanted only, the body
 * may be cut off.
 */
export function pageAt(
  bytes: Uint8Array,
  position: number,
  number: number,
  limits: ReadLimits,
  wanted: "whole" | "head" = "whole",
): Page {
  try {
    const head = readPageHeader(bytes, position);
    const start = position + head.headerBytes;
    if (wanted === "whole" && head.compressedBytes > bytes.length - start) {
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
export function inflate({ head, body }: Page, codec: Codec): Uint8Array {
  // PageHeader.crc covers the page as it is stored, its header excluded.
  if (head.crc !== undefined && (crc32(body) | 0) !== head.crc) {
    throw new ColonnadeError("data", "PAGE_CHECKSUM", "the checksum of a page does not match", {
      expected: head.crc >>> 0,
      actual: crc32(body),
    });
  }
  if (head.page.type !== "dataV2") return decompress(codec, body, head.uncompressedBytes);
  const levelsBytes = head.page.definitionLevelsBytes + head.page.repetitionLevelsBytes;
  if (levelsBytes > body.length || levelsBytes > head.uncompressedBytes) {
    throw malformedPage("levels are longer than their page", { levelsBytes });
  }
  if (!head.page.compressed || codec === "UNCOMPRESSED") return body;
  const values = decompress(codec, body.subarray(levelsBytes), head.uncompressedBytes - levelsBytes);
  return concatenate(body.subarray(0, levelsBytes), values);
}

function concatenate(levels: Uint8Array, values: Uint8Array): Uint8Array {
  if (levels.length === 0) return values;
  const body = new Uint8Array(levels.length + values.length);
  body.set(levels);
  body.set(values, levels.length);
  return body;
}

/** The entries of a dictionary page, in their order. Throws `data` `DICTIONARY_MALFORMED`, `CHUNK_TOO_LARGE`. */
export function readDictionary(page: Page, column: LeafColumn, codec: Codec, limits: ReadLimits): Values {
  try {
    const { numValues, encoding } = page.head.page as DictionaryPage;
    if (encoding !== Encoding.PLAIN && encoding !== Encoding.PLAIN_DICTIONARY) {
      throw malformedPage("a dictionary page is not PLAIN", { encoding });
    }
    const body = inflate(page, codec);
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
export function located(error: unknown, page: number, position: number): unknown {
  return error instanceof ColonnadeError ? withDetails(error, { page, position }) : error;
}
