import { forEachConcurrently } from "../../base/for-each-concurrently.ts";
import { cancelled, ColonnadeError } from "../../base/errors.ts";
import type { ObjectStore } from "../../store/object-store.ts";
import { parseDocument } from "../document.ts";
import { readFileList } from "../file-list.ts";
import { claimFormat, claimSchema, type Manifest } from "../formats.ts";
import {
  checksPrefix,
  claimKey,
  dataPrefix,
  manifestKey,
  parseOutputKey,
  parseVersionKey,
  quarantinePrefix,
  versionsPrefix,
} from "../layout.ts";
import { findManifest, listVersions, readManifest } from "../manifest.ts";
import { KeySet } from "./key-set.ts";
import { isPending, listPins } from "./pins.ts";
import { listReceipts } from "./receipts.ts";
import type { Kept } from "./retention.ts";
import type { Survey } from "./survey.ts";

/** What a removed object was. */
export type Kind = "data" | "quarantine" | "version" | "run" | "upload" | "pin" | "receipt" | "scratch";

export interface Tally {
  readonly objects: number;
  readonly bytes: number;
}

export interface Swept {
  readonly removed: Readonly<Record<Kind, Tally>>;
  /** Data that no version lists and that a run may be about to list. */
  readonly inUse: Tally;
  /** What lies among the data and was not written by Colonnade. */
  readonly foreign: Tally;
  /** Some of what was removed. */
  readonly examples: readonly string[];
}

export interface SweepOptions {
  readonly store: ObjectStore;
  readonly survey: Pick<Survey, "kept" | "low" | "runs">;
  /** Versions whose manifests go, with everything that no other version lists. */
  readonly doomed: ReadonlySet<number>;
  /** False for a dry run: everything is counted and nothing is touched. */
  readonly isReal: boolean;
  readonly requests: number;
  readonly signal: AbortSignal;
  /** Unfinished uploads and scratch that were begun before are nobody's any more. */
  readonly before: number;
}

const examplesMax = 10;

/**
 * Removes what nobody needs. Manifests first, so that a version that goes is gone before any of its objects; then what no version lists
 * that stays. Objects of an epoch from `low` on stay, whoever lists them.
 */
export async function sweep(options: SweepOptions): Promise<Swept> {
  const { store, survey, doomed, requests, signal } = options;
  const tallies = new Tallies(options);
  for (const version of doomed) {
    const manifest = await store.head(manifestKey(version));
    if (manifest !== undefined) await tallies.remove("version", manifest.key, manifest.bytes);
  }
  // From here on: whatever is listed below was not made by somebody who passed the mark and is unseen here.
  const named = await keysOf(store, survey.kept, survey.low, doomed, signal);
  await sweepVersions(options, tallies);
  for (const prefix of [dataPrefix, quarantinePrefix]) {
    const kind = prefix === dataPrefix ? "data" : "quarantine";
    await forEachConcurrently(store.list(prefix), requests, signal, async ({ key, bytes }) => {
      const epoch = parseOutputKey(key);
      if (epoch === undefined) tallies.foreign.add(bytes);
      else if (named.has(key)) return;
      else if (epoch >= survey.low) tallies.inUse.add(bytes);
      else await tallies.remove(kind, key, bytes);
    });
  }
  for (const { isHeardOf, epoch, objects } of survey.runs) {
    if (isHeardOf || epoch >= survey.low) continue;
    for (const { key, bytes } of objects) await tallies.remove("run", key, bytes);
  }
  for (const pin of await listPins(store))
    if (!(await isPending(store, pin))) await tallies.remove("pin", pin.key, pin.bytes);
  await sweepReceipts(options, tallies);
  await sweepUploads(options, tallies);
  for await (const { key, bytes, modifiedAtMs } of store.list(checksPrefix))
    if (modifiedAtMs < options.before) await tallies.remove("scratch", key, bytes);
  return tallies.swept();
}

/** The keys that the versions which stay name. */
async function keysOf(
  store: ObjectStore,
  kept: Kept,
  low: number,
  doomed: ReadonlySet<number>,
  signal: AbortSignal,
): Promise<KeySet> {
  const keys = new KeySet();
  for await (const version of listVersions(store)) {
    if (doomed.has(version)) continue;
    const reference = kept.get(version)?.reference;
    const manifest =
      reference === undefined
        ? (await findManifest(store, version))?.manifest
        : await readManifest(store, reference);
    // Gone since it was listed: another gc had condemned it.
    if (manifest === undefined) continue;
    try {
      for await (const { key, quarantine } of readFileList(store, manifest.parts)) {
        if (signal.aborted) throw cancelled();
        keys.add(key);
        if (quarantine !== null) keys.add(quarantine.key);
      }
    } catch (error) {
      if (!isLeftover(error, manifest, kept, low)) throw error;
    }
  }
  return keys;
}

