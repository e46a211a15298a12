// What Kubernetes does to a pod that it wants gone.
import { readdir } from "node:fs/promises";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { readServed } from "../support/check-destination.ts";
import { createFileStore } from "../../src/store/file.ts";
import { applyShape } from "../unit/cli/output-shapes.ts";
import { type RunningCli, Workspace } from "../unit/cli/run-cli.ts";

const job = "jobs/flights.yaml";
// Each test starts many processes, on a machine that may be busy.
vi.setConfig({ testTimeout: 240_000 });

let workspace: Workspace;

beforeAll(async () => {
  workspace = await Workspace.create({ rows: 600_000, objectsPerMonth: 4 });
});
afterAll(() => workspace[Symbol.asyncDispose]());

async function keysBelow(folder: string): Promise<string[]> {
  const names = await readdir(workspace.path(".data/flights/migrated", folder), { recursive: true }).catch(
    () => [],
  );
  return names.filter(
    (name) => name.endsWith(".parquet") || name.endsWith(".json") || name.endsWith(".part"),
  );
}

test("SIGTERM in the middle of an apply: 21, no partial object, no pointer, and the rerun redoes only what is unfinished", async () => {
  const stopped = await workspace.run(["apply", job], {
    onStart: (run) => void run.shows('"event":"objectDone"').then(() => run.kill("SIGTERM")),
  });
  expect(stopped.code).toBe(21);
  expect(stopped.stdout).toBe("");
  expect(stopped.stderr).toContain('"kind":"cancelled"');
  expect(await keysBelow("pointers")).toEqual([]);
  const store = createFileStore({ rootPath: workspace.path(".data/flights/migrated") });
  const finished = await keysBelow("data");
  const named = Array.from(
    stopped.stderr.matchAll(/"event":"objectDone".*"key":"data\/([^"]+)"/g),
    ([, key = ""]) => key,
  );
  expect(finished).toEqual(expect.arrayContaining(named));
  for (const key of finished) {
    const object = await store.get(`data/${key}`, { range: { suffixBytes: 4 } });
    expect(Buffer.from(object?.body ?? []).toString()).toBe("PAR1");
  }

  const { code, stdout } = await workspace.run(["apply", job, "--json"]);
  expect(code).toBe(0);
  const { run, totals } = applyShape.parse(JSON.parse(stdout));
  expect(run.resumed).toBeGreaterThanOrEqual(1);
  expect(run.objects + run.resumed).toBe(totals.objects);
  expect(totals.rows).toBe(600_000);
  const served = await readServed(store);
  expect(served?.lines.map(({ key }) => key.replace(/^data\//, "")).toSorted()).toEqual(
    (await keysBelow("data")).toSorted(),
  );
});

async function signalTwice(run: RunningCli): Promise<void> {
  await run.shows("deaf");
  run.kill("SIGTERM");
  await run.shows("stopping cleanly");
  run.kill("SIGTERM");
}

test("a second signal does not wait", async () => {
  const stopped = await workspace.run(["watch", job, "--exec", "trap '' TERM; echo deaf; sleep 2"], {
    onStart: (run) => void signalTwice(run),
  });
  expect(stopped.code).toBe(21);
});
