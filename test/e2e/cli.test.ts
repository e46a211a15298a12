// The commands as a person and a script use them: real processes on a small copy of the flights example.
import { readFile, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { parseSchemaVersion } from "../../src/schema/parse-schema-version.ts";
import { duckdb } from "../support/duckdb.ts";
import * as shapes from "../unit/cli/output-shapes.ts";
import { Workspace } from "../unit/cli/run-cli.ts";

const job = "jobs/flights.yaml";
const rows = 6000;
// Each test starts many processes, on a machine that may be busy.
vi.setConfig({ testTimeout: 240_000 });

let workspace: Workspace;

beforeAll(async () => {
  workspace = await Workspace.create({ rows, objectsPerMonth: 1 });
});
afterAll(() => workspace[Symbol.asyncDispose]());

async function jsonLines(words: readonly string[]): Promise<unknown[]> {
  const { stdout } = await workspace.run(words);
  return stdout
    .trim()
    .split("\n")
    .filter(Boolean)
    .map((line): unknown => JSON.parse(line));
}

describe("from nothing to a rollback", () => {
  test("status before the first apply: nothing is served, everything is new", async () => {
    const status = shapes.statusShape.parse(await workspace.json(["status", job]));
    expect(status).toMatchObject({ channels: [], target: { schema: 2, served: false }, upToDate: false });
    expect(status.source).toMatchObject({ state: "listed", unchanged: 0, vanished: 0 });
  });

  test("plan changes nothing, and says per column what will be done", async () => {
    const plan = shapes.planShape.parse(await workspace.json(["plan", job]));
    expect(plan.columns.map(({ path, action }) => [path, action])).toEqual([
      ["departed_at", "copy"],
      ["delay_minutes", "transcode"],
      ["distance_miles", "transcode"],
      ["origin", "copy"],
      ["destination", "copy"],
      ["carrier_group", "constant"],
      ["date", "alias"],
    ]);
    expect(plan).toMatchObject({ base: null, upToDate: false, objects: { carried: 0, finished: 0 } });
    expect(plan.totals.rows).toBe(rows);
    expect(await workspace.json(["plan", job])).toEqual(plan);
    const dry = await workspace.json(["apply", job, "--dry-run"]);
    expect(dry).toEqual(plan);
  });

  test("apply --only migrates one partition, apply the rest, and a third finds nothing to do", async () => {
    const first = shapes.applyShape.parse(await workspace.json(["apply", job, "--only", "month=2001-03"]));
    expect(first).toMatchObject({ outcome: "committed", generation: 1, version: 1, totals: { objects: 1 } });
    const second = shapes.applyShape.parse(await workspace.json(["apply", job]));
    expect(second).toMatchObject({ outcome: "committed", generation: 2, version: 2, totals: { rows } });
    expect(second.run.objects).toBe(second.totals.objects - 1);
    const third = await workspace.run(["apply", job]);
    expect(third).toMatchObject({ code: 0 });
    expect(third.stdout).toMatch(/^✓ flights is up to date: current serves version 2 /);
  });

  test("apply tells what it does on standard error, one JSON line an event, results being alone on standard output", async () => {
    await writeFile(
      workspace.path("jobs/again.yaml"),
      (await readFile(workspace.path(job), "utf8")).replace("flights/migrated", "flights/again"),
    );
    const { code, stdout, stderr } = await workspace.run(["apply", "jobs/again.yaml", "--json"]);
    expect(code).toBe(0);
    shapes.applyShape.parse(JSON.parse(stdout));
    const events = stderr
      .trim()
      .split("\n")
      .map((line) =>
        z
          .looseObject({ level: z.string(), time: z.iso.datetime(), event: z.string() })
          .parse(JSON.parse(line)),
      );
    const names = new Set(events.map(({ event }) => event));
    for (const name of ["listed", "footersRead", "started", "objectDone", "publishing", "committed"])
      expect(names).toContain(name);
    expect(events.find(({ event }) => event === "committed")).toMatchObject({ generation: 1, version: 1 });
  });

  test("files names exactly the served version, and DuckDB reads it", async () => {
    const files = (await jsonLines(["files", job, "--json"])).map((line) => shapes.fileShape.parse(line));
    expect(files.reduce((sum, file) => sum + file.rows, 0)).toBe(rows);
    const { stdout } = await workspace.run(["files", job]);
    const uris = stdout.trim().split("\n");
    expect(uris).toEqual(files.map(({ uri }) => uri));
    const list = uris.map((uri) => `'${uri}'`).join(", ");
    expect(
      await duckdb(
        `select count(*)::int as n, count(distinct carrier_group)::int as g from read_parquet([${list}])`,
      ),
    ).toEqual([{ n: rows, g: 1 }]);
    const march = await jsonLines(["files", job, "--json", "--partition", "month=2001-03"]);
    expect(march).toEqual(files.filter(({ partition }) => partition["month"] === "2001-03"));
    const first = await jsonLines(["files", job, "--json", "--version", "1"]);
    expect(first).toEqual(march);
  });

  test("a new schema version: status sees it, diff shows what came of it", async () => {
    const text = await readFile(workspace.path("schemas/flights/2.yaml"), "utf8");
    const next = text
      .replace("version: 2", "version: 3")
      .replace("name: origin", "name: origin_airport")
      .replace(/^ .*id: 5.*\n/m, "");
    await writeFile(workspace.path("schemas/flights/3.yaml"), next);
    await writeFile(
      workspace.path(job),
      (await readFile(workspace.path(job), "utf8")).replace("to: 2", "to: 3"),
    );
    const status = shapes.statusShape.parse(await workspace.json(["status", job]));
    expect(status).toMatchObject({ target: { schema: 3, served: false }, upToDate: false });
    expect((await workspace.run(["status", job])).stdout).toContain(
      "the job wants schema 3, current serves schema 2",
    );
    const { code, stdout } = await workspace.run(["apply", job]);
    expect(code).toBe(0);
    expect(stdout).toContain("origin → origin_airport");

    const diff = shapes.diffShape.parse(await workspace.json(["diff", job]));
    expect(diff).toMatchObject({ from: { version: 2, schema: 2 }, to: { version: 3, schema: 3 } });
    expect(diff.changes.map(({ kind, path }) => [kind, path])).toEqual([
      ["rename", "origin_airport"],
      ["drop", "destination"],
    ]);
    expect(diff.objects).toEqual({ same: 0, changed: diff.to.objects, added: 0, removed: 0 });
    const grown = shapes.diffShape.parse(await workspace.json(["diff", job, "1", "2"]));
    expect(grown.objects).toMatchObject({ same: 1, changed: 0, removed: 0, added: grown.to.objects - 1 });
    expect(grown.sources.added).toHaveLength(grown.to.objects - 1);
  });

  test("rollback takes data and schema back as a new generation, and history tells the story", async () => {
    const done = shapes.rollbackShape.parse(
      await workspace.json([
        "rollback",
        job,
        "--to",
        "2",
        "--reason",
        "delays are off",
        "--if-generation",
        "3",
      ]),
    );
    expect(done).toMatchObject({
      generation: 4,
      version: 2,
      schema: 2,
      previousSchema: 3,
      reason: "rollback: delays are off",
    });
    const history = shapes.historyShape.parse(await workspace.json(["history", job]));
    expect(history.generations.map(({ generation, version }) => [generation, version])).toEqual([
      [4, 2],
      [3, 3],
      [2, 2],
      [1, 1],
    ]);
    expect(history.generations[0]).toMatchObject({ reason: "rollback: delays are off", totals: { rows } });
    const short = shapes.historyShape.parse(await workspace.json(["history", job, "--limit", "2"]));
    expect(short).toMatchObject({ more: true, generations: { length: 2 } });
    expect((await workspace.run(["history", job])).stdout).toMatch(
      /4 +2 +2 +6,000 .* rollback: delays are off/,
    );
  });

  test("verify passes, and --deep compares with the source", async () => {
    const report = shapes.verifyShape.parse(await workspace.json(["verify", job]));
    expect(report).toMatchObject({ passed: true, deep: false, version: 2, rows });
    const deep = shapes.verifyShape.parse(await workspace.json(["verify", job, "--deep", "--version", "3"]));
    expect(deep).toMatchObject({ passed: true, deep: true, version: 3 });
    expect(deep.copiedBytesCompared).toBeGreaterThan(0);
    expect(deep.valuesCompared).toBeGreaterThan(0);
  });
});

describe("schema", () => {
  test("infer writes version 1 from real objects, once, with the comment that editors read", async () => {
    await writeFile(
      workspace.path("jobs/new.yaml"),
      (await readFile(workspace.path(job), "utf8")).replace("schemas/flights", "schemas/inferred"),
    );
    const dry = await workspace.run(["schema", "infer", "jobs/new.yaml", "--dry-run"]);
    const report = shapes.inferShape.parse(
      await workspace.json(["schema", "infer", "jobs/new.yaml", "--dataset", "flights"]),
    );
    const yaml = await readFile(workspace.path("schemas/inferred/1.yaml"), "utf8");
    expect(yaml).toBe(report.yaml);
    expect(yaml.split("\n")[0]).toBe("# yaml-language-server: $schema=../formats/schema-version.schema.json");
    expect(dry.stdout).toBe(yaml.replace("dataset: flights", "dataset: inferred"));
    const few = await workspace.json(["schema", "infer", "jobs/new.yaml", "--dry-run", "--objects", "2"]);
    expect(few).toMatchObject({ file: null, objectsRead: 2, objects: report.objects, fields: report.fields });
    const version = parseSchemaVersion(yaml, "1.yaml");
    expect(version).toMatchObject({ dataset: "flights", version: 1, partitionBy: [6] });
    expect(report.fields.map(({ name, type }) => `${name} ${type}`)).toContain("date timestamp[us]");
    const again = await workspace.run(["schema", "infer", "jobs/new.yaml"]);
    expect(again.code).toBe(10);
    expect(again.stderr).toContain("FILE_EXISTS");
  });

  test("check exits with 13 when the mode does not hold, and says what undoing each change takes", async () => {
    const checked = await workspace.run([
      "schema",
      "check",
      "schemas/flights/2.yaml",
      "--compatibility",
      "forward",
      "--json",
    ]);
    expect(checked.code).toBe(13);
    const report = shapes.schemaCheckShape.parse(JSON.parse(checked.stdout));
    expect(report).toMatchObject({ from: 1, to: 2, mode: "FORWARD", compatible: false });
    expect(report.changes.map(({ kind, path, undo }) => `${kind} ${path}: ${undo.kind}`)).toContain(
      "cast delay_minutes: needsSource",
    );
    const text = await workspace.run(["schema", "check", "schemas/flights"]);
    expect(text.code).toBe(13);
    expect(text.stdout).toMatch(/drop +destination +string +needs the source/);
    expect(
      await workspace.run(["schema", "check", "schemas/flights", "--compatibility", "NONE"]),
    ).toMatchObject({ code: 0 });
  });

  test("diff shows two versions with what each change means to consumers", async () => {
    const report = shapes.schemaDiffShape.parse(await workspace.json(["schema", "diff", "schemas/flights"]));
    expect(report).toMatchObject({ from: 2, to: 3 });
    const { stdout } = await workspace.run([
      "schema",
      "diff",
      "schemas/flights/1.yaml",
      "schemas/flights/2.yaml",
    ]);
    expect(stdout).toMatch(/cast +delay_minutes +int64 → float32 +needs the source/);
    expect(stdout).toContain("an alias would keep delay readable");
  });
});

describe("a source that changes", () => {
  test("is seen by status and picked up by the next apply", async () => {
    const [{ uri } = { uri: "" }] = (await jsonLines(["files", "jobs/again.yaml", "--json"])).map((line) =>
      shapes.fileShape.parse(line),
    );
    expect(uri).not.toBe("");
    await duckdb(
      `copy (select date, delay, distance, origin, destination from read_parquet('${workspace.path(".data/flights/raw")}/*/*.parquet', hive_partitioning = false) limit 5)
       to '${workspace.path(".data/flights/raw/month=2001-03/late.parquet")}' (format parquet)`,
    );
    const status = shapes.statusShape.parse(await workspace.json(["status", "jobs/again.yaml"]));
    expect(status).toMatchObject({ source: { added: 1, changed: 0, vanished: 0 }, upToDate: false });
    const applied = shapes.applyShape.parse(await workspace.json(["apply", "jobs/again.yaml"]));
    expect(applied).toMatchObject({ run: { objects: 1, rows: 5 }, totals: { rows: rows + 5 } });
    expect(shapes.statusShape.parse(await workspace.json(["status", "jobs/again.yaml"]))).toMatchObject({
      upToDate: true,
    });
  });
});
