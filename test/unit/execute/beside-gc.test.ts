import { expect, test } from "vitest";
import { randomIds, systemClock } from "../../../src/base/clock.ts";
import { applyPlan } from "../../../src/execute/apply-job.ts";
import { planJob } from "../../../src/execute/plan-job.ts";
import type { ObjectStore } from "../../../src/store/object-store.ts";
import { readServed } from "../../support/check-destination.ts";
import { lineOf, putData } from "../../support/dataset-fixtures.ts";
import { createWorkspace, version, type Workspace } from "../../support/migration.ts";
import { inDays, runGc } from "../../support/run-gc.ts";

const versions = [
  version(1, "\n    - { id: 1, name: a, type: int64 }\n"),
  version(2, "\n    - { id: 1, name: b, type: int64 }\n"),
];

/** With something to remove, so that it raises the mark. */
async function gc(store: ObjectStore, days = 0): Promise<void> {
  await putData(store, [lineOf("2020-01-01")]);
  await runGc({ store, clock: inDays(days, systemClock), ids: randomIds() });
}

function epochsOf(keys: readonly { readonly key: string }[]): (string | undefined)[] {
  return keys.map(({ key }) => /-[0-9a-f]{32}(.*)\.parquet$/.exec(key)?.[1]);
}

/** One object is served, and one has come since. */
async function createServed(): Promise<Workspace> {
  const workspace = await createWorkspace();
  await workspace.write("a.parquet", "SELECT 1::BIGINT AS a");
  await workspace.apply(versions);
  await workspace.write("b.parquet", "SELECT 2::BIGINT AS a");
  return workspace;
}

test("a job that was planned before a gc began goes on under the gc's mark", async () => {
  await using workspace = await createServed();
  const context = workspace.context(versions);
  const planned = await planJob(context);

  await gc(context.destination);
  const { outcome } = await applyPlan(context, planned);

  expect(outcome).toBe("committed");
  const served = await readServed(context.destination);
  expect(epochsOf(served?.lines ?? [])).toEqual(["", "-1"]);
});

test("a job whose base is gone before it begins says so before it does any work", async () => {
  await using workspace = await createServed();
  const context = workspace.context(versions);
  const planned = await planJob(context);
  await workspace.apply(versions);
  await gc(context.destination);

  await expect(applyPlan(context, planned)).rejects.toMatchObject({
    kind: "conflict",
    code: "BASE_REMOVED",
  });
  expect(context.events.map(({ event }) => event)).not.toContain("started");
  // And leaves nothing that would keep the next gc from its work.
  expect(await Array.fromAsync(context.destination.list("runs/"))).toEqual([]);
});

test("what a dead run has finished is done again when gc has taken it, and not before", async () => {
  await using workspace = await createWorkspace();
  await workspace.write("a.parquet", "SELECT 1::BIGINT AS a");
  await workspace.write("bad.parquet", "SELECT 'x' AS a");
  const context = workspace.context(versions, { from: 1 });
  const failed = await planJob(context)
    .then((planned) => applyPlan(context, planned))
    .catch((error: unknown) => error);
  expect(failed).toMatchObject({ code: "OBJECTS_FAILED" });
  await workspace.write("bad.parquet", "SELECT 2::BIGINT AS a");

  // Its log is young: gc leaves what it has finished.
  await gc(context.destination);
  expect((await planJob(context)).finished.lines.size).toBe(1);

  const planned = await planJob(context);
  await gc(context.destination, 3);
  const { outcome } = await applyPlan(context, planned);
  expect(outcome).toBe("committed");
  const served = await readServed(context.destination);
  expect(new Set(epochsOf(served?.lines ?? [])).size).toBe(1);
  expect(served?.lines).toHaveLength(2);
});
