/** Levels, dictionary indices, booleans: whatever is decoded from packed bits of up to 32. */
export type PackedTarget = Uint8Array | Uint16Array | Int32Array;

/**
 * Unpacks `count` values of `bitWidth` bits (0 to 32), least significant bit first, into `out` from `outStart`. The
 * caller has checked that the bytes are there.
 * Source: parquet-format Encodings.md, "Run Length Encoding / Bit-Packing Hybrid", note 1.
 */
export function unpackBits(
  bytes: Uint8Array,
  start: number,
  bitWidth: number,
  out: PackedTarget,
  outStart: number,
  count: number,
): void {
  if (bitWidth === 1) unpackSingleBits(bytes, start, out, outStart, count);
  else if (bitWidth === 8) {
    for (let i = 0; i < count; i += 1) out[outStart + i] = bytes[start + i] as number;
  } else if (bitWidth <= 24) unpackNarrow(bytes, start, bitWidth, out, outStart, count);
  else unpackWide(bytes, start, bitWidth, out, outStart, count);
}

function unpackSingleBits(
  bytes: Uint8Array,
  start: number,
  out: PackedTarget,
  outStart: number,
  count: number,
): void {
  const whole = count & ~7;
  let position = start;
  for (let i = outStart; i < outStart + whole; i += 8, position += 1) {
    const byte = bytes[position] as number;
    out[i] = byte & 1;
    out[i + 1] = (byte >> 1) & 1;
    out[i + 2] = (byte >> 2) & 1;
    out[i + 3] = (byte >> 3) & 1;
    out[i + 4] = (byte >> 4) & 1;
    out[i + 5] = (byte >> 5) & 1;
    out[i + 6] = (byte >> 6) & 1;
    out[i + 7] = byte >> 7;
  }
  for (let i = whole; i < count; i += 1) out[outStart + i] = ((bytes[position] as number) >> (i & 7)) & 1;
}

/** Up to 24 bits: the accumulator never holds more than 31. */
function unpackNarrow(
  bytes: Uint8Array,
  start: number,
  bitWidth: number,
  out: PackedTarget,
  outStart: number,
  count: number,
): void {
  const mask = (1 << bitWidth) - 1;
  let position = start;
  let accumulator = 0;
  let bits = 0;
  for (let i = outStart; i < outStart + count; i += 1) {
    while (bits < bitWidth) {
      accumulator |= (bytes[position] as number) << bits;
      position += 1;
      bits += 8;
    }
    out[i] = accumulator & mask;
    accumulator >>>= bitWidth;
    bits -= bitWidth;
  }
}

function unpackWide(
  bytes: Uint8Array,
  start: number,
  bitWidth: number,
  out: PackedTarget,
  outStart: number,
  count: number,
): void {
  for (let i = 0, bit = 0; i < count; i += 1, bit += bitWidth) {
    // Above 2^31 bits (a page of 256 MiB) the bit position is no 32-bit integer any more.
    const position = start + Math.floor(bit / 8);
    out[outStart + i] = readBits(bytes, position, bit % 8, bitWidth);
  }
}

/** Up to 32 bits from a bit position, as a signed 32-bit pattern. Bytes after the end count as zero. */
export function readBits(bytes: Uint8Array, position: number, shift: number, bitWidth: number): number {
  if (bitWidth === 0) return 0;
  let value =
    ((bytes[position] ?? 0) |
      ((bytes[position + 1] ?? 0) << 8) |
      ((bytes[position + 2] ?? 0) << 16) |
      ((bytes[position + 3] ?? 0) << 24)) >>>
    shift;
  if (shift + bitWidth > 32) value |= (bytes[position + 4] ?? 0) << (32 - shift);
  return bitWidth === 32 ? value | 0 : value & ((1 << bitWidth) - 1);
}

/** Packs `count` values (a multiple of 8, or padded with zero bits) into `out` at `position`; the room is there. */
export function packBits(
  values: PackedTarget,
  start: number,
  count: number,
  bitWidth: number,
  out: Uint8Array,
  position: number,
): number {
  let accumulator = 0;
  let bits = 0;
  let at = position;
  for (let i = start; i < start + count; i += 1) {
    const value = values[i] as number;
    // Values wider than a byte go in two steps, so that the accumulator stays below 32 bits.
    for (let taken = 0; taken < bitWidth;) {
      const step = Math.min(bitWidth - taken, 24 - bits);
      accumulator |= ((value >>> taken) & ((1 << step) - 1)) << bits;
      bits += step;
      taken += step;
      while (bits >= 8) {
        out[at] = accumulator;
        at += 1;
        accumulator >>>= 8;
        bits -= 8;
      }
    }
  }
  if (bits > 0) {
    out[at] = accumulator;
    at += 1;
  }
  return at;
}
