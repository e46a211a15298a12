import { copyFile, mkdir, readdir, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Clock, randomIds, systemClock } from "../../src/base/clock.ts";
import { ColonnadeError } from "../../src/base/errors.ts";
import { pointerKey } from "../../src/dataset/layout.ts";
import { rollback } from "../../src/dataset/rollback.ts";
import { applyJob, applyPlan } from "../../src/execute/apply-job.ts";
import { planJob } from "../../src/execute/plan-job.ts";
import { createFileStore } from "../../src/store/file.ts";
import type { ObjectStore } from "../../src/store/object-store.ts";
import { unconditional } from "../../src/store/object-store.ts";
import { createWorkspace, linesOf, version, type Workspace } from "../support/migration.ts";
import { storesUnderTest } from "../support/stores-under-test.ts";

function fields(number: number, id: string, type: string, rest = ""): string {
  return version(
    number,
    `
    - { id: 1, name: ${id}, type: int64 }
    - { id: 2, name: v, type: ${type} }
    - id: 3
      name: s
      type: struct
      fields: [{ id: 4, name: a, type: int32 }${rest}]`,
  );
}

const versions = [
  fields(1, "id", "string"),
  fields(2, "key", "int32", ", { id: 5, name: b, type: string, default: x }"),
];
const rows = "SELECT range AS id, (range % 100)::VARCHAR AS v, {'a': range::INT} AS s FROM range(3000)";

const unhandled: unknown[] = [];
const note = (reason: unknown): void => void unhandled.push(reason);
beforeAll(() => void process.on("unhandledRejection", note));
afterAll(() => void process.off("unhandledRejection", note));

/** What the store has not finished: nothing, whatever happened. */
async function unfinished(workspace: Workspace): Promise<string[]> {
  const found: string[] = [];
  const files = await readdir(join(workspace.folder, "out"), { recursive: true }).catch(() => []);
  for (const name of files) {
    if (!name.startsWith(".colonnade/")) continue;
    if ((await stat(join(workspace.folder, "out", name))).isFile()) found.push(name);
  }
  return found;
}

/** A store that tells of every call before it is made. */
function watched(store: ObjectStore, onCall: () => void): ObjectStore {
  return new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== "function" || name === "close") return member;
      return (...args: unknown[]): unknown => {
        onCall();
        const result: unknown = Reflect.apply(member, target, args);
        if (name !== "createWriter") return result;
        return (result as Promise<object>).then((writer) => watched(writer as ObjectStore, onCall));
      };
    },
  });
}

test("a job that is cancelled at any call to a store ends as cancelled or committed, and leaves nothing unfinished", async () => {
  await using workspace = await createWorkspace();
  for (const key of ["a", "b", "c"]) await workspace.write(`${key}.parquet`, rows, "ROW_GROUP_SIZE 2048");
  const out = join(workspace.folder, "out");
  let calls = Infinity;
  let outcome = "";
  for (let at = 0; at < calls; at += 1 + Math.floor(at / 8)) {
    await rm(out, { recursive: true, force: true });
    const abort = new AbortController();
    let call = 0;
    const onCall = (): void => {
      call += 1;
      if (call === at + 1) abort.abort();
    };
    const context = workspace.context(versions, {
      signal: abort.signal,
      source: watched(createFileStore({ rootPath: join(workspace.folder, "raw") }), onCall),
      destination: watched(createFileStore({ rootPath: out }), onCall),
    });
    const ended = await applyJob(context).catch((error: unknown) => error);
    outcome = ended instanceof ColonnadeError ? ended.code : "committed";
    expect(["CANCELLED", "committed"], `call ${at}: ${String(ended)}`).toContain(outcome);
    expect(await unfinished(workspace), `call ${at}`).toEqual([]);
    if (call <= at) calls = call;
  }
  expect(outcome).toBe("committed");
  expect(calls).toBeGreaterThan(30);
  expect(unhandled).toEqual([]);
}, 180_000);

describe("a source object that is replaced or deleted between plan and apply", () => {
  test.each(["replaced", "deleted"])("%s: stops the job as a conflict", async (how) => {
    await using workspace = await createWorkspace();
    await workspace.write("a.parquet", rows);
    await workspace.write("b.parquet", rows);
    const context = workspace.context(versions);
    const prepared = await planJob(context);
    if (how === "deleted") await rm(join(workspace.folder, "raw/a.parquet"));
    else await workspace.write("a.parquet", rows.replace("3000", "2000"));
    await expect(applyPlan(context, prepared)).rejects.toMatchObject({
      kind: "conflict",
      code: "SOURCE_CHANGED",
      details: { objects: [{ object: "a.parquet", code: "SOURCE_CHANGED" }] },
    });
    expect(await unfinished(workspace)).toEqual([]);
    const { lines } = await workspace.apply(versions);
    expect(lines).toHaveLength(how === "deleted" ? 1 : 2);
  });
});

