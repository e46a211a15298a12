import type { Clock } from "../base/clock.ts";
import { ColonnadeError, unreachable } from "../base/errors.ts";
import { createOnly } from "../store/object-store.ts";
import type { ObjectStore, PutResult } from "../store/object-store.ts";
import { backoffMs, defaultRetryLimits, isUnavailable, retryRead } from "./retry.ts";
import type { RetryLimits } from "./retry.ts";

/**
 * `created`: the object is there with exactly these bytes, by this call or by an earlier one. `taken`: another
 * object has the key; nothing was written.
 */
export type CreateResult = "created" | "taken";

/**
 * Makes a small immutable object, and settles what a lost reply left open by reading back: equal bytes are ours, whoever
 * wrote them. `unavailable` when the store refuses for longer than the limits, `unknown` when the write may have
 * happened and the store cannot be asked.
 */
export async function createObject(
  store: ObjectStore,
  key: string,
  body: Uint8Array,
  clock: Clock,
  limits: RetryLimits = defaultRetryLimits,
): Promise<CreateResult> {
  let doubt: unknown;
  let cause: unknown;
  for (let attempt = 0; attempt < limits.attempts; attempt += 1) {
    if (attempt > 0) await clock.sleep(backoffMs(attempt - 1, limits, key));
    const result = await putOrDoubt(() => store.put(key, body, createOnly));
    switch (result.outcome) {
      case "written":
        return "created";
      case "preconditionFailed": {
        // Also after a first try: something between us and the store may have sent it twice.
        const found = await retryRead(() => store.get(key), clock, limits, key);
        if (found !== undefined) return Buffer.from(found.body).equals(body) ? "created" : "taken";
        break; // removed meanwhile
      }
      case "retry":
        cause = result.cause;
        break;
      case "unknown":
        // Creating once more is safe: when the first try took effect, the precondition fails and we read back.
        doubt = result.cause;
        break;
      default:
        unreachable(result);
    }
  }
  throw writeGivenUp(key, doubt, cause);
}

/** What a write ends with that was tried often enough; with `doubt`, one of the tries may have taken effect. */
export function writeGivenUp(key: string, doubt: unknown, cause: unknown): ColonnadeError {
  const isUnknown = doubt !== undefined;
  return new ColonnadeError(
    isUnknown ? "unknown" : "unavailable",
    isUnknown ? "WRITE_UNKNOWN" : "STORE_BUSY",
    isUnknown ? "object may or may not have been written" : "store refused a write for too long",
    { key },
    { cause: doubt ?? cause },
  );
}

/** A store that cannot be reached may have got the request: that is `unknown`, never a failure we can be sure of. */
export async function putOrDoubt(put: () => Promise<PutResult>): Promise<PutResult> {
  try {
    return await put();
  } catch (error) {
    const unsure = isUnavailable(error) || (error instanceof ColonnadeError && error.kind === "unknown");
    if (!unsure) throw error;
    return { outcome: "unknown", cause: error };
  }
}
