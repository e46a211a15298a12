import * as fc from "fast-check";
import { expect, test } from "vitest";
import { xxhash64 } from "../../../../src/parquet/indexes/xxhash64.ts";

function hashOf(bytes: Uint8Array, start = 0): bigint {
  const { low, high } = xxhash64(bytes, start, bytes.length);
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
}

const primes: readonly [bigint, bigint, bigint, bigint, bigint] = [
  0x9e3779b185ebca87n,
  0xc2b2ae3d27d4eb4fn,
  0x165667b19e3779f9n,
  0x85ebca77c2b2ae63n,
  0x27d4eb2f165667c5n,
];
const [p1, p2, p3, p4, p5] = primes;
const u64 = (value: bigint): bigint => BigInt.asUintN(64, value);
const rotate = (value: bigint, bits: bigint): bigint => u64((value << bits) | (value >> (64n - bits)));
const round = (lane: bigint, input: bigint): bigint => u64(rotate(u64(lane + input * p2), 31n) * p1);

/** The specification word by word, on bigints. */
function reference(bytes: Uint8Array): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const word = (at: number): bigint => view.getBigUint64(at, true);
  let at = 0;
  let hash = p5;
  if (bytes.length >= 32) {
    let lanes = [u64(p1 + p2), p2, 0n, u64(-p1)];
    for (; bytes.length - at >= 32; at += 32) {
      const stripe = at;
      lanes = lanes.map((lane, i) => round(lane, word(stripe + 8 * i)));
    }
    const bits = [1n, 7n, 12n, 18n];
    hash = lanes.reduce((sum, lane, i) => u64(sum + rotate(lane, bits[i] as bigint)), 0n);
    for (const lane of lanes) hash = u64((hash ^ round(0n, lane)) * p1 + p4);
  }
  hash = u64(hash + BigInt(bytes.length));
  for (; bytes.length - at >= 8; at += 8) hash = u64(rotate(hash ^ round(0n, word(at)), 27n) * p1 + p4);
  if (bytes.length - at >= 4) {
    hash = u64(rotate(hash ^ u64(BigInt(view.getUint32(at, true)) * p1), 23n) * p2 + p3);
    at += 4;
  }
  for (; at < bytes.length; at += 1)
    hash = u64(rotate(hash ^ u64(BigInt(bytes[at] as number) * p5), 11n) * p1);
  hash = u64((hash ^ (hash >> 33n)) * p2);
  hash = u64((hash ^ (hash >> 29n)) * p3);
  return hash ^ (hash >> 32n);
}

test.each([
  ["", 0xef46db3751d8e999n],
  ["a", 0xd24ec4f1a98c6e5bn],
  ["abc", 0x44bc2cf5ad770999n],
  ["The quick brown fox jumps over the lazy dog", 0x0b242d361fda71bcn],
])("XXH64 of %j is the known one", (text, hash) => {
  expect(hashOf(new TextEncoder().encode(text))).toBe(hash);
});

test("XXH64 on halves equals the specification on bigints, at every length", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 150, size: "max" }), fc.nat(5), (bytes, before) => {
      const shifted = new Uint8Array(bytes.length + before);
      shifted.set(bytes, before);
      expect(hashOf(shifted, before)).toBe(reference(bytes));
    }),
    { numRuns: 500 },
  );
});
