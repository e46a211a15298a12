import type { PackedTarget } from "./bit-pack.ts";
import { packBits, unpackBits } from "./bit-pack.ts";
import type { ByteWriter } from "../byte-writer.ts";
import { malformedPage } from "../page-error.ts";

/**
 * The RLE / bit-packing hybrid: levels, dictionary indices and RLE booleans.
 * Source: parquet-format Encodings.md, "Run Length Encoding / Bit-Packing Hybrid (RLE = 3)".
 */

/** A shorter repetition costs less inside a bit-packed run than as a run of its own. */
export const runLengthMin = 8;
/** 63 groups of 8: the header stays one byte, which the oldest readers rely on. */
const packedRunMax = 504;

/**
 * Decodes exactly `count` values from `bytes[start, end)` into `out` from `outStart`. Returns the position after the
 * last run that was used. Throws `data` `PAGE_MALFORMED` when the bytes end early.
 */
export function decodeHybrid(
  bytes: Uint8Array,
  start: number,
  end: number,
  bitWidth: number,
  out: PackedTarget,
  outStart: number,
  count: number,
): number {
  const stop = outStart + count;
  const valueBytes = (bitWidth + 7) >>> 3;
  let position = start;
  let at = outStart;
  while (at < stop) {
    let header = 0;
    for (let shift = 0; ; shift += 7) {
      if (position >= end)
        throw malformedPage("a run of the hybrid encoding ends early", { missing: stop - at });
      if (shift > 28) throw malformedPage("a run header of the hybrid encoding is longer than 32 bits");
      const byte = bytes[position] as number;
      position += 1;
      header |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    header >>>= 0;
    const scaled = header >>> 1;
    // An empty run consumes its header at least, so the loop ends with the bytes.
    if ((header & 1) === 1) {
      const wanted = Math.min(scaled * 8, stop - at);
      // Some writers cut the padding of the last group, so only the bytes that are needed must be there.
      if (Math.ceil((wanted * bitWidth) / 8) > end - position) {
        throw malformedPage("a bit-packed run ends early", { wanted, bitWidth, bytes: end - position });
      }
      unpackBits(bytes, position, bitWidth, out, at, wanted);
      at += wanted;
      position = Math.min(end, position + scaled * bitWidth);
    } else {
      if (valueBytes > end - position) throw malformedPage("a repeated run ends early", { valueBytes });
      let value = 0;
      for (let i = 0; i < valueBytes; i += 1) value |= (bytes[position + i] as number) << (8 * i);
      position += valueBytes;
      const next = Math.min(stop, at + scaled);
      out.fill(value, at, next);
      at = next;
    }
  }
  return position;
}

/** Appends `count` values from `start` in the hybrid encoding, without a length in front. */
export function encodeHybrid(
  values: PackedTarget,
  start: number,
  count: number,
  bitWidth: number,
  writer: ByteWriter,
): void {
  const stop = start + count;
  let literal = start; // where the values that no run holds yet begin
  let at = start;
  while (at < stop) {
    const value = values[at] as number;
    let next = at + 1;
    while (next < stop && values[next] === value) next += 1;
    // A bit-packed run holds whole groups of 8, so it borrows from the repetition to fill its last one.
    const borrowed = Math.min(next - at, (8 - ((at - literal) & 7)) & 7);
    if (next - at - borrowed >= runLengthMin) {
      encodePacked(values, literal, at + borrowed - literal, bitWidth, writer);
      encodeRun(value, next - at - borrowed, bitWidth, writer);
      literal = next;
    }
    at = next;
  }
  encodePacked(values, literal, stop - literal, bitWidth, writer);
}

/** One run of `count` (1 to 2^31 - 1) equal values. */
export function encodeRun(value: number, count: number, bitWidth: number, writer: ByteWriter): void {
  writer.varint32(count * 2);
  for (let bits = 0; bits < bitWidth; bits += 8) writer.byte((value >>> bits) & 0xff);
}

function encodePacked(
  values: PackedTarget,
  start: number,
  count: number,
  bitWidth: number,
  writer: ByteWriter,
): void {
  for (let done = 0; done < count; done += packedRunMax) {
    const length = Math.min(packedRunMax, count - done);
    const groups = (length + 7) >>> 3;
    writer.varint32(groups * 2 + 1);
    writer.reserve(groups * bitWidth);
    const end = packBits(values, start + done, length, bitWidth, writer.bytes, writer.length);
    writer.bytes.fill(0, end, writer.length + groups * bitWidth);
    writer.length += groups * bitWidth;
  }
}

/** Bits that hold every number from 0 to `max`. */
export function bitWidthOf(max: number): number {
  return 32 - Math.clz32(max);
}
