import type { ByteWriter } from "../byte-writer.ts";
import { bitWidthOf, decodeHybrid, encodeHybrid, encodeRun, runLengthMin } from "./hybrid.ts";
import { malformedPage } from "../page-error.ts";
import { Encoding } from "../spec.ts";

/**
 * Levels of a v1 data page at `position`: with their length in front (RLE), or packed from the most significant
 * bit on (BIT_PACKED, deprecated). Returns the position after them.
 */
export function decodeLevelsV1(
  bytes: Uint8Array,
  position: number,
  encoding: number,
  max: number,
  out: Uint16Array,
  outStart: number,
  count: number,
): number {
  const bitWidth = bitWidthOf(max);
  if (encoding === Encoding.BIT_PACKED) {
    const length = Math.ceil((count * bitWidth) / 8);
    if (length > bytes.length - position)
      throw malformedPage("bit-packed levels end early", { count, bitWidth });
    unpackFromMostSignificant(bytes, position, bitWidth, out, outStart, count);
    return position + length;
  }
  if (encoding !== Encoding.RLE) throw malformedPage("levels have an unknown encoding", { encoding });
  if (bytes.length - position < 4) throw malformedPage("the length of the levels is cut off");
  const length = readUint32(bytes, position);
  if (length > bytes.length - position - 4)
    throw malformedPage("levels are longer than their page", { length });
  const end = position + 4 + length;
  decodeHybrid(bytes, position + 4, end, bitWidth, out, outStart, count);
  return end;
}

/** Source: parquet-format Encodings.md, "Bit-packed (Deprecated) (BIT_PACKED = 4)". */
function unpackFromMostSignificant(
  bytes: Uint8Array,
  start: number,
  bitWidth: number,
  out: Uint16Array,
  outStart: number,
  count: number,
): void {
  let position = start;
  let accumulator = 0;
  let bits = 0;
  for (let i = outStart; i < outStart + count; i += 1) {
    while (bits < bitWidth) {
      accumulator = ((accumulator << 8) | (bytes[position] as number)) & 0xffffff;
      position += 1;
      bits += 8;
    }
    bits -= bitWidth;
    out[i] = (accumulator >>> bits) & ((1 << bitWidth) - 1);
  }
}

/** Number of entries at the maximum, after checking that none is above it. */
export function countAtMaximum(levels: Uint16Array, start: number, count: number, max: number): number {
  let atMaximum = 0;
  let above = 0;
  for (let i = start; i < start + count; i += 1) {
    const level = levels[i] as number;
    if (level >= max) {
      if (level === max) atMaximum += 1;
      else above += 1;
    }
  }
  if (above > 0) throw malformedPage("a level is above the column's maximum", { max, entries: above });
  return atMaximum;
}

/**
 * Appends levels as a v1 page holds them (`prefixed`) or as a v2 page does. Returns the bytes they took. `levels` is
 * undefined where all of them are at the maximum.
 */
export function encodeLevels(
  levels: Uint16Array | undefined,
  start: number,
  count: number,
  max: number,
  prefixed: boolean,
  writer: ByteWriter,
): number {
  const before = writer.length;
  if (prefixed) {
    writer.reserve(4);
    writer.length += 4;
  }
  if (levels !== undefined) encodeHybrid(levels, start, count, bitWidthOf(max), writer);
  else if (count > 0) encodeUniform(max, count, bitWidthOf(max), writer);
  const length = writer.length - before;
  if (prefixed) writer.patchUint32(before, length - 4);
  return length;
}

/** As {@link encodeHybrid} writes that many equal values. */
function encodeUniform(level: number, count: number, bitWidth: number, writer: ByteWriter): void {
  if (count >= runLengthMin) encodeRun(level, count, bitWidth, writer);
  else encodeHybrid(new Uint16Array(count).fill(level), 0, count, bitWidth, writer);
}

/**
 * Whether the levels of a page are one run of the maximum, as those of a page without nulls are. `start` and `end` enclose
 * the hybrid encoding.
 */
export function areAllAtMaximum(
  bytes: Uint8Array,
  start: number,
  end: number,
  max: number,
  count: number,
): boolean {
  let header = 0;
  let position = start;
  for (let shift = 0; shift <= 28; shift += 7) {
    if (position >= end) return false;
    const byte = bytes[position] as number;
    position += 1;
    header += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) break;
  }
  if (header % 2 === 1 || header / 2 < count) return false;
  const valueBytes = (bitWidthOf(max) + 7) >>> 3;
  if (end - position < valueBytes) return false;
  let value = 0;
  for (let i = 0; i < valueBytes; i += 1) value |= (bytes[position + i] as number) << (8 * i);
  return value === max;
}

export function readUint32(bytes: Uint8Array, position: number): number {
  return (
    ((bytes[position] as number) |
      ((bytes[position + 1] as number) << 8) |
      ((bytes[position + 2] as number) << 16) |
      ((bytes[position + 3] as number) << 24)) >>>
    0
  );
}
