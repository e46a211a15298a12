import type { Piscina } from "piscina";
import { cancelled, ColonnadeError } from "../base/errors.ts";
import { keepWasmWrappers } from "../base/wasm-in-threads.ts";
import { ownsBuffer, type PackedResult } from "./packed-result.ts";
import type { RunBatch } from "./chunk-worker.ts";
import type { RunReply } from "./rewrite-run.ts";

/** Where the work on chunks is done, away from the thread that moves bytes. */
export interface ChunkWorkers {
  /**
   * Answers each request, in their order, with a reply or with what is wrong with it. Takes the bytes over: they may be gone
   * afterwards.
   */
  rewrite(batch: RunBatch): Promise<(RunReply | ColonnadeError)[]>;
  close(): Promise<void>;
}

/**
 * Worker threads, started when the first chunk needs one. An aborted signal ends them in the middle of their work;
 * what they were asked for is then `cancelled`.
 */
export function createChunkWorkers(options: {
  readonly workers: number;
  readonly signal?: AbortSignal;
}): ChunkWorkers {
  let pool: Promise<Piscina> | undefined;

  async function run(batch: RunBatch): Promise<(RunReply | ColonnadeError)[]> {
    const { bytes } = batch;
    const { signal } = options;
    let results: readonly PackedResult[];
    try {
      results = (await (
        await (pool ??= startPool(options.workers))
      ).run(batch, {
        transferList: ownsBuffer(bytes) ? [bytes.buffer] : [],
        ...(signal === undefined ? {} : { signal }),
      })) as readonly PackedResult[];
    } catch (cause) {
      if (signal?.aborted === true) throw cancelled();
      // A worker that died (out of memory, most likely) takes its task with it, not the others.
      throw new ColonnadeError(
        "internal",
        "WORKER_DIED",
        "worker thread ended in the middle of a chunk",
        {},
        { cause },
      );
    }
    return results.map((result) => {
      if (result.ok) return result.reply;
      const { kind, code, message, details } = result.error;
      return new ColonnadeError(kind, code, message, details);
    });
  }

  return {
    rewrite: run,
    close: async () => (await pool)?.destroy(),
  };
}

async function startPool(workers: number): Promise<Piscina> {
  // Most jobs copy everything and need no worker at all.
  const { Piscina } = await import("piscina");
  keepWasmWrappers();
  const pool = new Piscina({
    // As source under Node's type stripping, as JavaScript in the package.
    filename: new URL(
      import.meta.url.endsWith(".ts") ? "./chunk-worker.ts" : "./chunk-worker.js",
      import.meta.url,
    ).href,
    maxThreads: workers,
    minThreads: 0,
    idleTimeout: 10_000,
    // Their values are in buffers, outside of the heap: what is young in it is little.
    resourceLimits: { maxYoungGenerationSizeMb: 4 },
  });
  // A reply that was on its way when its task was aborted is nobody's; unheard, this event would end the process.
  pool.on("error", () => {});
  return pool;
}
