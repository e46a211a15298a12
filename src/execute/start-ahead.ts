/** Something that can be started before its result is wanted. */
export interface Startable<T> {
  readonly isWork: boolean;
  readonly run: () => Promise<T>;
}

export interface Started<O, T> {
  readonly operation: O;
  readonly result: () => Promise<T>;
}

/**
 * Passes operations on in their order, with up to `ahead` of those that are work already running, so that workers
 * cast the next chunks while this one is written. What is no work runs when its turn comes.
 *
 * When the consumer stops early, what was started is left to end by itself; `onAbandoned` gets its results, to
 * give back what they hold.
 */
export async function* startAhead<T, O extends Startable<T>>(
  operations: Iterable<O>,
  ahead: number,
  onAbandoned: (result: T) => void,
): AsyncGenerator<Started<O, T>, void, undefined> {
  const queue: { operation: O; promise: Promise<T> | undefined }[] = [];
  const source = operations[Symbol.iterator]();
  let running = 0;
  let ended = false;
  try {
    for (;;) {
      while (!ended && running < ahead && queue.length < queueMax) {
        const next = source.next();
        if (next.done === true) ended = true;
        else {
          const promise = next.value.isWork ? next.value.run() : undefined;
          // Its failure is reported when its turn comes.
          promise?.catch(() => undefined);
          if (promise !== undefined) running += 1;
          queue.push({ operation: next.value, promise });
        }
      }
      const first = queue.shift();
      if (first === undefined) return;
      const { operation, promise } = first;
      if (promise !== undefined) running -= 1;
      yield { operation, result: () => promise ?? operation.run() };
    }
  } finally {
    for (const { promise } of queue) promise?.then(onAbandoned, () => undefined);
    source.return?.();
  }
}

/** Copies cost nothing to hold, but a file may have half a million of them, and the first waits until so many are known. */
const queueMax = 2_000;
