/** What a call may take without counting as slow. To hand one to another thread and to wait for it takes up to a quarter of that. */
const quickMs = 0.2;
/** So much beyond that, in one call or in many, and calls are made elsewhere for a while. */
const debtMsMax = 5;
const awayMs = 1_000;
/** After so long calls are made elsewhere until one of them has come back, so that timers, signals and other threads' replies have a turn. */
const turnMs = 10;

/**
 * Calls of the file system that take microseconds while the disk is near and has the answer in memory. They are made in place as long
 * as they are that quick, since a thread's turn costs several times as much; and by Node's own threads, where many can wait at once, when
 * they were slow a moment ago: a network file system, a cold or a busy disk.
 */
export class QuickCalls {
  #debtMs = 0;
  #awayUntilMs = 0;
  #turnByMs = 0;

  make<T>(inPlace: () => T, elsewhere: () => Promise<T>): T | Promise<T> {
    const startedMs = performance.now();
    if (startedMs < this.#awayUntilMs || startedMs >= this.#turnByMs) return this.#wait(elsewhere);
    try {
      return inPlace();
    } finally {
      const endedMs = performance.now();
      this.#debtMs = Math.max(0, this.#debtMs + endedMs - startedMs - quickMs);
      if (this.#debtMs > debtMsMax) {
        this.#debtMs = 0;
        this.#awayUntilMs = endedMs + awayMs;
      }
    }
  }

  async #wait<T>(elsewhere: () => Promise<T>): Promise<T> {
    try {
      return await elsewhere();
    } finally {
      this.#turnByMs = performance.now() + turnMs;
    }
  }
}

/** Looking and reading: answered from memory, mostly. All file stores of a process share their disk's fortune. */
export const quickReads = new QuickCalls();
/** What changes files or folders: it waits now and then for what else is being written. */
export const quickWrites = new QuickCalls();
