import { ColonnadeError } from "../base/errors.ts";
import type { ObjectStore, StoredObject } from "../store/object-store.ts";
import { parseDocument } from "./document.ts";
import { pointerFormat, pointerSchema } from "./formats.ts";
import type { Pointer } from "./formats.ts";
import { manifestKey, pointerKey, pointersPrefix } from "./layout.ts";

/** A pointer as it was read: what a commit is based on. */
export interface PointerRead {
  readonly pointer: Pointer;
  readonly etag: string;
  /** Exactly as stored, for the history. */
  readonly body: Uint8Array;
}

/**
 * What a channel serves now; undefined before its first commit. `data` (`POINTER_INVALID`) for a damaged pointer, `invalid`
 * (`FORMAT_NEWER`) for one of a later Colonnade: nobody can commit over either, since a commit needs a base.
 */
export async function readPointer(store: ObjectStore, channel: string): Promise<PointerRead | undefined> {
  const object = await store.get(pointerKey(channel));
  return object === undefined ? undefined : parsePointer(object, channel);
}

/** A pointer, or an entry of the history, from its object. */
export function parsePointer(object: StoredObject, channel: string): PointerRead {
  const pointer = parseDocument(object.body, pointerSchema, pointerFormat, "pointer", object.key);
  if (pointer.channel !== channel)
    throw new ColonnadeError("data", "POINTER_INVALID", "pointer is that of another channel", {
      key: object.key,
      channel: pointer.channel,
      expectedChannel: channel,
    });
  if (pointer.manifest.key !== manifestKey(pointer.version))
    throw new ColonnadeError("data", "POINTER_INVALID", "pointer names the manifest of another version", {
      key: object.key,
      version: pointer.version,
      manifest: pointer.manifest.key,
    });
  return { pointer, etag: object.etag, body: object.body };
}

/** The names of the channels that have a pointer, in order. */
export async function* listChannels(store: ObjectStore): AsyncIterable<string> {
  for await (const { key } of store.list(pointersPrefix)) {
    const channel = /^pointers\/([a-z0-9][a-z0-9_-]*)\.json$/.exec(key)?.[1];
    if (channel !== undefined) yield channel;
  }
}