test("another object where the output belongs is refused by name, and never served", async () => {
  await using workspace = await createWorkspace();
  await workspace.write("a.parquet", rows);
  const { lines } = await workspace.apply(versions);
  const key = lines[0]?.key ?? "";
  await rm(join(workspace.folder, "out"), { recursive: true });
  await mkdir(join(workspace.folder, "out/data"), { recursive: true });
  await writeFile(join(workspace.folder, "out", key), "something else");
  await expect(workspace.apply(versions)).rejects.toMatchObject({
    details: { objects: [{ object: "a.parquet", code: "OUTPUT_DIFFERS", details: { key } }] },
  });
});

test("two jobs that race with different schemas: one is served, the other stops and plans again", async () => {
  await using workspace = await createWorkspace();
  await workspace.write("a.parquet", rows);
  const third = fields(3, "other", "string");
  const history = [...versions, third];
  const contexts = [2, 3].map((to) => workspace.context(history, { to }));
  const prepared = await Promise.all(contexts.map((context) => planJob(context)));
  const ended = await Promise.allSettled(
    contexts.map((context, i) => applyPlan(context, prepared[i] as (typeof prepared)[number])),
  );
  const won = ended.findIndex(({ status }) => status === "fulfilled");
  expect(ended[1 - won]).toMatchObject({
    status: "rejected",
    reason: { kind: "conflict", code: "POINTER_MOVED" },
  });
  const [context] = contexts;
  const pointer = await context?.destination.get(pointerKey("current"));
  expect(JSON.parse(Buffer.from(pointer?.body ?? []).toString())).toMatchObject({
    generation: 1,
    schema: { version: won + 2 },
  });
});

test("after a rollback the next apply serves the new schema again and writes no data anew", async () => {
  await using workspace = await createWorkspace();
  await workspace.write("a.parquet", rows);
  const history = [...versions, fields(3, "key", "int64")];
  await workspace.apply(history, { to: 2 });
  const before = await workspace.apply(history, { to: 3 });
  const destination = createFileStore({ rootPath: join(workspace.folder, "out") });
  const target = { store: destination, clock: systemClock, ids: randomIds() };
  await rollback(target, { channel: "current", toVersion: 1, reason: "test" });
  const data = await readdir(join(workspace.folder, "out/data"));
  const again = await workspace.apply(history, { to: 3 });
  expect(again.pointer).toMatchObject({ generation: 4, schema: { version: 3 } });
  expect(again.lines.map(({ key }) => key)).toEqual(before.lines.map(({ key }) => key));
  expect(await readdir(join(workspace.folder, "out/data"))).toEqual(data);
});

test("a clock that jumps by decades at every look changes what people read, and nothing else", async () => {
  await using workspace = await createWorkspace();
  const years = [1970, 2199, 2001, 2026];
  let looks = 0;
  const jumping: Clock = {
    ...systemClock,
    now: () => new Date(Date.UTC(years[(looks += 1) % years.length] ?? 0, 5, 1)),
  };
  /** The life of a dataset; returns what was served after each step, by content. */
  async function live(name: string, clock: Clock): Promise<unknown[]> {
    const served: unknown[] = [];
    const destination = createFileStore({ rootPath: join(workspace.folder, name) });
    const target = { store: destination, clock, ids: randomIds(clock) };
    const apply = async (): Promise<void> => {
      const context = { ...workspace.context(versions, { destination }), clock, ids: target.ids };
      const { outcome, pointer, manifest } = await applyJob(context);
      const lines = await linesOf(destination, manifest);
      // Keys are named after the source's ETags, and those after when it was written.
      const content = lines.map(({ rows: count, crc32 }) => ({ count, crc32 }));
      served.push({ outcome, generation: pointer.generation, version: pointer.version, content });
    };
    await workspace.write("a.parquet", rows);
    await apply();
    await workspace.write("b.parquet", rows.replace("3000", "10"));
    await apply();
    await apply();
    const { outcome } = await rollback(target, { channel: "current", toVersion: 1, reason: "test" });
    served.push({ outcome });
    await apply();
    await rm(join(workspace.folder, "raw/b.parquet"));
    return served;
  }
  const undisturbed = await live("steady", systemClock);
  const jumped = await live("jumping", jumping);
  expect(looks).toBeGreaterThan(20);
  expect(jumped).toEqual(undisturbed);
});

test("objects that have the new version already are named when the job says that they have the old one", async () => {
  await using workspace = await createWorkspace();
  await workspace.write("old.parquet", rows);
  const { lines } = await workspace.apply(versions);
  await copyFile(
    join(workspace.folder, "out", lines[0]?.key ?? ""),
    join(workspace.folder, "raw/new.parquet"),
  );
  await expect(workspace.apply(versions, { from: 1 })).rejects.toMatchObject({
    details: { objects: [{ object: "new.parquet", code: "SCHEMA_DIFFERS" }] },
  });
  const both = await workspace.apply(versions);
  expect(both.lines.map(({ source }) => source.schemaVersion)).toEqual([2, 1]);
});

