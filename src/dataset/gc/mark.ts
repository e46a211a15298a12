import { z } from "zod";
import { ColonnadeError } from "../../base/errors.ts";
import type { ObjectStore } from "../../store/object-store.ts";
import type { Destination } from "../commit.ts";
import { encodeDocument, parseDocument } from "../document.ts";
import { epochMax, manifestKey, markKey, versionMax } from "../layout.ts";
import { readPointer } from "../pointer.ts";
import { defaultRetryLimits, retryRead } from "../retry.ts";
import { swapObject } from "../swap-object.ts";

export const markFormat = "colonnade/gc-mark/1";

const epoch = z.number().int().min(0).max(epochMax);

/**
 * What gc and those who write beside it agree upon; docs/GC.md says why it is enough. It is moved by compare-and-swap alone, before
 * anything is removed, and neither number ever falls.
 */
export const markSchema = z.looseObject({
  format: z.literal(markFormat),
  writeId: z.string().describe("Unique to the attempt that wrote this mark: how a lost reply is settled."),
  epoch: epoch.describe("Of the keys of what runs that begin now write."),
  low: epoch.describe(
    "Runs with objects of a lower epoch may not commit any more: what they wrote may be gone.",
  ),
  condemned: z
    .array(z.number().int().min(1).max(versionMax))
    .describe("Versions that may be served no more, and whose manifests may be gone at any moment."),
  raisedAt: z.iso.datetime(),
});
export type Mark = z.infer<typeof markSchema>;

export interface MarkRead {
  readonly mark: Mark;
  /** Undefined while there is none: nobody has collected here. */
  readonly etag: string | undefined;
}

const firstMark: Mark = {
  format: markFormat,
  writeId: "",
  epoch: 0,
  low: 0,
  condemned: [],
  raisedAt: "1970-01-01T00:00:00.000Z",
};

/** `data` (`MARK_INVALID`) for a damaged mark, `invalid` (`FORMAT_NEWER`) for one of a later Colonnade: neither is guessed at. */
export async function readMark(store: ObjectStore): Promise<MarkRead> {
  const object = await store.get(markKey);
  if (object === undefined) return { mark: firstMark, etag: undefined };
  return { mark: parseDocument(object.body, markSchema, markFormat, "mark", markKey), etag: object.etag };
}

/** What a run depends on that gc may remove. */
export interface RunNeeds {
  /** The lowest epoch of the objects that it made or found made. */
  readonly epoch: number;
  /** The version whose lines it carries. */
  readonly base: number | null;
}

/**
 * Called once the run's manifest is in the store: from the manifest's creation on, every gc sees what it names, so only those that
 * were before it matter. `conflict` (`RUN_OVERTAKEN`, `BASE_REMOVED`) when one of them may have removed some of it.
 */
export async function assertNotOvertaken(destination: Destination, needs: RunNeeds): Promise<void> {
  const { mark } = await readMarkSurely(destination);
  if (needs.epoch < mark.low)
    throw new ColonnadeError(
      "conflict",
      "RUN_OVERTAKEN",
      "gc took the run for dead and may have removed what it wrote; run it again",
      { epoch: needs.epoch, low: mark.low },
    );
  if (needs.base !== null && !(await isAlive(destination, mark, needs.base))) throw baseRemoved(needs.base);
}

/**
 * The mark, read once a run is registered and before it does any work: a gc that did not see the registration is noticed now, not at
 * the end. `conflict` (`BASE_REMOVED`).
 */
export async function readMarkBeside(destination: Destination, base: RunNeeds["base"]): Promise<Mark> {
  const { mark } = await readMarkSurely(destination);
  if (base !== null && !(await isAlive(destination, mark, base))) throw baseRemoved(base);
  return mark;
}

/**
 * Does something with the version that a channel served when it was looked at. `conflict` (`BASE_REMOVED`) instead of `data` when it
 * is gone because the channel has moved on and gc has removed it.
 */
export async function besideGc<T>(
  store: ObjectStore,
  base: { readonly channel: string; readonly version: number } | undefined,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const isGone =
      error instanceof ColonnadeError && ["MANIFEST_MISSING", "FILE_LIST_MISSING"].includes(error.code);
    if (!isGone || base === undefined) throw error;
    const now = await readPointer(store, base.channel);
    if (now === undefined || now.pointer.version === base.version) throw error;
    throw baseRemoved(base.version, error);
  }
}

function baseRemoved(version: number, cause?: unknown): ColonnadeError {
  return new ColonnadeError(
    "conflict",
    "BASE_REMOVED",
    "gc has removed the version that the run was made beside; run it again",
    { version },
    { cause },
  );
}

/** Called after the version was pinned. `conflict` (`VERSION_REMOVED`) when gc has removed it, or is about to. */
export async function assertAlive(destination: Destination, version: number): Promise<void> {
  const { mark } = await readMarkSurely(destination);
  if (await isAlive(destination, mark, version)) return;
  throw new ColonnadeError("conflict", "VERSION_REMOVED", "gc has removed the version, or is about to", {
    version,
  });
}

/**
 * Whether no gc had condemned the version when `mark` was read. The manifest is looked at after the mark: a version leaves the
 * list of the condemned only when its manifest is gone.
 */
async function isAlive(
  { store, clock, ids, retry = defaultRetryLimits }: Destination,
  mark: Mark,
  version: number,
): Promise<boolean> {
  if (mark.condemned.includes(version)) return false;
  const found = await retryRead(() => store.head(manifestKey(version)), clock, retry, ids.next());
  return found !== undefined;
}

function readMarkSurely({ store, clock, ids, retry = defaultRetryLimits }: Destination): Promise<MarkRead> {
  return retryRead(() => readMark(store), clock, retry, ids.next());
}

/** Replaces `base` with one compare-and-swap. Undefined when somebody else has: their gc goes on, ours has to look anew. */
export async function swapMark(
  destination: Destination,
  base: MarkRead,
  next: Pick<Mark, "epoch" | "low" | "condemned">,
): Promise<MarkRead | undefined> {
  const mark: Mark = markSchema.parse({
    ...next,
    format: markFormat,
    writeId: destination.ids.next(),
    raisedAt: destination.clock.now().toISOString(),
  });
  const etag = await swapObject(destination, markKey, base.etag, encodeDocument(mark), mark.writeId);
  return etag === undefined ? undefined : { mark, etag };
}
