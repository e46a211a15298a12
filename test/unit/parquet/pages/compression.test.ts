import lz4 from "lz4-napi";
import { expect, test } from "vitest";
import type { Codec } from "../../../../src/parquet/values/column-data.ts";
import { compress, decompress, writableCodec } from "../../../../src/parquet/pages/compression.ts";

const text = new TextEncoder().encode("departed at, delay, distance, origin; ".repeat(40));
const large = Uint8Array.from({ length: 600_000 }, (_, i) => (i * i) >> 7);
const codecs: Codec[] = ["UNCOMPRESSED", "SNAPPY", "GZIP", "BROTLI", "ZSTD", "LZ4_RAW"];

test.each(codecs)("%s gives back what it was given", (codec) => {
  for (const bytes of [text, large, new Uint8Array(0)]) {
    const compressed = compress(codec, bytes);
    expect(new Uint8Array(decompress(codec, compressed, bytes.length))).toEqual(bytes);
  }
});

test.each(codecs)("%s refuses a size that is not the header's", (codec) => {
  for (const bytes of [text, large]) {
    const compressed = compress(codec, bytes);
    for (const size of [bytes.length - 1, bytes.length + 1]) {
      const malformed = expect.objectContaining({ kind: "data", code: "PAGE_MALFORMED" });
      expect(() => decompress(codec, compressed, size)).toThrow(malformed);
    }
  }
});

test.each(codecs.filter((codec) => codec !== "UNCOMPRESSED"))("%s refuses noise", (codec) => {
  const noise = Uint8Array.from({ length: 300 }, (_, i) => (i * 7919) >> 3);
  expect(() => decompress(codec, noise, 1000)).toThrow(expect.objectContaining({ code: "PAGE_MALFORMED" }));
  expect(() => decompress(codec, noise, 1_000_000)).toThrow(
    expect.objectContaining({ code: "PAGE_MALFORMED" }),
  );
});

test("LZO is named as unsupported, for reading and for writing", () => {
  const unsupported = expect.objectContaining({ kind: "data", code: "CODEC_UNSUPPORTED" });
  expect(() => decompress("LZO", text, 10)).toThrow(unsupported);
  expect(() => writableCodec("LZO")).toThrow(unsupported);
});

function block(bytes: Uint8Array): Uint8Array {
  return lz4.compressSync(Buffer.from(bytes)).subarray(4);
}

test("Hadoop's LZ4 reads framed blocks, several of them, and bare blocks", async () => {
  const framed = (bytes: Uint8Array): Buffer => {
    const compressed = block(bytes);
    const head = Buffer.alloc(8);
    head.writeUInt32BE(bytes.length, 0);
    head.writeUInt32BE(compressed.length, 4);
    return Buffer.concat([head, compressed]);
  };
  const two = Buffer.concat([framed(text.subarray(0, 1000)), framed(text.subarray(1000))]);
  expect(new Uint8Array(decompress("LZ4", two, text.length))).toEqual(text);
  expect(new Uint8Array(decompress("LZ4", block(text), text.length))).toEqual(text);
  expect(writableCodec("LZ4")).toBe("LZ4_RAW");
});
