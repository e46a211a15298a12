import { appendFile, copyFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { randomIds, systemClock } from "../../src/base/clock.ts";
import type { ObjectStore } from "../../src/store/object-store.ts";
import { createOnly } from "../../src/store/object-store.ts";
import { readGenerations, readServed } from "../support/check-destination.ts";
import { createOrders, errorOf, type Orders, runCli, startCli } from "../support/cli-workspace.ts";
import { collect } from "../support/dataset-fixtures.ts";
import { inDays, runGc } from "../support/run-gc.ts";
import { storesUnderTest } from "../support/stores-under-test.ts";

let orders: Orders;

beforeAll(async () => {
  orders = await createOrders({ objects: 8, rows: 30_000 });
});

afterAll(() => orders[Symbol.asyncDispose]());

async function keysOf(store: ObjectStore, prefix: string): Promise<string[]> {
  return (await collect(store.list(prefix))).map(({ key }) => key);
}

/** As `gc --delete` in so many days. */
async function gcIn(days: number, store: ObjectStore): Promise<void> {
  const destination = { store, clock: inDays(days, systemClock), ids: randomIds() };
  await runGc(destination, { retention: { runDays: 3 } });
}

function untilEvent(child: ReturnType<typeof startCli>, event: string): Promise<void> {
  return new Promise((resolve) => {
    let text = "";
    child.stderr?.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes(`"event":"${event}"`)) resolve();
    });
    child.on("close", () => resolve());
  });
}

describe.each(storesUnderTest())("on $name", (under) => {
  test("a dry run shows what would go, --delete removes it, and what is served is verified after it", async () => {
    const { uri, store, environment } = await under.place(orders.folder);
    const source = await createOrders({ objects: 3, rows: 500 });
    const job = await source.job(uri);
    expect(await runCli(["apply", job], environment)).toMatchObject({ code: 0 });
    // One object is written anew: version 2 shares the other two with version 1.
    const [changed, other] = ["01", "02"].map((day) =>
      join(source.folder, `raw/day=2026-01-${day}/orders.parquet`),
    );
    await copyFile(other ?? "", changed ?? "");
    expect(await runCli(["apply", job], environment)).toMatchObject({ code: 0 });
    await appendFile(job, "retention: { versions: 1, days: 0 }\n");
    const before = await keysOf(store, "");

    const dry = await runCli(["gc", job], environment);
    expect(dry.code).toBe(0);
    expect(dry.stdout).toContain("current serves it");
    expect(dry.stdout).toMatch(/3 objects, .* would be removed; add --delete to do it/);
    expect(await keysOf(store, "")).toEqual(before);

    const real = await runCli(["gc", job, "--delete", "--json"], environment);
    expect(JSON.parse(real.stdout)).toMatchObject({
      isReal: true,
      removedVersions: [1],
      removed: { data: { objects: 1 }, version: { objects: 2 } },
    });
    expect(await keysOf(store, "data/")).toHaveLength(3);
    expect(await runCli(["verify", job, "--deep"], environment)).toMatchObject({ code: 0 });
    expect((await runCli(["gc", job], environment)).stdout).toContain("nothing to remove");
    expect((await runCli(["history", job], environment)).stdout).toContain("version is gone");
    expect(
      errorOf(await runCli(["rollback", job, "--to", "1", "--log-format", "json"], environment)),
    ).toMatchObject({ exit: 10, code: "VERSION_MISSING" });

    // The next version's objects have names of their own, and go on sharing what has not changed.
    await copyFile(join(source.folder, "raw/day=2026-01-03/orders.parquet"), changed ?? "");
    expect(await runCli(["apply", job], environment)).toMatchObject({ code: 0 });
    const served = (await readServed(store))?.lines.map(
      ({ key }) => /-[0-9a-f]{32}(.*)\.parquet$/.exec(key)?.[1],
    );
    expect(served?.toSorted()).toEqual(["", "", "-1"]);
    expect(await runCli(["verify", job, "--deep"], environment)).toMatchObject({ code: 0 });
    await source[Symbol.asyncDispose]();
  });

  test("a job that was frozen for longer than gc waits stops when it wakes up, and its rerun commits", async () => {
    const { uri, store, environment } = await under.place(orders.folder);
    const job = await orders.job(uri);
    const frozen = startCli(["apply", job, "--log-format", "json"], environment);
    await untilEvent(frozen, "objectDone");
    frozen.kill("SIGSTOP");
    const written = await keysOf(store, "data/");
    expect(written.length).toBeGreaterThan(0);

    await gcIn(4, store);
    expect(await keysOf(store, "data/")).toEqual([]);
    frozen.kill("SIGCONT");

    // Or in the middle of an object, whose unfinished part is gone.
    const { exit, code } = errorOf(await frozen.done);
    expect(["11 RUN_OVERTAKEN", "20 UPLOAD_LOST"]).toContain(`${exit} ${code}`);
    expect(await readServed(store)).toBeUndefined();
    expect(await runCli(["apply", job], environment)).toMatchObject({ code: 0 });
    expect(await runCli(["verify", job, "--deep"], environment)).toMatchObject({ code: 0 });
    expect((await readServed(store))?.lines).toHaveLength(8);
    // What the woken one had written is nobody's.
    await gcIn(4, store);
    expect(await keysOf(store, "data/")).toHaveLength(8);
  });

  test("gcs beside a job at work take nothing of it, and it commits", async () => {
    const { uri, store, environment } = await under.place(orders.folder);
    const job = await orders.job(uri);
    const child = startCli(["apply", job, "--log-format", "json"], environment);
    await untilEvent(child, "started");
    let rounds = 0;
    while (child.exitCode === null) {
      // Scratch that nobody claims, so that each has something to remove and raises the mark.
      await store.put(`gc/pins/x${rounds}.json`, encodePin(rounds), createOnly);
      await gcIn(0, store);
      rounds += 1;
    }
    expect(await child.done).toMatchObject({ code: 0 });
    expect(rounds).toBeGreaterThan(0);
    expect((await readServed(store))?.lines).toHaveLength(8);
    expect(await readGenerations(store)).toHaveLength(1);
    expect(await runCli(["verify", job, "--deep"], environment)).toMatchObject({ code: 0 });
  });
});

/** A pin that has ended. */
function encodePin(round: number): Uint8Array {
  const pin = {
    format: "colonnade/gc-pin/1",
    version: 1,
    channel: "current",
    base: `"${round}"`,
    pinnedAt: "2026-01-01T00:00:00.000Z",
  };
  return Buffer.from(JSON.stringify(pin));
}
