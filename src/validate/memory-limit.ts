/**
 * Hands out a number of bytes to those who come, in their order. Whoever asks for more than all of it gets all of it: one
 * chunk at a time goes on, however large.
 */
export class MemoryLimit {
  readonly #bytes: number;
  #free: number;
  readonly #waiting: { readonly bytes: number; readonly start: () => void }[] = [];

  constructor(bytes: number) {
    this.#bytes = bytes;
    this.#free = bytes;
  }

  /** Runs work that holds so many bytes of memory, when there is room for them. */
  async hold<T>(wanted: number, work: () => Promise<T>): Promise<T> {
    const bytes = Math.min(wanted, this.#bytes);
    await new Promise<void>((start) => {
      this.#waiting.push({ bytes, start });
      this.#next();
    });
    try {
      return await work();
    } finally {
      this.#free += bytes;
      this.#next();
    }
  }

  #next(): void {
    for (
      let first = this.#waiting[0];
      first !== undefined && first.bytes <= this.#free;
      first = this.#waiting[0]
    ) {
      this.#waiting.shift();
      this.#free -= first.bytes;
      first.start();
    }
  }
}
