import { Worker } from "node:worker_threads";
import { cancelled } from "../base/errors.ts";
import { workerModule } from "../base/worker-module.ts";
import { keepWasmWrappers } from "../base/wasm-in-threads.ts";
import type { ReaderReply, ReaderRequest } from "./second-reader-worker.ts";

interface Task {
  readonly request: ReaderRequest;
  readonly resolve: (reply: ReaderReply) => void;
  readonly reject: (error: unknown) => void;
}

interface Thread {
  readonly worker: Worker;
  task: Task | undefined;
}

/**
 * parquet-wasm and apache-arrow in threads of their own. A WebAssembly instance is over after it ran out of memory or
 * trapped on damaged bytes, and some of its failures reach nobody but the thread's global handler; so a thread that
 * fails is replaced, and what it was asked is answered with the reason.
 */
export class SecondReader {
  readonly #threadsMax: number;
  readonly #signal: AbortSignal;
  readonly #threads = new Set<Thread>();
  readonly #queue: Task[] = [];
  #closed = false;

  constructor(threadsMax: number, signal: AbortSignal) {
    this.#threadsMax = threadsMax;
    this.#signal = signal;
    signal.addEventListener("abort", this.#abort, { once: true });
  }

  /** Takes the request's bytes over: they may be gone afterwards. Throws `cancelled`. */
  run(request: ReaderRequest): Promise<ReaderReply> {
    if (this.#signal.aborted || this.#closed) return Promise.reject(cancelled());
    return new Promise((resolve, reject) => {
      this.#queue.push({ request, resolve, reject });
      this.#next();
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#signal.removeEventListener("abort", this.#abort);
    const threads = [...this.#threads];
    this.#threads.clear();
    await Promise.all(threads.map(({ worker }) => worker.terminate()));
  }

  readonly #abort = (): void => {
    for (const { reject } of this.#queue.splice(0)) reject(cancelled());
    for (const thread of this.#threads) {
      thread.task?.reject(cancelled());
      thread.task = undefined;
      void thread.worker.terminate();
    }
    this.#threads.clear();
  };

  #next(): void {
    const task = this.#queue[0];
    if (task === undefined) return;
    let thread = [...this.#threads].find((one) => one.task === undefined);
    if (thread === undefined) {
      if (this.#threads.size >= this.#threadsMax) return;
      thread = this.#start();
    }
    this.#queue.shift();
    thread.task = task;
    thread.worker.postMessage(task.request, buffersOf(task.request));
  }

  #start(): Thread {
    keepWasmWrappers();
    const worker = new Worker(workerModule("second-reader-worker", import.meta.url));
    const thread: Thread = { worker, task: undefined };
    this.#threads.add(thread);
    // Idle threads must not keep the process alive.
    worker.unref();
    worker.on("message", (reply: ReaderReply) => this.#finish(thread, reply));
    worker.on("error", (error: unknown) => this.#finish(thread, diedOf(error)));
    worker.on("exit", () => this.#finish(thread, diedOf(undefined)));
    return thread;
  }

  #finish(thread: Thread, reply: ReaderReply): void {
    const { task } = thread;
    thread.task = undefined;
    if (reply.kind === "failed" && reply.isFatal) {
      this.#threads.delete(thread);
      void thread.worker.terminate();
    }
    task?.resolve(reply);
    if (!this.#closed) this.#next();
  }
}

function diedOf(error: unknown): ReaderReply {
  const reason = error instanceof Error ? error.message : "the thread ended";
  return { kind: "failed", reason, isFatal: true };
}

/** The buffers of a request that nothing else looks into: they change their thread instead of being copied. */
function buffersOf(request: ReaderRequest): ArrayBuffer[] {
  const bytes =
    request.kind === "footer"
      ? [request.tail]
      : request.kind === "integers"
        ? [request.column.file]
        : request.kind === "moved"
          ? [request.source.file]
          : request.kind === "added"
            ? [request.output.file, request.neighbour?.column.file]
            : [request.source.file, request.output.file];
  return bytes.flatMap((one) =>
    one?.buffer instanceof ArrayBuffer && one.byteLength === one.buffer.byteLength ? [one.buffer] : [],
  );
}
