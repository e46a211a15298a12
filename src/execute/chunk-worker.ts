import { Piscina } from "piscina";
import { toColonnadeError } from "../base/errors.ts";
import { type BorrowRequest, writeBorrowed } from "./borrow-levels.ts";
import { createCollector, workerGarbageBytes } from "./collect-garbage.ts";
import { ownsBuffer, packChunk, type PackedReply, type PackedResult } from "./packed-reply.ts";
import { type ChunkRequest, rewriteChunk } from "./rewrite-chunk.ts";

/** What runs in a worker thread: the work on one chunk. */
export type ChunkJob =
  | { readonly kind: "rewrite"; readonly request: ChunkRequest }
  | { readonly kind: "borrow"; readonly request: BorrowRequest };

export async function runChunkJob(job: ChunkJob): Promise<PackedReply> {
  if (job.kind === "rewrite") {
    const { chunk, ...reply } = await rewriteChunk(job.request);
    return chunk === undefined ? reply : { ...reply, chunk: packChunk(chunk) };
  }
  const chunk = packChunk(await writeBorrowed(job.request));
  return { chunk, invalid: 0, quarantined: new Uint32Array(0), rows: 0 };
}

const collectGarbage = createCollector(workerGarbageBytes);

/** Piscina's entry: the new chunk's bytes are handed over, not copied. */
export default async function work(job: ChunkJob): Promise<PackedResult> {
  // Before, not after: what the last job left, its reply included, is nobody's by now.
  collectGarbage();
  const result = await runSafely(job);
  const bytes = result.ok ? result.reply.chunk?.bytes : undefined;
  if (bytes === undefined || !ownsBuffer(bytes)) return result;
  const handedOver = { [Piscina.transferableSymbol]: [bytes.buffer], [Piscina.valueSymbol]: result };
  return Piscina.move(handedOver as unknown as ArrayBuffer) as unknown as PackedResult;
}

async function runSafely(job: ChunkJob): Promise<PackedResult> {
  try {
    return { ok: true, reply: await runChunkJob(job) };
  } catch (thrown) {
    const { kind, code, message, details } = toColonnadeError(thrown);
    return { ok: false, error: { kind, code, message, details } };
  }
}
