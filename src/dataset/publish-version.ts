import { ColonnadeError } from "../base/errors.ts";
import type { Destination } from "./commit.ts";
import { manifestFormat } from "./formats.ts";
import type { FileLine, Manifest, Pointer } from "./formats.ts";
import { defaultPartLimits, writeFileList } from "./file-list.ts";
import type { PartLimits } from "./file-list.ts";
import { assertNotOvertaken } from "./gc/mark.ts";
import { claimVersion, writeManifest } from "./manifest.ts";
import type { PointerRead } from "./pointer.ts";
import { serveVersion } from "./serve-version.ts";

/** What a manifest says beside what publishing itself finds out. */
export type VersionFacts = Pick<
  Manifest,
  "dataset" | "job" | "run" | "schema" | "from" | "changes" | "source"
>;

/** What is only known once every line has gone by. */
export type VersionSummary = Pick<Manifest, "totals" | "checks" | "warnings">;

export interface Publication {
  readonly channel: string;
  /** The pointer that the version was made beside; undefined for the first. */
  readonly base: PointerRead | undefined;
  readonly facts: VersionFacts;
  /** The lowest epoch of the objects that were made for it (`gc/mark.ts`). */
  readonly epoch: number;
  /** In the order of the sources' keys, so that equal versions have equal lists. Their objects are all in the store. */
  readonly lines: AsyncIterable<FileLine>;
  /** Called once, after the last line. */
  readonly summarise: () => VersionSummary;
  readonly reason: string;
  readonly model?: Pointer["model"];
  /** Asked each time somebody else moved the pointer meanwhile. */
  readonly onLost: (lost: LostRace) => Promise<LostDecision> | LostDecision;
  readonly partLimits?: PartLimits;
  /** Heard until the pointer is about to move, never after. */
  readonly signal?: AbortSignal;
}

export interface LostRace {
  readonly current: PointerRead;
  /** Ours, written but not served. */
  readonly manifest: Manifest;
}

/**
 * `rebase`: our inputs are as they were, so our version may follow the other one. `accept`: the other version says the same,
 * nothing is left to do. `conflict`: it has to be planned again.
 */
export type LostDecision = "rebase" | "accept" | "conflict";

export type PublishResult =
  | {
      readonly outcome: "committed";
      readonly pointer: Pointer;
      readonly etag: string;
      readonly manifest: Manifest;
      readonly rebases: number;
    }
  | { readonly outcome: "accepted"; readonly current: PointerRead; readonly manifest: Manifest }
  | { readonly outcome: "conflict"; readonly current: PointerRead; readonly manifest: Manifest }
  | {
      readonly outcome: "unknown";
      readonly pointer: Pointer;
      readonly manifest: Manifest;
      readonly cause: unknown;
    };

/** A rebase each time another job commits; so many in a row mean that two jobs chase one another. */
const rebasesMax = 100;

/**
 * Makes a version of objects that are in the store already, and moves the channel's pointer to it. In this order, so that a crash
 * at any moment leaves the pointer naming a complete version: claim a number, file-list parts, manifest, pointer.
 *
 * Throws `cancelled` before the pointer was touched, `unavailable` and `unknown` when the store failed before that
 * (a rerun starts over and nothing is served), `invalid` when the channel serves another dataset, `conflict` when gc gave the run up.
 */
export async function publishVersion(
  destination: Destination,
  publication: Publication,
): Promise<PublishResult> {
  const { channel, facts, onLost, signal } = publication;
  checkDataset(publication.base, facts.dataset);
  const { manifest, reference } = await writeVersion(destination, publication);
  // Once: from here on the manifest itself keeps what it names.
  await assertNotOvertaken(destination, { epoch: publication.epoch, base: manifest.base });
  let { base } = publication;
  for (let rebases = 0; ; rebases += 1) {
    checkCancelled(signal);
    const result = await serveVersion(destination, channel, base, {
      dataset: facts.dataset,
      version: manifest.version,
      manifest: reference,
      schema: { version: manifest.schema.version, fingerprint: manifest.schema.fingerprint },
      model: publication.model,
      reason: publication.reason,
    });
    if (result.outcome === "committed") return { ...result, manifest, rebases };
    if (result.outcome === "unknown") return { ...result, manifest };
    const { current } = result;
    checkDataset(current, facts.dataset);
    const decision = rebases < rebasesMax ? await onLost({ current, manifest }) : "conflict";
    if (decision === "accept") return { outcome: "accepted", current, manifest };
    if (decision === "conflict") return { outcome: "conflict", current, manifest };
    base = current;
  }
}

/** Whether two versions serve the same: the same file lists, byte for byte, under the same schema. */
export function isSameContent(a: Manifest, b: Manifest): boolean {
  return (
    a.dataset === b.dataset &&
    a.schema.fingerprint === b.schema.fingerprint &&
    a.parts.length === b.parts.length &&
    a.parts.every(({ sha256 }, index) => sha256 === b.parts[index]?.sha256)
  );
}

async function writeVersion(
  destination: Destination,
  { base, facts, epoch, lines, summarise, partLimits, signal }: Publication,
): Promise<{ manifest: Manifest; reference: Awaited<ReturnType<typeof writeManifest>> }> {
  checkCancelled(signal);
  const claim = await claimVersion(destination, facts.run, epoch, base?.pointer.version);
  const parts = await writeFileList(
    destination,
    claim.version,
    untilCancelled(lines, signal),
    partLimits ?? defaultPartLimits,
  );
  const manifest: Manifest = {
    ...facts,
    ...summarise(),
    format: manifestFormat,
    version: claim.version,
    writeId: claim.writeId,
    base: base?.pointer.version ?? null,
    epoch,
    parts: [...parts],
    createdAt: destination.clock.now().toISOString(),
  };
  checkCancelled(signal);
  return { manifest, reference: await writeManifest(destination, manifest) };
}

async function* untilCancelled<T>(items: AsyncIterable<T>, signal?: AbortSignal): AsyncIterable<T> {
  for await (const item of items) {
    checkCancelled(signal);
    yield item;
  }
}

function checkCancelled(signal?: AbortSignal): void {
  if (signal?.aborted === true)
    throw new ColonnadeError("cancelled", "CANCELLED", "publishing was cancelled before the pointer moved");
}

function checkDataset(base: PointerRead | undefined, dataset: string): void {
  if (base === undefined || base.pointer.dataset === dataset) return;
  throw new ColonnadeError("invalid", "DATASET_DIFFERS", "channel serves another dataset", {
    channel: base.pointer.channel,
    dataset,
    servedDataset: base.pointer.dataset,
  });
}
