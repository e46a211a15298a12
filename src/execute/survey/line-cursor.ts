import type { FileLine } from "../../dataset/formats.ts";

/** Order of listings: by the keys' UTF-8 bytes. */
export function compareKeys(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** Reads a file list alongside a listing in the same order. */
export class LineCursor {
  readonly #lines: AsyncIterator<FileLine>;
  #next: FileLine | undefined;
  #started = false;

  constructor(lines: AsyncIterable<FileLine>) {
    this.#lines = lines[Symbol.asyncIterator]();
  }

  /** Passes the lines before `key` to `onSkipped`; all that are left when it is undefined. */
  async skipTo(key: string | undefined, onSkipped: (line: FileLine) => void): Promise<void> {
    for (let line = await this.#peek(); line !== undefined; line = await this.#peek()) {
      if (key !== undefined && compareKeys(line.source.key, key) >= 0) return;
      onSkipped(line);
      await this.#advance();
    }
  }

  /** The line of exactly this key, consumed. */
  async takeEqual(key: string): Promise<FileLine | undefined> {
    const line = await this.#peek();
    if (line?.source.key !== key) return undefined;
    await this.#advance();
    return line;
  }

  async #peek(): Promise<FileLine | undefined> {
    if (!this.#started) {
      this.#started = true;
      await this.#advance();
    }
    return this.#next;
  }

  async #advance(): Promise<void> {
    const { done, value } = await this.#lines.next();
    this.#next = done === true ? undefined : value;
  }
}