/** A run that was overtaken between its file list and its manifest leaves a version that nobody may serve. */
function isLeftover(error: unknown, { version, epoch = 0 }: Manifest, kept: Kept, low: number): boolean {
  const isGone = error instanceof ColonnadeError && error.code === "FILE_LIST_MISSING";
  return isGone && !kept.has(version) && epoch < low;
}

/** What is left of versions that are gone or were never finished. Claims stay: a version's number is never used again. */
async function sweepVersions(
  { store, survey, doomed, isReal }: SweepOptions,
  tallies: Tallies,
): Promise<void> {
  let current = 0;
  let isOver = false;
  for await (const { key, bytes } of store.list(versionsPrefix)) {
    const version = parseVersionKey(key);
    if (version === undefined || key === claimKey(version)) continue;
    if (version !== current) {
      current = version;
      isOver = doomed.has(version) || (await isGivenUp(store, version, survey.low));
    }
    // A dry run finds the manifests of the doomed still there, and has counted them.
    if (isOver && !(key === manifestKey(version) && !isReal)) await tallies.remove("version", key, bytes);
  }
}

/** Whether a version has no manifest, and its writer may make none that could be served. */
async function isGivenUp(store: ObjectStore, version: number, low: number): Promise<boolean> {
  if ((await store.head(manifestKey(version))) !== undefined) return false;
  const claim = await store.get(claimKey(version));
  if (claim === undefined) return false;
  const { epoch = 0 } = parseDocument(claim.body, claimSchema, claimFormat, "claim", claim.key);
  return epoch < low;
}

/**
 * What consumers said of versions that nobody can read any more. A manifest is there before anybody has a receipt for it, so it is
 * looked for after the receipt was found: one that is missing then is gone for good.
 */
async function sweepReceipts({ store, doomed }: SweepOptions, tallies: Tallies): Promise<void> {
  for await (const { version, key, bytes } of listReceipts(store)) {
    const isGone = doomed.has(version) || (await store.head(manifestKey(version))) === undefined;
    if (isGone) await tallies.remove("receipt", key, bytes);
  }
}

async function sweepUploads(
  { store, survey, isReal, before }: SweepOptions,
  tallies: Tallies,
): Promise<void> {
  for await (const upload of store.listUploads()) {
    const epoch = upload.key === undefined ? undefined : parseOutputKey(upload.key);
    if (upload.startedAtMs >= before || (epoch !== undefined && epoch >= survey.low)) continue;
    tallies.count("upload", upload.key ?? upload.id, upload.bytes ?? 0);
    if (isReal) await store.abortUpload(upload);
  }
}

function tally({ objects, bytes }: Count): Tally {
  return { objects, bytes };
}

class Count {
  objects = 0;
  bytes = 0;

  add(bytes: number): void {
    this.objects += 1;
    this.bytes += bytes;
  }
}

class Tallies {
  readonly inUse = new Count();
  readonly foreign = new Count();
  readonly #options: SweepOptions;
  readonly #removed: Record<Kind, Count> = {
    data: new Count(),
    quarantine: new Count(),
    version: new Count(),
    run: new Count(),
    upload: new Count(),
    pin: new Count(),
    receipt: new Count(),
    scratch: new Count(),
  };
  readonly #examples: string[] = [];

  constructor(options: SweepOptions) {
    this.#options = options;
  }

  async remove(kind: Kind, key: string, bytes: number): Promise<void> {
    const { store, isReal, signal } = this.#options;
    if (signal.aborted) throw cancelled();
    if (isReal) await store.delete(key);
    this.count(kind, key, bytes);
  }

  count(kind: Kind, key: string, bytes: number): void {
    this.#removed[kind].add(bytes);
    if (this.#examples.length < examplesMax) this.#examples.push(key);
  }

  swept(): Swept {
    const { data, quarantine, version, run, upload, pin, receipt, scratch } = this.#removed;
    return {
      removed: {
        data: tally(data),
        quarantine: tally(quarantine),
        version: tally(version),
        run: tally(run),
        upload: tally(upload),
        pin: tally(pin),
        receipt: tally(receipt),
        scratch: tally(scratch),
      },
      inUse: tally(this.inUse),
      foreign: tally(this.foreign),
      examples: [...this.#examples],
    };
  }
}
