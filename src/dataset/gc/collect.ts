import { ColonnadeError } from "../../base/errors.ts";
import { assertListsAtOnce } from "../check-store.ts";
import type { Destination } from "../commit.ts";
import { listVersions } from "../manifest.ts";
import { type Mark, type MarkRead, readMark, swapMark } from "./mark.ts";
import { type KeptBecause, msOfDay, type Retention } from "./retention.ts";
import { findSpared, type Survey, survey } from "./survey.ts";
import { sweep, type Swept } from "./sweep.ts";

export interface GcOptions {
  readonly retention: Retention;
  /** False for a dry run, which touches nothing. */
  readonly isReal: boolean;
  /** Requests to the store at a time. */
  readonly requests: number;
  readonly signal: AbortSignal;
}

export interface GcReport extends Swept {
  readonly isReal: boolean;
  readonly kept: readonly { readonly version: number; readonly because: readonly KeptBecause[] }[];
  readonly removedVersions: readonly number[];
  /** Versions that may go and stay for now: somebody was about to serve them, or had begun to read them. */
  readonly sparedVersions: readonly number[];
  readonly runs: readonly {
    readonly run: string;
    readonly job: string;
    /** How long ago the store last heard of it. */
    readonly silentMs: number;
    /** Whether it was heard of lately; what it needs stays. */
    readonly isHeardOf: boolean;
  }[];
}

/**
 * Removes what no channel, no retained version, no running job and no consumer needs, safe beside all of them and beside another gc;
 * docs/GC.md has the protocol and why it is enough. A dry run says what would go.
 *
 * Throws `conflict` (`GC_OVERTAKEN`) when another gc raised the mark meanwhile, `data` when something that protects others is damaged,
 * `invalid` at a destination of a later Colonnade (`FORMAT_NEWER`) or a store whose listings are late (`STORE_UNSAFE`): then nothing more is removed.
 */
export async function collect(destination: Destination, options: GcOptions): Promise<GcReport> {
  const { store, clock } = destination;
  const nowMs = clock.now().getTime();
  const shared = { ...options, store, before: nowMs - options.retention.runDays * msOfDay };
  const before = await readMark(store);
  const { condemned, low: lowBefore } = before.mark;
  const epoch = before.mark.epoch + 1;
  const expected = await survey(store, { ...before.mark, epoch }, options.retention, nowMs);
  const dry = await sweep({
    ...shared,
    survey: expected,
    doomed: new Set(expected.condemned),
    isReal: false,
  });
  const isIdle =
    expected.condemned.length === 0 && Object.values(dry.removed).every(({ objects }) => objects === 0);
  // Raised for nothing, the mark would only stand in the way of runs.
  if (!options.isReal || isIdle) return report(expected, dry, options, nowMs, expected.condemned, []);

  await assertListsAtOnce(store, destination);
  // Announced first: whoever registers a run after it was listed below finds the mark moved, before it has done any work.
  const announced = await raise(destination, before, { epoch, low: lowBefore, condemned });
  const found = await survey(store, announced.mark, options.retention, nowMs);
  const { low } = found;
  const raised = await raise(destination, announced, { epoch, low, condemned: [...found.condemned] });
  const { served, held } = await findSpared(store, raised.mark.condemned, options.retention, nowMs);
  const spared = found.condemned.filter((version) => served.has(version) || held.has(version));
  const doomed = found.condemned.filter((version) => !served.has(version) && !held.has(version));
  // Those that only this gc has condemned are taken back: whoever holds them may go on.
  const left = spared.filter((version) => before.mark.condemned.includes(version) && held.has(version));
  const settled =
    spared.length === left.length
      ? raised
      : await raise(destination, raised, { epoch, low, condemned: [...doomed, ...left] });
  const swept = await sweep({ ...shared, survey: found, doomed: new Set(doomed), isReal: true });
  await forget(destination, settled);
  return report(found, swept, options, nowMs, doomed, spared);
}

async function raise(
  destination: Destination,
  base: MarkRead,
  next: Pick<Mark, "epoch" | "low" | "condemned">,
): Promise<MarkRead> {
  const raised = await swapMark(destination, base, next);
  if (raised !== undefined) return raised;
  throw new ColonnadeError(
    "conflict",
    "GC_OVERTAKEN",
    "another gc began meanwhile; nothing was removed, and a rerun does what it leaves",
  );
}

/** Takes versions that are gone out of the mark. When another gc has moved it, that one will. */
async function forget(destination: Destination, { mark, etag }: MarkRead): Promise<void> {
  if (mark.condemned.length === 0) return;
  const left = new Set<number>();
  for await (const version of listVersions(destination.store)) left.add(version);
  const { epoch, low } = mark;
  const condemned = mark.condemned.filter((version) => left.has(version));
  await swapMark(destination, { mark, etag }, { epoch, low, condemned });
}

function report(
  { kept, runs }: Survey,
  swept: Swept,
  { isReal }: GcOptions,
  nowMs: number,
  removed: readonly number[],
  spared: readonly number[],
): GcReport {
  return {
    isReal,
    kept: [...kept]
      .map(([version, { because }]) => ({ version, because }))
      .toSorted((a, b) => b.version - a.version),
    removedVersions: removed,
    sparedVersions: spared,
    runs: runs.map(({ run, job, seenAtMs, isHeardOf }) => ({
      run,
      job,
      silentMs: nowMs - seenAtMs,
      isHeardOf,
    })),
    ...swept,
  };
}
