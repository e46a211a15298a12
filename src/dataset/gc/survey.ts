import { ColonnadeError } from "../../base/errors.ts";
import type { ObjectStore } from "../../store/object-store.ts";
import { findManifest, listVersions } from "../manifest.ts";
import type { Mark } from "./mark.ts";
import { type FoundRun, listRuns } from "./registration.ts";
import {
  addRetained,
  findReferenced,
  isHeardOf,
  type Kept,
  keep,
  type KeptBecause,
  type Retention,
} from "./retention.ts";

/** The mark is one small object, read by every commit. */
const condemnedMax = 10_000;

/** What is at a destination, and what of it may go. */
export interface Survey {
  readonly kept: Kept;
  /** Versions that may go, ascending; those that earlier gcs condemned and did not come to are among them. */
  readonly condemned: readonly number[];
  /** The lowest epoch that must stay, whoever names it. */
  readonly low: number;
  readonly runs: readonly (FoundRun & { readonly isHeardOf: boolean })[];
}

/**
 * Looks at everything but the data objects. `mark` has the epoch that this gc announces. Throws `data` for a damaged pointer, history, registration, pin or receipt: what it protects
 * cannot be known.
 */
export async function survey(
  store: ObjectStore,
  mark: Mark,
  retention: Retention,
  nowMs: number,
): Promise<Survey> {
  const found = await listRuns(store);
  const runs = found.map((run) => ({ ...run, isHeardOf: isHeardOf(run, retention, nowMs) }));
  const living = runs.filter((run) => run.isHeardOf);
  const kept = await findReferenced(store, retention, nowMs);
  await addRetained(kept, store, retention, nowMs);
  for (const { run, base } of living) if (base !== null) keep(kept, base, { reason: "run", run });

  const before: number[] = [];
  const now: number[] = [];
  for await (const version of listVersions(store)) {
    if (isServed(kept.get(version)?.because)) continue;
    // Once condemned it stays so, whatever has pinned it since: another gc may be about to remove it.
    if (mark.condemned.includes(version)) before.push(version);
    else if (!kept.has(version)) {
      const { run, epoch } = await makerOf(store, version);
      // One of the epoch that was just announced may have registered since the runs were listed.
      if (epoch >= mark.epoch || living.some((one) => one.run === run))
        keep(kept, version, { reason: "run", run });
      else if (now.length < condemnedMax) now.push(version);
    }
  }
  const condemned = [...before, ...now.slice(0, condemnedMax - before.length)].toSorted((a, b) => a - b);
  const epochs = living.map(({ epoch }) => epoch);
  return { kept, condemned, low: Math.max(mark.low, Math.min(mark.epoch, ...epochs)), runs };
}

function isServed(because: readonly KeptBecause[] = []): boolean {
  return because.some(({ reason }) => reason === "served");
}

/** Who made a version that nobody serves, and when. Nobody, and at no time, when its manifest cannot tell. */
async function makerOf(store: ObjectStore, version: number): Promise<{ run: string; epoch: number }> {
  try {
    const { run = "", epoch = 0 } = (await findManifest(store, version))?.manifest ?? {};
    return { run, epoch };
  } catch (error) {
    // A damaged one can never be served. One of a later Colonnade is not ours to judge.
    if (error instanceof ColonnadeError && error.kind === "data") return { run: "", epoch: 0 };
    throw error;
  }
}

/**
 * Of the versions that were just condemned, those that somebody had pinned, served or begun to read before they could see it. Pins
 * first, then pointers: a swap that ended in between shows in one or the other.
 */
export async function findSpared(
  store: ObjectStore,
  condemned: readonly number[],
  retention: Retention,
  nowMs: number,
): Promise<{ readonly served: ReadonlySet<number>; readonly held: ReadonlySet<number> }> {
  const referenced = await findReferenced(store, retention, nowMs);
  const found = condemned.filter((version) => referenced.has(version));
  const served = new Set(found.filter((version) => isServed(referenced.get(version)?.because)));
  return { served, held: new Set(found.filter((version) => !served.has(version))) };
}
