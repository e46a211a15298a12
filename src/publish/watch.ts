import type { Clock } from "../base/clock.ts";
import { ColonnadeError } from "../base/errors.ts";
import type { Pointer } from "../dataset/formats.ts";
import { listKept, readKept } from "../dataset/history.ts";
import { pointerKey } from "../dataset/layout.ts";
import { parsePointer, readPointer } from "../dataset/pointer.ts";
import type { PointerRead } from "../dataset/pointer.ts";
import type { ObjectStore } from "../store/object-store.ts";

/** The last generation that a consumer is done with. The writer's id tells two of the same number apart. */
export interface Handled {
  readonly generation: number;
  readonly writeId: string;
}

/** Where a consumer remembers it: a file, as a rule (`watch-state.ts`). */
export interface WatchState {
  load(): Promise<Handled | undefined>;
  save(handled: Handled): Promise<void>;
}

export interface WatchOptions {
  readonly store: ObjectStore;
  readonly channel: string;
  readonly intervalMs: number;
  readonly state: WatchState;
  readonly clock: Clock;
  /** Ends the watch, between two events or while it waits. */
  readonly signal?: AbortSignal;
  readonly onWarning?: (warning: ColonnadeError) => void;
}

export interface GenerationEvent {
  readonly pointer: Pointer;
  /** A later generation is there already: a trainer in a hurry may skip this one. */
  readonly superseded: boolean;
  /** From 1. */
  readonly attempt: number;
  /** The consumer is done with it, now and after a restart. An event that was not acknowledged comes again. */
  acknowledge(): Promise<void>;
}

interface Due {
  readonly pointer: Pointer;
  readonly superseded: boolean;
}

/** How long at most between two tries while the store cannot be reached, or an event is not acknowledged. */
const longestDelayMs = 300_000;

/**
 * Each new generation of a channel, in order and at least once: the ones that came and went between two polls included, as far as
 * the history keeps them. Without a remembered generation it begins with the one that is served. A poll that finds
 * nothing new costs one conditional GET.
 *
 * A store that cannot be reached is reported through `onWarning` and waited for, ever longer. A damaged pointer,
 * one of a newer format, or missing rights are thrown: a person has to look.
 */
export async function* watchPointer(options: WatchOptions): AsyncIterable<GenerationEvent> {
  const { store, channel, intervalMs, state, clock, signal } = options;
  let handled = await state.load();
  let seen: PointerRead | undefined;
  let failures = 0;
  while (!isStopped(signal)) {
    let delivered = false;
    try {
      seen = await poll(store, channel, seen);
      for await (const due of findDue(options, handled, seen?.pointer)) {
        yield* deliver(options, due);
        if (isStopped(signal)) return;
        handled = due.pointer;
        delivered = true;
      }
      failures = 0;
    } catch (error) {
      if (!(error instanceof ColonnadeError) || error.kind !== "unavailable") throw error;
      failures += 1;
      options.onWarning?.(error);
    }
    // After a delivery, which may have taken hours, the next look is due at once.
    if (!delivered) await clock.sleep(delayMs(intervalMs, failures), signal);
  }
}

/** One event until it is acknowledged. */
async function* deliver(
  { state, clock, signal, intervalMs }: WatchOptions,
  due: Due,
): AsyncIterable<GenerationEvent> {
  const { generation, writeId } = due.pointer;
  let acknowledged = false;
  async function acknowledge(): Promise<void> {
    await state.save({ generation, writeId });
    acknowledged = true;
  }
  for (let attempt = 1; !isStopped(signal); attempt += 1) {
    yield { ...due, attempt, acknowledge };
    if (acknowledged) return;
    await clock.sleep(delayMs(intervalMs, attempt), signal);
  }
}

/** The pointer as it is, with one small reply when it has not changed. */
async function poll(
  store: ObjectStore,
  channel: string,
  seen: PointerRead | undefined,
): Promise<PointerRead | undefined> {
  if (seen === undefined) return readPointer(store, channel);
  const object = await store.getIfChanged(pointerKey(channel), seen.etag);
  if (object === "unchanged") return seen;
  return object === undefined ? undefined : parsePointer(object, channel);
}

/** What a consumer has to be told, oldest first: everything after what it handled, up to the current pointer. */
async function* findDue(
  { store, channel, onWarning }: WatchOptions,
  handled: Handled | undefined,
  current: Pointer | undefined,
): AsyncIterable<Due> {
  if (current === undefined || handled?.writeId === current.writeId) return;
  // Only the pointer decides: a damaged entry of the history must not keep a consumer from the current one.
  function warnOfDamage(error: unknown): undefined {
    if (!(error instanceof ColonnadeError) || error.kind !== "data") throw error;
    onWarning?.(error);
  }
  if (handled !== undefined && current.generation <= handled.generation) {
    const details = { channel, generation: current.generation, handledGeneration: handled.generation };
    onWarning?.(
      new ColonnadeError("data", "GENERATION_WENT_BACK", "pointer went back: somebody restored it", details),
    );
  } else if (handled !== undefined) {
    let missing = current.generation - handled.generation - 1;
    for await (const generation of listKept(store, channel, handled.generation)) {
      if (generation >= current.generation) break;
      const kept = await readKept(store, channel, generation).catch(warnOfDamage);
      if (kept === undefined) continue;
      missing -= 1;
      yield { pointer: kept.pointer, superseded: true };
    }
    const details = { channel, missing };
    if (missing > 0)
      onWarning?.(
        new ColonnadeError(
          "data",
          "HISTORY_MISSING",
          "generations in between are not kept any more",
          details,
        ),
      );
  }
  yield { pointer: current, superseded: false };
}

function isStopped(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

function delayMs(intervalMs: number, failures: number): number {
  return Math.max(intervalMs, Math.min(longestDelayMs, intervalMs * 2 ** failures));
}
