import type { Stored } from "../pages/encode-page.ts";
import { encodePlain } from "../encodings/plain.ts";
import { ByteWriter } from "../byte-writer.ts";
import { BloomFilterAlgorithm, BloomFilterCompression, BloomFilterHash, BloomFilterHeader } from "../spec.ts";
import { encodeStruct } from "../thrift/thrift-writer.ts";
import { ThriftStruct } from "../thrift/thrift.ts";
import type { Values } from "../values/values.ts";
import { valueCount } from "../values/values.ts";
import { xxhash64 } from "./xxhash64.ts";

/**
 * A split-block Bloom filter over the values of a chunk. Source: parquet-format BloomFilter.md.
 */
const blockBytes = 32;
const salt = [
  0x47b6137b, 0x44974d91, 0x8824ad5b, 0xa2b7289d, 0x705495c7, 0x2df1424b, 0x9efc4947, 0x5c6bfb31,
] as const;

/** 10.5 bits a distinct value: one false positive in a hundred ("Sizing an SBBF"). */
const bitsPerValue = 10.5;
const filterBytesMax = 8 * 1024 * 1024;

/** Header and bitset over all values of a chunk. `wantedBytes`: the size of the filter that the source had. */
export function buildBloomFilter(stored: Stored, wantedBytes?: number): Uint8Array<ArrayBuffer> {
  const values = stored.as === "dictionary" ? stored.dictionary.entries : stored.values;
  const words = new Int32Array(bloomFilterBytes(valueCount(values), wantedBytes) / 4);
  insertAll(values, words);
  return frameBloomFilter(words);
}

/** The header before a bitset. */
export function frameBloomFilter(words: Int32Array): Uint8Array<ArrayBuffer> {
  const header = encodeStruct(
    new ThriftStruct()
      .setI32(BloomFilterHeader.numBytes, words.byteLength)
      .setStruct(BloomFilterHeader.algorithm, union(BloomFilterAlgorithm.BLOCK))
      .setStruct(BloomFilterHeader.hash, union(BloomFilterHash.XXHASH))
      .setStruct(BloomFilterHeader.compression, union(BloomFilterCompression.UNCOMPRESSED)),
  );
  const filter = new Uint8Array(header.length + words.byteLength);
  filter.set(header);
  filter.set(new Uint8Array(words.buffer, words.byteOffset, words.byteLength), header.length);
  return filter;
}

function union(member: number): ThriftStruct {
  return new ThriftStruct().setStruct(member, new ThriftStruct());
}

/**
 * Bytes of the bitset: as many as the source's had, whose filter with its header took `wantedBytes` (a header is shorter than a
 * block); else for so many values, a power of two as parquet-mr has it. The format takes any number of blocks.
 */
export function bloomFilterBytes(count: number, wantedBytes: number | undefined): number {
  if (wantedBytes !== undefined) {
    const blocks = Math.max(1, Math.floor(wantedBytes / blockBytes));
    return Math.min(filterBytesMax, blocks * blockBytes);
  }
  const needed = Math.max(blockBytes, (count * bitsPerValue) / 8);
  return Math.min(filterBytesMax, 2 ** Math.ceil(Math.log2(needed)));
}

/** The hash of a value is that of its PLAIN form, without the length of a byte array. */
export function insertAll(values: Values, words: Int32Array): void {
  const count = valueCount(values);
  if (values.kind === "bytes") {
    const { offsets, data } = values;
    for (let i = 0; i < count; i += 1) insert(words, data, offsets[i] as number, offsets[i + 1] as number);
    return;
  }
  if (values.kind === "bool") {
    for (let i = 0; i < count; i += 1) insert(words, values.data, i, i + 1);
    return;
  }
  const writer = new ByteWriter(0);
  encodePlain(values, 0, count, writer);
  const width = writer.length / count;
  for (let at = 0; at < writer.length; at += width) insert(words, writer.bytes, at, at + width);
}

function insert(words: Int32Array, bytes: Uint8Array, start: number, end: number): void {
  const { low, high } = xxhash64(bytes, start, end);
  const blocks = words.length / 8;
  // (high * blocks) >> 32, exact in a double since blocks stays below 2^21.
  const block = Math.floor(((high >>> 0) * blocks) / 2 ** 32);
  for (let i = 0; i < 8; i += 1) {
    const at = block * 8 + i;
    words[at] = (words[at] as number) | (1 << (Math.imul(low, salt[i] as number) >>> 27));
  }
}
