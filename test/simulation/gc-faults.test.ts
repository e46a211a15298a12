import { expect, test } from "vitest";

import { ColonnadeError } from "../../src/base/errors.ts";
import type { Destination } from "../../src/dataset/commit.ts";
import { pinVersion } from "../../src/dataset/gc/pins.ts";
import { registerRun } from "../../src/dataset/gc/registration.ts";
import { markKey } from "../../src/dataset/layout.ts";
import { readPointer } from "../../src/dataset/pointer.ts";
import { publishVersion } from "../../src/dataset/publish-version.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import type { ObjectStore } from "../../src/store/object-store.ts";
import { readGenerations, readServed } from "../support/check-destination.ts";
import {
  collect,
  destinationOf,
  lineOf,
  publicationOf,
  putData,
  virtualClock,
} from "../support/dataset-fixtures.ts";
import { Crash, createFaultyStore, type Fault, faults } from "../support/faulty-store.ts";
import { recordFigures } from "../support/long-runs.ts";
import { inDays, runGc } from "../support/run-gc.ts";

/** A destination with something of every kind to remove, and something that stays. */
async function prepared(): Promise<ObjectStore> {
  const store = createMemoryStore({ clock: virtualClock() });
  const destination = destinationOf(store, "before");
  for (const days of [["01"], ["01", "02"], ["02", "03"]]) {
    const lines = days.map((day) => lineOf(`2026-01-${day}`));
    await putData(store, lines);
    await publishVersion(destination, publicationOf(await readPointer(store, "current"), lines));
  }
  await putData(store, [lineOf("2026-01-08"), lineOf("2026-01-09")]);
  await registerRun(destination, "run-dead", "flights", { epoch: 0, base: 2 });
  await pinVersion(destination, 2, "current", '"an ETag of long ago"');
  await store.createWriter(lineOf("2026-01-07").key);
  return store;
}

/** Two days later, so that the run is dead. */
function later(store: ObjectStore, name: string): Destination {
  const destination = destinationOf(store, name);
  return { ...destination, clock: inDays(2, destination.clock) };
}

async function attempt(destination: Destination): Promise<string> {
  try {
    await runGc(destination, { requests: 1 });
    return "done";
  } catch (error) {
    if (error instanceof Crash) return "crash";
    if (error instanceof ColonnadeError) return error.cause instanceof Crash ? "crash" : error.kind;
    throw error;
  }
}

/** What is left, but for the mark, which says how often gc had to begin. */
async function keysOf(store: ObjectStore): Promise<string[]> {
  const keys = (await collect(store.list(""))).map(({ key }) => key).filter((key) => key !== markKey);
  return [...keys, ...(await collect(store.listUploads())).map(({ key }) => `upload of ${key}`)];
}

const allowed: Record<Fault, readonly string[]> = {
  crashBefore: ["crash"],
  crashAfter: ["crash"],
  unreachable: ["done", "unavailable"],
  lostReply: ["done", "unavailable"],
  // The store check takes no chances.
  late: ["done", "unavailable"],
  refused: ["done", "unavailable"],
  refusedForever: ["done", "unavailable"],
  falsePrecondition: ["done", "unavailable"],
};

test.each(faults)(
  "with %s at any call of a gc, what is served stays, and a rerun comes to the end of an undisturbed one",
  async (kind) => {
    const calm = await prepared();
    const counting = createFaultyStore(calm);
    expect(await attempt(later(counting.store, "calm"))).toBe("done");
    const expected = await keysOf(calm);
    expect(expected).toHaveLength(11);
    expect(counting.calls).toBeGreaterThan(50);
    const served = await readServed(calm);

    recordFigures("a gc, each fault at each call", { calls: counting.calls, faults: 1 });
    for (let at = 0; at < counting.calls; at += 1) {
      const where = `${kind} at call ${at}`;
      const store = await prepared();
      const faulty = createFaultyStore(store, { at, kind });
      const outcome = await attempt(later(faulty.store, "first"));
      await faulty.settle();
      expect({ where, isAllowed: allowed[kind].includes(outcome), outcome }).toMatchObject({
        where,
        isAllowed: true,
      });
      expect((await readServed(store))?.lines).toEqual(served?.lines);

      // The second tidies what the first had to leave to it.
      for (const name of ["again", "once more"]) expect(await attempt(later(store, name))).toBe("done");
      expect({ where, keys: await keysOf(store) }).toEqual({ where, keys: expected });
      expect((await readServed(store))?.lines).toEqual(served?.lines);
      expect(await readGenerations(store)).toHaveLength(3);
    }
  },
  60_000,
);
