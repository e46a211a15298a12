/** Something that can be started before its result is wanted. */
export interface Startable<T> {
  readonly isWork: boolean;
  readonly run: () => Promise<T>;
  /** Instead of `run`: gives back what is held already. */
  readonly drop?: () => void;
}

export interface Started<O, T> {
  readonly operation: O;
  readonly result: () => Promise<T>;
}

/**
 * Passes operations on in their order, with up to `ahead` of those that are work already running, so that workers
 * cast the next pages while these are written. What is no work runs when its turn comes.
 *
 * Operations are asked for one after another, also where each takes time to find, and what they hold is acquired in that order.
 * When the consumer stops early, what was started is left to end by itself; `onAbandoned` gets its results, to
 * give back what they hold.
 */
export async function* startAhead<T, O extends Startable<T>>(
  operations: Iterable<O> | AsyncIterable<O>,
  ahead: number,
  onAbandoned: (result: T) => void,
): AsyncGenerator<Started<O, T>, void, undefined> {
  const line = new Line<T, O>(ahead);
  const filled = line.fill(operations);
  try {
    for (let next = await line.take(); next !== undefined; next = await line.take()) {
      const { operation, promise } = next;
      yield { operation, result: () => promise ?? operation.run() };
    }
    await filled;
  } finally {
    line.close(onAbandoned);
  }
}

interface Queued<T, O> {
  readonly operation: O;
  readonly promise: Promise<T> | undefined;
}

/** Copies cost nothing to hold, but a file may have half a million of them, and the first waits until so many are known. */
const queueMax = 2_000;

/** What waits between the one who finds operations and the one who uses their results. */
class Line<T, O extends Startable<T>> {
  readonly #ahead: number;
  readonly #queue: Queued<T, O>[] = [];
  #running = 0;
  #isFull = false;
  #isClosed = false;
  #isEnded = false;
  #failure: { readonly error: unknown } | undefined;
  readonly #waiters: (() => void)[] = [];

  constructor(ahead: number) {
    this.#ahead = ahead;
  }

  /** Never rejects: the failure to find more is thrown by `take`, after what was found before it. */
  async fill(operations: Iterable<O> | AsyncIterable<O>): Promise<void> {
    try {
      for await (const operation of operations) {
        if (this.#isClosed) {
          operation.drop?.();
          return;
        }
        this.#put(operation);
        while (this.#isFull && !this.#isClosed) await this.#change();
        if (this.#isClosed) return;
      }
    } catch (error) {
      this.#failure = { error };
    } finally {
      this.#isEnded = true;
      this.#wake();
    }
  }

  /** The next in line; undefined at the end. */
  async take(): Promise<Queued<T, O> | undefined> {
    for (;;) {
      const first = this.#queue.shift();
      if (first !== undefined) {
        if (first.promise !== undefined) this.#running -= 1;
        this.#measure();
        return first;
      }
      if (this.#isEnded) {
        if (this.#failure !== undefined) throw this.#failure.error;
        return undefined;
      }
      await this.#change();
    }
  }

  close(onAbandoned: (result: T) => void): void {
    this.#isClosed = true;
    this.#wake();
    for (const { promise, operation } of this.#queue.splice(0)) {
      if (promise === undefined) operation.drop?.();
      else promise.then(onAbandoned, () => undefined);
    }
  }

  #put(operation: O): void {
    const promise = operation.isWork ? operation.run() : undefined;
    // Its failure is reported when its turn comes.
    promise?.catch(() => undefined);
    if (promise !== undefined) this.#running += 1;
    this.#queue.push({ operation, promise });
    this.#measure();
    this.#wake();
  }

  #measure(): void {
    this.#isFull = this.#running >= this.#ahead || this.#queue.length >= queueMax;
    if (!this.#isFull) this.#wake();
  }

  /** Both sides wait on the same line, never at the same time: one of them can always go on. */
  #change(): Promise<void> {
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  #wake(): void {
    for (const wake of this.#waiters.splice(0)) wake();
  }
}
