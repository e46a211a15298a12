import { ColonnadeError, toColonnadeError, withDetails } from "../../base/errors.ts";
import type { ObjectStore, StoredObject } from "../../store/object-store.ts";
import { resolveRange } from "../../store/ranges.ts";
import { readRange, type SizedObject } from "../../dataset/read-object.ts";

/** An object of this size is read once and whole: its footer, its indexes and its chunks are then ranges of memory. */
export const heldBytesMax = 512 * 1024;

/**
 * A small object in memory, as a store that has nothing else; a larger one as it is. Throws as {@link readRange} does, and says of
 * which object.
 */
export async function heldIfSmall(object: SizedObject, signal: AbortSignal): Promise<SizedObject> {
  if (object.bytes > heldBytesMax) return object;
  try {
    return { ...object, store: storeOf(object, await readRange(object, 0, object.bytes, signal)) };
  } catch (error) {
    throw withDetails(toColonnadeError(error), { object: object.key });
  }
}

function storeOf({ store, key, etag, bytes }: SizedObject, content: Uint8Array): ObjectStore {
  const get: ObjectStore["get"] = async (wanted, options = {}) => {
    if (wanted !== key || (options.ifMatch ?? etag) !== etag) throw otherObject(wanted);
    const { start, end } = resolveRange(options.range, bytes);
    return { key, bytes, etag, modifiedAtMs: 0, body: content.subarray(start, end) };
  };
  return {
    uri: store.uri,
    get,
    async getStream(wanted, options) {
      const { body, ...info } = (await get(wanted, options)) as StoredObject;
      return { ...info, body: once(body) };
    },
    head: refuse,
    getIfChanged: refuse,
    list: refuse,
    put: refuse,
    createWriter: refuse,
    delete: refuse,
    listUploads: () => refuse(key),
    abortUpload: () => refuse(key),
    async close() {},
  };
}

function refuse(key: string): never {
  throw otherObject(key);
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

function otherObject(key: string): ColonnadeError {
  return new ColonnadeError(
    "internal",
    "OTHER_OBJECT",
    "an object that is held in memory was asked for another",
    { key },
  );
}
