import { ColonnadeError } from "../../base/errors.ts";
import type { ChunkAssembly } from "./chunk-assembly.ts";
import { decodeByteStreamSplit } from "../encodings/byte-stream-split.ts";
import { decodeDelta32, decodeDelta64 } from "../encodings/delta-binary-packed.ts";
import { asFixed, decodeDeltaLength, decodeDeltaStrings } from "../encodings/delta-byte-array.ts";
import { bitWidthOf, decodeHybrid } from "../encodings/hybrid.ts";
import type { LeafColumn } from "../leaf-type.ts";
import { areAllAtMaximum, countAtMaximum, decodeLevelsV1, readUint32 } from "../encodings/levels.ts";
import { malformedPage } from "../page-error.ts";
import type { DataPageV1, DataPageV2, PageHead } from "./page-header.ts";
import { decodePlain } from "../encodings/plain.ts";
import { Encoding } from "../spec.ts";
import type { Piece } from "../values/value-pieces.ts";
import { widthOf } from "../values/value-pieces.ts";
import { valueCount } from "../values/values.ts";

/** Decodes a decompressed data page into the chunk. */
export function decodePage(
  page: PageHead["page"],
  body: Uint8Array,
  column: LeafColumn,
  chunk: ChunkAssembly,
): void {
  if (page.type !== "data" && page.type !== "dataV2") return;
  const { numValues } = page;
  const start = chunk.entries;
  const { position, values } =
    page.type === "data" ? levelsV1(page, body, column, chunk) : levelsV2(page, body, column, chunk);
  const rows = chunk.countRows(start, numValues);
  decodeValues(page.encoding, body, position, column, values, chunk);
  chunk.addPage(rows, numValues);
}

interface DecodedLevels {
  /** Where the values begin. */
  readonly position: number;
  /** How many there are: entries at the highest definition level. */
  readonly values: number;
}

/** Repetition levels come first, then definition levels; a column whose maximum is 0 has none. */
function levelsV1(
  page: DataPageV1,
  body: Uint8Array,
  column: LeafColumn,
  chunk: ChunkAssembly,
): DecodedLevels {
  const { numValues } = page;
  const start = chunk.entries;
  let position = 0;
  const repetitionLevels = chunk.repetitionLevels(numValues);
  if (repetitionLevels !== undefined) {
    const max = column.maxRepetitionLevel;
    const encoding = page.repetitionLevelEncoding;
    position = decodeLevelsV1(body, position, encoding, max, repetitionLevels, start, numValues);
  }
  const max = column.maxDefinitionLevel;
  if (max === 0) return { position, values: numValues };
  const encoding = page.definitionLevelEncoding;
  if (encoding === Encoding.RLE && body.length - position >= 4) {
    const length = readUint32(body, position);
    const end = position + 4 + length;
    if (end <= body.length && areAllAtMaximum(body, position + 4, end, max, numValues)) {
      chunk.addPresent(numValues);
      return { position: end, values: numValues };
    }
  }
  const definitionLevels = chunk.definitionLevels(numValues);
  position = decodeLevelsV1(body, position, encoding, max, definitionLevels, start, numValues);
  return { position, values: countAtMaximum(definitionLevels, start, numValues, max) };
}

function levelsV2(
  page: DataPageV2,
  body: Uint8Array,
  column: LeafColumn,
  chunk: ChunkAssembly,
): DecodedLevels {
  const { numValues, repetitionLevelsBytes, definitionLevelsBytes } = page;
  const start = chunk.entries;
  const repetitionLevels = chunk.repetitionLevels(numValues);
  if (repetitionLevels !== undefined) {
    const width = bitWidthOf(column.maxRepetitionLevel);
    decodeHybrid(body, 0, repetitionLevelsBytes, width, repetitionLevels, start, numValues);
  }
  const position = repetitionLevelsBytes + definitionLevelsBytes;
  const max = column.maxDefinitionLevel;
  if (max === 0) return { position, values: numValues };
  if (areAllAtMaximum(body, repetitionLevelsBytes, position, max, numValues)) {
    chunk.addPresent(numValues);
    return { position, values: numValues };
  }
  const definitionLevels = chunk.definitionLevels(numValues);
  decodeHybrid(body, repetitionLevelsBytes, position, bitWidthOf(max), definitionLevels, start, numValues);
  return { position, values: countAtMaximum(definitionLevels, start, numValues, max) };
}

