import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, expect, test } from "vitest";

import { createFileStore } from "../../src/store/file.ts";
import { createOnly, ifMatch, unconditional } from "../../src/store/object-store.ts";
import type { ObjectStore } from "../../src/store/object-store.ts";
import { text, utf8 } from "../conformance/fixture.ts";

// Several writers of one key go on in an order that a seed decides, one step of the protocol at a time, on a real file
// system. Some stop for ever at some step, as a killed process does, and some fall asleep until the others are done.

let base: string;
beforeAll(async () => {
  base = await mkdtemp(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "colonnade-interleaving-"));
});
afterAll(() => rm(base, { recursive: true }));

/** A repeatable source of numbers below a bound (xorshift32). */
function randomFrom(seed: number): (below: number) => number {
  let state = (seed * 0x9e3779b9) >>> 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

interface Actor {
  readonly run: Promise<void>;
  /** Set while the actor waits before a step. */
  resume: (() => void) | undefined;
  /** The step before which it waits. */
  at: string;
  finished: boolean;
  asleep: boolean;
  killed: boolean;
  /** Lets the dead return at last, only for the sake of their file handles. */
  buried: boolean;
}

interface Journal {
  /** Values of increments that were acknowledged. */
  readonly written: number[];
  /** Values whose writers were stopped, or did not learn the outcome. */
  readonly doubtful: Set<number>;
}

function startActor(rootPath: string, work: (store: ObjectStore) => Promise<void>): Actor {
  const store = createFileStore({
    rootPath,
    onStep: (step) =>
      new Promise<void>((resolve, reject) => {
        if (actor.buried) return reject(new Error("killed"));
        actor.at = step;
        actor.resume = () => (actor.buried ? reject(new Error("killed")) : resolve());
        arrive();
      }),
  });
  const actor: Actor = {
    run: Promise.resolve()
      .then(() => work(store))
      .finally(() => {
        actor.finished = true;
        arrive();
      }),
    resume: undefined,
    at: "",
    finished: false,
    asleep: false,
    killed: false,
    buried: false,
  };
  return actor;
}

let arrive = (): void => {};

/** Lets one actor do one step, and waits until it stands before the next. */
async function advance(actor: Actor): Promise<void> {
  const arrived = new Promise<void>((resolve) => {
    arrive = resolve;
  });
  const { resume } = actor;
  actor.resume = undefined;
  resume?.();
  await arrived;
}

async function incrementOnce(store: ObjectStore, journal: Journal): Promise<void> {
  for (;;) {
    const current = await store.get("counter");
    const next = Number(text(current?.body)) + 1;
    journal.doubtful.add(next);
    const result = await store.put("counter", utf8(String(next)), ifMatch(current?.etag ?? ""));
    if (result.outcome === "unknown") return;
    if (result.outcome === "written") {
      journal.written.push(next);
      return;
    }
  }
}

async function play(
  seed: number,
): Promise<{ readonly journal: Journal; readonly killed: number; readonly end: number }> {
  const random = randomFrom(seed);
  const rootPath = await mkdtemp(join(base, "run-"));
  const calm = createFileStore({ rootPath });
  await calm.put("counter", utf8("0"), createOnly);
  const journal: Journal = { written: [], doubtful: new Set() };
  const actors: Actor[] = [];
  for (let i = 0; i < 2 + random(4); i += 1) {
    const rounds = 1 + random(3);
    const actor = startActor(rootPath, async (store) => {
      for (let round = 0; round < rounds; round += 1) await incrementOnce(store, journal);
    });
    actors.push(actor);
    await advance(actor);
  }
  const killOneIn = random(2) === 0 ? Infinity : 8 + random(40);
  for (;;) {
    const alive = actors.filter((actor) => !actor.finished && !actor.killed);
    if (alive.length === 0) break;
    const awake = alive.filter((actor) => !actor.asleep);
    // Most sleepers wake up when nobody else is left, into a world that has moved on.
    const actor =
      (random(12) > 0 ? awake[random(Math.max(1, awake.length))] : undefined) ?? alive[random(alive.length)];
    if (actor === undefined) break;
    // Before a claim sleep is worst: what was seen before it is no longer so.
    if (!actor.asleep && random(actor.at === "claim" ? 2 : 20) === 0) actor.asleep = true;
    else if (random(2 ** 20) < 2 ** 20 / killOneIn) actor.killed = true;
    else await advance(actor);
  }
  await Promise.all(actors.filter(({ killed }) => !killed).map(({ run }) => run));
  // Nothing is stuck: whoever comes next, alone, needs at most two attempts, since one may go to help the dead.
  let attempts = 0;
  for (let done = false; !done; attempts += 1) {
    const current = await calm.get("counter");
    const next = Number(text(current?.body)) + 1;
    const result = await calm.put("counter", utf8(String(next)), ifMatch(current?.etag ?? ""));
    done = result.outcome === "written" || attempts > 10;
    if (done) journal.written.push(next);
  }
  expect(attempts).toBeLessThanOrEqual(2);
  const end = Number(text((await calm.get("counter"))?.body));
  for (const actor of actors.filter(({ killed }) => killed)) {
    actor.buried = true;
    actor.resume?.();
    await actor.run.catch(() => {});
  }
  return { journal, killed: actors.filter(({ killed }) => killed).length, end };
}

test("in 400 interleavings with sleepers and deaths no increment is lost, doubled or stuck", async () => {
  let deaths = 0;
  for (let seed = 1; seed <= 400; seed += 1) {
    const { journal, killed, end } = await play(seed);
    deaths += killed;
    const written = journal.written.toSorted((a, b) => a - b);
    // Nobody was told of a value that somebody else was told of too; every value up to the end had a writer; and what no
    // living writer claims was begun by one of the dead, at most one each.
    const missing = Array.from({ length: end }, (_, i) => i + 1).filter((value) => !written.includes(value));
    expect({ seed, doubled: written.length - new Set(written).size }).toEqual({ seed, doubled: 0 });
    expect({ seed, last: written.at(-1) }).toEqual({ seed, last: end });
    expect({ seed, unclaimed: missing.filter((value) => !journal.doubtful.has(value)) }).toEqual({
      seed,
      unclaimed: [],
    });
    expect(missing.length, `seed ${seed}`).toBeLessThanOrEqual(killed);
  }
  expect(deaths).toBeGreaterThan(50);
});

test("interleaved unconditional writers each take effect once, and the last one stays", async () => {
  for (let seed = 1; seed <= 100; seed += 1) {
    const random = randomFrom(seed);
    const rootPath = await mkdtemp(join(base, "none-"));
    const etags = new Map<string, string>();
    const actors: Actor[] = [];
    for (let i = 0; i < 3; i += 1) {
      const actor = startActor(rootPath, async (store) => {
        const result = await store.put("object", utf8(`writer ${i}`), unconditional);
        etags.set(result.outcome === "written" ? result.etag : result.outcome, `writer ${i}`);
      });
      actors.push(actor);
      await advance(actor);
    }
    for (;;) {
      const alive = actors.filter((actor) => !actor.finished);
      if (alive.length === 0) break;
      await advance(alive[random(alive.length)] as Actor);
    }
    await Promise.all(actors.map(({ run }) => run));
    const last = await createFileStore({ rootPath }).get("object");
    expect(etags.size).toBe(3);
    expect(etags.get(last?.etag ?? "")).toBe(text(last?.body));
  }
});
