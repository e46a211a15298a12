import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { beforeEach, describe, expect, onTestFinished, test } from "vitest";

import type { Clock } from "../../../src/base/clock.ts";
import { ColonnadeError } from "../../../src/base/errors.ts";
import { commitPointer } from "../../../src/dataset/commit.ts";
import { historyKey, pointerKey } from "../../../src/dataset/layout.ts";
import { readPointer } from "../../../src/dataset/pointer.ts";
import { createFileWatchState } from "../../../src/publish/watch-state.ts";
import { watchPointer } from "../../../src/publish/watch.ts";
import type { GenerationEvent, Handled, WatchOptions, WatchState } from "../../../src/publish/watch.ts";
import { manifestKey } from "../../../src/dataset/layout.ts";
import { createMemoryStore } from "../../../src/store/memory.ts";
import { unconditional } from "../../../src/store/object-store.ts";
import type { ObjectStore } from "../../../src/store/object-store.ts";
import { destinationOf, virtualClock } from "../../support/dataset-fixtures.ts";

let store: ObjectStore;
let commits: number;
beforeEach(() => {
  store = createMemoryStore();
  commits = 0;
});

async function commit(): Promise<void> {
  commits += 1;
  const base = await readPointer(store, "current");
  await commitPointer(destinationOf(store, `writer-${commits}`), "current", base, {
    dataset: "flights",
    version: commits,
    manifest: { key: manifestKey(commits), sha256: "0".repeat(64), bytes: 10 },
    schema: { version: 2, fingerprint: "1".repeat(64) },
    reason: "apply",
  });
}

function memoryState(handled?: Handled): WatchState & { current(): Handled | undefined } {
  let saved = handled;
  return {
    load: async () => saved,
    save: async (next) => {
      saved = next;
    },
    current: () => saved,
  };
}

/** A clock that tells of every wait before it is over, so that a test can go on meanwhile. */
function clockWith(onSleep: (ms: number) => Promise<void> | void): Clock {
  const clock = virtualClock();
  return {
    ...clock,
    sleep: async (ms, signal) => {
      await onSleep(ms);
      await clock.sleep(ms, signal);
    },
  };
}

/** Watches until the script of waits ends; returns the generations that were delivered. */
async function watch(
  waits: readonly (() => Promise<void> | void)[],
  more: Partial<WatchOptions> = {},
  handle: (event: GenerationEvent) => Promise<void> | void = (event) => event.acknowledge(),
): Promise<{ delivered: GenerationEvent[]; sleepsMs: number[]; warnings: ColonnadeError[] }> {
  const controller = new AbortController();
  const sleepsMs: number[] = [];
  const warnings: ColonnadeError[] = [];
  const clock = clockWith(async (ms) => {
    const next = waits[sleepsMs.length];
    sleepsMs.push(ms);
    if (next === undefined) controller.abort();
    else await next();
  });
  const delivered: GenerationEvent[] = [];
  const events = watchPointer({
    store,
    channel: "current",
    intervalMs: 1000,
    state: memoryState(),
    clock,
    signal: controller.signal,
    onWarning: (warning) => warnings.push(warning),
    ...more,
  });
  for await (const event of events) {
    delivered.push(event);
    await handle(event);
  }
  return { delivered, sleepsMs, warnings };
}

function generations(events: readonly GenerationEvent[]): readonly number[] {
  return events.map(({ pointer }) => pointer.generation);
}

describe("what is delivered", () => {
  test("the one that is served, and each that follows", async () => {
    await commit();
    const { delivered, sleepsMs } = await watch([commit, () => {}, commit]);
    expect(generations(delivered)).toEqual([1, 2, 3]);
    expect(delivered.every(({ superseded }) => !superseded)).toBe(true);
    expect(sleepsMs).toEqual([1000, 1000, 1000, 1000]);
  });

  test("nothing before the first commit", async () => {
    const { delivered } = await watch([() => {}, commit]);
    expect(generations(delivered)).toEqual([1]);
  });

  test("generations that came and went between two polls, in order, marked as superseded", async () => {
    await commit();
    async function threeCommits(): Promise<void> {
      for (let i = 0; i < 3; i += 1) await commit();
    }
    const { delivered } = await watch([threeCommits]);
    expect(delivered.map(({ pointer, superseded }) => [pointer.generation, superseded])).toEqual([
      [1, false],
      [2, true],
      [3, true],
      [4, false],
    ]);
  });

  test("what was missed while nobody watched", async () => {
    await commit();
    const state = memoryState();
    await watch([], { state });
    expect(state.current()).toMatchObject({ generation: 1 });
    await commit();
    await commit();
    expect(generations((await watch([], { state })).delivered)).toEqual([2, 3]);
    expect(generations((await watch([], { state })).delivered)).toEqual([]);
  });

  test("generations that are not kept any more are left out with a warning", async () => {
    for (let i = 0; i < 4; i += 1) await commit();
    await store.delete(historyKey("current", 2));
    await store.put(historyKey("current", 3), Buffer.from("damaged"), unconditional);
    const { delivered, warnings } = await watch([], { state: memoryState({ generation: 1, writeId: "x" }) });
    expect(generations(delivered)).toEqual([4]);
    expect(warnings.map(({ code }) => code)).toEqual(["POINTER_INVALID", "HISTORY_MISSING"]);
    expect(warnings[1]?.details).toMatchObject({ missing: 2 });
  });

  test("an older pointer that somebody restored is delivered with a warning: it is what readers read", async () => {
    await commit();
    const old = await readPointer(store, "current");
    await commit();
    async function restore(): Promise<void> {
      await store.put(pointerKey("current"), old?.body ?? new Uint8Array(), unconditional);
    }
    const { delivered, warnings } = await watch([restore, () => {}]);
    expect(generations(delivered)).toEqual([2, 1]);
    expect(warnings.map(({ code }) => code)).toEqual(["GENERATION_WENT_BACK"]);
  });

  test("a poll that finds nothing new makes one conditional request", async () => {
    await commit();
    const calls: string[] = [];
    const counted: ObjectStore = {
      ...store,
      get: (key, options) => {
        calls.push(`get ${key}`);
        return store.get(key, options);
      },
      getIfChanged: (key, etag) => {
        calls.push(`getIfChanged ${key}`);
        return store.getIfChanged(key, etag);
      },
      list: (prefix, options) => {
        calls.push(`list ${prefix}`);
        return store.list(prefix, options);
      },
    };
    await watch([() => void calls.splice(0), () => {}, () => {}], { store: counted });
    expect(calls).toEqual([
      "getIfChanged pointers/current.json",
      "getIfChanged pointers/current.json",
      "getIfChanged pointers/current.json",
    ]);
  });
});

