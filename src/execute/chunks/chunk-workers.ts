import type { Piscina } from "piscina";
import { cancelled, ColonnadeError } from "../../base/errors.ts";
import { releaseNursery } from "../../base/nursery.ts";
import { keepWasmWrappers } from "../../base/wasm-in-threads.ts";
import { isSource, workerModule } from "../../base/worker-module.ts";
import { ownsBuffer, type PackedResult } from "./packed-result.ts";
import type { RunBatch } from "./chunk-worker.ts";
import type { RunReply } from "./rewrite-run.ts";
import { loadedAt, stopAt } from "./thread-state.ts";

/** Where the work on chunks is done, away from the thread that moves bytes. */
export interface ChunkWorkers {
  /** Starts the threads, which take a quarter of a second to load, before there is work for them. */
  start(): void;
  /**
   * Answers each request, in their order, with a reply or with what is wrong with it. Takes the bytes over: they may be gone
   * afterwards.
   */
  rewrite(batch: RunBatch): Promise<(RunReply | ColonnadeError)[]>;
  close(): Promise<void>;
}

/**
 * Worker threads, at most `workers`: `ahead` of them when the first is needed, or at `start`, and they stay; more while work waits.
 * After an abort what they were asked for is `cancelled` at once; the threads themselves end with the run of pages that they are
 * at, which `close` waits for. They are never ended in the middle of it: Node (24.21, `CompressionStream::Close`) aborts the whole
 * process when a thread goes while it begins to compress.
 */
export function createChunkWorkers(options: {
  readonly workers: number;
  readonly ahead?: number;
  readonly signal?: AbortSignal;
}): ChunkWorkers {
  const { signal, workers, ahead = workers } = options;
  const shared = new Int32Array(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT));
  const inWork = new Set<Promise<void>>();
  const waiting = new Set<(error: ColonnadeError) => void>();
  let pool: Promise<Piscina> | undefined;
  let broken: ColonnadeError | undefined;
  const abandoned = Promise.withResolvers<void>();
  let holdAgain: (() => void) | undefined;

  function end(): void {
    Atomics.store(shared, stopAt, 1);
    for (const reject of waiting) reject(cancelled());
  }

  /**
   * A thread that cannot be started leaves its work in the pool's queue, where nothing would ever settle it. What other threads are at
   * ends soon; nobody waits longer than that.
   */
  function breakDown(cause: unknown): void {
    broken ??= died(cause);
    for (const reject of waiting) reject(broken);
    setTimeout(abandoned.resolve, brokenPatienceMs);
  }

  function startOnce(): Promise<Piscina> {
    if (pool !== undefined) return pool;
    holdAgain = releaseNursery();
    void whenLoaded(shared, ahead).then(holdAgain);
    return (pool = startPool({ workers, ahead, shared }, breakDown));
  }

  /** Settles with the batch's work, or as soon as the work is to end. */
  async function work(batch: RunBatch): Promise<readonly PackedResult[]> {
    const started = await startOnce();
    return await new Promise((resolve, reject) => {
      waiting.add(reject);
      const transferList = ownsBuffer(batch.bytes) ? [batch.bytes.buffer] : [];
      const settled: Promise<void> = started
        .run(batch, { transferList })
        .then(resolve, reject)
        .finally(() => {
          waiting.delete(reject);
          inWork.delete(settled);
        });
      inWork.add(settled);
    });
  }

  async function run(batch: RunBatch): Promise<(RunReply | ColonnadeError)[]> {
    if (Atomics.load(shared, stopAt) === 1) throw cancelled();
    if (broken !== undefined) throw broken;
    let results: readonly PackedResult[];
    try {
      results = await work(batch);
    } catch (cause) {
      if (Atomics.load(shared, stopAt) === 1) throw cancelled();
      throw broken ?? died(cause);
    }
    return results.map((result) => {
      if (result.ok) return result.reply;
      const { kind, code, message, details } = result.error;
      return new ColonnadeError(kind, code, message, details);
    });
  }

  if (signal?.aborted === true) end();
  else signal?.addEventListener("abort", end, { once: true });
  return {
    start() {
      // What is wrong is said to whoever comes with work, and to `close`.
      if (signal?.aborted !== true) startOnce().catch(() => undefined);
    },
    rewrite: run,
    async close() {
      signal?.removeEventListener("abort", end);
      end();
      holdAgain?.();
      const started = await pool;
      await Promise.race([Promise.all(inWork), abandoned.promise]);
      await started?.destroy();
    },
  };
}

/** So many threads have loaded what they run. Keeps no process alive. */
async function whenLoaded(shared: Int32Array<SharedArrayBuffer>, threads: number): Promise<void> {
  for (let loaded = 0; (loaded = Atomics.load(shared, loadedAt)) < threads;)
    await Atomics.waitAsync(shared, loadedAt, loaded).value;
}

const shortage = /ERR_WORKER_INIT_FAILED|EMFILE|ENFILE|EAGAIN|ENOMEM|too many open files/i;
const brokenPatienceMs = 2_000;

/** A worker that died (out of memory, most likely) takes its task with it, not the others. */
function died(cause: unknown): ColonnadeError {
  // By its message: of an error that has crossed threads that is all there is.
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  const isShort = cause instanceof Error && shortage.test(`${code} ${cause.message}`);
  return isShort
    ? new ColonnadeError(
        "unavailable",
        "WORKER_NOT_STARTED",
        "worker thread could not be started: the system is short of threads, of open files or of memory",
        {},
        { cause },
      )
    : new ColonnadeError(
        "internal",
        "WORKER_DIED",
        "worker thread ended in the middle of a chunk",
        {},
        { cause },
      );
}

async function startPool(
  {
    workers,
    ahead,
    shared,
  }: { readonly workers: number; readonly ahead: number; readonly shared: Int32Array<SharedArrayBuffer> },
  onError: (error: unknown) => void,
): Promise<Piscina> {
  // Most jobs copy everything and need no worker at all.
  const { Piscina } = await import("piscina");
  // Node's type stripping is WebAssembly.
  if (isSource(import.meta.url)) keepWasmWrappers();
  const pool = new Piscina({
    filename: workerModule("chunk-worker", import.meta.url).href,
    maxThreads: workers,
    minThreads: ahead,
    workerData: shared,
    idleTimeout: 10_000,
    // Their values are in buffers, outside of the heap: what is young in it is little.
    resourceLimits: { maxYoungGenerationSizeMb: 4 },
  });
  // Said of a thread that had no task yet, or none any more.
  pool.on("error", onError);
  return pool;
}
