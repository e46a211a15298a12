import { cancelled, ColonnadeError, toColonnadeError, withDetails } from "../base/errors.ts";
import { type Footer, footerTailBytes, locateFooter, scanFooter } from "../parquet/footer/footer.ts";
import type { CopySource } from "../store/object-store.ts";

/** An object as it was listed or opened: whatever is read of it later is read under this ETag. */
export interface SizedObject extends CopySource {
  readonly bytes: number;
}

/** How much of an object's end is asked for while no footer is known. */
const firstTailBytes = 64 * 1024;
const tailBytesMin = 4 * 1024;
const tailBytesMax = 1024 * 1024;

/** How long footers are, by those that were read before: the objects of a dataset have many columns or few, but about as many. */
export class FooterSizes {
  #largest = 0;

  /** So much of an object's end is likely to have its footer whole, and little else. */
  get tailBytes(): number {
    if (this.#largest === 0) return firstTailBytes;
    return Math.min(tailBytesMax, Math.max(tailBytesMin, Math.ceil(this.#largest * 1.25)));
  }

  add(footerBytes: number): void {
    this.#largest = Math.max(this.#largest, footerBytes);
  }
}

/**
 * Reads and scans an object's footer with one ranged GET, or two when it is longer than those before it. Throws `data` errors
 * that name the object, and `conflict` `SOURCE_CHANGED` when it is not the one that was listed.
 */
export async function readFooter(
  object: SizedObject,
  signal?: AbortSignal,
  sizes = new FooterSizes(),
): Promise<Footer> {
  const { key, bytes: objectBytes } = object;
  try {
    const tailStart = Math.max(0, objectBytes - sizes.tailBytes);
    const tail = await readRange(object, tailStart, objectBytes, signal);
    const { footerStart, footerBytes } = locateFooter(tail, objectBytes);
    sizes.add(footerBytes + footerTailBytes);
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

/**
 * Bytes `[start, end)` of an object as it was listed. Throws `conflict` `SOURCE_CHANGED` when it is gone or another, `data`
 * `OBJECT_TRUNCATED` when it ends before that.
 */
export async function readRange(
  { store, key, etag }: CopySource,
  start: number,
  end: number,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  if (signal?.aborted === true) throw cancelled();
  if (end <= start) return new Uint8Array(0);
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
