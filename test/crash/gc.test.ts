import { appendFile, copyFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readGenerations, readServed } from "../support/check-destination.ts";
import { createOrders, type Orders, runCli, startCli } from "../support/cli-workspace.ts";
import { collect, lineOf, putData } from "../support/dataset-fixtures.ts";
import { killMoments, recordFigures } from "../support/long-runs.ts";
import { type Place, type StoreUnderTest, storesUnderTest } from "../support/stores-under-test.ts";

let orders: Orders;

beforeAll(async () => {
  orders = await createOrders({ objects: 3, rows: 200 });
});

afterAll(() => orders[Symbol.asyncDispose]());

/** Two versions, and data that nobody lists: of a run that died long ago, of which nothing else is left. */
async function prepared(under: StoreUnderTest): Promise<{ place: Place; job: string }> {
  const place = await under.place(orders.folder);
  const job = await orders.job(place.uri);
  await appendFile(job, "retention: { versions: 1, days: 0 }\n");
  const [changed, other, third] = ["01", "02", "03"].map((day) =>
    join(orders.folder, `raw/day=2026-01-${day}/orders.parquet`),
  );
  for (const from of [other, third]) {
    await copyFile(from ?? "", changed ?? "");
    expect(await runCli(["apply", job], place.environment)).toMatchObject({ code: 0 });
  }
  await putData(
    place.store,
    Array.from({ length: 30 }, (_, i) => lineOf(`2020-01-${i}`)),
  );
  return { place, job };
}

const commands = {
  gc: { args: (job: string) => ["gc", job, "--delete"], again: 0, generations: 2, data: 3 },
  rollback: { args: (job: string) => ["rollback", job, "--to", "1"], again: 10, generations: 3, data: 34 },
} as const;

describe.each(storesUnderTest())("on $name", (under) => {
  test.each(Object.keys(commands) as (keyof typeof commands)[])(
    "kill -9 at moments of a %s: what is served is complete, and the rerun does the rest",
    async (name) => {
      const { args, again, generations, data } = commands[name];
      const calm = await prepared(under);
      const startedMs = performance.now();
      expect(await runCli(args(calm.job), calm.place.environment)).toMatchObject({ code: 0 });
      let durationMs = performance.now() - startedMs;
      let killed = 0;
      for (let moment = 0; moment < killMoments; moment += 1) {
        // The machine may be faster than it was: then the run is over first, and the next try is timed by it.
        for (let tries = 0, isKilled = false; tries < 5 && !isKilled; tries += 1) {
          const { place, job } = await prepared(under);
          // The beginning is Node's own.
          const afterMs = durationMs * (0.3 + (0.7 * (moment + 0.5)) / killMoments);
          const begunMs = performance.now();
          const child = startCli(args(job), place.environment);
          const timer = setTimeout(() => child.kill("SIGKILL"), afterMs);
          const { signal } = await child.done;
          clearTimeout(timer);
          isKilled = signal === "SIGKILL";
          if (isKilled) killed += 1;
          else durationMs = Math.min(durationMs, performance.now() - begunMs);

          const after = await readServed(place.store);
          expect(after?.lines).toHaveLength(3);
          const isDone = (await readGenerations(place.store)).length === generations;
          const { code } = await runCli(args(job), place.environment);
          expect({ afterMs, code }).toEqual({ afterMs, code: isDone ? again : 0 });
          expect((await readServed(place.store))?.lines).toHaveLength(3);
          expect(await readGenerations(place.store)).toHaveLength(generations);
          expect(await collect(place.store.list("data/"))).toHaveLength(data);
        }
      }
      recordFigures("processes of gc and rollback killed, on a folder and MinIO", { killed });
      expect(killed).toBeGreaterThan(0);
    },
    60_000 + 20_000 * killMoments,
  );
});
