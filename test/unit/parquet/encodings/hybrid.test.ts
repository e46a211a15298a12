import * as fc from "fast-check";
import { expect, test } from "vitest";
import { ColonnadeError } from "../../../../src/base/errors.ts";
import { unpackBits } from "../../../../src/parquet/encodings/bit-pack.ts";
import { ByteWriter } from "../../../../src/parquet/byte-writer.ts";
import { bitWidthOf, decodeHybrid, encodeHybrid } from "../../../../src/parquet/encodings/hybrid.ts";
import { decodeLevelsV1, encodeLevels } from "../../../../src/parquet/encodings/levels.ts";
import { Encoding } from "../../../../src/parquet/spec.ts";

/** Runs as well as noise, of values that fit the width. */
const sequences = fc.integer({ min: 0, max: 32 }).chain((bitWidth) =>
  fc.record({
    bitWidth: fc.constant(bitWidth),
    values: fc
      .array(
        fc.tuple(
          fc.integer({ min: 0, max: bitWidth === 0 ? 0 : 2 ** bitWidth - 1 }),
          fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 700 })),
        ),
        { maxLength: 60 },
      )
      .map((runs) => Int32Array.from(runs.flatMap(([value, length]) => Array<number>(length).fill(value)))),
  }),
);

test("what the hybrid encoding writes, it reads back, at every bit width", () => {
  fc.assert(
    fc.property(sequences, ({ bitWidth, values }) => {
      const writer = new ByteWriter(1);
      encodeHybrid(values, 0, values.length, bitWidth, writer);
      const bytes = writer.finish();
      const decoded = new Int32Array(values.length);
      expect(decodeHybrid(bytes, 0, bytes.length, bitWidth, decoded, 0, values.length)).toBe(bytes.length);
      expect(decoded).toEqual(values);
    }),
  );
});

test("the example of the format, 0 to 7 in three bits, unpacks from the least significant bit on", () => {
  const out = new Int32Array(8);
  unpackBits(Uint8Array.of(0b10001000, 0b11000110, 0b11111010), 0, 3, out, 0, 8);
  expect([...out]).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
});

test("the example of the format for deprecated bit packing unpacks from the most significant bit on", () => {
  const out = new Uint16Array(8);
  const bytes = Uint8Array.of(0b00000101, 0b00111001, 0b01110111);
  expect(decodeLevelsV1(bytes, 0, Encoding.BIT_PACKED, 7, out, 0, 8)).toBe(3);
  expect([...out]).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
});

test("a long run takes a few bytes, and runs of 504 keep their header in one", () => {
  const run = new ByteWriter();
  encodeHybrid(new Int32Array(1_000_000).fill(5), 0, 1_000_000, 3, run);
  expect(run.length).toBe(4);
  const noise = new ByteWriter();
  encodeHybrid(
    Int32Array.from({ length: 1008 }, (_, i) => i % 2),
    0,
    1008,
    1,
    noise,
  );
  expect(noise.length).toBe(2 * (1 + 63));
  expect(noise.bytes[0]).toBe(63 * 2 + 1);
});

test("levels of both page versions come back, and the first has its length in front", () => {
  const levels = Uint16Array.from({ length: 100 }, (_, i) => i % 4);
  const writer = new ByteWriter();
  const length = encodeLevels(levels, 0, 100, 3, true, writer);
  const decoded = new Uint16Array(100);
  expect(decodeLevelsV1(writer.finish(), 0, Encoding.RLE, 3, decoded, 0, 100)).toBe(length);
  expect(decoded).toEqual(levels);
  expect(writer.bytes[0]).toBe(length - 4);
});

test.each([
  ["nothing", []],
  ["a run without its value", [8]],
  ["a bit-packed run that is too short", [3]],
  ["a header that never ends", [0x80, 0x80, 0x80, 0x80, 0x80, 0x80]],
  ["empty runs alone", [0, 0, 0, 0]],
])("%s in place of eight values is malformed", (_, bytes) => {
  const out = new Int32Array(8);
  expect(() => decodeHybrid(Uint8Array.from(bytes), 0, bytes.length, 3, out, 0, 8)).toThrow(ColonnadeError);
});

test("bit widths hold their maximum and no less", () => {
  expect([0, 1, 2, 3, 4, 255, 256, 2 ** 31].map(bitWidthOf)).toEqual([0, 1, 2, 2, 3, 8, 9, 32]);
});
