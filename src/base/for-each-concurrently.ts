import { cancelled } from "./errors.ts";

/**
 * Calls `work` for every item, up to `concurrency` at a time, taking items only as there is room for them. The first failure, of the items
 * or of the work, ends it: what is under way is waited for, and the failure thrown. Throws `cancelled` for an aborted signal.
 */
export async function forEachConcurrently<T>(
  items: AsyncIterable<T>,
  concurrency: number,
  signal: AbortSignal,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const running = new Set<Promise<void>>();
  let failure: { readonly error: unknown } | undefined;
  try {
    for await (const item of items) {
      if (signal.aborted) throw cancelled();
      if (failure !== undefined) break;
      const one: Promise<void> = work(item)
        .catch((error: unknown) => void (failure ??= { error }))
        .finally(() => running.delete(one));
      running.add(one);
      if (running.size >= Math.max(1, concurrency)) await Promise.race(running);
    }
  } finally {
    await Promise.all(running);
  }
  if (signal.aborted) throw cancelled();
  if (failure !== undefined) throw failure.error;
}
