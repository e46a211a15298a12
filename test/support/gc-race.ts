import { expect } from "vitest";

import { ColonnadeError } from "../../src/base/errors.ts";
import type { Destination } from "../../src/dataset/commit.ts";
import { createObject } from "../../src/dataset/create-object.ts";
import { readFileList } from "../../src/dataset/file-list.ts";
import type { FileLine, Pointer } from "../../src/dataset/formats.ts";
import type { GcReport } from "../../src/dataset/gc/collect.ts";
import { besideGc, readMark } from "../../src/dataset/gc/mark.ts";
import { beginReceipt } from "../../src/dataset/gc/receipts.ts";
import { beginRun } from "../../src/dataset/gc/registration.ts";
import { pointersPrefix } from "../../src/dataset/layout.ts";
import { readHistory } from "../../src/dataset/history.ts";
import { findManifest, readManifest } from "../../src/dataset/manifest.ts";
import { readPointer } from "../../src/dataset/pointer.ts";
import { publishVersion } from "../../src/dataset/publish-version.ts";
import { rollback } from "../../src/dataset/rollback.ts";
import { removeRun } from "../../src/dataset/run-log.ts";
import { serveVersion } from "../../src/dataset/serve-version.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import type { ObjectStore } from "../../src/store/object-store.ts";
import { readGenerations, readServed } from "./check-destination.ts";
import { bodyOf, collect, countedIds, lineOf, publicationOf, virtualClock } from "./dataset-fixtures.ts";
import { Crash, createFaultyStore, type Fault, faults } from "./faulty-store.ts";
import { runGc } from "./run-gc.ts";
import { createScheduler } from "./scheduler.ts";

/** What a race found out about one actor. */
export interface Ended {
  readonly actor: string;
  /** The outcome, or the code of what was thrown. */
  readonly outcome: string;
  readonly isFaulty: boolean;
  /** Whether it had written data objects by then. */
  readonly hasWorked: boolean;
}

export interface RaceOptions {
  /** Which runs gc takes for dead at once, living ones too: the worst that clocks can do to it. */
  readonly dead: "all" | "some" | "none";
  readonly withFaults: boolean;
}

const clock = virtualClock();
/** Few, so that one makes what another has made, and what gc has removed. */
const days = ["2026-02-01", "2026-02-02", "2026-02-03"];

/**
 * Writers, rollbacks, consumers and gcs over one store, one call at a time, in an order, with stalls and with faults that follow from the seed. After
 * each call everything that any channel serves must be there; in the end each actor must have told the truth, and a last gc must leave
 * exactly what is served.
 */
