import { expect, test } from "vitest";

import { type Ended, race } from "../support/gc-race.ts";
import { propertyRuns, recordFigures } from "../support/long-runs.ts";

const seeds = propertyRuns(100);
const first = Number(process.env["PROPERTY_SEED"] ?? 1);

test.each([
  {
    dead: "all",
    withFaults: false,
    sees: ["writer RUN_OVERTAKEN", "gc GC_OVERTAKEN", "consumer VERSION_REMOVED"],
  },
  { dead: "all", withFaults: true, sees: ["writer RUN_OVERTAKEN", "writer crash", "gc crash"] },
  { dead: "some", withFaults: false, sees: ["writer BASE_REMOVED", "writer VERSION_REMOVED"] },
  { dead: "none", withFaults: true, sees: ["writer crash", "gc crash"] },
] as const)(
  "gcs beside writers, rollbacks and consumers never take what is served or read, whatever the order (dead: $dead, faults: $withFaults)",
  async ({ sees, ...options }) => {
    const outcomes = new Set<string>();
    for (let seed = first; seed < first + seeds; seed += 1) {
      const ended = await race(seed, options).catch((error: unknown) => {
        throw new Error(`seed ${seed}`, { cause: error });
      });
      for (const { actor, outcome } of ended) outcomes.add(`${actor.split("-")[0]} ${outcome}`);
    }
    recordFigures("gcs, writers, rollbacks, consumers and a second channel in one store, by seed", {
      seeds,
      outcomes: outcomes.size,
    });
    // The races must be races: everything happens that can.
    expect([...outcomes]).toEqual(
      expect.arrayContaining([
        "writer committed",
        "rollback committed",
        "consumer read",
        "gc collected",
        ...sees,
      ]),
    );
  },
  60_000 + 400 * seeds,
);

test(
  "a gc that takes nobody for dead hinders no writer that has begun to work",
  async () => {
    const early = new Set<string>();
    const late: (Ended & { seed: number })[] = [];
    for (let seed = first; seed < first + seeds; seed += 1)
      for (const one of await race(seed, { dead: "none", withFaults: false })) {
        if (!one.actor.startsWith("writer") || one.outcome === "committed") continue;
        if (one.hasWorked) late.push({ ...one, seed });
        else early.add(one.outcome);
      }
    expect(late).toEqual([]);
    // Whoever it was planned beside is not served any more, and was not registered yet.
    expect(["BASE_REMOVED"]).toEqual(expect.arrayContaining([...early]));
  },
  60_000 + 400 * seeds,
);
