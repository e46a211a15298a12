import type { ErrorDetails, ErrorKind } from "../base/errors.ts";
import type { WrittenChunk } from "../parquet/column-data.ts";
import { decodeStruct, encodeStruct } from "../parquet/thrift.ts";
import type { ChunkReply } from "./rewrite-chunk.ts";

/** A reply on its way between threads. Thrift structs would lose their class, so they cross it encoded. */
export interface PackedReply extends Omit<ChunkReply, "chunk"> {
  readonly chunk?: PackedChunk;
}

export interface PackedChunk extends Omit<WrittenChunk, "metadata" | "offsetIndex"> {
  readonly metadata: Uint8Array;
  readonly offsetIndex?: Uint8Array;
}

/** An error as it crosses threads: a class does not survive the structured clone. */
export interface PackedError {
  readonly kind: ErrorKind;
  readonly code: string;
  readonly message: string;
  readonly details: ErrorDetails;
}

export type PackedResult =
  | { readonly ok: true; readonly reply: PackedReply }
  | { readonly ok: false; readonly error: PackedError };

export function packChunk({ metadata, offsetIndex, ...chunk }: WrittenChunk): PackedChunk {
  return {
    ...chunk,
    metadata: encodeStruct(metadata),
    ...(offsetIndex === undefined ? {} : { offsetIndex: encodeStruct(offsetIndex) }),
  };
}

export function unpackReply({ chunk, ...reply }: PackedReply): ChunkReply {
  if (chunk === undefined) return reply;
  const { metadata, offsetIndex, ...rest } = chunk;
  return {
    ...reply,
    chunk: {
      ...rest,
      metadata: decodeStruct(metadata),
      ...(offsetIndex === undefined ? {} : { offsetIndex: decodeStruct(offsetIndex) }),
    },
  };
}

/** Only a buffer that nothing else looks into may change its thread. */
export function ownsBuffer(bytes: Uint8Array): bytes is Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer && bytes.byteLength === bytes.buffer.byteLength;
}
