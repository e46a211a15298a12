import { cancelled } from "./errors.ts";

/**
 * Hands out bytes of a fixed budget, first come first served, so that the chunks in flight never outgrow
 * `limits.memory`. A request larger than the whole budget waits until it is alone.
 *
 * Whoever holds bytes must be able to finish without asking for more: callers acquire in the order in which
 * they will release, so the oldest holder always goes on and nobody waits in a circle.
 */
export class MemoryBudget {
  readonly capacityBytes: number;
  /** What there is for a request that is alone: when nobody else is at work, there is a little more. */
  readonly aloneBytes: number;
  #freeBytes: number;
  readonly #waiting: { bytes: number; grant: () => void; refuse: (reason: unknown) => void }[] = [];

  constructor(capacityBytes: number, aloneBytes: number = capacityBytes) {
    this.capacityBytes = capacityBytes;
    this.aloneBytes = aloneBytes;
    this.#freeBytes = capacityBytes;
  }

  get usedBytes(): number {
    return this.capacityBytes - this.#freeBytes;
  }

  /** Resolves to a release function (safe to call twice) when the bytes are free. Rejects `cancelled` on abort. */
  async acquire(bytes: number, signal?: AbortSignal): Promise<() => void> {
    const [release] = await this.acquireAll([bytes], signal);
    return release ?? (() => undefined);
  }

  /** All of several holds at one time, each with a release of its own. */
  async acquireAll(sizes: readonly number[], signal?: AbortSignal): Promise<(() => void)[]> {
    const sum = sizes.reduce((total, bytes) => total + Math.ceil(bytes), 0);
    const granted = Math.min(sum, this.capacityBytes);
    if (signal?.aborted === true) throw cancelled();
    if (this.#waiting.length > 0 || granted > this.#freeBytes) await this.#wait(granted, signal);
    else this.#freeBytes -= granted;
    let left = granted;
    return sizes.map((bytes) => {
      const part = Math.min(left, Math.ceil(bytes));
      left -= part;
      return this.#releaseOf(part);
    });
  }

  #releaseOf(bytes: number): () => void {
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#freeBytes += bytes;
      this.#grantWaiting();
    };
  }

  #wait(bytes: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiter = {
        bytes,
        grant: () => {
          signal?.removeEventListener("abort", onAbort);
          resolve();
        },
        refuse: reject,
      };
      const onAbort = (): void => {
        const index = this.#waiting.indexOf(waiter);
        if (index < 0) return;
        this.#waiting.splice(index, 1);
        reject(cancelled());
        this.#grantWaiting();
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#waiting.push(waiter);
    });
  }

  #grantWaiting(): void {
    for (let first = this.#waiting[0]; first !== undefined && first.bytes <= this.#freeBytes;) {
      this.#waiting.shift();
      this.#freeBytes -= first.bytes;
      first.grant();
      first = this.#waiting[0];
    }
  }
}
