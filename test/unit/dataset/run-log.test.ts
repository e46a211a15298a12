import { beforeEach, describe, expect, test, vi } from "vitest";

import { type Clock, systemClock } from "../../../src/base/clock.ts";
import { ColonnadeError } from "../../../src/base/errors.ts";
import type { FileLine } from "../../../src/dataset/formats.ts";
import { createRunLog, readFinishedTasks, removeRun, removeShards } from "../../../src/dataset/run-log.ts";
import { createMemoryStore } from "../../../src/store/memory.ts";
import { unconditional } from "../../../src/store/object-store.ts";
import type { ObjectStore } from "../../../src/store/object-store.ts";
import { collect, destinationOf, lineOf } from "../../support/dataset-fixtures.ts";
import { createFaultyStore } from "../../support/faulty-store.ts";

let store: ObjectStore;
beforeEach(() => {
  store = createMemoryStore();
});

const lines = Array.from({ length: 9 }, (_, day) => lineOf(`2026-01-0${day + 1}`));

async function record(run: string, items: readonly FileLine[], to = store): Promise<void> {
  const log = createRunLog(destinationOf(to), run);
  for (const line of items) log.record(line);
  await log.close();
}

async function finished(): Promise<readonly FileLine[]> {
  return collect(readFinishedTasks(store, { wanted: () => true }));
}

async function keys(): Promise<readonly string[]> {
  return (await collect(store.list(""))).map(({ key }) => key);
}

test("what was flushed is found by any later run, dead runs included", async () => {
  await record("run-1", lines.slice(0, 4));
  const dying = createRunLog(destinationOf(store), "run-2");
  for (const line of lines.slice(4, 6)) dying.record(line);
  await dying.flush();
  expect(await finished()).toEqual(lines.slice(0, 6));
});

test("lines are written at once when there is little to do, and together when there is much", async () => {
  const log = createRunLog(destinationOf(store), "run-1");
  for (const line of lines) log.record(line);
  await log.flush();
  // The first write began with the first line; what came while it was on its way went together.
  expect((await keys()).length).toBeLessThanOrEqual(2);
  log.record(lineOf("2026-02-01"));
  await vi.waitFor(async () => expect(await finished()).toHaveLength(10), 5_000);
});

test("between shards the log rests for nine times as long as one takes, unless it is flushed", async () => {
  const clock = pausingClock();
  const slow: ObjectStore = {
    ...store,
    put: async (...put) => {
      clock.nowMs += 20;
      return store.put(...put);
    },
  };
  const log = createRunLog({ ...destinationOf(slow), clock }, "run-1");
  log.record(lines[0] as FileLine);
  await vi.waitFor(async () => expect(await finished()).toHaveLength(1), 5_000);
  log.record(lines[1] as FileLine);
  log.record(lines[2] as FileLine);
  await vi.waitFor(() => expect(clock.sleeping).toEqual([180]), 5_000);
  expect(await finished()).toHaveLength(1);
  await log.close();
  expect(await finished()).toHaveLength(3);
  expect((await keys()).length).toBe(2);
});

/** Sleeps until it is told to stop. */
function pausingClock(): Clock & { nowMs: number; sleeping: number[] } {
  const clock = {
    ...systemClock,
    nowMs: 0,
    sleeping: new Array<number>(),
    monotonicMs: () => clock.nowMs,
    sleep: async (ms: number, signal?: AbortSignal) => {
      clock.sleeping.push(ms);
      await new Promise((resolve) => signal?.addEventListener("abort", resolve, { once: true }));
    },
  };
  return clock;
}

test("only what is wanted comes back, and shards say how much of them was", async () => {
  await record("run-1", lines.slice(0, 4));
  await record("run-2", lines.slice(4));
  const known = new Set(lines.slice(0, 5).map(({ task }) => task));
  const shards = new Map<string, boolean>();
  const read = readFinishedTasks(store, {
    wanted: (task) => known.has(task),
    onShard: ({ key, lines, wanted }) => shards.set(key, lines === wanted),
  });
  expect(await collect(read)).toEqual(lines.slice(0, 5));
  expect([...shards].filter(([key]) => key.startsWith("runs/run-1/")).every(([, all]) => all)).toBe(true);
  expect([...shards].filter(([key]) => key.startsWith("runs/run-2/")).some(([, all]) => !all)).toBe(true);
});

