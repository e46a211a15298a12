import type { ObjectInfo, ObjectStore, Upload } from "../../src/store/object-store.ts";

/**
 * Runs actors that share a store one call at a time, in an order that `choose` decides: a race that can be replayed. An actor's
 * own work between two calls belongs to the call before.
 */
export interface Scheduler {
  /** The store as one actor sees it: every call waits for its turn. */
  share(actor: number, store: ObjectStore): ObjectStore;
  /** Runs all actors to their end. `choose` gets the actors that wait, ascending; `onStep` runs after each call. */
  run(
    actors: readonly (() => Promise<void>)[],
    choose: (waiting: readonly number[]) => number,
    onStep?: () => Promise<void>,
  ): Promise<void>;
}

export function createScheduler(): Scheduler {
  const waiting = new Map<number, () => void>();
  let changed: (() => void) | undefined;

  function turn(actor: number): Promise<void> {
    return new Promise((resolve) => {
      waiting.set(actor, resolve);
      changed?.();
    });
  }

  return {
    share(actor, store) {
      async function take<T>(call: () => Promise<T>): Promise<T> {
        await turn(actor);
        return call();
      }
      return {
        uri: store.uri,
        head: (key) => take(() => store.head(key)),
        get: (key, options) => take(() => store.get(key, options)),
        getStream: (key, options) => take(() => store.getStream(key, options)),
        getIfChanged: (key, etag) => take(() => store.getIfChanged(key, etag)),
        async *list(prefix, options) {
          const listed: ObjectInfo[] = [];
          await take(async () => {
            for await (const info of store.list(prefix, options)) listed.push(info);
          });
          yield* listed;
        },
        put: (key, body, precondition) => take(() => store.put(key, body, precondition)),
        createWriter: (key, options) => take(() => store.createWriter(key, options)),
        delete: (key) => take(() => store.delete(key)),
        async *listUploads() {
          const listed: Upload[] = [];
          await take(async () => {
            for await (const upload of store.listUploads()) listed.push(upload);
          });
          yield* listed;
        },
        abortUpload: (upload) => take(() => store.abortUpload(upload)),
        close: () => store.close(),
      };
    },
    async run(actors, choose, onStep) {
      const live = new Set(actors);
      const failures: unknown[] = [];
      for (const actor of actors)
        void actor()
          .catch((error: unknown) => void failures.push(error))
          .finally(() => {
            live.delete(actor);
            changed?.();
          });
      while (live.size > 0) {
        // Everybody who lives has to wait before one may go on: nothing runs beside the scheduler's back.
        while (waiting.size < live.size)
          await new Promise<void>((resolve) => {
            changed = resolve;
          });
        if (live.size === 0) break;
        await onStep?.();
        const next = choose([...waiting.keys()].toSorted((a, b) => a - b));
        const go = waiting.get(next);
        if (go === undefined) throw new Error(`actor ${next} does not wait`);
        waiting.delete(next);
        go();
      }
      if (failures.length > 0) throw failures[0];
    },
  };
}
