import type { LeafColumn } from "../leaf-type.ts";
import { tooLarge } from "../page-error.ts";
import type { Values } from "./values.ts";

/**
 * What one page decodes to, before the pages of a chunk are joined: the raw little-endian bytes of fixed-width
 * values (a boolean is one byte), or variable-length ones with offsets from 0.
 *
 * Little-endian hosts only, as every host of Node is in practice.
 */
export type Piece = FixedPiece | BytesPiece;

export interface FixedPiece {
  readonly kind: "fixed";
  readonly data: Uint8Array;
}

export interface BytesPiece {
  readonly kind: "bytes";
  readonly offsets: Int32Array;
  readonly data: Uint8Array;
}

/** Bytes of a value in memory, or undefined for BYTE_ARRAY. */
export function widthOf(column: LeafColumn): number | undefined {
  switch (column.physicalType) {
    case "BOOLEAN":
      return 1;
    case "INT32":
    case "FLOAT":
      return 4;
    case "INT64":
    case "DOUBLE":
      return 8;
    case "INT96":
      return 12;
    case "FIXED_LEN_BYTE_ARRAY":
      return column.typeLength ?? 0;
    case "BYTE_ARRAY":
      return undefined;
  }
}

/** The pieces one after another, as the column's {@link Values}. */
export function joinPieces(column: LeafColumn, pieces: readonly Piece[]): Values {
  return column.physicalType === "BYTE_ARRAY" ? joinBytes(pieces) : fixedValues(column, joinFixed(pieces));
}

/** Values of one column one after another. */
export function joinValues(column: LeafColumn, parts: readonly Values[]): Values {
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return only;
  return joinPieces(column, parts.map(pieceOf));
}

function pieceOf(values: Values): Piece {
  if (values.kind === "bytes") return values;
  const { buffer, byteOffset, byteLength } = values.data;
  return { kind: "fixed", data: new Uint8Array(buffer, byteOffset, byteLength) };
}

/** Values over fixed-width bytes whose buffer is aligned for every type. */
export function fixedValues(column: LeafColumn, bytes: Uint8Array): Values {
  const { buffer, byteOffset, byteLength } = bytes;
  switch (column.physicalType) {
    case "BOOLEAN":
      return { kind: "bool", data: bytes };
    case "INT32":
      return { kind: "int32", data: new Int32Array(buffer, byteOffset, byteLength >>> 2) };
    case "INT64":
      return { kind: "int64", data: new BigInt64Array(buffer, byteOffset, byteLength >>> 3) };
    case "FLOAT":
      return { kind: "float", data: new Float32Array(buffer, byteOffset, byteLength >>> 2) };
    case "DOUBLE":
      return { kind: "double", data: new Float64Array(buffer, byteOffset, byteLength >>> 3) };
    case "INT96":
    case "FIXED_LEN_BYTE_ARRAY":
      return { kind: "fixed", width: widthOf(column) ?? 0, data: bytes };
    case "BYTE_ARRAY":
      return { kind: "bytes", offsets: new Int32Array(1), data: bytes.subarray(0, 0) };
  }
}

/** Every typed array may begin there. */
const alignmentBytes = 8;

function joinFixed(pieces: readonly Piece[]): Uint8Array {
  const [only] = pieces;
  if (pieces.length === 1 && only !== undefined && only.data.byteOffset % alignmentBytes === 0)
    return only.data;
  let length = 0;
  for (const piece of pieces) length += piece.data.length;
  const joined = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    joined.set(piece.data, at);
    at += piece.data.length;
  }
  return joined;
}

function joinBytes(pieces: readonly Piece[]): Values {
  let count = 0;
  let length = 0;
  for (const piece of pieces) {
    if (piece.kind === "fixed") continue;
    count += piece.offsets.length - 1;
    length += piece.data.length;
  }
  checkOffsets(length);
  const [only] = pieces;
  if (pieces.length === 1 && only?.kind === "bytes") return only;
  const offsets = new Int32Array(count + 1);
  const data = new Uint8Array(length);
  let at = 0;
  let base = 0;
  for (const piece of pieces) {
    if (piece.kind === "fixed") continue;
    data.set(piece.data, base);
    for (let i = 1; i < piece.offsets.length; i += 1) offsets[at + i] = base + (piece.offsets[i] as number);
    at += piece.offsets.length - 1;
    base += piece.data.length;
  }
  return { kind: "bytes", offsets, data };
}

/** Offsets are 32-bit: a chunk holds less than 2 GiB of variable-length values. */
export function checkOffsets(bytes: number): void {
  if (bytes > 0x7fffffff) throw tooLarge("a column chunk holds 2 GiB of values or more", { bytes });
}

/** Short values are the rule, and for them a loop is faster than making the two views that `set` needs. */
export const copiedByLoopMax = 48;

export function copyBytes(from: Uint8Array, start: number, length: number, to: Uint8Array, at: number): void {
  if (length > copiedByLoopMax) to.set(from.subarray(start, start + length), at);
  else for (let i = 0; i < length; i += 1) to[at + i] = from[start + i] as number;
}