function decodeValues(
  encoding: number,
  body: Uint8Array,
  position: number,
  column: LeafColumn,
  count: number,
  chunk: ChunkAssembly,
): void {
  if (encoding === Encoding.RLE_DICTIONARY || encoding === Encoding.PLAIN_DICTIONARY) {
    decodeIndices(body, position, count, chunk);
    return;
  }
  // A page of nulls alone says nothing about how its chunk is encoded.
  if (count > 0) chunk.addPiece(decodePiece(encoding, body, position, column, count, chunk.bytesLeft));
}

/** Source: parquet-format Encodings.md, "Dictionary Encoding": one byte of bit width, then the hybrid. */
function decodeIndices(body: Uint8Array, position: number, count: number, chunk: ChunkAssembly): void {
  if (count === 0) {
    chunk.addIndices(0);
    return;
  }
  if (chunk.dictionary === undefined)
    throw malformedPage("a page needs a dictionary, and its chunk has none");
  const bitWidth = body[position];
  if (bitWidth === undefined || bitWidth > 32)
    throw malformedPage("indices have an impossible bit width", { bitWidth });
  const indices = chunk.indices(count);
  const start = chunk.indexStart;
  decodeHybrid(body, position + 1, body.length, bitWidth, indices, start, count);
  const entries = valueCount(chunk.dictionary);
  let outside = 0;
  for (let i = start; i < start + count; i += 1) if ((indices[i] as number) >>> 0 >= entries) outside += 1;
  if (outside > 0) throw malformedPage("indices point outside the dictionary", { entries, outside });
  chunk.addIndices(count);
}

/** `count` is one or more. Which encodings a type may have: parquet-format Encodings.md, "Supported Encodings". */
function decodePiece(
  encoding: number,
  body: Uint8Array,
  position: number,
  column: LeafColumn,
  count: number,
  bytesMax: number,
): Piece {
  const { physicalType } = column;
  const width = widthOf(column);
  switch (encoding) {
    case Encoding.PLAIN:
      return decodePlain(body, position, column, count);
    case Encoding.RLE:
      if (physicalType === "BOOLEAN") return decodeRleBooleans(body, position, count);
      break;
    case Encoding.DELTA_BINARY_PACKED:
      if (physicalType === "INT32") return rawPiece(decodeDelta32(body, position, count).values);
      if (physicalType === "INT64") return rawPiece(decodeDelta64(body, position, count).values);
      break;
    case Encoding.DELTA_LENGTH_BYTE_ARRAY:
      if (physicalType === "BYTE_ARRAY") return decodeDeltaLength(body, position, count);
      break;
    case Encoding.DELTA_BYTE_ARRAY:
      if (physicalType === "BYTE_ARRAY") return decodeDeltaStrings(body, position, count, bytesMax);
      if (physicalType === "FIXED_LEN_BYTE_ARRAY") {
        return asFixed(decodeDeltaStrings(body, position, count, bytesMax), width ?? 0);
      }
      break;
    case Encoding.BYTE_STREAM_SPLIT:
      if (width !== undefined && physicalType !== "BOOLEAN" && physicalType !== "INT96") {
        return decodeByteStreamSplit(body, position, width, count);
      }
      break;
  }
  throw new ColonnadeError("data", "ENCODING_UNSUPPORTED", "the encoding of a page is not supported", {
    encoding,
    physicalType,
  });
}

function rawPiece({ buffer, byteOffset, byteLength }: ArrayBufferView): Piece {
  return { kind: "fixed", data: new Uint8Array(buffer, byteOffset, byteLength) };
}

/** Booleans in the hybrid encoding have their length in front, in both versions of data pages. */
function decodeRleBooleans(body: Uint8Array, position: number, count: number): Piece {
  if (body.length - position < 4) throw malformedPage("the length of the booleans is cut off");
  const length = readUint32(body, position);
  if (length > body.length - position - 4)
    throw malformedPage("booleans are longer than their page", { length });
  const data = new Uint8Array(count);
  decodeHybrid(body, position + 4, position + 4 + length, 1, data, 0, count);
  return { kind: "fixed", data };
}
