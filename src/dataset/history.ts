import type { Clock } from "../base/clock.ts";
import type { ObjectStore } from "../store/object-store.ts";
import { createObject } from "./create-object.ts";
import type { Pointer } from "./formats.ts";
import { historiesPrefix, historyKey, historyPrefix, parseHistoryKey } from "./layout.ts";
import { listChannels, parsePointer, readPointer } from "./pointer.ts";
import type { PointerRead } from "./pointer.ts";
import type { RetryLimits } from "./retry.ts";

/**
 * Every pointer is kept, as it was, before it may be replaced: `history/<channel>/<generation>.json`, create-only. So the
 * history has every generation below the current one, and a committer that lost the reply to its write can
 * find out what became of it however many others went by. Only the pointer decides what is served; the history
 * says what was.
 */
export type HistoryEntry =
  | { readonly kind: "pointer"; readonly pointer: Pointer }
  /** The next newer pointer names it, and its own copy is gone. */
  | { readonly kind: "missing"; readonly generation: number; readonly version: number };

/**
 * The generations of a channel, newest first, as the caller consumes them. Nothing when there never was one.
 * When somebody removed the pointer, the newest that is kept comes first.
 */
export async function* readHistory(store: ObjectStore, channel: string): AsyncIterable<HistoryEntry> {
  let entry = (await readPointer(store, channel)) ?? (await readNewestKept(store, channel));
  while (entry !== undefined) {
    const { pointer } = entry;
    yield { kind: "pointer", pointer };
    const { previous } = pointer;
    // A pointer that names itself or a later one as its past was tampered with: it must not send us in circles.
    if (previous === null || previous.generation >= pointer.generation) return;
    entry = await readKept(store, channel, previous.generation);
    if (entry !== undefined) continue;
    yield { kind: "missing", ...previous };
    entry = await readNewestKept(store, channel, previous.generation);
  }
}

/** The channels that serve something or did, in no order: those with a pointer, then those whose pointer somebody removed. */
export async function* listHistories(store: ObjectStore): AsyncIterable<string> {
  const channels = new Set<string>();
  for await (const channel of listChannels(store)) {
    channels.add(channel);
    yield channel;
  }
  let startAfter = historiesPrefix;
  for (;;) {
    const channel = await firstChannel(store, startAfter);
    if (channel === undefined) return;
    if (!channels.has(channel)) yield channel;
    // Past all of its generations: a digit sorts before it.
    startAfter = `${historyPrefix(channel)}~`;
  }
}

async function firstChannel(store: ObjectStore, startAfter: string): Promise<string | undefined> {
  for await (const { key } of store.list(historiesPrefix, { startAfter })) {
    const channel = /^history\/([a-z0-9][a-z0-9_-]*)\/\d{8}\.json$/.exec(key)?.[1];
    if (channel !== undefined) return channel;
  }
  return undefined;
}

/** The pointer of one generation that was replaced since; undefined when it is not kept. */
export async function readKept(
  store: ObjectStore,
  channel: string,
  generation: number,
): Promise<PointerRead | undefined> {
  const object = await store.get(historyKey(channel, generation));
  return object === undefined ? undefined : parsePointer(object, channel);
}

/** Keeps a pointer. Of one generation there was only one, so whoever comes second writes the same bytes. */
export async function keepPointer(
  store: ObjectStore,
  channel: string,
  read: PointerRead,
  clock: Clock,
  limits: RetryLimits,
): Promise<void> {
  await createObject(store, historyKey(channel, read.pointer.generation), read.body, clock, limits);
}

/**
 * The generation after `base`: one more, unless the history knows later ones already, because a person restored or removed
 * the pointer. Consumers remember generations: one is never used twice.
 */
export async function nextGeneration(
  store: ObjectStore,
  channel: string,
  base: PointerRead | undefined,
): Promise<number> {
  const current = base?.pointer.generation ?? 0;
  let newest = current;
  for await (const generation of listKept(store, channel, current)) newest = Math.max(newest, generation);
  return newest + 1;
}

/** The generations that are kept, ascending, above `after`. */
export async function* listKept(store: ObjectStore, channel: string, after = 0): AsyncIterable<number> {
  const options = after === 0 ? {} : { startAfter: historyKey(channel, after) };
  for await (const { key } of store.list(historyPrefix(channel), options)) {
    const generation = parseHistoryKey(key);
    if (generation !== undefined) yield generation;
  }
}

async function readNewestKept(
  store: ObjectStore,
  channel: string,
  below = Number.POSITIVE_INFINITY,
): Promise<PointerRead | undefined> {
  let newest: number | undefined;
  for await (const generation of listKept(store, channel)) {
    if (generation >= below) break;
    newest = generation;
  }
  return newest === undefined ? undefined : readKept(store, channel, newest);
}