test("a version is taken back by migrating down: dropped columns come back as null or their default", async () => {
  await using workspace = await createWorkspace();
  const first = version(
    1,
    `
    - { id: 1, name: id, type: int32 }
    - { id: 2, name: gone, type: string }
    - { id: 3, name: old, type: int32, nullable: false, default: 7 }`,
  );
  const second = version(
    2,
    "\n    - { id: 1, name: key, type: int64 }\n    - { id: 4, name: n, type: string }",
  );
  await workspace.write("a.parquet", "SELECT 5::BIGINT AS key, 'x' AS n");
  await workspace.apply([first, second], { to: 1 });
  expect(await workspace.sql("SELECT * FROM '$out'")).toEqual([{ id: 5, gone: null, old: 7 }]);
});

test("--only leaves objects of other partitions that vanished in the version, and a run without it takes them out", async () => {
  await using workspace = await createWorkspace();
  const partitioned = (number: number, name: string): string =>
    version(
      number,
      `\n    - { id: 1, name: ${name}, type: int32 }\n    - { id: 2, name: p, type: string }`,
      "partitionBy: [p]",
    );
  const history = [partitioned(1, "id"), partitioned(2, "key")];
  for (const p of ["a", "b", "c"]) await workspace.write(`p=${p}/x.parquet`, "SELECT 1::INT AS id");
  await workspace.apply(history, { partitioning: "hive" });
  for (const p of ["a", "b"]) await rm(join(workspace.folder, `raw/p=${p}/x.parquet`));
  const only = await workspace.apply(history, { partitioning: "hive" }, { only: ["p=b"] });
  expect(only.lines.map(({ partition }) => partition["p"])).toEqual(["a", "c"]);
  const all = await workspace.apply(history, { partitioning: "hive" });
  expect(all.lines.map(({ partition }) => partition["p"])).toEqual(["c"]);
});

test("objects of one name in partitions that are merged do not collide", async () => {
  await using workspace = await createWorkspace();
  const both = "\n    - { id: 1, name: id, type: int32 }\n    - { id: 2, name: p, type: string }";
  for (const p of ["a", "b"]) await workspace.write(`p=${p}/x.parquet`, "SELECT 1::INT AS id");
  await workspace.apply([version(1, both, "partitionBy: [p]"), version(2, both)], { partitioning: "hive" });
  expect(await workspace.sql("SELECT * FROM '$out' ORDER BY p")).toEqual([
    { id: 1, p: "a" },
    { id: 1, p: "b" },
  ]);
});

test("columns whose pages take all the memory that there is are migrated one after the other, and larger ones refused", async () => {
  await using workspace = await createWorkspace();
  const columns = ["a", "b", "c", "d", "e", "f"];
  const wide = columns.map((name, i) => `md5((range + ${i})::VARCHAR) AS ${name}`).join(", ");
  for (const key of ["x", "y", "z"])
    await workspace.write(
      `${key}.parquet`,
      `SELECT ${wide} FROM range(400000)`,
      "ROW_GROUP_SIZE 400000, COMPRESSION uncompressed, DICTIONARY_SIZE_LIMIT 1",
    );
  const of = (number: number, nullable: boolean): string =>
    version(
      number,
      columns
        .map((name, i) => `\n    - { id: ${i + 1}, name: ${name}, type: string, nullable: ${nullable} }`)
        .join(""),
    );
  // Each page asks for most of the budget that is left beside Node; with less there is none that it could have.
  await expect(workspace.apply([of(1, true), of(2, false)], { memory: "160MB" })).rejects.toMatchObject({
    code: "OBJECTS_FAILED",
    details: { objects: [{ details: { column: "a", rowGroup: 0, setting: "limits.memory" } }, {}, {}] },
  });
  const { lines } = await workspace.apply([of(1, true), of(2, false)], { memory: "220MB" });
  expect(lines.map(({ rows }) => rows)).toEqual([400_000, 400_000, 400_000]);
  expect(await workspace.sql("SELECT count(DISTINCT f)::INT AS n FROM '$out'")).toEqual([{ n: 400_000 }]);
}, 180_000);

describe.each(storesUnderTest().flatMap((from) => storesUnderTest().map((to) => [from, to] as const)))(
  "%o",
  (from, to) => {
    test(`a source on ${from.name}: and a destination on ${to.name}:`, async () => {
      await using workspace = await createWorkspace();
      await workspace.write("a.parquet", rows, "ROW_GROUP_SIZE 2048");
      const source = await from.place(workspace.folder);
      const destination = await to.place(workspace.folder);
      const file = createFileStore({ rootPath: join(workspace.folder, "raw") });
      const found = await file.get("a.parquet");
      await source.store.put("a.parquet", found?.body ?? new Uint8Array(0), unconditional);
      const context = workspace.context(versions, { source: source.store, destination: destination.store });
      const { manifest } = await applyJob(context);
      const [line] = await linesOf(destination.store, manifest);
      const output = await destination.store.get(line?.key ?? "");
      await mkdir(join(workspace.folder, "out/data"), { recursive: true });
      await writeFile(join(workspace.folder, "out/data/a.parquet"), output?.body ?? "");
      expect(
        await workspace.sql(
          "SELECT count(*)::INT AS n, sum(v)::INT AS v, min(s.b) AS b, max(s.a) AS a FROM '$out'",
        ),
      ).toEqual([{ n: 3000, v: 148_500, b: "x", a: 2999 }]);
    });
  },
);
