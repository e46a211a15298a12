import type { CopySource, ObjectWriter } from "../../store/object-store.ts";

/**
 * Writes an object out of source ranges and new bytes, and knows where it is. Ranges that follow each other in the
 * source are copied as one: that is what makes a rename cost one range for a whole row group.
 */
export class SpliceWriter {
  readonly #writer: ObjectWriter;
  readonly #source: CopySource;
  readonly #onBytes: (copied: number, written: number) => void;
  #position = 0;
  #pending: { start: number; end: number } | undefined;
  bytesCopied = 0;
  bytesWritten = 0;

  constructor(writer: ObjectWriter, source: CopySource, onBytes: (copied: number, written: number) => void) {
    this.#writer = writer;
    this.#source = source;
    this.#onBytes = onBytes;
  }

  /** Where the next byte will stand in the output. */
  get position(): number {
    return this.#position;
  }

  /** Appends `[start, end)` of the source. Returns a promise only where it has to wait: most ranges go on where the last one ended. */
  copy(start: number, end: number): Promise<void> | undefined {
    if (end === start) return undefined;
    this.#position += end - start;
    this.bytesCopied += end - start;
    if (this.#pending?.end === start) {
      this.#pending.end = end;
      return undefined;
    }
    const before = this.#pending;
    this.#pending = { start, end };
    return before === undefined ? undefined : this.#copyRange(before);
  }

  async write(bytes: Uint8Array): Promise<void> {
    await this.#flush();
    await this.#writer.write(bytes);
    this.#position += bytes.length;
    this.bytesWritten += bytes.length;
    this.#onBytes(0, bytes.length);
  }

  async complete(): ReturnType<ObjectWriter["complete"]> {
    await this.#flush();
    return this.#writer.complete();
  }

  async #flush(): Promise<void> {
    const range = this.#pending;
    if (range === undefined) return;
    this.#pending = undefined;
    await this.#copyRange(range);
  }

  async #copyRange(range: { readonly start: number; readonly end: number }): Promise<void> {
    // In steps, so that a progress bar moves and a signal is heard while a large range is under way.
    for (let start = range.start; start < range.end;) {
      const end = Math.min(start + stepBytes, range.end);
      await this.#writer.copyRange(this.#source, start, end);
      this.#onBytes(end - start, 0);
      start = end;
    }
  }
}

const stepBytes = 64 * 1024 * 1024;
