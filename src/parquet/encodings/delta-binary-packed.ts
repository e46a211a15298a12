import { readBits, unpackBits } from "./bit-pack.ts";
import { malformedPage } from "../page-error.ts";

/**
 * DELTA_BINARY_PACKED: blocks of deltas, each packed to the bits it needs above the block's smallest.
 * Source: parquet-format Encodings.md, "Delta Encoding (DELTA_BINARY_PACKED = 5)". All additions wrap around, as it asks.
 */
export interface DeltaValues<A extends Int32Array | BigInt64Array> {
  readonly values: A;
  /** Where the encoding ends: what comes after it is the caller's. */
  readonly end: number;
}

interface Header {
  readonly blockValues: number;
  readonly miniblocks: number;
  readonly cursor: VarintCursor;
}

/** Exactly `count` (one or more) 32-bit values from `start` on. Throws `data` `PAGE_MALFORMED`. */
export function decodeDelta32(bytes: Uint8Array, start: number, count: number): DeltaValues<Int32Array> {
  const { cursor, blockValues, miniblocks } = readHeader(bytes, start, count);
  const miniblockValues = blockValues / miniblocks;
  const values = new Int32Array(count);
  const deltas = new Int32Array(Math.min(miniblockValues, count));
  cursor.zigzag64();
  let value = cursor.low;
  values[0] = value;
  for (let at = 1; at < count;) {
    cursor.zigzag64();
    const minDelta = cursor.low;
    const widths = cursor.skip(miniblocks);
    for (let block = 0; block < miniblocks && at < count; block += 1) {
      const width = bytes[widths + block] as number;
      if (width > 32) throw malformedPage("a miniblock has an impossible bit width", { width });
      const length = Math.min(miniblockValues, count - at);
      const packed = cursor.packed(length, miniblockValues, width);
      unpackBits(bytes, packed, width, deltas, 0, length);
      for (let i = 0; i < length; i += 1) {
        value = (value + minDelta + (deltas[i] as number)) | 0;
        values[at + i] = value;
      }
      at += length;
    }
  }
  return { values, end: cursor.position };
}

/** Exactly `count` (one or more) 64-bit values, on halves of 32 bits. Throws `data` `PAGE_MALFORMED`. */
export function decodeDelta64(bytes: Uint8Array, start: number, count: number): DeltaValues<BigInt64Array> {
  const { cursor, blockValues, miniblocks } = readHeader(bytes, start, count);
  const miniblockValues = blockValues / miniblocks;
  const values = new BigInt64Array(count);
  const words = new Int32Array(values.buffer);
  const lows = new Int32Array(Math.min(miniblockValues, count));
  const highs = new Int32Array(lows.length);
  cursor.zigzag64();
  let { low, high } = cursor;
  words[0] = low;
  words[1] = high;
  for (let at = 1; at < count;) {
    cursor.zigzag64();
    const minLow = cursor.low >>> 0;
    const minHigh = cursor.high;
    const widths = cursor.skip(miniblocks);
    for (let block = 0; block < miniblocks && at < count; block += 1) {
      const width = bytes[widths + block] as number;
      if (width > 64) throw malformedPage("a miniblock has an impossible bit width", { width });
      const length = Math.min(miniblockValues, count - at);
      const packed = cursor.packed(length, miniblockValues, width);
      unpackPairs(bytes, packed, width, lows, highs, length);
      for (let i = 0; i < length; i += 1) {
        const sum = (low >>> 0) + minLow + ((lows[i] as number) >>> 0);
        // At most 3 * (2^32 - 1): the carry is 0, 1 or 2.
        const carry = sum < 0x100000000 ? 0 : sum < 0x200000000 ? 1 : 2;
        low = sum | 0;
        high = (high + minHigh + (highs[i] as number) + carry) | 0;
        words[2 * (at + i)] = low;
        words[2 * (at + i) + 1] = high;
      }
      at += length;
    }
  }
  return { values, end: cursor.position };
}

function unpackPairs(
  bytes: Uint8Array,
  start: number,
  width: number,
  lows: Int32Array,
  highs: Int32Array,
  count: number,
): void {
  if (width <= 32) {
    unpackBits(bytes, start, width, lows, 0, count);
    highs.fill(0, 0, count);
    return;
  }
  for (let i = 0, bit = 0; i < count; i += 1, bit += width) {
    const position = start + Math.floor(bit / 8);
    lows[i] = readBits(bytes, position, bit % 8, 32);
    highs[i] = readBits(bytes, position + 4, bit % 8, width - 32);
  }
}

function readHeader(bytes: Uint8Array, start: number, count: number): Header {
  const cursor = new VarintCursor(bytes, start);
  const blockValues = cursor.varint32();
  const miniblocks = cursor.varint32();
  const total = cursor.varint32();
  // The format asks for multiples of 128 and 32; any whole bytes can be read.
  if (miniblocks === 0 || blockValues % miniblocks !== 0 || (blockValues / miniblocks) % 8 !== 0) {
    throw malformedPage("delta blocks have an impossible size", { blockValues, miniblocks });
  }
  if (blockValues === 0) throw malformedPage("delta blocks are empty");
  if (total !== count) {
    throw malformedPage("a delta encoding has another number of values than its page", { total, count });
  }
  return { blockValues, miniblocks, cursor };
}

/** Reads varints into two 32-bit halves: a bigint for every block would cost more than the block. */
class VarintCursor {
  readonly #bytes: Uint8Array;
  position: number;
  low = 0;
  high = 0;

  constructor(bytes: Uint8Array, position: number) {
    this.#bytes = bytes;
    this.position = position;
  }

  varint32(): number {
    this.#varint64();
    if (this.high !== 0) throw malformedPage("a varint is longer than 32 bits", { position: this.position });
    return this.low >>> 0;
  }

  zigzag64(): void {
    this.#varint64();
    const { low, high } = this;
    const sign = -(low & 1);
    this.low = ((low >>> 1) | (high << 31)) ^ sign;
    this.high = (high >>> 1) ^ sign;
  }

  /** The position of the next `length` bytes, which it passes over. */
  skip(length: number): number {
    const start = this.position;
    if (length > this.#bytes.length - start) throw malformedPage("a delta encoding ends early", { length });
    this.position += length;
    return start;
  }

  /**
   * The position of a miniblock, which it passes over. The last one is padded to its full size, but not by every writer: only
   * the bytes of values that count must be there.
   */
  packed(values: number, miniblockValues: number, width: number): number {
    const start = this.position;
    const left = this.#bytes.length - start;
    if (Math.ceil((values * width) / 8) > left)
      throw malformedPage("a delta miniblock ends early", { width });
    this.position = start + Math.min(left, (miniblockValues / 8) * width);
    return start;
  }

  #varint64(): void {
    this.low = 0;
    this.high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.#bytes[this.position];
      if (byte === undefined) throw malformedPage("a varint is cut off", { position: this.position });
      this.position += 1;
      const bits = byte & 0x7f;
      if (shift < 32) this.low |= bits << shift;
      if (shift >= 32) this.high |= bits << (shift - 32);
      else if (shift > 25) this.high |= bits >>> (32 - shift);
      if (byte < 0x80) return;
    }
    throw malformedPage("a varint is longer than 64 bits", { position: this.position });
  }
}
