import { createOnly, ifMatch } from "../store/object-store.ts";
import type { Destination } from "./commit.ts";
import { putOrDoubt, writeGivenUp } from "./create-object.ts";
import { backoffMs, defaultRetryLimits, retryRead } from "./retry.ts";

/**
 * Replaces a small object that has the ETag `base` (undefined: there is none) with one compare-and-swap; resolves to the new ETag, or
 * to undefined when somebody else has replaced it. A lost reply is settled by reading back, so `body` must be like no other: it
 * names the attempt (`spread`, which delays follow from).
 *
 * `unknown` when the reply was lost and the store cannot be asked; `unavailable` when it refuses for too long.
 */
export async function swapObject(
  { store, clock, retry = defaultRetryLimits }: Destination,
  key: string,
  base: string | undefined,
  body: Uint8Array,
  spread: string,
): Promise<string | undefined> {
  const precondition = base === undefined ? createOnly : ifMatch(base);
  let doubt: unknown;
  let cause: unknown;
  for (let attempt = 0; attempt < retry.attempts; attempt += 1) {
    if (attempt > 0) await clock.sleep(backoffMs(attempt - 1, retry, spread));
    const result = await putOrDoubt(() => store.put(key, body, precondition));
    if (result.outcome === "written") return result.etag;
    if (result.outcome === "retry") {
      cause = result.cause;
      continue;
    }
    if (result.outcome === "unknown") doubt = result.cause;
    const current = await retryRead(() => store.get(key), clock, retry, spread);
    if (current !== undefined && Buffer.from(current.body).equals(body)) return current.etag;
    if (current?.etag !== base) return undefined;
  }
  throw writeGivenUp(key, doubt, cause);
}
