// What a person sees: the program in a pseudo-terminal of a given width, and at the end of a pipe.
import { spawnSync } from "node:child_process";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { stripVTControlCharacters } from "node:util";
import stringWidth from "string-width";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { program } from "../support/program.ts";
import { Workspace } from "../unit/cli/run-cli.ts";

const job = "jobs/flights.yaml";
const hasScript = spawnSync("script", ["--version"]).error === undefined;
// Each test starts many processes, on a machine that may be busy.
vi.setConfig({ testTimeout: 240_000 });

let workspace: Workspace;

beforeAll(async () => {
  workspace = await Workspace.create({ rows: 60_000, objectsPerMonth: 4 });
});
afterAll(() => workspace[Symbol.asyncDispose]());

/** What stays on the screen: each line as it was last drawn, without colours. */
function screenOf(output: string): string[] {
  return output.split("\r\n").map((line) => stripVTControlCharacters(line.split("\r").at(-1) ?? ""));
}

/** Every picture that a live line was drawn as. */
function pictures(output: string): string[] {
  return output.split(/\r\n?/).map((line) => stripVTControlCharacters(line));
}

describe.skipIf(!hasScript)("in a terminal", () => {
  test.each([80, 140])("of %i columns a plan fits, and is coloured", async (columns) => {
    const { code, stdout } = await workspace.runInTerminal(columns, ["plan", job]);
    expect(code).toBe(0);
    const lines = screenOf(stdout);
    expect(Math.max(...lines.map((line) => stringWidth(line)))).toBeLessThanOrEqual(columns);
    expect(stdout).toContain("\u001B[32mcopy\u001B[39m");
    expect(lines).toContain("flights schema 1 → 2");
    expect(lines.some((line) => /^ {2}transcode +delay_minutes +renamed from delay/.test(line))).toBe(true);
    expect(lines.some((line) => /^ {2}copied [\d.]+ \w+ · rewritten [\d.]+ \w+$/.test(line))).toBe(true);
  });

  test("NO_COLOR and --no-color leave no escape sequence but those of the live line", async () => {
    for (const [words, environment] of [
      [["plan", job, "--no-color"], {}],
      [["plan", job], { NO_COLOR: "1" }],
    ] as const) {
      const { stdout } = await workspace.runInTerminal(100, words, { environment });
      expect(stdout).toContain("flights schema 1 → 2");
      // oxlint-disable-next-line no-control-regex -- colours are what is looked for
      expect(stdout).not.toMatch(/\u001b\[\d+m/);
    }
  });

  test("an apply draws its progress in place, stays within the width, and leaves the result", async () => {
    const { code, stdout } = await workspace.runInTerminal(80, ["apply", job]);
    expect(code).toBe(0);
    const lines = screenOf(stdout);
    expect(lines.some((line) => /^✓ \d+ objects, .* written in /.test(line))).toBe(true);
    expect(lines.some((line) => line.startsWith("✓ flights: current serves version 1 now"))).toBe(true);
    expect(lines.filter((line) => /^(objects|footers|⠋)/.test(line))).toEqual([]);
    for (const line of pictures(stdout)) expect(stringWidth(line)).toBeLessThanOrEqual(80);
  });

  test("Ctrl-C stops cleanly with 21, leaves nothing half written, and the same command resumes", async () => {
    const other = (await readFile(workspace.path(job), "utf8")).replace(
      "flights/migrated",
      "flights/interrupted",
    );
    await writeFile(workspace.path("jobs/interrupted.yaml"), other);
    const stopped = await workspace.runInTerminal(100, ["apply", "jobs/interrupted.yaml"], {
      onStart: (run) => void run.shows("objects ").then(() => run.type("\u0003")),
    });
    expect(stopped.code).toBe(21);
    const lines = screenOf(stopped.stdout);
    expect(lines.some((line) => line.startsWith("! SIGINT: stopping cleanly"))).toBe(true);
    expect(lines).toContain("stopped: the same command again resumes");
    const written = await readdir(workspace.path(".data/flights/interrupted"), { recursive: true });
    expect(written.filter((name) => name.startsWith("pointers/"))).toEqual([]);
    const resumed = await workspace.run(["apply", "jobs/interrupted.yaml", "--json"]);
    expect(resumed.code).toBe(0);
    expect(JSON.parse(resumed.stdout)).toMatchObject({ outcome: "committed", totals: { rows: 60_000 } });
  });

  test("keys with control characters reach the screen spelled out", async () => {
    await mkdir(workspace.path(".data/flights/evil/month=2001-01"), { recursive: true });
    const key = "month=2001-01/\u001B[2J\u001B]0;owned\u0007\rx.parquet";
    await writeFile(workspace.path(".data/flights/evil", key), "no Parquet");
    const text = (await readFile(workspace.path(job), "utf8"))
      .replace("flights/raw", "flights/evil")
      .replace("flights/migrated", "flights/none");
    await writeFile(workspace.path("jobs/evil.yaml"), text);
    const { code, stdout } = await workspace.runInTerminal(140, ["plan", "jobs/evil.yaml"]);
    expect(code).toBe(0);
    expect(stdout).toContain("month=2001-01/\\u001b[2J\\u001b]0;owned\\u0007\\u000dx.parquet");
    expect(stdout).not.toContain("\u001B[2J");
    expect(stdout).not.toContain("\u0007");
    const json = await workspace.runInTerminal(140, ["plan", "jobs/evil.yaml", "--json"]);
    expect(json.stdout).not.toContain("\u0007");
  });

  test("a mistake is explained in words", async () => {
    const { code, stdout } = await workspace.runInTerminal(80, ["aply", job]);
    expect(code).toBe(10);
    expect(screenOf(stdout).slice(0, 3)).toEqual([
      "error: unknown command 'aply', did you mean apply? USAGE",
      "",
      "hint: colonnade --help shows what there is",
    ]);
  });
});

describe("at the end of a pipe", () => {
  const shell = (command: string): ReturnType<typeof spawnSync> =>
    spawnSync(
      "bash",
      ["-o", "pipefail", "-c", command.replaceAll("colonnade", `'${process.execPath}' '${program}'`)],
      {
        cwd: workspace.folder,
      },
    );

  test("a reader that has seen enough ends the program quietly", () => {
    for (const command of [
      `colonnade plan ${job} --json | head -n 1`,
      "colonnade completion bash | head -n 1",
      "colonnade --help | true",
    ]) {
      const { status, stderr } = shell(command);
      const complaints = stderr
        .toString()
        .split("\n")
        .filter((line) => line !== "" && !line.startsWith('{"level":"info"'));
      expect([command, status, complaints]).toEqual([command, 0, []]);
    }
  });

  test("a log that nobody reads any more does not end the work", () => {
    const { status, stdout } = shell(`colonnade apply ${job} --json 2> >(true)`);
    expect(status).toBe(0);
    expect(JSON.parse(stdout.toString())).toMatchObject({ dataset: "flights" });
  });

  test("tables have whole keys, since no screen limits them", () => {
    const { stdout } = shell(`colonnade plan ${job} 2>/dev/null`);
    expect(stdout.toString()).not.toContain("…");
    expect(stdout.toString()).toContain(workspace.path(".data/flights/raw"));
  });
});
