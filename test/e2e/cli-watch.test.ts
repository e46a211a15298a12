// The trigger of a retraining pipeline, as a process of its own.
import { existsSync } from "node:fs";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import * as shapes from "../unit/cli/output-shapes.ts";
import { type RunningCli, Workspace } from "../unit/cli/run-cli.ts";

const job = "jobs/flights.yaml";
// Each test starts many processes, on a machine that may be busy.
vi.setConfig({ testTimeout: 240_000 });

let workspace: Workspace;

beforeAll(async () => {
  workspace = await Workspace.create({ rows: 600, objectsPerMonth: 1 });
  await workspace.json(["apply", job, "--only", "month=2001-01"]);
  await workspace.json(["apply", job]);
});
afterAll(() => workspace[Symbol.asyncDispose]());

function linesOf(stdout: string) {
  return stdout
    .split("\n")
    .filter(Boolean)
    .map((line) => shapes.watchShape.parse(JSON.parse(line)));
}

test("--once tells what is new since the last time, and remembers it in --state", async () => {
  const words = ["watch", job, "--once", "--state", "seen.json"];
  const first = await workspace.run(words);
  expect(first.code).toBe(0);
  expect(linesOf(first.stdout)).toMatchObject([{ generation: 2, version: 2, superseded: false, attempt: 1 }]);
  expect(await workspace.run(words)).toMatchObject({ code: 0, stdout: "" });

  await workspace.run(["rollback", job, "--to", "1"]);
  await workspace.run(["rollback", job, "--to", "2", "--reason", "it was fine"]);
  const later = await workspace.run(words);
  expect(linesOf(later.stdout)).toMatchObject([
    { generation: 3, version: 1, superseded: true, reason: "rollback" },
    { generation: 4, version: 2, superseded: false, reason: "rollback: it was fine" },
  ]);
  expect(await workspace.run(words)).toMatchObject({ code: 0, stdout: "" });
});

test("--exec gets the line and the essentials, its output goes to standard error", async () => {
  const command = `cat > got.json; echo "out $COLONNADE_DATASET $COLONNADE_CHANNEL $COLONNADE_VERSION $COLONNADE_SCHEMA $COLONNADE_SUPERSEDED $COLONNADE_ATTEMPT"`;
  const { code, stdout, stderr } = await workspace.run(["watch", job, "--once", "--exec", command]);
  expect(code).toBe(0);
  expect(stderr).toContain("out flights current 2 2 false 1\n");
  expect(await readFile(workspace.path("got.json"), "utf8")).toBe(stdout);
});

test("a command that fails gets its generation again, here or in the next run, and --once exits with 20", async () => {
  const words = ["watch", job, "--once", "--state", "failing.json"];
  const failed = await workspace.run([...words, "--exec", "exit 3"]);
  expect(failed.code).toBe(20);
  expect(existsSync(workspace.path("failing.json"))).toBe(false);
  expect(shapes.errorShape.parse(JSON.parse(failed.stderr.trim().split("\n").at(-1) ?? ""))).toMatchObject({
    code: "COMMAND_FAILED",
    details: { exitCode: 3 },
  });
  const command = "test -e tried || { touch tried; exit 1; }";
  const again = await workspace.run(
    ["watch", job, "--state", "failing.json", "--interval", "50ms", "--exec", command],
    {
      onStart: (run) => void run.shows('"attempt":2').then(() => stopOnceSaved(run, "failing.json")),
    },
  );
  expect(again.code).toBe(21);
  expect(linesOf(again.stdout).map(({ attempt }) => attempt)).toEqual([1, 2]);
});

async function stopOnceSaved(run: RunningCli, state: string): Promise<void> {
  while (!existsSync(workspace.path(state))) await new Promise((resolve) => setTimeout(resolve, 20));
  run.kill("SIGTERM");
}

test("SIGTERM is passed on to the command, which is waited for and gets its generation again", async () => {
  const command = "trap 'echo cleaned up; exit 1' TERM; echo training; while :; do sleep 0.05; done";
  const stopped = await workspace.run(["watch", job, "--state", "slow.json", "--exec", command], {
    onStart: (run) => void run.shows("training").then(() => run.kill("SIGTERM")),
  });
  expect(stopped.code).toBe(21);
  expect(stopped.stderr).toContain("cleaned up");
  expect(await readdir(workspace.folder)).not.toContain("slow.json");
});

