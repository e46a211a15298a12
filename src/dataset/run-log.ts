import type { Destination } from "./commit.ts";
import { createObject } from "./create-object.ts";
import { ColonnadeError } from "../base/errors.ts";
import type { ObjectStore } from "../store/object-store.ts";
import type { FileLine } from "./formats.ts";
import { runPrefix, runsPrefix, shardKey, shardPrefix } from "./layout.ts";
import { createLineEncoder, decodeLines } from "./line-codec.ts";

/**
 * What a run has finished and no version lists yet: `runs/<run>/shards/<n>.jsonl.gz`, lines as in a file list. It saves
 * a rerun the work of asking or doing again; it decides nothing, so a shard that cannot be read costs time alone.
 */
export interface RunLog {
  /**
   * Takes the line of a finished task, whose objects are in the store. Written at once when there is little to do; when there is
   * much, in larger shards with pauses between them, so that a death costs a moment's work and the log a fraction of the time.
   */
  record(line: FileLine): void;
  /** Resolves when everything recorded so far is in the store; throws what kept it from getting there. */
  flush(): Promise<void>;
  /** The last flush; nothing can be recorded after it. */
  close(): Promise<void>;
}

/** The lines of one shard are in memory together, here and in the run that reads them. */
const shardLinesMax = 5_000;
/** After a shard the log rests for so many times as long as that took, but no longer than the maximum. */
const restFactor = 9;
const restMsMax = 1_000;

export function createRunLog(destination: Destination, run: string): RunLog {
  const { store, clock, retry } = destination;
  let pending: FileLine[] = [];
  let sequence: number | undefined;
  let writing: Promise<void> | undefined;
  let failure: { readonly error: unknown } | undefined;
  let closed = false;
  let restUntilMs = 0;
  /** Aborted by whoever wants everything written now. */
  let rest = new AbortController();
  let flushes = 0;

  async function pause(): Promise<void> {
    const leftMs = restUntilMs - clock.monotonicMs();
    if (leftMs > 0 && flushes === 0) await clock.sleep(leftMs, rest.signal);
  }

  async function writeShard(lines: readonly FileLine[]): Promise<void> {
    const encoder = createLineEncoder();
    for (const line of lines) await encoder.add(line);
    const body = await encoder.finish();
    // Several pods may share a run: each takes the next number that is free.
    sequence ??= await nextSequence(store, run);
    while ((await createObject(store, shardKey(run, sequence), body, clock, retry)) === "taken")
      sequence += 1;
    sequence += 1;
  }

  async function writeAll(): Promise<void> {
    while (pending.length > 0) {
      if (pending.length < shardLinesMax) await pause();
      const startedMs = clock.monotonicMs();
      const lines = pending.slice(0, shardLinesMax);
      await writeShard(lines);
      pending = pending.slice(lines.length);
      const endedMs = clock.monotonicMs();
      restUntilMs = endedMs + Math.min(restMsMax, restFactor * (endedMs - startedMs));
    }
  }

  function startWriting(): Promise<void> {
    writing ??= writeAll()
      .then(
        () => void (failure = undefined),
        // The lines stay pending: the next record or flush tries again.
        (error: unknown) => void (failure = { error }),
      )
      .finally(() => {
        writing = undefined;
        // Recorded between the last look and now.
        if (pending.length > 0 && failure === undefined) void startWriting();
      });
    return writing;
  }

  const log: RunLog = {
    record(line) {
      if (closed) throw new ColonnadeError("internal", "RUN_LOG_CLOSED", "run log was closed", { run });
      pending.push(line);
      void startWriting();
    },
    async flush() {
      flushes += 1;
      rest.abort();
      try {
        await writing;
        while (pending.length > 0) {
          await startWriting();
          if (failure !== undefined) break;
        }
      } finally {
        flushes -= 1;
        if (flushes === 0) rest = new AbortController();
      }
      if (failure !== undefined) throw failure.error;
    },
    async close() {
      closed = true;
      await log.flush();
    },
  };
  return log;
}

export interface ReadRunLogs {
  /** Which tasks the caller still looks for. Asked once for each line. */
  readonly wanted: (task: string) => boolean;
  /** A shard was read to its end. When all of its tasks were wanted, it is of no use once their version is committed. */
  readonly onShard?: (shard: {
    readonly key: string;
    readonly lines: number;
    readonly wanted: number;
  }) => void;
  /** A shard that could not be read was left out. */
  readonly onWarning?: (error: ColonnadeError) => void;
}

/**
 * The wanted lines of every run's log, dead ones included, a shard at a time. A task may come more than once. The caller
 * checks that a line's objects are still there before it relies on it.
 */
export async function* readFinishedTasks(
  store: ObjectStore,
  { wanted, onShard, onWarning }: ReadRunLogs,
): AsyncIterable<FileLine> {
  for await (const { key } of store.list(runsPrefix)) {
    if (!/^runs\/[^/]+\/shards\/\d+\.jsonl\.gz$/.test(key)) continue;
    // Whole before any of it is used: the end of gzip has its checksum.
    const lines = await readShard(store, key, onWarning);
    if (lines === undefined) continue;
    const found = lines.filter(({ task }) => wanted(task));
    yield* found;
    onShard?.({ key, lines: lines.length, wanted: found.length });
  }
}

/** Removes shards whose tasks a version lists by now. Best effort: what stays costs the next run a read. */
export async function removeShards(store: ObjectStore, keys: readonly string[]): Promise<void> {
  for (const key of keys) await store.delete(key).catch(() => undefined);
}

/** Removes everything of a run that has committed. Best effort. */
export async function removeRun(store: ObjectStore, run: string): Promise<void> {
  try {
    for await (const { key } of store.list(runPrefix(run))) await store.delete(key);
  } catch (error) {
    if (!(error instanceof ColonnadeError) || error.kind === "internal") throw error;
  }
}

async function readShard(
  store: ObjectStore,
  key: string,
  onWarning: ReadRunLogs["onWarning"],
): Promise<FileLine[] | undefined> {
  const object = await store.get(key);
  if (object === undefined) return undefined; // its run committed meanwhile
  try {
    const lines: FileLine[] = [];
    for await (const line of decodeLines(object.body, key)) lines.push(line);
    return lines;
  } catch (error) {
    if (!(error instanceof ColonnadeError) || error.kind !== "data") throw error;
    onWarning?.(error);
    return undefined;
  }
}

async function nextSequence(store: ObjectStore, run: string): Promise<number> {
  let next = 0;
  for await (const { key } of store.list(shardPrefix(run))) {
    const digits = /\/(\d+)\.jsonl\.gz$/.exec(key)?.[1];
    if (digits !== undefined) next = Math.max(next, Number(digits) + 1);
  }
  return next;
}
