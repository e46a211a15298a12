import type { Clock, Ids } from "../../src/base/clock.ts";
import { sha256Hex } from "../../src/base/digest.ts";
import type { Destination } from "../../src/dataset/commit.ts";
import type { FileLine, Manifest } from "../../src/dataset/formats.ts";
import { dataKey } from "../../src/dataset/layout.ts";
import type { PointerRead } from "../../src/dataset/pointer.ts";
import type { LostDecision, Publication } from "../../src/dataset/publish-version.ts";
import { unconditional } from "../../src/store/object-store.ts";
import type { ObjectStore } from "../../src/store/object-store.ts";

/** A clock that only moves when somebody sleeps, and then at once. */
export function virtualClock(): Clock {
  let timeMs = 0;
  return {
    now: () => new Date(Date.UTC(2026, 0, 1) + timeMs),
    monotonicMs: () => timeMs,
    sleep: async (ms) => {
      timeMs += ms;
    },
  };
}

export function countedIds(name: string): Ids {
  let count = 0;
  return {
    next: () => {
      count += 1;
      return `${name}-${String(count).padStart(4, "0")}`;
    },
  };
}

export function destinationOf(store: ObjectStore, name = "writer"): Destination {
  return { store, clock: virtualClock(), ids: countedIds(name) };
}

/** A line whose object is `day`'s, made from a source of the given revision. */
export function lineOf(day: string, revision = 1, epoch = 0): FileLine {
  const task = sha256Hex(`${day} ${revision}`);
  const body = bodyOf(task);
  return {
    key: dataKey(`day=${day}`, "part-0", task, epoch),
    partition: { day },
    rows: 10,
    bytes: body.length,
    crc32: "00000000",
    etag: '"1"',
    source: {
      key: `day=${day}/part-0.parquet`,
      etag: `"${revision}"`,
      bytes: 100,
      rows: 10,
      schemaVersion: 1,
    },
    task,
    columns: { distance: "copy", delay_minutes: "transcode" },
    bytesCopied: 90,
    bytesRewritten: 10,
    invalid: {},
    quarantine: null,
  };
}

/** What a task leaves in the store before its line is published. */
export async function putData(store: ObjectStore, lines: readonly FileLine[]): Promise<void> {
  for (const { key, task } of lines) await store.put(key, bodyOf(task), unconditional);
}

export function bodyOf(task: string): Uint8Array {
  return Buffer.from(`PAR1 ${task} PAR1`);
}

export async function* each<T>(items: readonly T[]): AsyncIterable<T> {
  yield* items;
}

export const emptyTotals: Manifest["totals"] = {
  objects: 0,
  rowsIn: 0,
  rows: 0,
  rowsQuarantined: 0,
  bytes: 0,
  bytesCopied: 0,
  bytesRewritten: 0,
  invalid: {},
};

/** A publication of the flights dataset that rebases whenever it loses. */
export function publicationOf(
  base: PointerRead | undefined,
  lines: readonly FileLine[],
  more: Partial<Publication> = {},
): Publication {
  return {
    channel: "current",
    base,
    epoch: 0,
    facts: {
      dataset: "flights",
      job: "flights",
      run: "run-1",
      schema: { version: 2, fingerprint: sha256Hex("schema 2"), content: { version: 2 } },
      from: [1],
      changes: [{ kind: "cast", field: 2, path: "delay_minutes", detail: "int32 → float32" }],
      source: { uri: "memory:raw" },
    },
    lines: each(lines),
    summarise: () => ({ totals: { ...emptyTotals, objects: lines.length }, checks: [], warnings: [] }),
    reason: "apply",
    onLost: (): LostDecision => "rebase",
    ...more,
  };
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}