test("--consumer has gc keep what the command works on, until it has succeeded or went on", async () => {
  const strict = "jobs/strict.yaml";
  const text = await readFile(workspace.path(job), "utf8");
  await writeFile(
    workspace.path(strict),
    text.replace(/^retention:.*/m, "retention: { versions: 1, days: 0 }"),
  );
  const served = async (): Promise<number> => {
    const pointer = await readFile(workspace.path(".data/flights/migrated/pointers/current.json"), "utf8");
    return (JSON.parse(pointer) as { version: number }).version;
  };
  const other = async (): Promise<number> => 3 - (await served());
  const kept = async (): Promise<number[]> => {
    const { kept: versions } = (await workspace.json(["gc", strict])) as { kept: { version: number }[] };
    return versions.map(({ version }) => version).toSorted((a, b) => a - b);
  };
  const train = async (exit: number, meanwhile: () => Promise<void>): Promise<number | null> => {
    const command = `touch training; while [ ! -e trained ]; do sleep 0.05; done; exit ${exit}`;
    const words = [
      "watch",
      strict,
      "--once",
      "--state",
      "kept.json",
      "--consumer",
      "nightly",
      "--exec",
      command,
    ];
    const during = async (): Promise<void> => {
      await vi.waitUntil(() => existsSync(workspace.path("training")), { timeout: 60_000 });
      try {
        await meanwhile();
      } finally {
        await writeFile(workspace.path("trained"), "");
      }
    };
    const { code } = await workspace.run(words, { onStart: () => void during() });
    for (const name of ["training", "trained"]) await rm(workspace.path(name));
    return code;
  };
  const seen: number[][] = [];
  const turn = async (): Promise<void> => {
    await workspace.json(["rollback", strict, "--to", String(await other())]);
    seen.push(await kept());
  };

  expect(await train(1, turn)).toBe(20);
  // A command that failed gets its generation again.
  seen.push(await kept());
  // Without a remembered generation it goes on with the newest, which is then not served any more either.
  expect(await train(0, turn)).toBe(0);
  expect(seen).toEqual([
    [1, 2],
    [1, 2],
    [1, 2],
  ]);
  expect(await kept()).toEqual([await served()]);
});

test("--consumer without --exec is a mistake, and so is a name that could be no key", async () => {
  const alone = await workspace.run(["watch", job, "--once", "--consumer", "nightly"]);
  expect(shapes.errorShape.parse(JSON.parse(alone.stderr.trim()))).toMatchObject({ code: "USAGE" });
  const strange = await workspace.run([
    "watch",
    job,
    "--once",
    "--consumer",
    "../data",
    "--exec",
    "touch ran",
  ]);
  expect(strange.code).toBe(10);
  expect(existsSync(workspace.path("ran"))).toBe(false);
});

describe("a store that cannot be reached", () => {
  let server: Server;
  let failures = 0;
  let conditional = 0;
  let stopAfterPolls: RunningCli | undefined;
  let pointer: Buffer;

  beforeEach(async () => {
    pointer = await readFile(workspace.path(".data/flights/migrated/pointers/current.json"));
    failures = 0;
    conditional = 0;
    server = createServer((request, response) => {
      // More than the store itself tries again.
      if (failures < 8) {
        failures += 1;
        response.writeHead(503).end("<Error><Code>SlowDown</Code></Error>");
      } else if (request.headers["if-none-match"] === '"1"') {
        conditional += 1;
        if (conditional === 3) stopAfterPolls?.kill("SIGTERM");
        response.writeHead(304, { ETag: '"1"' }).end();
      } else {
        response.writeHead(200, {
          ETag: '"1"',
          "Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT",
          "Content-Length": String(pointer.length),
        });
        response.end(pointer);
      }
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return () => server.close();
  });

  test("is reported and waited for; polling afterwards costs one 304 each", async () => {
    const { port } = server.address() as AddressInfo;
    const text = (await readFile(workspace.path(job), "utf8")).replace(
      '"file:../.data/flights/migrated"',
      '"s3://lake/flights"',
    );
    await writeFile(workspace.path("jobs/remote.yaml"), text);
    const { code, stdout, stderr } = await workspace.run(
      ["watch", "jobs/remote.yaml", "--interval", "50ms"],
      {
        environment: {
          AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
          AWS_REGION: "us-east-1",
          AWS_ACCESS_KEY_ID: "key",
          AWS_SECRET_ACCESS_KEY: "secret",
        },
        onStart: (run) => {
          stopAfterPolls = run;
        },
      },
    );
    expect(code).toBe(21);
    expect(stderr).toContain('"event":"warning"');
    const { generation } = JSON.parse(pointer.toString()) as { generation: number };
    expect(linesOf(stdout)).toMatchObject([{ generation, destination: "s3://lake/flights" }]);
  });
});
