import { appendFile, copyFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readGenerations, readServed } from "../support/check-destination.ts";
import { createOrders, errorOf, type Orders, runCli, startCli } from "../support/cli-workspace.ts";
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

/**
 * Whether a swap on a folder has been claimed and not carried out: whoever wants to replace the same object next carries it out
 * first, and has lost (src/store/file-swap.ts).
 */
async function hasClaimedSwap({ uri }: Place): Promise<boolean> {
  if (!uri.startsWith("file:")) return false;
  const own = join(uri.slice("file:".length), ".colonnade");
  const [claims = [], staged = []] = await Promise.all(
    ["claims", "swap"].map((folder) => readdir(join(own, folder))),
  );
  return claims.length > 0 && staged.length > 0;
}

/** For NODE_OPTIONS: a process that dies as soon as it has claimed a swap. */
const diesOnceClaimed = `--import data:text/javascript,${encodeURIComponent(`
  import fs from "node:fs/promises";
  import { syncBuiltinESMExports } from "node:module";
  const { symlink } = fs;
  fs.symlink = async (...names) => {
    await symlink(...names);
    process.kill(process.pid, "SIGKILL");
  };
  syncBuiltinESMExports();
`)}`;

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
          const rerun = isDone ? again : name === "rollback" && (await hasClaimedSwap(place)) ? 11 : 0;
          const { code } = await runCli(args(job), place.environment);
          expect({ afterMs, code }).toEqual({ afterMs, code: rerun });
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

test("a rollback that dies between its claim of the pointer and the rename is carried out by the next one, which says that the pointer moved", async () => {
  const [folder] = storesUnderTest();
  if (folder?.name !== "file") throw new Error("the first store under test is a folder");
  const { place, job } = await prepared(folder);
  const { args, again, generations } = commands.rollback;
  const died = startCli(args(job), { ...place.environment, NODE_OPTIONS: diesOnceClaimed });
  expect((await died.done).signal).toBe("SIGKILL");
  expect(await hasClaimedSwap(place)).toBe(true);
  expect(await readGenerations(place.store)).toHaveLength(generations - 1);

  expect(errorOf(await runCli(args(job), place.environment))).toMatchObject({
    exit: 11,
    code: "POINTER_MOVED",
  });
  expect((await readServed(place.store))?.pointer).toMatchObject({ generation: generations, version: 1 });
  expect(await runCli(args(job), place.environment)).toMatchObject({ code: again });
});
