import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ObjectStore } from "../../src/store/object-store.ts";
import { updateCrc32 } from "../../src/base/digest.ts";
import { readGenerations, readServed } from "../support/check-destination.ts";
import { createOrders, type Orders, runCli, startCli } from "../support/cli-workspace.ts";
import { killMoments, recordFigures } from "../support/long-runs.ts";
import { type Place, storesUnderTest } from "../support/stores-under-test.ts";

/** Moments of a kill, and pairs of applies. */
const times = Math.max(20, killMoments);

let orders: Orders;

beforeAll(async () => {
  orders = await createOrders({ objects: 8, rows: 30_000 });
});

afterAll(async () => {
  await orders[Symbol.asyncDispose]();
});

/** Content of everything a channel serves, by source key: what an undisturbed run and a disturbed one must have in common. */
async function servedContent(store: ObjectStore): Promise<Map<string, number> | undefined> {
  const served = await readServed(store);
  if (served === undefined) return undefined;
  const content = new Map<string, number>();
  for (const line of served.lines) {
    const object = await store.get(line.key);
    const crc = updateCrc32(object?.body ?? new Uint8Array(0));
    expect(crc.toString(16).padStart(8, "0")).toBe(line.crc32);
    content.set(line.source.key, crc);
  }
  return content;
}

/** Shares of a run's duration, spread over it, the same ones every time. */
function shares(count: number): number[] {
  let state = 20_261_122;
  return Array.from({ length: count }, (_, i) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (i + state / 2 ** 32) / count;
  });
}

/** Runs apply and kills it after a while; says how long it took when it was faster. */
async function killApply(job: string, place: Place, afterMs: number): Promise<number | "killed"> {
  const started = performance.now();
  const child = startCli(["apply", job], place.environment);
  const timer = setTimeout(() => child.kill("SIGKILL"), afterMs);
  const ended = await child.done;
  clearTimeout(timer);
  return ended.signal === "SIGKILL" ? "killed" : performance.now() - started;
}

describe.each(storesUnderTest())("on $name", (under) => {
  test(
    `kill -9 at ${times} moments of apply: the pointer always names a complete version, and the rerun has the bytes of an undisturbed run`,
    async () => {
      const calm = await under.place(orders.folder);
      const started = performance.now();
      expect(await runCli(["apply", await orders.job(calm.uri)], calm.environment)).toMatchObject({
        code: 0,
      });
      let durationMs = performance.now() - started;
      const expected = await servedContent(calm.store);
      expect(expected?.size).toBe(8);

      let killed = 0;
      for (const share of shares(times)) {
        // The machine may be faster than it was: then the run is over first, and the next try is timed by it.
        for (let tries = 0, done = false; tries < 5 && !done; tries += 1) {
          const place = await under.place(orders.folder);
          const job = await orders.job(place.uri);
          const outcome = await killApply(job, place, durationMs * share);
          if (outcome === "killed") killed += 1;
          else durationMs = Math.min(durationMs, outcome);
          done = outcome === "killed";
          const after = await servedContent(place.store);
          expect(after ?? expected).toEqual(expected);
          expect(await runCli(["apply", job], place.environment)).toMatchObject({ code: 0 });
          expect(await servedContent(place.store)).toEqual(expected);
          expect((await readGenerations(place.store)).map(({ generation }) => generation)).toEqual([1]);
        }
      }
      recordFigures("processes of apply killed, on a folder and MinIO", { killed });
      expect(killed).toBeGreaterThanOrEqual(times * 0.75);
    },
    12_000 * times,
  );

  test(
    `two applies started together, ${times} times: one generation each time, the other finds it done or stops with conflict`,
    async () => {
      const outcomes = new Map<number | null, number>();
      for (let round = 0; round < times; round += 1) {
        const place = await under.place(orders.folder);
        const job = await orders.job(place.uri);
        const both = await Promise.all([0, 1].map(() => runCli(["apply", job], place.environment)));
        for (const { code } of both) outcomes.set(code, (outcomes.get(code) ?? 0) + 1);
        expect(both.some(({ code }) => code === 0)).toBe(true);
        expect(both.map(({ code }) => code).filter((code) => code !== 0 && code !== 11)).toEqual([]);
        const generations = await readGenerations(place.store);
        expect(generations.map(({ generation }) => generation)).toEqual([1]);
        expect((await servedContent(place.store))?.size).toBe(8);
      }
      expect(outcomes.get(0)).toBeGreaterThanOrEqual(times);
      recordFigures("two applies started together, on a folder and MinIO", { pairs: times });
    },
    12_000 * times,
  );
});
