import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** How much may lie in array buffers of a thread, in use or not, before the unused ones are looked for. */
const bufferBytesMax = 28_000_000;

let collect: (() => void) | undefined;

/**
 * Frees the array buffers that nobody uses any more. V8 by itself lets 64 MB of them gather in each thread before it looks, since
 * they lie outside of its heap: two workers with small chunks then hold more than a job's memory limit leaves for them.
 * Measured at 28 MB: 75 MB less for two workers, and a tenth more of their time.
 */
export function collectBuffers(): void {
  if (getHeapStatistics().external_memory < bufferBytesMax) return;
  if (collect === undefined) {
    // Node gives its collector only to programs that are started with this flag; a context made after it has it as well.
    setFlagsFromString("--expose-gc");
    collect = runInNewContext("gc") as () => void;
  }
  collect();
}