test("two pods that share a run, and a rerun under the same name, overwrite nothing of one another", async () => {
  await Promise.all([
    record("run-1", lines.slice(0, 3)),
    record("run-1", lines.slice(3, 6)),
    record("run-1", lines.slice(6)),
  ]);
  await record("run-1", [lineOf("2026-02-01")]);
  const tasks = (await finished()).map(({ task }) => task);
  expect(tasks.toSorted()).toEqual([...lines, lineOf("2026-02-01")].map(({ task }) => task).toSorted());
});

test("a fault at any call keeps no line from the log", async () => {
  for (const kind of ["lostReply", "late", "refused", "falsePrecondition"] as const)
    for (let at = 1; at < 4; at += 1) {
      store = createMemoryStore();
      const faulty = createFaultyStore(store, { at, kind });
      await record("run-1", lines, faulty.store).catch(() => record("run-1", lines, faulty.store));
      await faulty.settle();
      const tasks = new Set((await finished()).map(({ task }) => task));
      expect(tasks, `${kind} at ${at}`).toEqual(new Set(lines.map(({ task }) => task)));
    }
});

test("a flush throws what kept the lines from the store, and the next one tries again", async () => {
  let down = true;
  const flaky: ObjectStore = {
    ...store,
    put: async (key, body, precondition) => {
      if (down) throw new ColonnadeError("invalid", "ACCESS_DENIED", "store refused the credentials");
      return store.put(key, body, precondition);
    },
  };
  const log = createRunLog(destinationOf(flaky), "run-1");
  log.record(lines[0] as FileLine);
  await expect(log.flush()).rejects.toMatchObject({ code: "ACCESS_DENIED" });
  down = false;
  await log.flush();
  expect(await finished()).toEqual(lines.slice(0, 1));
});

test("nothing can be recorded after the end", async () => {
  const log = createRunLog(destinationOf(store), "run-1");
  await log.close();
  expect(() => log.record(lines[0] as FileLine)).toThrow(expect.objectContaining({ code: "RUN_LOG_CLOSED" }));
  expect(await keys()).toEqual([]);
});

describe("shards that cannot be read", () => {
  test.each([
    ["torn", (body: Uint8Array) => body.subarray(0, -3)],
    ["not gzip", () => Buffer.from("hello")],
  ])("a %s one is left out with a warning: its tasks are done again", async (_, damage) => {
    await record("run-1", lines.slice(0, 1));
    await record("run-2", lines.slice(1, 2));
    const key = "runs/run-1/shards/000000.jsonl.gz";
    await store.put(key, damage((await store.get(key))?.body ?? new Uint8Array()), unconditional);
    const warnings: ColonnadeError[] = [];
    const read = readFinishedTasks(store, { wanted: () => true, onWarning: (error) => warnings.push(error) });
    expect(await collect(read)).toEqual(lines.slice(1, 2));
    expect(warnings).toMatchObject([{ kind: "data", details: { key } }]);
  });

  test("other objects of a run are none", async () => {
    await store.put("runs/run-1/plan.json", Buffer.from("{}"), unconditional);
    await store.put("runs/run-1/shards/notes.txt", Buffer.from("hi"), unconditional);
    expect(await finished()).toEqual([]);
  });
});

describe("after the commit", () => {
  test("a run removes what is its own, and nobody else's", async () => {
    await store.put("runs/run-1/plan.json", Buffer.from("{}"), unconditional);
    await record("run-1", lines.slice(0, 1));
    await record("run-10", lines.slice(1, 2));
    await removeRun(store, "run-1");
    expect(await keys()).toEqual(["runs/run-10/shards/000000.jsonl.gz"]);
  });

  test("shards of dead runs that were used up can go as well, and a failure is no failure", async () => {
    await record("run-1", lines.slice(0, 1));
    const broken: ObjectStore = {
      ...store,
      delete: async () => {
        throw new ColonnadeError("unavailable", "STORE_UNREACHABLE", "store cannot be reached");
      },
    };
    await removeShards(broken, await keys());
    await removeRun(broken, "run-1");
    expect(await keys()).toHaveLength(1);
    await removeShards(store, await keys());
    expect(await keys()).toEqual([]);
  });
});
