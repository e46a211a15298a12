import { createRequire } from "node:module";
import * as zlib from "node:zlib";
import { ColonnadeError, unreachable } from "../../base/errors.ts";
import type { Codec } from "../values/column-data.ts";
import { malformedPage } from "../page-error.ts";

// Native libraries that most jobs never need: loaded by the first page that does, which a static import cannot.
const require = createRequire(import.meta.url);
let loadedLz4: typeof import("lz4-napi") | undefined;
let loadedSnappy: typeof import("snappy") | undefined;
export const lz4 = (): typeof import("lz4-napi") =>
  (loadedLz4 ??= require("lz4-napi") as typeof import("lz4-napi"));
const snappy = (): typeof import("snappy") => (loadedSnappy ??= require("snappy") as typeof import("snappy"));

/** zlib grows its output in steps of this size; a page that is smaller than a step is one allocation. */
const outputStepBytesMax = 256 * 1024 * 1024;

/**
 * Exactly `uncompressedBytes` bytes (which the caller has bounded). Throws `data` `PAGE_MALFORMED` when the
 * input is corrupt or has another size, `data` `CODEC_UNSUPPORTED` for LZO. Source: parquet-format Compression.md.
 *
 * On this thread, which is a worker's as a rule: the pool that zlib has for the asynchronous way would be further threads
 * than the job allows, and handing over costs more than a page does.
 */
export function decompress(codec: Codec, bytes: Uint8Array, uncompressedBytes: number): Uint8Array {
  if (codec === "LZO") throw unsupported(codec);
  // An empty section is written as nothing at all by some and as an empty frame by others.
  if (codec !== "UNCOMPRESSED" && uncompressedBytes === 0) return bytes.subarray(0, 0);
  try {
    return ofSize(codec, inflate(codec, bytes, uncompressedBytes), uncompressedBytes);
  } catch (cause) {
    throw corrupt(codec, cause);
  }
}

/** The codec that output is written in: what was Hadoop's LZ4 becomes LZ4_RAW, as Compression.md asks. */
export function writableCodec(codec: Codec): Codec {
  if (codec === "LZO") throw unsupported(codec);
  return codec === "LZ4" ? "LZ4_RAW" : codec;
}

/** Compresses at the codec's usual level, so that equal input gives equal bytes. */
export function compress(codec: Codec, bytes: Uint8Array): Uint8Array {
  switch (codec) {
    case "UNCOMPRESSED":
      return bytes;
    case "SNAPPY":
      return snappy().compressSync(bytes, { copyOutputData: true });
    case "GZIP":
      return zlib.gzipSync(bytes, { chunkSize: compressedBytesMax(bytes.length) });
    case "BROTLI":
      return zlib.brotliCompressSync(bytes, brotliOptions(bytes.length));
    case "ZSTD":
      return compressZstd(bytes, zstdLevel);
    case "LZ4":
    case "LZ4_RAW":
      // Without the size that the library puts in front.
      return lz4().compressSync(asBuffer(bytes)).subarray(4);
    case "LZO":
      throw unsupported(codec);
    default:
      return unreachable(codec);
  }
}

/** What any of zlib's codecs needs at most, so that its output is one allocation; memory that is not written to costs nothing. */
function compressedBytesMax(bytes: number): number {
  return Math.min(bytes + (bytes >>> 8) + 1024, outputStepBytesMax);
}

const zstdLevel = 3;

export function compressZstd(bytes: Uint8Array, level: number): Uint8Array {
  return zlib.zstdCompressSync(bytes, {
    chunkSize: compressedBytesMax(bytes.length),
    params: { [zlib.constants.ZSTD_c_compressionLevel]: level },
  });
}

/** Quality 11, which is zlib's default, takes a hundred times as long for a few percent. */
function brotliOptions(bytes: number): zlib.BrotliOptions {
  return {
    chunkSize: compressedBytesMax(bytes),
    params: {
      [zlib.constants.BROTLI_PARAM_QUALITY]: 5,
      [zlib.constants.BROTLI_PARAM_SIZE_HINT]: bytes,
    },
  };
}