export async function race(seed: number, { dead, withFaults }: RaceOptions): Promise<readonly Ended[]> {
  const chance = randomOf(seed);
  const longAgo = new Date(clock.now().getTime() - 10 * 24 * 3600 * 1000);
  const memory = createMemoryStore({
    clock: { ...clock, now: () => (dead === "some" && chance() < 0.5 ? longAgo : clock.now()) },
  });
  const { store, takeChange } = noticingChanges(memory);
  const before = destinationOf(store, "before");
  for (const day of days.slice(0, 2)) expect(await write(before, `before-${day}`, [day])).toBe("committed");
  const runDays = dead === "all" ? 0 : 3;
  const worked = new Set<string>();

  const others = ["writer", "writer", "rollback", "gc", "canary", "consumer", "consumer"];
  const kinds = ["writer", "gc", ...pick(chance, others, 3)];
  const scheduler = createScheduler();
  const ended: Ended[] = [];
  const actors = kinds.map((kind, index) => async () => {
    const actor = `${kind}-${index}`;
    const fault: { at: number; kind: Fault } | undefined =
      withFaults && chance() < 0.3
        ? { at: Math.floor(chance() * 40), kind: faults[Math.floor(chance() * faults.length)] ?? "late" }
        : undefined;
    const chosen = days.filter(() => chance() < 0.6);
    const faulty = createFaultyStore(scheduler.share(index, store), fault);
    const destination = destinationOf(faulty.store, actor);
    const outcome = await outcomeOf(() => {
      switch (kind) {
        case "gc":
          return gc(destination, runDays).then(() => "collected");
        case "rollback":
          return goBack(destination, chance);
        case "canary":
          return goBack(destination, chance, "canary");
        case "consumer":
          return read(destination, actor, chance);
        default:
          return write(destination, actor, chosen, () => worked.add(actor));
      }
    });
    ended.push({ actor, outcome, isFaulty: fault !== undefined, hasWorked: worked.has(actor) });
    await faulty.settle();
  });

  // Some hardly ever get a turn: they are frozen while others come and go.
  const weights = kinds.map(() => (chance() < 0.4 ? 0.01 : 1));
  const check = watchdog(memory, takeChange);
  await scheduler.run(
    actors,
    (waiting) => {
      if (chance() < 0.02) weights[Math.floor(chance() * weights.length)] = chance() < 0.4 ? 0.01 : 1;
      let left = chance() * waiting.reduce((sum, actor) => sum + (weights[actor] ?? 1), 0);
      return waiting.find((actor) => (left -= weights[actor] ?? 1) <= 0) ?? (waiting[0] as number);
    },
    check,
  );
  await check();
  await checkHonest(store, ended);

  // Twice: what a dead gc had begun is finished by one, and forgotten by the next.
  let last = await gc(destinationOf(store, "last"), 0);
  last = await gc(destinationOf(store, "very-last"), 0);
  // A commit that died, and whose swap is still possible, has its version pinned; a consumer that died has it kept.
  const reasons = last.kept.flatMap(({ because }) => because.map(({ reason }) => reason));
  const lawful = ["served", "newest", ...(withFaults ? ["pinned", "consumer"] : [])];
  expect(reasons.filter((reason) => !lawful.includes(reason))).toEqual([]);
  const kept = new Set<string>();
  for (const { version } of last.kept)
    for await (const { key } of readFileList(
      store,
      (await findManifest(store, version))?.manifest.parts ?? [],
    ))
      kept.add(key);
  const left = await collect(store.list("data/"));
  expect(left.map(({ key }) => key).toSorted()).toEqual([...kept].toSorted());
  return ended;
}

function destinationOf(store: ObjectStore, name: string): Destination {
  return { store, clock, ids: countedIds(name) };
}

/** The life of an `apply`, without the Parquet. */
async function write(
  destination: Destination,
  name: string,
  chosen: readonly string[],
  onWork: () => void = () => {},
): Promise<string> {
  const { store } = destination;
  const planned = await readMark(store);
  const base = await readPointer(store, "current");
  const served = await besideGc(store, base?.pointer, async () =>
    base === undefined
      ? []
      : collect(readFileList(store, (await readManifest(store, base.pointer.manifest)).parts)),
  );
  const carried = served.filter(({ partition }) => !chosen.includes(partition["day"] ?? ""));
  const { run, mark } = await beginRun(destination, "flights", planned.mark, ({ epoch }) => ({
    epoch,
    base: base?.pointer.version ?? null,
  }));
  const made = chosen.map((day) => lineOf(day, 1 + (name.length % 2), writerEpoch.of(mark.epoch)));
  const lines = [...carried, ...made].toSorted((a, b) => (a.source.key < b.source.key ? -1 : 1));
  onWork();
  await putNew(destination, made);
  const { facts } = publicationOf(base, []);
  const result = await publishVersion(
    destination,
    publicationOf(base, lines, { epoch: mark.epoch, facts: { ...facts, run }, reason: `by ${name}` }),
  );
  if (result.outcome === "unknown") throw result.cause;
  await removeRun(store, run);
  return result.outcome;
}

/** Replaced by a test that breaks it: the epoch that a writer puts into its keys. */
export const writerEpoch = { of: (epoch: number): number => epoch };

/** What is there already is used, as `apply` uses it; a write that is refused is tried again. */
async function putNew({ store, clock: own }: Destination, lines: readonly FileLine[]): Promise<void> {
  for (const { key, task } of lines)
    if ((await store.head(key)) === undefined) await createObject(store, key, bodyOf(task), own);
}

