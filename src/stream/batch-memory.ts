import { freeBuffer } from "../base/free-buffer.ts";

/** Where the bytes of messages are put. */
export interface BatchMemory {
  /** Room for the bytes of one message, or for the first of them: more is taken as they arrive, not as a header claims. */
  take(bytes: number): Uint8Array<ArrayBuffer>;
  giveBack(bytes: Uint8Array<ArrayBuffer>): void;
}

const firstStepBytes = 64 * 1024 * 1024;

/** For whoever may keep what is given out as long as it likes. */
export const freshMemory: BatchMemory = {
  take: (bytes) => new Uint8Array(Math.min(bytes, firstStepBytes)),
  giveBack: () => {},
};

/** What is smaller costs little, and may be a part of what others hold. */
const recycledBytesMin = 1024 * 1024;

/**
 * The memory of a batch serves for a later one, as soon as `written` resolves: that is, when nobody has to look at what was given
 * out until then. Memory from the system is a page fault every four kilobytes, and what lies outside of its heap makes V8 collect:
 * both together are a third of what it takes to pass a stream on.
 */
export class RecycledMemory implements BatchMemory {
  readonly #written: () => Promise<void>;
  readonly #spare: ArrayBuffer[] = [];

  constructor(written: () => Promise<void>) {
    this.#written = written;
  }

  take(bytes: number): Uint8Array<ArrayBuffer> {
    if (bytes < recycledBytesMin) return freshMemory.take(bytes);
    const spare = this.#spare.pop();
    if (spare !== undefined && spare.byteLength >= bytes) return new Uint8Array(spare, 0, bytes);
    if (spare !== undefined) freeBuffer(new Uint8Array(spare));
    // Batches of a stream have as many rows each, and about as many bytes.
    const room = bytes > firstStepBytes ? firstStepBytes : bytes + (bytes >>> 3);
    return new Uint8Array(new ArrayBuffer(room), 0, Math.min(bytes, room));
  }

  giveBack({ buffer }: Uint8Array<ArrayBuffer>): void {
    if (buffer.byteLength < recycledBytesMin) return;
    void this.#written().then(
      () => this.#spare.push(buffer),
      // Whoever writes hears of it.
      () => {},
    );
  }
}
