import { Piscina } from "piscina";
import { toColonnadeError } from "../base/errors.ts";
import { createCollector, workerGarbageBytes } from "./collect-garbage.ts";
import { type PackedResult, ownsBuffer } from "./packed-result.ts";
import { rewriteRun, type RunRequest } from "./rewrite-run.ts";

const collectGarbage = createCollector(workerGarbageBytes);

/** What runs in a worker thread: the work on some pages of a chunk. The new pages' bytes are handed over, not copied. */
export default function work(request: RunRequest): PackedResult {
  // Before, not after: what the last job left, its reply included, is nobody's by now.
  collectGarbage();
  const result = runSafely(request);
  const bytes = result.ok ? result.reply.run?.bytes : undefined;
  if (bytes === undefined || !ownsBuffer(bytes)) return result;
  const handedOver = { [Piscina.transferableSymbol]: [bytes.buffer], [Piscina.valueSymbol]: result };
  return Piscina.move(handedOver as unknown as ArrayBuffer) as unknown as PackedResult;
}

function runSafely(request: RunRequest): PackedResult {
  try {
    return { ok: true, reply: rewriteRun(request) };
  } catch (thrown) {
    const { kind, code, message, details } = toColonnadeError(thrown);
    return { ok: false, error: { kind, code, message, details } };
  }
}
