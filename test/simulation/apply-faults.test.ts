import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { toColonnadeError } from "../../src/base/errors.ts";
import { applyJob } from "../../src/execute/apply-job.ts";
import type { JobContext, JobEvent } from "../../src/execute/job-context.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { type ObjectStore, unconditional } from "../../src/store/object-store.ts";
import { readGenerations, readServed, type Served } from "../support/check-destination.ts";
import { collect, countedIds, virtualClock } from "../support/dataset-fixtures.ts";
import { duckdb } from "../support/duckdb.ts";
import { type Fault, faults, createFaultyStore } from "../support/faulty-store.ts";
import { recordFigures } from "../support/long-runs.ts";
import { createWorkspace, version, type Workspace } from "../support/migration.ts";

/**
 * The whole of `apply` over memory stores, with every fault at every call that it makes to its destination or its source, one
 * after the other. Columns are renamed and added: threads would only make the order of the calls a matter of chance.
 */
const versions = [
  version(
    1,
    `
    - { id: 1, name: trip, type: int64 }
    - { id: 2, name: miles, type: float64 }
`,
  ),
  version(
    2,
    `
    - { id: 1, name: trip_id, type: int64 }
    - { id: 2, name: distance, type: float64 }
    - { id: 3, name: source, type: string, default: "meter" }
`,
  ),
];
const days = ["a", "b", "c", "d"].map((name) => `${name}.parquet`);
const objects = new Map<string, Uint8Array>();

let workspace: Workspace;

beforeAll(async () => {
  workspace = await createWorkspace();
  for (const [day, key] of days.entries()) {
    const path = `${workspace.folder}/${key}`;
    await duckdb(
      `COPY (SELECT i + ${day * 100} AS trip, i / 8.0 AS miles FROM range(100) t(i)) TO '${path}' (FORMAT parquet)`,
    );
    objects.set(key, await readFile(path));
  }
});

afterAll(() => workspace[Symbol.asyncDispose]());

interface World {
  readonly source: ObjectStore;
  readonly destination: ObjectStore;
}

async function worldOf(names: readonly string[], applied: readonly string[]): Promise<World> {
  const source = createMemoryStore({ name: "raw" });
  const destination = createMemoryStore({ name: "out" });
  const put = async (names: readonly string[]): Promise<void> => {
    for (const name of names) await source.put(name, objects.get(name) ?? new Uint8Array(), unconditional);
  };
  await put(applied);
  if (applied.length > 0) await run({ source, destination }, "before");
  await put(names.filter((name) => !applied.includes(name)));
  return { source, destination };
}

interface Ended {
  /** What `apply` says: its outcome, or the kind of its error. */
  readonly outcome: string;
  readonly events: readonly JobEvent[];
}

async function run(world: World, name: string): Promise<Ended> {
  const events: JobEvent[] = [];
  const context: JobContext = {
    ...workspace.context(versions),
    ...world,
    clock: virtualClock(),
    ids: countedIds(name),
    onEvent: (event) => events.push(event),
  };
  try {
    return { outcome: (await applyJob(context)).outcome, events };
  } catch (error) {
    return { outcome: toColonnadeError(error).kind, events };
  }
}

/** Keys of the data objects, and what they hold. */
async function dataOf(store: ObjectStore): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const { key } of await collect(store.list("data/"))) {
    const object = await store.get(key);
    found.set(key, Buffer.from(object?.body ?? []).toString("base64"));
  }
  return found;
}

/** What is served, without what differs from store to store. */
function contentOf(served: Served | undefined): unknown {
  return served?.lines.map((line) => ({ ...line, etag: "", source: { ...line.source, etag: "" } }));
}

/** What may be told of a fault. Whether it is true is checked against the store. */
const allowed: Readonly<Record<Fault, readonly string[]>> = {
  crashBefore: ["internal", "committed"], // committed: it died while it tidied up
  crashAfter: ["internal", "committed"],
  unreachable: ["committed", "unavailable"],
  lostReply: ["committed", "unavailable"],
  late: ["committed", "unavailable"],
  refused: ["committed", "unavailable"],
  refusedForever: ["committed", "unavailable"],
  falsePrecondition: ["committed", "unavailable"],
};
const scenarios = [
  { name: "a first apply", before: [] },
  { name: "an apply of two more objects", before: days.slice(0, 2) },
] as const;

describe.each(scenarios)("$name", ({ before }) => {
  test.each([
    ...faults.map((kind) => ({ kind, side: "destination" as const })),
    ...(["crashBefore", "crashAfter", "unreachable"] as const).map((kind) => ({
      kind,
      side: "source" as const,
    })),
  ])(
    "with $kind at any call to its $side leaves all that is served intact, and a rerun converges",
    async ({ kind, side }) => {
      const calm = await worldOf(days, before);
      const counting = createFaultyStore(calm[side]);
      expect((await run({ ...calm, [side]: counting.store }, "calm")).outcome).toBe("committed");
      const expected = await readServed(calm.destination);
      const expectedData = await dataOf(calm.destination);
      expect(expected?.lines).toHaveLength(days.length);
      expect(counting.calls).toBeGreaterThan(side === "source" ? 4 : 20);

      recordFigures("an apply, each fault at each call to source and destination", {
        calls: counting.calls,
        faults: 1,
      });
      for (let at = 0; at < counting.calls; at += 1) {
        const where = `${kind} at call ${at}`;
        const world = await worldOf(days, before);
        const servedBefore = await readServed(world.destination);
        const faulty = createFaultyStore(world[side], { at, kind });

        const first = await run({ ...world, [side]: faulty.store }, "first");

        await faulty.settle();
        expect.soft(allowed[kind], `${where}: ${first.outcome}`).toContain(first.outcome);
        const servedAfter = await readServed(world.destination);
        const generations = (await readGenerations(world.destination)).length;
        const committed = generations > (servedBefore === undefined ? 0 : 1);

        const again = await run(world, "again");

        const started = again.events.find((event) => event.event === "started");
        const done = again.events.filter(({ event }) => event === "objectDone").length;
        expect({
          where,
          // A process that died told nobody anything: whatever happened is the truth.
          toldCommitted: first.outcome === "internal" ? committed : first.outcome === "committed",
          servedAfter: contentOf(servedAfter),
          again: again.outcome,
          objectsOfAgain: done + (started?.resumed ?? 0),
          served: contentOf(await readServed(world.destination)),
          data: await dataOf(world.destination),
          generations: (await readGenerations(world.destination)).length,
        }).toEqual({
          where,
          toldCommitted: committed,
          servedAfter: contentOf(committed ? expected : servedBefore),
          again: committed ? "upToDate" : "committed",
          objectsOfAgain: committed ? 0 : days.length - before.length,
          served: contentOf(expected),
          data: expectedData,
          generations: before.length > 0 ? 2 : 1,
        });
      }
    },
  );
});
