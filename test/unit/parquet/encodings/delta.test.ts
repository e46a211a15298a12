import { expect, test } from "vitest";
import { decodeByteStreamSplit } from "../../../../src/parquet/encodings/byte-stream-split.ts";
import { decodeDelta32, decodeDelta64 } from "../../../../src/parquet/encodings/delta-binary-packed.ts";
import {
  asFixed,
  decodeDeltaLength,
  decodeDeltaStrings,
} from "../../../../src/parquet/encodings/delta-byte-array.ts";

/** The format's examples use blocks of 8 values in one miniblock. Zigzag doubles: 7 is 14, -2 is 3. */
const fiveInARow = Uint8Array.of(8, 1, 5, 2, 2, 0);
const downAndUp = Uint8Array.of(8, 1, 8, 14, 3, 2, 0b11000000, 0b00111111);

test("the format's examples of delta encoding decode to their numbers", () => {
  expect([...decodeDelta32(fiveInARow, 0, 5).values]).toEqual([1, 2, 3, 4, 5]);
  expect([...decodeDelta32(downAndUp, 0, 8).values]).toEqual([7, 5, 3, 1, 2, 3, 4, 5]);
  expect([...decodeDelta64(downAndUp, 0, 8).values]).toEqual([7n, 5n, 3n, 1n, 2n, 3n, 4n, 5n]);
});

test("additions wrap around as two's complement does", () => {
  // First value 2^31 - 1 (zigzag 2^32 - 2), smallest delta 1.
  const bytes = Uint8Array.of(8, 1, 2, 0xfe, 0xff, 0xff, 0xff, 0x0f, 2, 0);
  expect([...decodeDelta32(bytes, 0, 2).values]).toEqual([2 ** 31 - 1, -(2 ** 31)]);
  // First value 2^63 - 1 (zigzag 2^64 - 2).
  const wide = Uint8Array.of(8, 1, 2, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 2, 0);
  expect([...decodeDelta64(wide, 0, 2).values]).toEqual([2n ** 63n - 1n, -(2n ** 63n)]);
});

test("deltas of 64 bits add across the halves", () => {
  // First 2^32 - 1, smallest delta 0, one delta in 40 bits: 2^39 + 1.
  const bytes = Uint8Array.of(8, 1, 2, 0xfe, 0xff, 0xff, 0xff, 0x1f, 0, 40, 1, 0, 0, 0, 0x80);
  expect([...decodeDelta64(bytes, 0, 2).values]).toEqual([2n ** 32n - 1n, 2n ** 39n + 2n ** 32n]);
});

test("the format's example of front compression gives its words", () => {
  const prefixes = [8, 1, 4, 0, 5, 3, 0b101, 0b0, 0b0];
  // 0, 2, 0, 3: deltas 2, -2, 3, smallest -2 (zigzag 3), above it 4, 0, 5 in three bits.
  const packed = 4 | (0 << 3) | (5 << 6);
  const bytes = [8, 1, 4, 0, 3, 3, packed & 0xff, packed >> 8, 0];
  expect(prefixes).toHaveLength(bytes.length);
  // 4, 2, 6, 5: deltas -2, 4, -1, smallest -2, above it 0, 6, 1 in three bits.
  const lengths = 0 | (6 << 3) | (1 << 6);
  const suffixes = [8, 1, 4, 8, 3, 3, lengths & 0xff, lengths >> 8, 0];
  const page = Uint8Array.from([...bytes, ...suffixes, ...new TextEncoder().encode("axislebabbleyhood")]);
  const { offsets, data } = decodeDeltaStrings(page, 0, 4, 1000);
  expect(new TextDecoder().decode(data)).toBe("axisaxlebabblebabyhood");
  expect([...offsets]).toEqual([0, 4, 8, 14, 22]);
});

test("the format's example of delta lengths gives its words", () => {
  // 5, 5, 6, 6: deltas 0, 1, 0.
  const page = Uint8Array.from([
    8,
    1,
    4,
    10,
    0,
    1,
    0b010,
    ...new TextEncoder().encode("HelloWorldFoobarABCDEF"),
  ]);
  const { offsets, data } = decodeDeltaLength(page, 0, 4);
  expect([...offsets]).toEqual([0, 5, 10, 16, 22]);
  expect(new TextDecoder().decode(data)).toBe("HelloWorldFoobarABCDEF");
});

test("the format's example of byte streams gives its floats", () => {
  const bytes = Uint8Array.of(0xaa, 0x00, 0xa3, 0xbb, 0x11, 0xb4, 0xcc, 0x22, 0xc5, 0xdd, 0x33, 0xd6);
  expect([...decodeByteStreamSplit(bytes, 0, 4, 3).data]).toEqual([
    0xaa, 0xbb, 0xcc, 0xdd, 0x00, 0x11, 0x22, 0x33, 0xa3, 0xb4, 0xc5, 0xd6,
  ]);
});

test.each([
  ["no miniblocks", [8, 0, 5, 2, 2, 0], 5],
  ["empty blocks", [0, 1, 5, 2, 2, 0], 5],
  ["miniblocks that are no whole bytes", [12, 4, 5, 2, 2, 0], 5],
  ["another number of values", [8, 1, 4, 2, 2, 0], 5],
  ["a bit width of 33", [8, 1, 5, 2, 2, 33, 0, 0, 0, 0, 0, 0, 0, 0], 5],
  ["a miniblock that is cut off", [8, 1, 5, 2, 2, 9], 5],
  ["no end of a varint", Array<number>(12).fill(0xff), 5],
  ["nothing", [], 5],
])("a delta encoding with %s is malformed", (_, bytes, count) => {
  expect(() => decodeDelta32(Uint8Array.from(bytes), 0, count)).toThrow(/./);
  expect(() => decodeDelta32(Uint8Array.from(bytes), 0, count)).toThrow(
    expect.objectContaining({ kind: "data", code: "PAGE_MALFORMED" }),
  );
});

test("a padding of the last miniblock that is missing is no error", () => {
  // Two deltas of 4 bits need one byte; the miniblock of eight would have four.
  expect([...decodeDelta32(Uint8Array.of(8, 1, 3, 0, 0, 4, 0x21), 0, 3).values]).toEqual([0, 1, 3]);
});

test("front compression that would blow up is refused before it is done", () => {
  // 0 then 7 times a prefix of 100: one suffix of 100 bytes.
  const prefixes = [8, 1, 8, 0, 0, 8, 100, 0, 0, 0, 0, 0, 0, 0];
  const suffixes = [8, 1, 8, 200, 1, 199, 1, 8, 0, 100, 100, 100, 100, 100, 100, 100];
  const page = Uint8Array.from([...prefixes, ...suffixes, ...Array<number>(100).fill(65)]);
  expect(decodeDeltaStrings(page, 0, 8, 1000).data).toHaveLength(800);
  expect(() => decodeDeltaStrings(page, 0, 8, 700)).toThrow(
    expect.objectContaining({ code: "CHUNK_TOO_LARGE" }),
  );
  expect(() => asFixed(decodeDeltaStrings(page, 0, 8, 1000), 99)).toThrow(
    expect.objectContaining({ code: "PAGE_MALFORMED" }),
  );
});