describe("at least once", () => {
  test("an event that was not acknowledged comes again, before any later one", async () => {
    await commit();
    const { delivered } = await watch([commit, () => {}], {}, async (event) => {
      if (event.attempt > 2) await event.acknowledge();
    });
    expect(delivered.map(({ pointer, attempt }) => [pointer.generation, attempt])).toEqual([
      [1, 1],
      [1, 2],
      [1, 3],
      [2, 1],
    ]);
  });

  test("a consumer that dies while it handles one gets it again", async () => {
    await commit();
    const state = memoryState();
    const died = watch([], { state }, () => {
      throw new Error("killed");
    });
    await expect(died).rejects.toThrow("killed");
    expect(generations((await watch([], { state })).delivered)).toEqual([1]);
  });

  test("a consumer may stop after one and has lost nothing", async () => {
    await commit();
    await commit();
    const state = memoryState({ generation: 0, writeId: "" });
    for await (const event of watchPointer({
      store,
      channel: "current",
      intervalMs: 1000,
      state,
      clock: virtualClock(),
    })) {
      await event.acknowledge();
      break;
    }
    expect(state.current()).toMatchObject({ generation: 1 });
  });
});

async function damagePointer(): Promise<void> {
  await store.put(pointerKey("current"), Buffer.from("{"), unconditional);
}

describe("a store that cannot be reached", () => {
  test("is reported and waited for, ever longer, up to five minutes", async () => {
    await commit();
    let down = true;
    const flaky: ObjectStore = {
      ...store,
      get: async (key, options) => {
        if (down) throw new ColonnadeError("unavailable", "STORE_UNREACHABLE", "store cannot be reached");
        return store.get(key, options);
      },
    };
    const waits = Array.from({ length: 11 }, () => () => {});
    const { delivered, sleepsMs, warnings } = await watch([...waits, () => void (down = false)], {
      store: flaky,
    });
    expect(generations(delivered)).toEqual([1]);
    expect(warnings).toHaveLength(12);
    expect(sleepsMs.slice(0, 4)).toEqual([2000, 4000, 8000, 16_000]);
    expect(Math.max(...sleepsMs)).toBe(300_000);
    expect(sleepsMs.at(-1)).toBe(1000);
  });

  test("a damaged pointer ends the watch: a person has to look", async () => {
    await commit();
    await expect(watch([damagePointer, () => {}])).rejects.toMatchObject({
      kind: "data",
      code: "POINTER_INVALID",
    });
  });
});

test("a stopped watch ends, also in the middle of a wait", async () => {
  const controller = new AbortController();
  controller.abort();
  await commit();
  const { delivered } = await watch([], { signal: controller.signal });
  expect(delivered).toEqual([]);
});

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "colonnade-watch-"));
  onTestFinished(() => rm(path, { recursive: true }));
  return path;
}

describe("the state file", () => {
  test("what was saved is loaded, and nothing else is left in the folder", async () => {
    const path = await folder();
    const state = createFileWatchState(join(path, "state.json"), "file:/data", "current");
    expect(await state.load()).toBeUndefined();
    await state.save({ generation: 3, writeId: "a" });
    await state.save({ generation: 4, writeId: "b" });
    expect(await state.load()).toEqual({ generation: 4, writeId: "b" });
    expect(await readdir(path)).toEqual(["state.json"]);
  });

  test("a file about another destination or channel is refused", async () => {
    const path = join(await folder(), "state.json");
    await createFileWatchState(path, "file:/data", "current").save({ generation: 3, writeId: "a" });
    for (const [destination, channel] of [
      ["file:/other", "current"],
      ["file:/data", "canary"],
    ] as const)
      await expect(createFileWatchState(path, destination, channel).load()).rejects.toMatchObject({
        kind: "invalid",
        code: "WATCH_STATE_DIFFERS",
      });
  });

  test("a damaged file is a data error, and one that cannot be written is invalid", async () => {
    const path = await folder();
    await writeFile(join(path, "state.json"), "{");
    const damaged = createFileWatchState(join(path, "state.json"), "file:/data", "current");
    await expect(damaged.load()).rejects.toMatchObject({ kind: "data", code: "WATCH_STATE_INVALID" });
    const nowhere = createFileWatchState(join(path, "missing", "state.json"), "file:/data", "current");
    await expect(nowhere.save({ generation: 1, writeId: "a" })).rejects.toMatchObject({
      kind: "invalid",
      code: "WATCH_STATE_UNUSABLE",
    });
  });
});
