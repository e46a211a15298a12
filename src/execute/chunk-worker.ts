import { Piscina } from "piscina";
import { type ErrorDetails, type ErrorKind, toColonnadeError } from "../base/errors.ts";
import type { WrittenChunk } from "../parquet/column-data.ts";
import { decodeStruct, encodeStruct } from "../parquet/thrift.ts";
import { type BorrowRequest, writeBorrowed } from "./borrow-levels.ts";
import { type ChunkReply, type ChunkRequest, rewriteChunk } from "./rewrite-chunk.ts";

/** What runs in a worker thread: the work on one chunk. */
export type ChunkJob =
  | { readonly kind: "rewrite"; readonly request: ChunkRequest }
  | { readonly kind: "borrow"; readonly request: BorrowRequest };

/** Thrift structs lose their class on the way between threads, so they cross it encoded. */
export interface PackedReply extends Omit<ChunkReply, "chunk"> {
  readonly chunk?: PackedChunk;
}

interface PackedChunk extends Omit<WrittenChunk, "metadata" | "offsetIndex"> {
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

export async function runChunkJob(job: ChunkJob): Promise<PackedReply> {
  if (job.kind === "rewrite") {
    const { chunk, ...reply } = await rewriteChunk(job.request);
    return chunk === undefined ? reply : { ...reply, chunk: packChunk(chunk) };
  }
  const chunk = packChunk(await writeBorrowed(job.request));
  return { chunk, invalid: 0, quarantined: new Uint32Array(0), rows: 0 };
}

function packChunk({ metadata, offsetIndex, ...chunk }: WrittenChunk): PackedChunk {
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

/** Piscina's entry: the new chunk's bytes are handed over, not copied. */
export default async function work(job: ChunkJob): Promise<PackedResult> {
  const result = await runSafely(job);
  const bytes = result.ok ? result.reply.chunk?.bytes : undefined;
  if (bytes === undefined || !ownsBuffer(bytes)) return result;
  const handedOver = { [Piscina.transferableSymbol]: [bytes.buffer], [Piscina.valueSymbol]: result };
  return Piscina.move(handedOver as unknown as ArrayBuffer) as unknown as PackedResult;
}

/** Only a buffer that nothing else looks into may change its thread. */
export function ownsBuffer(bytes: Uint8Array): bytes is Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer && bytes.byteLength === bytes.buffer.byteLength;
}

async function runSafely(job: ChunkJob): Promise<PackedResult> {
  try {
    return { ok: true, reply: await runChunkJob(job) };
  } catch (thrown) {
    const { kind, code, message, details } = toColonnadeError(thrown);
    return { ok: false, error: { kind, code, message, details } };
  }
}
