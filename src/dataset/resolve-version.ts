import { ColonnadeError } from "../base/errors.ts";
import type { ObjectStore } from "../store/object-store.ts";
import type { Manifest, Pointer } from "./formats.ts";
import { readHistory } from "./history.ts";
import { pointersPrefix } from "./layout.ts";
import { findManifest, readManifest } from "./manifest.ts";
import { readPointer } from "./pointer.ts";

export interface ResolvedVersion {
  readonly manifest: Manifest;
  /** The newest pointer of the channel that names the version; undefined when none does. */
  readonly pointer: Pointer | undefined;
}

/**
 * A version of a destination: the one that the channel serves, or any by its number, through a pointer that has the
 * manifest's digest where there is one. Throws `invalid`: `NO_POINTER`, `VERSION_MISSING`; `data` as `readManifest` does.
 */
export async function resolveVersion(
  store: ObjectStore,
  channel: string,
  version?: number,
): Promise<ResolvedVersion> {
  if (version === undefined) {
    const read = await readPointer(store, channel);
    if (read === undefined) {
      throw new ColonnadeError("invalid", "NO_POINTER", "channel serves nothing yet", {
        destination: store.uri,
        channel,
      });
    }
    return { pointer: read.pointer, manifest: await readManifest(store, read.pointer.manifest) };
  }
  for await (const entry of readHistory(store, channel)) {
    if (entry.kind === "pointer" && entry.pointer.version === version) {
      return { pointer: entry.pointer, manifest: await readManifest(store, entry.pointer.manifest) };
    }
  }
  const found = await findManifest(store, version);
  if (found !== undefined) return { pointer: undefined, manifest: found.manifest };
  throw new ColonnadeError("invalid", "VERSION_MISSING", "version is not at this destination", {
    destination: store.uri,
    version,
  });
}

/** The channels that have a pointer, in the order of their names. */
export async function* listChannels(store: ObjectStore): AsyncIterable<string> {
  for await (const { key } of store.list(pointersPrefix)) {
    const channel = /^pointers\/([a-z0-9][a-z0-9_-]{0,62})\.json$/.exec(key)?.[1];
    if (channel !== undefined) yield channel;
  }
}
