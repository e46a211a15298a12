import { ColonnadeError } from "../base/errors.ts";
import { commitPointer } from "./commit.ts";
import type { CommitResult, Destination } from "./commit.ts";
import type { ObjectReference } from "./document.ts";
import { readReferenced } from "./document.ts";
import type { Manifest, Pointer } from "./formats.ts";
import { readHistory } from "./history.ts";
import { findManifest, readManifest } from "./manifest.ts";
import { readPointer } from "./pointer.ts";

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
 * `GENERATION_DIFFERS`; `data` when the manifest or a file list is not what was once served.
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
  const result = await commitPointer(destination, channel, base, {
    dataset: manifest.dataset,
    version: toVersion,
    manifest: reference,
    schema: { version: manifest.schema.version, fingerprint: manifest.schema.fingerprint },
    // The model that was served with these data: it is what understands them.
    model: served?.model,
    reason: reason === "" ? "rollback" : `rollback: ${reason}`,
  });
  return { ...result, manifest };
}

/** The newest generation that served a version; undefined when none did. */
async function findServed(
  { store }: Destination,
  channel: string,
  version: number,
): Promise<Pointer | undefined> {
  for await (const entry of readHistory(store, channel))
    if (entry.kind === "pointer" && entry.pointer.version === version) return entry.pointer;
  return undefined;
}

/** Everything small that a version consists of, compared with its digests. Its data objects are `verify`'s. */
async function checkVersion(
  { store }: Destination,
  version: number,
  served: Pointer | undefined,
): Promise<{ readonly manifest: Manifest; readonly reference: ObjectReference }> {
  const found =
    served === undefined
      ? await findManifest(store, version)
      : { manifest: await readManifest(store, served.manifest), reference: served.manifest };
  if (found === undefined)
    throw new ColonnadeError("invalid", "VERSION_MISSING", "version is not at this destination", { version });
  for (const part of found.manifest.parts) await readReferenced(store, part, "file list");
  return found;
}
