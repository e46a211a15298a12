import { expect } from "vitest";

import { canonicalJson } from "../../src/base/canonical-json.ts";
import { ColonnadeError } from "../../src/base/errors.ts";
import type { Destination } from "../../src/dataset/commit.ts";
import type { FileLine } from "../../src/dataset/formats.ts";
import { readPointer } from "../../src/dataset/pointer.ts";
import { publishVersion } from "../../src/dataset/publish-version.ts";
import { rollback } from "../../src/dataset/rollback.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import type { ObjectStore } from "../../src/store/object-store.ts";
import { readGenerations, readServed } from "./check-destination.ts";
import { destinationOf, lineOf, publicationOf, putData } from "./dataset-fixtures.ts";
import { Crash, createFaultyStore, type Fault } from "./faulty-store.ts";

export const first = [lineOf("2026-01-01"), lineOf("2026-01-02")];
const second = [...first, lineOf("2026-01-03"), lineOf("2026-01-04")];

export interface Scenario {
  readonly name: string;
  /** Brings a new store to where the scenario begins. */
  prepare(destination: Destination): Promise<void>;
  /** What a process does, and what it does again in a rerun. Says how it ended. */
  run(destination: Destination): Promise<string>;
  /** What is served in the end, whatever happened on the way. */
  readonly expected: readonly FileLine[];
}

/** As `apply` does: nothing when the lines are served already. Two lines a part, so that there are several. */
export async function publish(destination: Destination, lines: readonly FileLine[]): Promise<string> {
  const base = await readPointer(destination.store, "current");
  const served = base === undefined ? undefined : await readServed(destination.store);
  if (canonicalJson(served?.lines) === canonicalJson(lines)) return "nothing";
  const partLimits = { lines: 2, plainBytes: 1e6 };
  const result = await publishVersion(destination, publicationOf(base, lines, { partLimits }));
  return result.outcome;
}

export const scenarios: readonly Scenario[] = [
  {
    name: "the first publication",
    prepare: async () => {},
    run: (destination) => publish(destination, first),
    expected: first,
  },
  {
    name: "the second publication",
    prepare: async (destination) => void (await publish(destination, first)),
    run: (destination) => publish(destination, second),
    expected: second,
  },
  {
    name: "a rollback",
    prepare: async (destination) => {
      await publish(destination, first);
      await publish(destination, second);
    },
    run: async (destination) => {
      const base = await readPointer(destination.store, "current");
      if (base?.pointer.version === 1) return "nothing";
      const request = { channel: "current", toVersion: 1, reason: "drift" };
      return (await rollback(destination, request)).outcome;
    },
    expected: first,
  },
];

/** How one attempt ended: its outcome, the kind of what it threw, or `crash`. */
async function attempt(scenario: Scenario, destination: Destination): Promise<string> {
  try {
    return await scenario.run(destination);
  } catch (error) {
    if (error instanceof Crash) return "crash";
    if (error instanceof ColonnadeError) return error.kind;
    throw error;
  }
}

async function prepared(scenario: Scenario): Promise<ObjectStore> {
  const store = createMemoryStore();
  await putData(store, second);
  await scenario.prepare(destinationOf(store, "before"));
  return store;
}

export async function countCalls(scenario: Scenario): Promise<number> {
  const counting = createFaultyStore(await prepared(scenario));
  expect(await scenario.run(destinationOf(counting.store))).toBe("committed");
  return counting.calls;
}

/** The outcomes that may be told of each fault. Whether they are true is checked against the store. */
const allowed: Record<Fault, readonly string[]> = {
  crashBefore: ["crash", "committed"], // committed: it died while it kept its own pointer, which is best effort
  crashAfter: ["crash", "committed"],
  unreachable: ["committed", "unavailable"],
  lostReply: ["committed", "unavailable"],
  late: ["committed"],
  refused: ["committed"],
  refusedForever: ["committed", "unavailable"],
  falsePrecondition: ["committed"],
};

/**
 * One attempt with one fault at one call, and a rerun without any: throws unless a complete version is served after each, what the
 * attempt said of itself is true, and the rerun converges.
 */
export async function checkFault(scenario: Scenario, kind: Fault, at: number): Promise<void> {
  const store = await prepared(scenario);
  const before = await readServed(store);
  const generationsBefore = (await readGenerations(store)).length;
  const faulty = createFaultyStore(store, { at, kind });

  const outcome = await attempt(scenario, destinationOf(faulty.store));

  const where = `${kind} at call ${at}`;
  expect({ where, outcome, isAllowed: allowed[kind].includes(outcome) }).toEqual({
    where,
    outcome,
    isAllowed: true,
  });
  await faulty.settle();
  const after = await readServed(store);
  const committed = (after?.pointer.generation ?? 0) > (before?.pointer.generation ?? 0);
  // A process that died told nobody anything: whatever happened is the truth.
  expect(committed).toBe(outcome === "crash" ? committed : outcome === "committed");
  expect(after?.lines).toEqual(committed ? scenario.expected : before?.lines);

  expect(await attempt(scenario, destinationOf(store, "rerun"))).toBe(committed ? "nothing" : "committed");
  const served = await readServed(store);
  expect(served?.lines).toEqual(scenario.expected);
  expect(await readGenerations(store)).toHaveLength(generationsBefore + 1);
}
