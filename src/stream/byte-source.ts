import { ColonnadeError } from "../base/errors.ts";

/** Memory is taken as bytes arrive, not as a header claims. */
export const firstStepBytes = 64 * 1024 * 1024;

/** Bytes in order, read by exact numbers of them. */
export interface ByteSource {
  /**
   * The next bytes in memory of their own, which is aligned for every type; undefined where there are none any more. Rejects with
   * `data` `STREAM_TRUNCATED` where the last of them are missing.
   */
  take(bytes: number): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** Lets go of what no more is wanted of. */
  close(): Promise<void>;
}

export function truncatedStream(bytes: number, expectedBytes: number): ColonnadeError {
  return new ColonnadeError("data", "STREAM_TRUNCATED", "stream ends inside a message", {
    bytes,
    expectedBytes,
  });
}

export class ChunkSource implements ByteSource {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #chunk: Uint8Array = new Uint8Array(0);
  #position = 0;

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  async take(bytes: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
    let taken = new Uint8Array(Math.min(bytes, firstStepBytes));
    let length = 0;
    while (length < bytes) {
      if (this.#position === this.#chunk.length && !(await this.#next())) {
        if (length === 0) return undefined;
        throw truncatedStream(length, bytes);
      }
      const part = this.#chunk.subarray(this.#position, this.#position + bytes - length);
      while (length + part.length > taken.length) taken = grown(taken, length, bytes);
      taken.set(part, length);
      length += part.length;
      this.#position += part.length;
    }
    return taken;
  }

  async close(): Promise<void> {
    await this.#chunks.return?.();
  }

  async #next(): Promise<boolean> {
    const { done, value } = await this.#chunks.next();
    if (done === true) return false;
    this.#chunk = value;
    this.#position = 0;
    return true;
  }
}

/** More room for bytes that go on to arrive: of `wanted`, four times what there was. */
export function grown(bytes: Uint8Array, length: number, wanted: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(Math.min(wanted, bytes.length * 4));
  larger.set(bytes.subarray(0, length));
  return larger;
}
