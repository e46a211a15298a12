import { ColonnadeError, toColonnadeError, withDetails } from "../base/errors.ts";
import { type Footer, footerTailBytes, locateFooter, scanFooter } from "../parquet/footer.ts";
import type { CopySource } from "../store/object-store.ts";

/** One read gets most footers whole. */
const tailBytes = 64 * 1024;

/**
 * Reads and scans an object's footer with one ranged GET, or two when it is large. Throws `data` errors that name the
 * object, and `conflict` `SOURCE_CHANGED` when it is not the one that was listed.
 */
export async function readFooter(
  object: CopySource & { readonly bytes: number },
  signal?: AbortSignal,
): Promise<Footer> {
  const { key, bytes: objectBytes } = object;
  try {
    const tailStart = Math.max(0, objectBytes - tailBytes);
    const tail = await readRange(object, tailStart, objectBytes, signal);
    const { footerStart, footerBytes } = locateFooter(tail, objectBytes);
    const footerEnd = footerStart + footerBytes;
    const body =
      footerStart >= tailStart
        ? // A copy: footers are kept, and a small one must not keep the whole tail.
          new Uint8Array(tail.subarray(footerStart - tailStart, footerEnd - tailStart))
        : await readRange(object, footerStart, objectBytes - footerTailBytes, signal);
    return scanFooter(body);
  } catch (error) {
    throw withDetails(toColonnadeError(error), { object: key });
  }
}

/** Bytes `[start, end)` of an object as it was listed. Throws `conflict` `SOURCE_CHANGED` when it is gone or another. */
export async function readRange(
  { store, key, etag }: CopySource,
  start: number,
  end: number,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  if (end === start) return new Uint8Array(0);
  const options = { range: { start, end }, ifMatch: etag, ...(signal === undefined ? {} : { signal }) };
  const found = await store.get(key, options);
  if (found === undefined) {
    throw new ColonnadeError("conflict", "SOURCE_CHANGED", "object vanished while it was read", {
      object: key,
    });
  }
  if (found.body.length !== end - start) {
    throw new ColonnadeError("data", "OBJECT_TRUNCATED", "object is shorter than it was listed", {
      object: key,
      start,
      end,
      receivedBytes: found.body.length,
    });
  }
  return found.body;
}
