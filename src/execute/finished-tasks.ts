import pLimit from "p-limit";
import type { FileLine } from "../dataset/formats.ts";
import { parseOutputKey } from "../dataset/layout.ts";
import { readFinishedTasks } from "../dataset/run-log.ts";
import type { PlannedObject } from "../plan/plan.ts";
import type { ObjectStore } from "../store/object-store.ts";
import type { JobContext } from "./job-context.ts";

/** Tasks that an earlier run finished without coming to its commit. */
export interface FinishedTasks {
  /** By task. Their objects are in the store, with the size that the line says. */
  readonly lines: ReadonlyMap<string, FileLine>;
  /** Shards that are of no use once these tasks are in a version. */
  readonly shards: readonly string[];
}

/** The epoch of what a task left; below all others when it is not named as we name things. */
export function epochOf({ key }: FileLine): number {
  return parseOutputKey(key) ?? -1;
}

/**
 * Reads the run logs for the tasks of a plan, and looks whether their objects are still there. What is of an epoch below `low`
 * may be gone at any moment (`dataset/gc/mark.ts`).
 */
export async function findFinishedTasks(
  destination: ObjectStore,
  planned: readonly PlannedObject[],
  low: number,
  { job, onEvent }: Pick<JobContext, "job" | "onEvent">,
): Promise<FinishedTasks> {
  const wanted = new Set(planned.map(({ task }) => task));
  const lines = new Map<string, FileLine>();
  const shards: string[] = [];
  if (wanted.size === 0) return { lines, shards };
  const limit = pLimit(job.limits.requests);
  const checks: Promise<void>[] = [];
  for await (const line of readFinishedTasks(destination, {
    wanted: (task) => wanted.has(task),
    onShard: (shard) => {
      if (shard.wanted === shard.lines) shards.push(shard.key);
    },
    onWarning: (error) => onEvent({ event: "warning", message: error.message, details: error.details }),
  })) {
    checks.push(
      limit(async () => {
        if (epochOf(line) >= low && (await isThere(destination, line))) lines.set(line.task, line);
      }),
    );
  }
  await Promise.all(checks);
  return { lines, shards };
}

async function isThere(destination: ObjectStore, line: FileLine): Promise<boolean> {
  const data = await destination.head(line.key);
  if (data?.bytes !== line.bytes) return false;
  if (line.quarantine === null) return true;
  const quarantine = await destination.head(line.quarantine.key);
  return quarantine?.bytes === line.quarantine.bytes;
}
