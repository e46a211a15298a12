/**
 * XXH64 with seed 0, on 32-bit halves: BigInt would be forty times slower.
 * Source: https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md, "XXH64 Algorithm Description".
 *
 * A 64-bit number is a pair in `low` and `high` of an {@link Accumulator}; the constants are split alike.
 */
const prime1 = [0x85ebca87, 0x9e3779b1] as const;
const prime2 = [0x27d4eb4f, 0xc2b2ae3d] as const;
const prime3 = [0x9e3779f9, 0x165667b1] as const;
const prime4 = [0xc2b2ae63, 0x85ebca77] as const;
const prime5 = [0x165667c5, 0x27d4eb2f] as const;

class Accumulator {
  low = 0;
  high = 0;

  set(low: number, high: number): void {
    this.low = low | 0;
    this.high = high | 0;
  }

  add(low: number, high: number): void {
    const sum = (this.low >>> 0) + (low >>> 0);
    this.high = (this.high + high + (sum > 0xffffffff ? 1 : 0)) | 0;
    this.low = sum | 0;
  }

  /** Modulo 2^64: the high halves' product falls off. */
  multiply(low: number, high: number): void {
    const carried = multiplyHigh(this.low, low) + Math.imul(this.low, high) + Math.imul(this.high, low);
    this.low = Math.imul(this.low, low);
    this.high = carried | 0;
  }

  rotateLeft(bits: number): void {
    const { low, high } = this;
    if (bits < 32) {
      this.low = (low << bits) | (high >>> (32 - bits));
      this.high = (high << bits) | (low >>> (32 - bits));
    } else {
      this.low = (high << (bits - 32)) | (low >>> (64 - bits));
      this.high = (low << (bits - 32)) | (high >>> (64 - bits));
    }
  }

  xor(low: number, high: number): void {
    this.low ^= low;
    this.high ^= high;
  }

  /** The value xor itself shifted right: `bits` from 1 to 63. */
  xorShift(bits: number): void {
    const { low, high } = this;
    if (bits < 32) this.xor((low >>> bits) | (high << (32 - bits)), high >>> bits);
    else this.xor(bits === 32 ? high : high >>> (bits - 32), 0);
  }

  /** `round` of the specification, with 64 bits of input. */
  round(low: number, high: number): void {
    const lane = scratch;
    lane.set(low, high);
    lane.multiply(prime2[0], prime2[1]);
    this.add(lane.low, lane.high);
    this.rotateLeft(31);
    this.multiply(prime1[0], prime1[1]);
  }
}

const scratch = new Accumulator();
const merged = new Accumulator();
const lanes = [new Accumulator(), new Accumulator(), new Accumulator(), new Accumulator()] as const;

/** The upper 32 bits of the product of two unsigned 32-bit numbers. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const other = aLow * bHigh + (middle & 0xffff);
  // `middle` and `other` can pass 2^32: divide, do not shift.
  return aHigh * bHigh + Math.floor(middle / 65536) + Math.floor(other / 65536);
}

function word(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  );
}

const result = new Accumulator();

/** The hash of `bytes[start, end)`. The object returned is reused by the next call. */
export function xxhash64(
  bytes: Uint8Array,
  start: number,
  end: number,
): { readonly low: number; readonly high: number } {
  let at = start;
  if (end - start >= 32) at = consumeStripes(bytes, start, end);
  else result.set(prime5[0], prime5[1]);
  result.add(end - start, 0);
  for (; end - at >= 8; at += 8) {
    merged.set(0, 0);
    merged.round(word(bytes, at), word(bytes, at + 4));
    result.xor(merged.low, merged.high);
    result.rotateLeft(27);
    result.multiply(prime1[0], prime1[1]);
    result.add(prime4[0], prime4[1]);
  }
  if (end - at >= 4) {
    merged.set(word(bytes, at), 0);
    merged.multiply(prime1[0], prime1[1]);
    result.xor(merged.low, merged.high);
    result.rotateLeft(23);
    result.multiply(prime2[0], prime2[1]);
    result.add(prime3[0], prime3[1]);
    at += 4;
  }
  for (; at < end; at += 1) {
    merged.set(bytes[at] as number, 0);
    merged.multiply(prime5[0], prime5[1]);
    result.xor(merged.low, merged.high);
    result.rotateLeft(11);
    result.multiply(prime1[0], prime1[1]);
  }
  result.xorShift(33);
  result.multiply(prime2[0], prime2[1]);
  result.xorShift(29);
  result.multiply(prime3[0], prime3[1]);
  result.xorShift(32);
  return result;
}

/** Four lanes over stripes of 32 bytes, then merged into `result`. Returns where the rest begins. */
function consumeStripes(bytes: Uint8Array, start: number, end: number): number {
  const [a, b, c, d] = lanes;
  a.set(prime1[0], prime1[1]);
  a.add(prime2[0], prime2[1]);
  b.set(prime2[0], prime2[1]);
  c.set(0, 0);
  d.set(0x7a143579, 0x61c8864e); // -prime1
  let at = start;
  for (; end - at >= 32; at += 32) {
    a.round(word(bytes, at), word(bytes, at + 4));
    b.round(word(bytes, at + 8), word(bytes, at + 12));
    c.round(word(bytes, at + 16), word(bytes, at + 20));
    d.round(word(bytes, at + 24), word(bytes, at + 28));
  }
  result.set(0, 0);
  for (const [lane, bits] of [
    [a, 1],
    [b, 7],
    [c, 12],
    [d, 18],
  ] as const) {
    merged.set(lane.low, lane.high);
    merged.rotateLeft(bits);
    result.add(merged.low, merged.high);
  }
  for (const lane of lanes) {
    merged.set(0, 0);
    merged.round(lane.low, lane.high);
    result.xor(merged.low, merged.high);
    result.multiply(prime1[0], prime1[1]);
    result.add(prime4[0], prime4[1]);
  }
  return at;
}
