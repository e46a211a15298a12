import type { Clock, Ids } from "../base/clock.ts";
import { ColonnadeError, unreachable } from "../base/errors.ts";
import { createOnly, ifMatch } from "../store/object-store.ts";
import type { ObjectStore } from "../store/object-store.ts";
import { putOrDoubt } from "./create-object.ts";
import { encodeDocument } from "./document.ts";
import { pointerFormat, pointerSchema } from "./formats.ts";
import type { Pointer } from "./formats.ts";
import { keepPointer, nextGeneration, readKept } from "./history.ts";
import { pointerKey } from "./layout.ts";
import { readPointer } from "./pointer.ts";
import type { PointerRead } from "./pointer.ts";
import { backoffMs, defaultRetryLimits, retryRead } from "./retry.ts";
import type { RetryLimits } from "./retry.ts";

/** Where a commit happens, and what it takes from outside. */
export interface Destination {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly retry?: RetryLimits;
}

/** What a pointer is about to say; the commit adds who, when and which generation. */
export type PointerDraft = Pick<Pointer, "dataset" | "version" | "manifest" | "schema" | "model" | "reason">;

export type CommitResult =
  /** Ours became the channel's pointer. It still is, unless somebody has committed after it by now. */
  | { readonly outcome: "committed"; readonly pointer: Pointer; readonly etag: string }
  /** Somebody else moved the pointer; ours was never served and never will be. */
  | { readonly outcome: "lost"; readonly current: PointerRead }
  /** The write may have happened, or may still happen. Nothing may be deleted; a rerun decides. */
  | { readonly outcome: "unknown"; readonly pointer: Pointer; readonly cause: unknown };

/**
 * Moves a channel's pointer from `base` (undefined: there is none yet) with one conditional PUT.
 *
 * A reply that says less than everything is settled by reading back. When the pointer is ours, we committed; while it is
 * still the base, trying again is safe, because the same precondition holds for both tries; and when it is a later
 * one, its committer kept the pointer that it replaced (`history.ts`), which tells whether that was ours.
 *
 * Throws `unavailable` when nothing happened and a retry may help, and `invalid` as the store does.
 */
export async function commitPointer(
  destination: Destination,
  channel: string,
  base: PointerRead | undefined,
  draft: PointerDraft,
): Promise<CommitResult> {
  const { store, clock, ids, retry = defaultRetryLimits } = destination;
  if (base !== undefined) await keepPointer(store, channel, base, clock, retry);
  const pointer: Pointer = pointerSchema.parse({
    format: pointerFormat,
    dataset: draft.dataset,
    channel,
    generation: await nextGeneration(store, channel, base),
    writeId: ids.next(),
    version: draft.version,
    manifest: draft.manifest,
    schema: draft.schema,
    model: draft.model,
    previous:
      base === undefined ? null : { generation: base.pointer.generation, version: base.pointer.version },
    reason: draft.reason,
    publishedAt: clock.now().toISOString(),
  });
  const result = await swapPointer(destination, channel, base, pointer);
  if (result.outcome === "committed") {
    // The next committer does it in any case. Kept now, it also outlives somebody who removes the pointer.
    const read = { pointer, etag: result.etag, body: encodeDocument(pointer) };
    await keepPointer(store, channel, read, clock, { ...retry, attempts: 1 }).catch(() => undefined);
  }
  return result;
}

async function swapPointer(
  destination: Destination,
  channel: string,
  base: PointerRead | undefined,
  pointer: Pointer,
): Promise<CommitResult> {
  const { store, clock, retry = defaultRetryLimits } = destination;
  const key = pointerKey(channel);
  const body = encodeDocument(pointer);
  const precondition = base === undefined ? createOnly : ifMatch(base.etag);
  let doubt: { readonly cause: unknown } | undefined;
  let busy: unknown;

  for (let attempt = 0; attempt < retry.attempts; attempt += 1) {
    if (attempt > 0) await clock.sleep(backoffMs(attempt - 1, retry, pointer.writeId));
    let result;
    try {
      result = await putOrDoubt(() => store.put(key, body, precondition));
    } catch (error) {
      // Credentials that end between two tries do not take the first one back.
      if (doubt === undefined) throw error;
      return { outcome: "unknown", pointer, cause: error };
    }
    switch (result.outcome) {
      case "written":
        return { outcome: "committed", pointer, etag: result.etag };
      case "retry":
        busy = result.cause;
        continue;
      case "preconditionFailed":
        // Even a first try is settled: something between us and the store may have sent it twice.
        break;
      case "unknown":
        doubt = { cause: result.cause };
        break;
      default:
        unreachable(result);
    }
    const settled = await settle(destination, channel, base, pointer);
    if (settled !== "undecided") return settled;
  }

  const settled = await settle(destination, channel, base, pointer);
  if (settled !== "undecided") return settled;
  if (doubt !== undefined) return { outcome: "unknown", pointer, cause: doubt.cause };
  throw new ColonnadeError(
    "unavailable",
    "STORE_BUSY",
    "store refused to move the pointer for too long",
    { key },
    {
      cause: busy,
    },
  );
}

/** Whose the pointer is now. `undecided`: still the base, so that a write may yet land, or be tried again. */
async function settle(
  { store, clock, retry = defaultRetryLimits }: Destination,
  channel: string,
  base: PointerRead | undefined,
  ours: Pointer,
): Promise<CommitResult | "undecided"> {
  let current: PointerRead | undefined;
  let kept: PointerRead | undefined;
  try {
    current = await retryRead(() => readPointer(store, channel), clock, retry, ours.writeId);
    if (current?.pointer.writeId === ours.writeId)
      return { outcome: "committed", pointer: ours, etag: current.etag };
    if (current?.etag === base?.etag) return "undecided";
    if (current === undefined)
      return unknown("POINTER_REMOVED", "pointer was removed during the commit", ours);
    if (current.pointer.generation <= ours.generation) return { outcome: "lost", current };
    kept = await retryRead(() => readKept(store, channel, ours.generation), clock, retry, ours.writeId);
  } catch (cause) {
    return { outcome: "unknown", pointer: ours, cause };
  }
  if (kept?.pointer.writeId === ours.writeId) return { outcome: "committed", pointer: ours, etag: kept.etag };
  if (kept !== undefined || (current.pointer.previous?.generation ?? 0) < ours.generation)
    return { outcome: "lost", current };
  return unknown("HISTORY_MISSING", "history lacks a generation that was replaced", ours);
}

/** Somebody who does not keep to the protocol was here: what became of our write cannot be found out. */
function unknown(code: string, message: string, pointer: Pointer): CommitResult {
  const { channel, generation } = pointer;
  return {
    outcome: "unknown",
    pointer,
    cause: new ColonnadeError("data", code, message, { channel, generation }),
  };
}
