import { updateCrc32 } from "../base/digest.ts";
import { cancelled, ColonnadeError } from "../base/errors.ts";
import { type Footer, footerTailBytes, locateFooter, scanFooter } from "../parquet/footer.ts";
import type { ObjectStore } from "../store/object-store.ts";

/** An object as it was when the check of it began: everything later is read under this ETag. */
export interface OpenObject {
  readonly store: ObjectStore;
  readonly key: string;
  readonly etag: string;
  readonly bytes: number;
  readonly signal: AbortSignal;
}

/** One read gets most footers whole. */
const tailBytes = 64 * 1024;

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

/** Bytes `[start, end)`. Throws `conflict` `SOURCE_CHANGED` when the object is gone or another meanwhile, `data` `OBJECT_TRUNCATED`. */
export async function readRange(object: OpenObject, start: number, end: number): Promise<Uint8Array> {
  const { store, key, etag, signal } = object;
  if (signal.aborted) throw cancelled();
  if (end <= start) return new Uint8Array(0);
  const found = await store.get(key, { range: { start, end }, ifMatch: etag, signal });
  if (found === undefined) {
    throw new ColonnadeError("conflict", "SOURCE_CHANGED", "object vanished while it was read", { key });
  }
  if (found.body.length !== end - start) {
    throw new ColonnadeError("data", "OBJECT_TRUNCATED", "object is shorter than it was listed", {
      key,
      start,
      end,
      receivedBytes: found.body.length,
    });
  }
  return found.body;
}

/** Reads and scans an object's footer. Throws `data` as `locateFooter` and `scanFooter` do, and as {@link readRange} does. */
export async function openFooter(object: OpenObject): Promise<Footer> {
  const tailStart = Math.max(0, object.bytes - tailBytes);
  const tail = await readRange(object, tailStart, object.bytes);
  const { footerStart, footerBytes } = locateFooter(tail, object.bytes);
  const footerEnd = footerStart + footerBytes;
  if (footerStart < tailStart) {
    return scanFooter(await readRange(object, footerStart, object.bytes - footerTailBytes));
  }
  return scanFooter(tail.subarray(footerStart - tailStart, footerEnd - tailStart));
}
