import { updateCrc32 } from "../base/digest.ts";
import { cancelled } from "../base/errors.ts";
import type { SizedObject } from "../dataset/read-object.ts";
import type { ObjectStore } from "../store/object-store.ts";

/** An object as it was when the check of it began, and what ends the check. */
export interface OpenObject extends SizedObject {
  readonly signal: AbortSignal;
}

/** Streams a whole object through CRC-32; nothing of it is kept. Undefined when it is missing. */
export async function digestObject(
  store: ObjectStore,
  key: string,
  signal: AbortSignal,
): Promise<{ readonly object: OpenObject; readonly crc32: number; readonly bytesRead: number } | undefined> {
  const stream = await store.getStream(key, { signal });
  if (stream === undefined) return undefined;
  let crc32 = 0;
  let bytesRead = 0;
  for await (const chunk of stream.body) {
    if (signal.aborted) throw cancelled();
    crc32 = updateCrc32(chunk, crc32);
    bytesRead += chunk.length;
  }
  const { etag, bytes } = stream;
  return { object: { store, key, etag, bytes, signal }, crc32: crc32 >>> 0, bytesRead };
}
