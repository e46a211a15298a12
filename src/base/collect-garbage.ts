import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Memory that a thread may take on between two looks for what is unused: the one that moves bytes, and a worker. */
export const mainGarbageBytes = 24_000_000;
export const workerGarbageBytes = 12_000_000;

type Collect = (options?: { readonly type: "minor" }) => void;

let collect: Collect | undefined;

/** After a collection so many times its own time passes before the next: a thread that needs more than that is not slowed down. */
const restFactor = 9;
/** Everything is looked through when so much has gathered that outlived its first turns. It may be as dead as the rest. */
const oldBytesMax = 36_000_000;

/**
 * Returns what is to be called now and then: it frees what nobody uses any more once a thread has taken on `bytes` of what is `counted`
 * since it was last done. V8 by itself looks late: 64 MB of buffers gather in each thread, since they lie outside of its heap, and the
 * heap of a machine with much memory grows by hundreds of megabytes. A job's limit is below that.
 */
export function createCollector(bytes: number, counted: "all" | "buffers" = "all"): () => void {
  const usedBytes = counted === "all" ? heapAndBufferBytes : bufferBytes;
  let restUntilMs = 0;
  let floorBytes = usedBytes();
  let oldFloorBytes = floorBytes;
  return () => {
    const startedMs = performance.now();
    if (startedMs < restUntilMs || usedBytes() < floorBytes + bytes) return;
    collect ??= findCollector();
    // Most buffers are as young as their job, and the young are looked through in no time. What is found is freed by a thread
    // of its own; the second look counts it.
    collect({ type: "minor" });
    collect({ type: "minor" });
    floorBytes = usedBytes();
    if (floorBytes > oldFloorBytes + oldBytesMax) {
      collect();
      floorBytes = usedBytes();
      oldFloorBytes = floorBytes;
    }
    const endedMs = performance.now();
    restUntilMs = endedMs + restFactor * (endedMs - startedMs);
  };
}

function heapAndBufferBytes(): number {
  const { used_heap_size: heapBytes, external_memory: outsideBytes } = getHeapStatistics();
  return heapBytes + outsideBytes;
}

function bufferBytes(): number {
  return getHeapStatistics().external_memory;
}

function findCollector(): Collect {
  // Node gives its collector only to programs that are started with this flag; a context made under it has it as well.
  setFlagsFromString("--expose-gc");
  const found = runInNewContext("gc") as Collect;
  setFlagsFromString("--no-expose-gc");
  return found;
}
