// Mistakes and misfortunes: the exit code that a pod failure policy reads, and words that help.
import { spawnSync } from "node:child_process";
import { cp, readFile, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { commandEntries } from "../../src/cli/commands.ts";
import { exitCodes } from "../../src/base/errors.ts";
import * as shapes from "../unit/cli/output-shapes.ts";
import { Workspace } from "../unit/cli/run-cli.ts";

const job = "jobs/flights.yaml";
// Each test starts many processes, on a machine that may be busy.
vi.setConfig({ testTimeout: 240_000 });

let workspace: Workspace;

beforeAll(async () => {
  workspace = await Workspace.create({ rows: 600, objectsPerMonth: 1 });
  await workspace.json(["apply", job]);
});
afterAll(() => workspace[Symbol.asyncDispose]());

/** The job with other text in it, under another name. */
async function otherJob(
  name: string,
  ...edits: readonly (readonly [from: string, to: string])[]
): Promise<string> {
  let text = await readFile(workspace.path(job), "utf8");
  for (const [from, to] of edits) {
    expect(text).toContain(from);
    text = text.replace(from, to);
  }
  await writeFile(workspace.path("jobs", name), text);
  return `jobs/${name}`;
}

/** The error of a run, as the one line that a log collector gets. */
async function failure(words: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const { code, stdout, stderr } = await workspace.run(words, { environment });
  const line = stderr.trim().split("\n").at(-1) ?? "";
  const error = shapes.errorShape.parse(JSON.parse(line));
  expect(error.exitCode).toBe(code);
  expect(error.level).toBe("error");
  expect(stdout).toBe("");
  return error;
}

describe("the command line", () => {
  test.each([
    [["aply", job], "unknown command 'aply', did you mean apply?"],
    [["apply", job, "--onyl", "x"], "unknown option '--onyl', did you mean --only?"],
    [["schema", "chek"], "unknown command 'chek', did you mean check?"],
    [["schema", "check", ".", "--compatibility", "BACKWRAD"], 'did you mean "BACKWARD"?'],
    [["--log-format", "xml", "plan", job], "Allowed choices are auto, pretty, json."],
    [["apply"], "missing required argument 'job'"],
    [["rollback", job], "required option '--to <version>' not specified"],
    [["rollback", job, "--to", "latest"], "It is not a whole number from 1."],
    [["watch", job, "--interval", "soon"], "It is not a time such as 30s, 5m or 1h."],
    [["plan", job, "extra"], "too many arguments"],
  ])("%j is a mistake that exits with 10", async (words, message) => {
    const error = await failure(words);
    expect(error).toMatchObject({ kind: "invalid", code: "USAGE", exitCode: 10 });
    expect(error.message).toContain(message);
    expect(error.hint).toMatch(/^colonnade .*--help shows what there is$/);
  });

  test("without a command shows the help on standard error: a pod without arguments must not succeed", async () => {
    const { code, stdout, stderr } = await workspace.run([]);
    expect(code).toBe(10);
    expect(stdout).toBe("");
    expect(stderr).toContain("Usage: colonnade <command> [options]");
  });

  test("every command explains itself with examples, on standard output", async () => {
    const names = commandEntries.flatMap(({ name, children }) => [
      [name],
      ...(children ?? []).map((child) => [name, child.name]),
    ]);
    for (const words of names) {
      const { code, stdout, stderr } = await workspace.run([...words, "--help"]);
      expect(code).toBe(0);
      expect(stderr).toBe("");
      expect(stdout).toContain(`Usage: colonnade ${words.join(" ")}`);
      expect(stdout).toMatch(/Examples:\n {2}# .+\n {2}\$ .*colonnade /);
      // Text is wrapped to the terminal; examples are to be pasted, and have to fit into a narrow one.
      const [, samples = ""] = stdout.split("Examples:");
      expect(samples.split("\n").filter((line) => line.length > 80)).toEqual([]);
    }
    const help = await workspace.run(["help", "schema", "check"]);
    expect(help).toMatchObject({ code: 0 });
    expect(help.stdout).toContain("Usage: colonnade schema check [options] <schemas>");
  });

  test("--version is the package's", async () => {
    const { version } = JSON.parse(
      await readFile(new URL("../../package.json", import.meta.url), "utf8"),
    ) as { version: string };
    expect(await workspace.run(["--version"])).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
  });

  test("starts quickly: a command loads what it needs, and --version next to nothing", () => {
    expect(modulesOf(["--version"]).map((path) => path.replace(/.*\/src\//, ""))).toEqual([
      "cli/main.ts",
      "base/errors.ts",
      "base/nursery.ts",
      "cli/package-file.ts",
    ]);
    const heavy = /@aws-sdk|apache-arrow|parquet-wasm|piscina/;
    expect(
      modulesOf(["--help"]).filter((path) => /\/src\/(?!cli|base)/.test(path) || heavy.test(path)),
    ).toEqual([]);
    expect(modulesOf(["history", job]).filter((path) => heavy.test(path))).toEqual([]);
    expect(modulesOf(["plan", job]).filter((path) => /@aws-sdk|\/validate\//.test(path))).toEqual([]);
  });
});

/** The files that a run of the source loads, in order. */
function modulesOf(words: readonly string[]): string[] {
  const main = join(import.meta.dirname, "../../src/cli/main.ts");
  const hook = `import { registerHooks } from "node:module";
registerHooks({ load(url, context, next) { if (url.startsWith("file:")) process._rawDebug(url); return next(url, context); } });`;
  const { stderr } = spawnSync(
    process.execPath,
    ["--import", `data:text/javascript,${encodeURIComponent(hook)}`, main, ...words],
    { cwd: workspace.folder },
  );
  return stderr
    .toString()
    .split("\n")
    .filter((line) => line.startsWith("file:"));
}

describe("exit codes", () => {
  test("10 invalid: a missing job, a wrong one with its line, a version that is not there", async () => {
    expect(await failure(["plan", "jobs/none.yaml"])).toMatchObject({
      exitCode: 10,
      code: "FILE_MISSING",
      details: { file: "jobs/none.yaml" },
    });
    expect(await failure(["plan", "jobs/flihgts.yaml"])).toMatchObject({
      details: { didYouMean: "jobs/flights.yaml" },
      hint: "did you mean jobs/flights.yaml?",
    });
    const wrong = await otherJob("wrong.yaml", ["partitioning: hive", "partitionning: hive"]);
    const error = await failure(["plan", wrong]);
    expect(error).toMatchObject({ exitCode: 10, code: "JOB_INVALID", details: { file: wrong, line: 5 } });
    expect(error.message).toContain("partitioning");
    expect(await failure(["rollback", job, "--to", "7"])).toMatchObject({
      exitCode: 10,
      code: "VERSION_MISSING",
    });
    expect(await failure(["rollback", job, "--to", "1"])).toMatchObject({
      exitCode: 10,
      code: "VERSION_SERVED",
    });
    expect(
      await failure(["files", await otherJob("empty.yaml", ["flights/migrated", "flights/none"])]),
    ).toMatchObject({ code: "NO_POINTER" });
    expect(await failure(["apply", job, "--only", "year=2001"])).toMatchObject({
      exitCode: 10,
      code: "FILTER_INVALID",
    });
    expect(
      await failure(["plan", await otherJob("gone.yaml", ["flights/raw", "flights/gone"])]),
    ).toMatchObject({ exitCode: 10 });
  });

  test("11 conflict: somebody moved the channel since the decision", async () => {
    expect(await failure(["rollback", job, "--to", "1", "--if-generation", "9"])).toMatchObject({
      exitCode: 11,
      kind: "conflict",
      code: "GENERATION_DIFFERS",
    });
  });

  test("12 data: all damaged objects at once, by name, and nothing is committed", async () => {
    await cp(workspace.path(".data/flights/raw"), workspace.path(".data/flights/damaged"), {
      recursive: true,
    });
    for (const month of ["02", "04"])
      await truncate(workspace.path(`.data/flights/damaged/month=2001-${month}/part-0-0.parquet`), 99);
    const damaged = await otherJob(
      "damaged.yaml",
      ["flights/raw", "flights/damaged"],
      ["flights/migrated", "flights/never"],
    );
    const error = await failure(["apply", damaged]);
    expect(error).toMatchObject({ exitCode: 12, kind: "data", code: "OBJECTS_FAILED" });
    expect((error.details["objects"] as { object: string }[]).map(({ object }) => object)).toEqual([
      "month=2001-02/part-0-0.parquet",
      "month=2001-04/part-0-0.parquet",
    ]);
    expect(await workspace.json(["status", damaged])).toMatchObject({ channels: [] });
    const { stderr } = await workspace.run(["apply", damaged, "--log-format", "pretty"], {
      environment: { COLUMNS: "100" },
    });
    expect(stderr).toMatch(/error: 2 objects cannot be migrated; nothing was committed OBJECTS_FAILED/);
    expect(stderr).toMatch(/month=2001-02\/part-0-0.parquet +FOOTER_MAGIC/);
    expect(stderr).toMatch(/hint: repair or exclude these objects/);
  });

  test("13 validation: a version that is no longer what it says, with the findings on standard output", async () => {
    const copied = await otherJob("tampered.yaml", ["flights/migrated", "flights/tampered"]);
    await cp(workspace.path(".data/flights/migrated"), workspace.path(".data/flights/tampered"), {
      recursive: true,
    });
    const [uri = ""] = (await workspace.run(["files", copied])).stdout.split("\n");
    const bytes = await readFile(uri);
    bytes[20] = (bytes[20] ?? 0) ^ 1;
    await writeFile(uri, bytes);
    const { code, stdout } = await workspace.run(["verify", copied, "--json"]);
    expect(code).toBe(exitCodes.validation);
    expect(shapes.verifyShape.parse(JSON.parse(stdout))).toMatchObject({ passed: false });
    expect((await workspace.run(["verify", copied])).stdout).toContain("✗ the version is not what it says");
  });

  test("20 unavailable: a store that cannot be reached; no secret is in what is said", async () => {
    const remote = await otherJob("remote.yaml", [
      '"file:../.data/flights/migrated"',
      '"s3://colonnade-test/flights"',
    ]);
    const { code, stderr } = await workspace.run(["history", remote], {
      environment: {
        AWS_ENDPOINT_URL: "http://127.0.0.1:9",
        AWS_REGION: "us-east-1",
        AWS_ACCESS_KEY_ID: "AKIDHIDDEN",
        AWS_SECRET_ACCESS_KEY: "verysecretkey",
      },
    });
    expect(code).toBe(20);
    expect(shapes.errorShape.parse(JSON.parse(stderr))).toMatchObject({
      kind: "unavailable",
      code: "STORE_UNREACHABLE",
    });
    expect(stderr).not.toMatch(/AKIDHIDDEN|verysecretkey/);
  });

  test("with --json the error is one document on standard error", async () => {
    const { code, stdout, stderr } = await workspace.run(["rollback", job, "--to", "7", "--json"]);
    expect([code, stdout]).toEqual([10, ""]);
    expect(shapes.errorShape.parse(JSON.parse(stderr))).toMatchObject({
      event: "error",
      code: "VERSION_MISSING",
    });
  });
});
