import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import { ColonnadeError } from "../../src/base/errors.ts";
import { commitPointer } from "../../src/dataset/commit.ts";
import type { FileLine } from "../../src/dataset/formats.ts";
import { readPointer } from "../../src/dataset/pointer.ts";
import { publishVersion } from "../../src/dataset/publish-version.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import type { ObjectStore } from "../../src/store/object-store.ts";
import { propertyRuns, recordFigures } from "../support/long-runs.ts";
import { readGenerations, readServed } from "../support/check-destination.ts";
import { destinationOf, lineOf, publicationOf, putData } from "../support/dataset-fixtures.ts";
import { Crash, createFaultyStore, faults } from "../support/faulty-store.ts";
import type { Fault } from "../support/faulty-store.ts";
import { createScheduler } from "../support/scheduler.ts";

const lines = [lineOf("2026-01-01"), lineOf("2026-01-02")];

async function startedStore(): Promise<ObjectStore> {
  const store = createMemoryStore();
  await putData(store, [...lines, ...writerLines.flat()]);
  await publishVersion(destinationOf(store, "before"), publicationOf(undefined, lines));
  return store;
}

const writerLines = Array.from({ length: 4 }, (_, writer) => [lineOf(`2026-02-0${writer + 1}`)]);

/** Readers must find a complete version after every single call, and generations must not go back. */
function watchdog(store: ObjectStore): () => Promise<void> {
  let etag: string | undefined;
  let newest = 0;
  return async () => {
    const read = await readPointer(store, "current");
    if (read?.etag === etag) return;
    etag = read?.etag;
    const generation = (await readServed(store))?.pointer.generation ?? 0;
    expect(generation).toBeGreaterThan(newest);
    newest = generation;
  };
}

/** All orders in which two actors can take their turns, as long as both have some left. */
function* schedules(length: number): Iterable<readonly number[]> {
  for (let bits = 0; bits < 2 ** length; bits += 1)
    yield Array.from({ length }, (_, index) => (bits >> index) & 1);
}

describe("two commits on one base", () => {
  test.each(["first", "later"] as const)(
    "one wins in every interleaving: the %s generation",
    async (which) => {
      let runs = 0;
      for (const schedule of schedules(9)) {
        const store = await startedStore();
        const version = (await readServed(store))?.pointer;
        if (version === undefined) throw new Error("nothing was published");
        const channel = which === "first" ? "canary" : "current";
        const base = await readPointer(store, channel);
        const scheduler = createScheduler();
        const outcomes: string[] = [];
        const actors = [0, 1].map((actor) => async () => {
          const destination = destinationOf(scheduler.share(actor, store), `writer-${actor}`);
          const result = await commitPointer(destination, channel, base, {
            ...version,
            reason: `by ${actor}`,
          });
          outcomes[actor] = result.outcome;
        });
        let step = 0;
        await scheduler.run(actors, (waiting) => {
          const wanted = schedule[step] ?? 0;
          step += 1;
          return waiting.includes(wanted) ? wanted : (waiting[0] as number);
        });
        expect(outcomes.toSorted()).toEqual(["committed", "lost"]);
        const winner = outcomes.indexOf("committed");
        const generations = await readGenerations(store, channel);
        expect(generations).toHaveLength(which === "first" ? 1 : 2);
        expect(generations[0]?.reason).toBe(`by ${winner}`);
        runs += 1;
      }
      expect(runs).toBe(512);
    },
  );
});

const runs = propertyRuns(300);

test(
  "writers in any order, with any fault each, commit one generation each or say honestly that they did not",
  async () => {
    const fault = fc.option(fc.record({ at: fc.nat(20), kind: fc.constantFrom(...faults) }), { freq: 2 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fault, { minLength: 2, maxLength: 4 }),
        fc.array(fc.nat(3), { minLength: 60, maxLength: 60 }),
        async (faultOf, schedule) => {
          await expect(race(faultOf, schedule)).resolves.toBeUndefined();
        },
      ),
      { numRuns: runs },
    );
    recordFigures("two to four writers in any order, with any fault each", { races: runs });
  },
  60_000 + 200 * runs,
);

async function race(
  faultOf: readonly ({ at: number; kind: Fault } | null)[],
  schedule: readonly number[],
): Promise<void> {
  const store = await startedStore();
  const scheduler = createScheduler();
  const outcomes: string[] = [];
  const actors = faultOf.map((fault, actor) => async () => {
    const faulty = createFaultyStore(scheduler.share(actor, store), fault ?? undefined);
    outcomes[actor] = await publishAs(faulty.store, actor, writerLines[actor] ?? []);
    await faulty.settle();
  });
  let step = 0;
  const check = watchdog(store);
  await scheduler.run(
    actors,
    (waiting) => waiting[(schedule[step++ % schedule.length] as number) % waiting.length] as number,
    check,
  );
  await check();

  const generations = await readGenerations(store);
  for (const [actor, outcome] of outcomes.entries()) {
    const served = generations.filter(({ reason }) => reason === `by ${actor}`).length;
    expect(honest[outcome], `writer ${actor}: ${outcome}, served ${served} times`).toContain(served);
  }
  const undisturbed = outcomes.filter((_, actor) => faultOf[actor] === null);
  expect(undisturbed).toEqual(undisturbed.map(() => "committed"));
}

/** How often a writer's version may have been served, by what the writer was told. */
const honest: Record<string, readonly number[]> = {
  committed: [1],
  unavailable: [0],
  conflict: [0],
  crash: [0, 1],
};

async function publishAs(store: ObjectStore, actor: number, lines: readonly FileLine[]): Promise<string> {
  try {
    const base = await readPointer(store, "current");
    const publication = publicationOf(base, lines, { reason: `by ${actor}` });
    const result = await publishVersion(destinationOf(store, `writer-${actor}`), publication);
    return result.outcome === "unknown" && result.cause instanceof Crash ? "crash" : result.outcome;
  } catch (error) {
    if (error instanceof Crash) return "crash";
    if (error instanceof ColonnadeError) return error.kind;
    throw error;
  }
}
