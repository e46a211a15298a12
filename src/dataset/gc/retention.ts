import type { ObjectStore } from "../../store/object-store.ts";
import type { ObjectReference } from "../document.ts";
import { listHistories, readHistory } from "../history.ts";
import { listChannels, readPointer } from "../pointer.ts";
import { isPending, listPins } from "./pins.ts";
import { listReceipts } from "./receipts.ts";
import type { FoundRun } from "./registration.ts";

/** How long what nobody serves any more is kept. The wall clock decides about it, and about nothing that has to be safe. */
export interface Retention {
  /** So many versions of each channel, that which it serves included. */
  readonly versions: number;
  /** And what was served within so many days. */
  readonly days: number;
  /** A run that the store has not heard of for so long is dead. */
  readonly runDays: number;
  /** And so is a consumer that has not finished. */
  readonly consumerDays: number;
}

export type KeptBecause =
  | { readonly reason: "served"; readonly channel: string }
  | { readonly reason: "newest"; readonly channel: string }
  | { readonly reason: "recent"; readonly channel: string; readonly servedUntil: string }
  | { readonly reason: "pinned"; readonly channel: string }
  | { readonly reason: "consumer"; readonly consumer: string }
  | { readonly reason: "run"; readonly run: string };

/** Versions that are kept, by their numbers. */
export type Kept = Map<number, KeptVersion>;

export interface KeptVersion {
  readonly because: KeptBecause[];
  /** By which a pointer knew it: what else stands under its key is not it. */
  reference?: ObjectReference;
}

export function keep(kept: Kept, version: number, because: KeptBecause, reference?: ObjectReference): void {
  const found = kept.get(version) ?? { because: [] };
  found.because.push(because);
  if (reference !== undefined) found.reference ??= reference;
  kept.set(version, found);
}

/** Versions that a pointer names, that somebody is about to make one name, or that a consumer reads. */
export async function findReferenced(
  store: ObjectStore,
  { consumerDays }: Pick<Retention, "consumerDays">,
  nowMs: number,
): Promise<Kept> {
  const kept: Kept = new Map();
  for await (const { consumer, version, state, writtenAtMs } of listReceipts(store))
    if (state === "reading" && writtenAtMs > nowMs - consumerDays * msOfDay)
      keep(kept, version, { reason: "consumer", consumer });
  for (const pin of await listPins(store))
    if (await isPending(store, pin)) keep(kept, pin.version, { reason: "pinned", channel: pin.channel });
  // After the pins: a pin that was gone by then has become a pointer, or nothing.
  for await (const channel of listChannels(store)) {
    const read = await readPointer(store, channel);
    if (read === undefined) continue;
    keep(kept, read.pointer.version, { reason: "served", channel }, read.pointer.manifest);
  }
  return kept;
}

/** What a channel may want to go back to. Reads no more of its history than that takes. */
export async function addRetained(
  kept: Kept,
  store: ObjectStore,
  { versions, days }: Pick<Retention, "versions" | "days">,
  nowMs: number,
): Promise<void> {
  for await (const channel of listHistories(store)) {
    const seen = new Set<number>();
    let servedUntil: string | undefined;
    for await (const entry of readHistory(store, channel)) {
      const { version } = entry.kind === "pointer" ? entry.pointer : entry;
      const isRecent = servedUntil === undefined || Date.parse(servedUntil) > nowMs - days * msOfDay;
      const isNewest = seen.size < versions;
      if (!isRecent && !isNewest) break;
      const reference = entry.kind === "pointer" ? entry.pointer.manifest : undefined;
      if (!seen.has(version)) {
        const because: KeptBecause =
          isNewest || servedUntil === undefined
            ? { reason: "newest", channel }
            : { reason: "recent", channel, servedUntil };
        keep(kept, version, because, reference);
      }
      seen.add(version);
      if (entry.kind === "pointer") servedUntil = entry.pointer.publishedAt;
    }
  }
}

export const msOfDay = 24 * 3600 * 1000;

export function isHeardOf(run: FoundRun, { runDays }: Pick<Retention, "runDays">, nowMs: number): boolean {
  return run.seenAtMs > nowMs - runDays * msOfDay;
}
