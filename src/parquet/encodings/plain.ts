import { unpackBits } from "./bit-pack.ts";
import type { ByteWriter } from "../byte-writer.ts";
import { wordsOf } from "../values/gather-values.ts";
import type { LeafColumn } from "../leaf-type.ts";
import { malformedPage } from "../page-error.ts";
import type { Piece } from "../values/value-pieces.ts";
import { copiedByLoopMax, copyBytes, widthOf } from "../values/value-pieces.ts";
import type { Values } from "../values/values.ts";

/** `count` PLAIN values from `position` on. Source: parquet-format Encodings.md, "Plain". */
export function decodePlain(bytes: Uint8Array, position: number, column: LeafColumn, count: number): Piece {
  const width = widthOf(column);
  if (width === undefined) return decodePlainBytes(bytes, position, count);
  if (column.physicalType === "BOOLEAN") {
    if (Math.ceil(count / 8) > bytes.length - position) throw endsEarly(count, bytes.length - position);
    const data = new Uint8Array(count);
    unpackBits(bytes, position, 1, data, 0, count);
    return { kind: "fixed", data };
  }
  const length = count * width;
  if (length > bytes.length - position) throw endsEarly(count, bytes.length - position);
  return { kind: "fixed", data: bytes.subarray(position, position + length) };
}

function decodePlainBytes(bytes: Uint8Array, start: number, count: number): Piece {
  // Each value has a length of four bytes at least: bounds the allocation.
  if (count * 4 > bytes.length - start) throw endsEarly(count, bytes.length - start);
  const offsets = new Int32Array(count + 1);
  // What a page holds beyond its lengths are its values, so this is all the room that they can need, and seldom too much.
  const data = new Uint8Array(bytes.length - start - 4 * count);
  const end = bytes.length - 4;
  let position = start;
  let total = 0;
  for (let i = 1; i <= count; i += 1) {
    if (position > end) throw endsEarly(count, bytes.length - position);
    const length =
      ((bytes[position] as number) |
        ((bytes[position + 1] as number) << 8) |
        ((bytes[position + 2] as number) << 16) |
        ((bytes[position + 3] as number) << 24)) >>>
      0;
    position += 4;
    if (length > bytes.length - position || length > data.length - total)
      throw endsEarly(count, bytes.length - position);
    if (length > copiedByLoopMax) data.set(bytes.subarray(position, position + length), total);
    else for (let k = 0; k < length; k += 1) data[total + k] = bytes[position + k] as number;
    position += length;
    total += length;
    offsets[i] = total;
  }
  return { kind: "bytes", offsets, data: data.length === total ? data : data.slice(0, total) };
}

function endsEarly(count: number, bytes: number): Error {
  return malformedPage("plain values end early", { count, bytes });
}

/** Appends values `[from, to)` as PLAIN. */
export function encodePlain(values: Values, from: number, to: number, writer: ByteWriter): void {
  switch (values.kind) {
    case "bool":
      encodeBits(values.data, from, to, writer);
      return;
    case "bytes":
      encodePlainBytes(values.offsets, values.data, from, to, writer);
      return;
    case "fixed":
      writer.raw(values.data.subarray(from * values.width, to * values.width));
      return;
    case "int32":
    case "float":
    case "int64":
    case "double": {
      const { buffer, byteOffset } = wordsOf(values.data);
      const width = values.data.BYTES_PER_ELEMENT;
      writer.raw(new Uint8Array(buffer, byteOffset + from * width, (to - from) * width));
    }
  }
}

function encodeBits(data: Uint8Array, from: number, to: number, writer: ByteWriter): void {
  writer.reserve((to - from + 7) >>> 3);
  for (let i = from; i < to; i += 8) {
    let byte = 0;
    for (let bit = 0; bit < 8 && i + bit < to; bit += 1) byte |= (data[i + bit] as number) << bit;
    writer.bytes[writer.length] = byte;
    writer.length += 1;
  }
}

function encodePlainBytes(
  offsets: Int32Array,
  data: Uint8Array,
  from: number,
  to: number,
  writer: ByteWriter,
): void {
  const total = (offsets[to] as number) - (offsets[from] as number);
  writer.reserve(total + 4 * (to - from));
  let at = writer.length;
  for (let i = from; i < to; i += 1) {
    const start = offsets[i] as number;
    const length = (offsets[i + 1] as number) - start;
    writer.patchUint32(at, length);
    copyBytes(data, start, length, writer.bytes, at + 4);
    at += 4 + length;
  }
  writer.length = at;
}

/** Bytes that values `[from, to)` take as PLAIN. */
export function plainBytes(values: Values, from: number, to: number): number {
  switch (values.kind) {
    case "bool":
      return (to - from + 7) >>> 3;
    case "bytes":
      return (values.offsets[to] as number) - (values.offsets[from] as number) + 4 * (to - from);
    case "fixed":
      return (to - from) * values.width;
    case "int32":
    case "float":
    case "int64":
    case "double":
      return (to - from) * values.data.BYTES_PER_ELEMENT;
  }
}
