import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Memory of a thread that may be in use or not before the unused is looked for: of the one that moves bytes, and of a worker. */
export const mainGarbageBytes = 120_000_000;
export const workerGarbageBytes = 34_000_000;

let collect: ((options?: { readonly type: "minor" }) => void) | undefined;

/** After a collection so many times its own time passes before the next: a thread that needs more than that is not slowed down. */
const restFactor = 9;

/**
 * Returns what is to be called now and then: it frees what nobody uses any more once a thread holds `bytes` in heap and buffers.
 * V8 by itself looks late: 64 MB of buffers gather in each thread, since they lie outside of its heap, and the heap of a machine
 * with much memory grows by hundreds of megabytes. A job's limit is below that.
 */
export function createCollector(bytes: number): () => void {
  let restUntilMs = 0;
  return () => {
    const startedMs = performance.now();
    if (startedMs < restUntilMs) return;
    const { used_heap_size: heapBytes, external_memory: bufferBytes } = getHeapStatistics();
    if (heapBytes + bufferBytes < bytes) return;
    if (collect === undefined) {
      // Node gives its collector only to programs that are started with this flag; a context made after it has it as well.
      setFlagsFromString("--expose-gc");
      collect = runInNewContext("gc") as typeof collect & {};
    }
    // Most buffers are as young as their job, and the young are looked through in no time.
    collect({ type: "minor" });
    const left = getHeapStatistics();
    if (left.used_heap_size + left.external_memory >= bytes) collect();
    const endedMs = performance.now();
    restUntilMs = endedMs + restFactor * (endedMs - startedMs);
  };
}
