import { Piscina } from "piscina";
import { toColonnadeError } from "../../base/errors.ts";
import { freeBuffer } from "../../base/free-buffer.ts";
import { createCollector, workerGarbageBytes } from "../../base/collect-garbage.ts";
import { type PackedResult, ownsBuffer } from "./packed-result.ts";
import { rewriteRun, type RunRequest } from "./rewrite-run.ts";
import { loadedAt, stopAt } from "./thread-state.ts";

/** Runs whose pages lie in one stretch of the source, so that they are read and handed over at one time. */
export interface RunBatch {
  readonly bytes: Uint8Array;
  /** The bytes of each are `[start, end)` of the batch's. */
  readonly requests: readonly (Omit<RunRequest, "bytes" | "ownsBytes"> & {
    readonly start: number;
    readonly end: number;
  })[];
}

const shared = Piscina.workerData as Int32Array<SharedArrayBuffer>;
const collectGarbage = createCollector(workerGarbageBytes);
Atomics.add(shared, loadedAt, 1);
Atomics.notify(shared, loadedAt);

/** What runs in a worker thread: the work on some pages of a chunk, or of several. The new bytes are handed over, not copied. */
export default function work(batch: RunBatch): readonly PackedResult[] {
  const results: PackedResult[] = [];
  const buffers: ArrayBuffer[] = [];
  for (const { start, end, ...request } of batch.requests) {
    if (Atomics.load(shared, stopAt) === 1) break;
    // Before, not after: what the last job left, its reply included, is nobody's by now.
    collectGarbage();
    const bytes = batch.bytes.subarray(start, end);
    const result = runSafely({ ...request, bytes, ownsBytes: batch.requests.length === 1 });
    results.push(result);
    const written = result.ok ? result.reply.run?.bytes : undefined;
    if (written !== undefined && written.length > 0 && ownsBuffer(written)) buffers.push(written.buffer);
  }
  freeBuffer(batch.bytes);
  const handedOver = { [Piscina.transferableSymbol]: buffers, [Piscina.valueSymbol]: results };
  return Piscina.move(handedOver as unknown as ArrayBuffer) as unknown as readonly PackedResult[];
}

function runSafely(request: RunRequest): PackedResult {
  try {
    return { ok: true, reply: rewriteRun(request) };
  } catch (thrown) {
    const { kind, code, message, details } = toColonnadeError(thrown);
    return { ok: false, error: { kind, code, message, details } };
  }
}
