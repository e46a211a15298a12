import { ColonnadeError } from "../base/errors.ts";
import type { CommitResult, Destination } from "./commit.ts";
import type { ObjectReference } from "./document.ts";
import { readReferenced } from "./document.ts";
import type { Manifest, Pointer } from "./formats.ts";
import { assertNotOvertaken } from "./gc/mark.ts";
import { listHistories, readHistory } from "./history.ts";
import { findManifest, readManifest } from "./manifest.ts";
import { readPointer } from "./pointer.ts";
import { serveVersion } from "./serve-version.ts";

export interface RollbackRequest {
  readonly channel: string;
  readonly toVersion: number;
  /** For people; it begins with `rollback` in the pointer. */
  readonly reason: string;
  /** The generation that the decision was made on; another one is a `conflict`. */
  readonly expectedGeneration?: number;
}

export type RollbackResult = CommitResult & { readonly manifest: Manifest };

/**
 * Makes a channel serve an older version again: data, schema and model together, as a new generation. Never rebased: who rolls back
 * has looked at one pointer, and another one may be what they wanted.
 *
 * Throws `invalid`: `NO_POINTER`, `VERSION_SERVED` (it is what the channel serves), `VERSION_MISSING`, `DATASET_DIFFERS`; `conflict`:
 * `GENERATION_DIFFERS`, and what gc has removed or may remove; `data` when the manifest or a file list is not what was once served.
 */
export async function rollback(destination: Destination, request: RollbackRequest): Promise<RollbackResult> {
  const { channel, toVersion, reason, expectedGeneration } = request;
  const { store } = destination;
  const base = await readPointer(store, channel);
  if (base === undefined)
    throw new ColonnadeError("invalid", "NO_POINTER", "channel has no version to go back from", { channel });
  const { pointer } = base;
  if (expectedGeneration !== undefined && pointer.generation !== expectedGeneration)
    throw new ColonnadeError("conflict", "GENERATION_DIFFERS", "channel has moved on", {
      channel,
      generation: pointer.generation,
      expectedGeneration,
    });
  if (pointer.version === toVersion)
    throw new ColonnadeError("invalid", "VERSION_SERVED", "channel serves this version already", {
      channel,
      version: toVersion,
    });

  const served = await findServed(destination, channel, toVersion);
  const { manifest, reference } = await checkVersion(destination, toVersion, served);
  if (manifest.dataset !== pointer.dataset)
    throw new ColonnadeError("invalid", "DATASET_DIFFERS", "version is of another dataset", {
      version: toVersion,
      dataset: manifest.dataset,
      servedDataset: pointer.dataset,
    });
  // Nobody has vouched for it: its run may have stopped because gc had overtaken it.
  if (served === undefined)
    await assertNotOvertaken(destination, { epoch: manifest.epoch ?? 0, base: manifest.base });
  const result = await serveVersion(destination, channel, base, {
    dataset: manifest.dataset,
    version: toVersion,
    manifest: reference,
    schema: { version: manifest.schema.version, fingerprint: manifest.schema.fingerprint },
    // The model that this channel served with these data: it is what understands them.
    model: served?.channel === channel ? served.model : undefined,
    reason: reason === "" ? "rollback" : `rollback: ${reason}`,
  });
  return { ...result, manifest };
}

/** The newest generation that served a version, of this channel if there is one, else of another; undefined when none did. */
async function findServed(
  { store }: Destination,
  channel: string,
  version: number,
): Promise<Pointer | undefined> {
  const find = async (history: string): Promise<Pointer | undefined> => {
    for await (const entry of readHistory(store, history))
      if (entry.kind === "pointer" && entry.pointer.version === version) return entry.pointer;
    return undefined;
  };
  const own = await find(channel);
  if (own !== undefined) return own;
  for await (const other of listHistories(store)) {
    const found = other === channel ? undefined : await find(other);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Everything small that a version consists of, compared with its digests. Its data objects are `verify`'s. */
async function checkVersion(
  { store }: Destination,
  version: number,
  served: Pointer | undefined,
): Promise<{ readonly manifest: Manifest; readonly reference: ObjectReference }> {
  const found = await findManifest(store, version);
  if (found === undefined)
    throw new ColonnadeError("invalid", "VERSION_MISSING", "version is not at this destination", { version });
  // Read once more, to be the one that was served.
  if (served !== undefined) await readManifest(store, served.manifest);
  for (const part of found.manifest.parts) await readReferenced(store, part, "file list");
  return found;
}