/** Of every generation so far. */
async function pointersOf(store: ObjectStore): Promise<Pointer[]> {
  const entries = await collect(readHistory(store, "current"));
  return entries.flatMap((entry) => (entry.kind === "pointer" ? [entry.pointer] : []));
}

async function goBack(destination: Destination, chance: () => number, channel = "current"): Promise<string> {
  const { store } = destination;
  const versions = (await pointersOf(store)).map(({ version }) => version);
  const toVersion = versions[Math.floor(chance() * versions.length)] ?? 1;
  if (channel !== "current" && (await readPointer(store, channel)) === undefined) {
    // As a roll-out begins: the channel is made with what another serves.
    const base = await readPointer(store, "current");
    if (base === undefined) return "nothing";
    const result = await serveVersion(destination, channel, undefined, {
      ...base.pointer,
      reason: `by ${channel}`,
    });
    return result.outcome;
  }
  const result = await rollback(destination, { channel, toVersion, reason: "drift" });
  if (result.outcome === "unknown") throw result.cause;
  return result.outcome;
}

/** A consumer that takes its time: what it has begun to read is there until it has read it, whoever serves what meanwhile. */
async function read(destination: Destination, name: string, chance: () => number): Promise<string> {
  const { store } = destination;
  const pointers = await pointersOf(store);
  const pointer = pointers[Math.floor(chance() * pointers.length)];
  if (pointer === undefined) return "nothing";
  const finish = await beginReceipt(destination, name, pointer);
  try {
    const { parts } = await readManifest(store, pointer.manifest);
    for await (const { key, task } of readFileList(store, parts))
      expect(Buffer.from((await store.get(key))?.body ?? [])).toEqual(Buffer.from(bodyOf(task)));
  } catch (error) {
    if (!(error instanceof ColonnadeError) || error.kind !== "data") throw error;
    throw new Error("what a consumer reads was removed", { cause: error });
  }
  await finish();
  return "read";
}

function gc(destination: Destination, runDays: number): Promise<GcReport> {
  return runGc(destination, { retention: { runDays }, requests: 1 });
}

async function outcomeOf(act: () => Promise<string>): Promise<string> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof Crash) return "crash";
    if (error instanceof ColonnadeError) return error.code;
    throw error;
  }
}

/** A store that knows whether something was removed or a pointer moved since it was last asked: nothing else takes from what is served. */
function noticingChanges(inner: ObjectStore): { store: ObjectStore; takeChange: () => boolean } {
  let isChanged = true;
  const store: ObjectStore = {
    ...inner,
    async put(key, body, precondition) {
      isChanged ||= key.startsWith(pointersPrefix);
      return inner.put(key, body, precondition);
    },
    async delete(key) {
      isChanged = true;
      return inner.delete(key);
    },
  };
  const takeChange = (): boolean => {
    const before = isChanged;
    isChanged = false;
    return before;
  };
  return { store, takeChange };
}

/** Readers must find complete versions after every single call, and generations must not go back. */
function watchdog(store: ObjectStore, takeChange: () => boolean): () => Promise<void> {
  let newest = 0;
  return async () => {
    if (!takeChange()) return;
    const served = await readServed(store);
    const generation = served?.pointer.generation ?? 0;
    expect(generation).toBeGreaterThanOrEqual(newest);
    newest = generation;
    await readServed(store, "canary");
  };
}

async function checkHonest(store: ObjectStore, ended: readonly Ended[]): Promise<void> {
  const generations = await readGenerations(store);
  for (const { actor, outcome } of ended) {
    if (!actor.startsWith("writer")) continue;
    const served = generations.filter(({ reason }) => reason === `by ${actor}`).length;
    const allowed =
      outcome === "committed" ? [1] : outcome === "crash" || outcome === "WRITE_UNKNOWN" ? [0, 1] : [0];
    expect(allowed, `${actor}: ${outcome}, served ${served} times`).toContain(served);
  }
}

function pick<T>(chance: () => number, from: readonly T[], count: number): T[] {
  return Array.from({ length: count }, () => from[Math.floor(chance() * from.length)] as T);
}

/** Mulberry32: small, and the same everywhere. */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
