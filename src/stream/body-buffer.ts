import * as zlib from "node:zlib";
import { asBuffer, compressZstd, lz4, outputOptions } from "../parquet/pages/compression.ts";
import { malformedStream } from "./stream-error.ts";

/** How the buffers of a record batch are compressed, each by itself (Message.fbs, `BodyCompression`). */
export type IpcCodec = "lz4" | "zstd";

/** In front of a compressed buffer stands its length; -1 there means that what follows is not compressed. */
const prefixBytes = 8;
const bytesMax = 2 ** 31 - 1;
/** Arrow C++ compresses at this level unless it is told otherwise. */
const zstdLevel = 1;

/** One buffer of an array: as it lies in a message, and decompressed once somebody asks. */
export class BodyBuffer {
  static readonly empty: BodyBuffer = new BodyBuffer(new Uint8Array(0), undefined);

  readonly #stored: Uint8Array;
  readonly #codec: IpcCodec | undefined;
  #bytes: Uint8Array | undefined;
  /** In the codec of the batches, once somebody asked: what is added is the same in all of them. */
  #compressed: { readonly codec: IpcCodec; readonly bytes: Uint8Array } | undefined;

  constructor(stored: Uint8Array, codec: IpcCodec | undefined) {
    this.#stored = stored;
    this.#codec = codec;
  }

  /** Over plain memory. */
  static of(bytes: ArrayBufferView): BodyBuffer {
    return new BodyBuffer(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength), undefined);
  }

  get isEmpty(): boolean {
    return this.#stored.length === 0;
  }

  /** Decompressed. Throws `data` `STREAM_MALFORMED`. */
  bytes(): Uint8Array {
    this.#bytes ??= this.#codec === undefined ? this.#stored : decompress(this.#stored, this.#codec);
    return this.#bytes;
  }

  /** As a message of this codec holds it: the very bytes that came in, where they were compressed alike. */
  stored(codec: IpcCodec | undefined): Uint8Array {
    if (codec === this.#codec) return this.#stored;
    if (codec === undefined) return this.bytes();
    if (this.#compressed?.codec !== codec) this.#compressed = { codec, bytes: compress(this.bytes(), codec) };
    return this.#compressed.bytes;
  }
}

function decompress(stored: Uint8Array, codec: IpcCodec): Uint8Array {
  if (stored.length === 0) return stored;
  if (stored.length < prefixBytes) throw malformedStream("a compressed buffer has no length");
  const claimed = Number(new DataView(stored.buffer, stored.byteOffset).getBigInt64(0, true));
  const content = stored.subarray(prefixBytes);
  if (claimed === -1) return content;
  if (claimed < 0 || claimed > bytesMax) {
    throw malformedStream("a compressed buffer claims an impossible length", { bytes: claimed });
  }
  if (claimed === 0) return content.subarray(0, 0);
  let bytes: Uint8Array;
  try {
    bytes = inflate(content, codec, claimed);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw malformedStream("a buffer cannot be decompressed", { codec, reason });
  }
  // Not as the Buffer that the libraries give: its `slice` would share the memory.
  if (bytes.length === claimed) return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  throw malformedStream("a compressed buffer has another length than it says", {
    codec,
    bytes: bytes.length,
    expectedBytes: claimed,
  });
}

function inflate(content: Uint8Array, codec: IpcCodec, bytes: number): Uint8Array {
  if (codec === "lz4") return lz4().decompressFrameSync(asBuffer(content));
  return zlib.zstdDecompressSync(content, outputOptions(bytes));
}

/** What does not get smaller is stored as it is. */
function compress(bytes: Uint8Array, codec: IpcCodec): Uint8Array {
  if (bytes.length === 0) return bytes;
  const content = codec === "lz4" ? lz4().compressFrameSync(asBuffer(bytes)) : compressZstd(bytes, zstdLevel);
  const isSmaller = content.length < bytes.length;
  const chosen = isSmaller ? content : bytes;
  const stored = new Uint8Array(prefixBytes + chosen.length);
  new DataView(stored.buffer).setBigInt64(0, isSmaller ? BigInt(bytes.length) : -1n, true);
  stored.set(chosen, prefixBytes);
  return stored;
}