function inflate(codec: Codec, bytes: Uint8Array, uncompressedBytes: number): Uint8Array {
  switch (codec) {
    case "UNCOMPRESSED":
      return bytes;
    case "SNAPPY":
      return decompressSnappy(bytes, uncompressedBytes);
    case "GZIP":
      return zlib.gunzipSync(bytes, outputOptions(uncompressedBytes));
    case "BROTLI":
      return zlib.brotliDecompressSync(bytes, outputOptions(uncompressedBytes));
    case "ZSTD":
      return zlib.zstdDecompressSync(bytes, outputOptions(uncompressedBytes));
    case "LZ4":
      return decompressHadoopLz4(bytes, uncompressedBytes);
    case "LZ4_RAW":
      return decompressLz4Block(bytes, uncompressedBytes);
    case "LZO":
      throw unsupported(codec);
    default:
      return unreachable(codec);
  }
}

/** Output in one allocation, and never more than was promised. */
export function outputOptions(uncompressedBytes: number): { chunkSize: number; maxOutputLength: number } {
  return {
    // One byte more than there is: a step that is filled to the last byte is followed by another that finds nothing.
    chunkSize: Math.min(Math.max(uncompressedBytes + 1, 64), outputStepBytesMax),
    maxOutputLength: uncompressedBytes,
  };
}

/** The length in front is checked first: the library allocates what it says. */
function decompressSnappy(bytes: Uint8Array, uncompressedBytes: number): Uint8Array {
  let claimed = 0;
  for (let i = 0, factor = 1; i < 5; i += 1, factor *= 128) {
    const byte = bytes[i] ?? 0;
    claimed += (byte & 0x7f) * factor;
    if (byte < 0x80) break;
  }
  if (claimed !== uncompressedBytes) throw wrongSize("SNAPPY", claimed, uncompressedBytes);
  const output = snappy().uncompressSync(bytes, { asBuffer: true, copyOutputData: true });
  return typeof output === "string" ? Buffer.from(output) : output;
}

/** Source: https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md; the library wants the size in front. */
function decompressLz4Block(bytes: Uint8Array, uncompressedBytes: number): Uint8Array {
  const prefixed = new Uint8Array(bytes.length + 4);
  new DataView(prefixed.buffer).setUint32(0, uncompressedBytes, true);
  prefixed.set(bytes, 4);
  return lz4().uncompressSync(prefixed);
}

/**
 * Hadoop's framing: blocks of (uncompressed size, compressed size, both big-endian, LZ4 block). Early writers of
 * this codec left the framing away, so what does not parse as one is taken for a bare block.
 * Source: parquet-format Compression.md "LZ4"; the order of attempts is Arrow's.
 */
function decompressHadoopLz4(bytes: Uint8Array, uncompressedBytes: number): Uint8Array {
  return decompressHadoopFrames(bytes, uncompressedBytes) ?? decompressLz4Block(bytes, uncompressedBytes);
}

function decompressHadoopFrames(bytes: Uint8Array, uncompressedBytes: number): Uint8Array | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const output = new Uint8Array(uncompressedBytes);
  let written = 0;
  for (let position = 0; position < bytes.length;) {
    if (bytes.length - position < 8) return undefined;
    const blockBytes = view.getUint32(position);
    const compressedBytes = view.getUint32(position + 4);
    position += 8;
    if (blockBytes > uncompressedBytes - written || compressedBytes > bytes.length - position)
      return undefined;
    try {
      const block = decompressLz4Block(bytes.subarray(position, position + compressedBytes), blockBytes);
      if (block.length !== blockBytes) return undefined;
      output.set(block, written);
    } catch {
      return undefined; // Not the framing: the caller tries the bare block.
    }
    written += blockBytes;
    position += compressedBytes;
  }
  return written === uncompressedBytes ? output : undefined;
}

function ofSize(codec: Codec, output: Uint8Array, uncompressedBytes: number): Uint8Array {
  if (output.length !== uncompressedBytes) throw wrongSize(codec, output.length, uncompressedBytes);
  return output;
}

function wrongSize(codec: Codec, bytes: number, expectedBytes: number): ColonnadeError {
  return malformedPage("a page has another size than its header says", { codec, bytes, expectedBytes });
}

function corrupt(codec: Codec, cause: unknown): ColonnadeError {
  if (cause instanceof ColonnadeError) return cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new ColonnadeError(
    "data",
    "PAGE_MALFORMED",
    "a page cannot be decompressed",
    { codec, reason },
    { cause },
  );
}

function unsupported(codec: Codec): ColonnadeError {
  return new ColonnadeError("data", "CODEC_UNSUPPORTED", "the compression codec is not supported", { codec });
}

export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
