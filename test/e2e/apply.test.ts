import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { verifyVersion } from "../../src/validate/verify.ts";
import { createWorkspace, version } from "../support/migration.ts";
import { pythonWith, runPython } from "../support/python.ts";

const people1 = version(
  1,
  `
    - { id: 1, name: id, type: int64 }
    - { id: 2, name: age, type: string }
    - { id: 3, name: score, type: float64 }`,
);
const people =
  "SELECT range AS id, CASE WHEN range % 4 = 3 THEN 'n/a' ELSE range::VARCHAR END AS age, range / 2.0 AS score FROM range(10)";

function people2(policy: string, rest = ""): string {
  return version(
    2,
    `
    - { id: 1, name: person_id, type: int64 }
    - { id: 2, name: age, type: int32, cast: { onInvalid: ${policy} }${rest} }
    - { id: 3, name: score, type: float64 }`,
  );
}

test("a value that cannot be cast stops the job and is named with object, row group, column, row and value", async () => {
  await using workspace = await createWorkspace();
  await workspace.write("a.parquet", people);
  await workspace.write("b.parquet", people.replace("'n/a'", "'7'"));
  await expect(workspace.apply([people1, people2("fail")])).rejects.toMatchObject({
    kind: "data",
    code: "OBJECTS_FAILED",
    details: {
      objects: [
        {
          object: "a.parquet",
          code: "CAST_INVALID",
          details: { rowGroup: 0, column: "age", row: 3, value: "n/a" },
        },
      ],
      objectsDone: 1,
    },
  });
  expect(await readdir(join(workspace.folder, "out")).then((names) => names.includes("pointers"))).toBe(
    false,
  );
});

test("under onInvalid: null the invalid values become null and are counted", async () => {
  await using workspace = await createWorkspace();
  await workspace.write("a.parquet", people);
  const { manifest } = await workspace.apply([people1, people2("null")]);
  expect(manifest.totals).toMatchObject({ rowsIn: 10, rows: 10, rowsQuarantined: 0, invalid: { age: 2 } });
  const rows = await workspace.sql("SELECT age FROM '$out' ORDER BY person_id");
  expect(rows.map(({ age }) => age)).toEqual([0, 1, 2, null, 4, 5, 6, null, 8, 9]);
});

test("under onInvalid: default the field's default stands in for invalid values", async () => {
  await using workspace = await createWorkspace();
  await workspace.write("a.parquet", people);
  const { manifest } = await workspace.apply([people1, people2("default", ", default: -1")]);
  expect(manifest.totals.invalid).toEqual({ age: 2 });
  const rows = await workspace.sql("SELECT age FROM '$out' ORDER BY person_id");
  expect(rows.map(({ age }) => age)).toEqual([0, 1, 2, -1, 4, 5, 6, -1, 8, 9]);
});

test("quarantine keeps the whole source row beside its reason, and the rows add up", async () => {
  await using workspace = await createWorkspace();
  await workspace.write("a.parquet", people, "ROW_GROUP_SIZE 2048");
  const { manifest, lines } = await workspace.apply([people1, people2("quarantine")]);
  expect(manifest.totals).toMatchObject({ rowsIn: 10, rows: 8, rowsQuarantined: 2, invalid: { age: 2 } });
  expect(lines[0]?.quarantine).toMatchObject({ rows: 2 });
  const kept = await workspace.sql("SELECT person_id::INT AS id, age, score FROM '$out' ORDER BY 1");
  expect(kept).toEqual([0, 1, 2, 4, 5, 6, 8, 9].map((id) => ({ id, age: id, score: id / 2 })));
  const quarantined = await workspace.sql(
    "SELECT id::INT AS id, age, score, _colonnade_row::INT AS row, _colonnade_reason AS reason FROM '$quarantine' ORDER BY 1",
  );
  expect(quarantined).toEqual(
    [3, 7].map((id) => ({ id, age: "n/a", score: id / 2, row: id, reason: "age: no int32 for this string" })),
  );
});

test("an object whose rows all go into quarantine leaves a valid, empty output", async () => {
  await using workspace = await createWorkspace();
  await workspace.write("a.parquet", "SELECT range AS id, 'x' AS age, 0.5::DOUBLE AS score FROM range(3)");
  const { manifest } = await workspace.apply([people1, people2("quarantine")]);
  expect(manifest.totals).toMatchObject({ rows: 0, rowsQuarantined: 3 });
  expect(await workspace.sql("SELECT count(*)::INT AS n FROM '$out'")).toEqual([{ n: 0 }]);
});

test("a rerun finds nothing to do, late objects are picked up alone, vanished ones leave the next version", async () => {
  await using workspace = await createWorkspace();
  await workspace.write("a.parquet", people);
  await workspace.write("b.parquet", people);
  const versions = [people1, people2("null")];
  const first = await workspace.apply(versions);
  const again = await workspace.apply(versions);
  expect([again.outcome, again.pointer.generation]).toEqual(["upToDate", 1]);

  await workspace.write("c.parquet", people);
  const late = await workspace.apply(versions);
  expect(late.events.filter(({ event }) => event === "objectDone")).toMatchObject([{ object: "c.parquet" }]);
  expect(late.lines.slice(0, 2)).toEqual(first.lines);
  expect(late.pointer).toMatchObject({ generation: 2, previous: { generation: 1, version: 1 } });

  const { rm } = await import("node:fs/promises");
  await rm(join(workspace.folder, "raw/b.parquet"));
  const fewer = await workspace.apply(versions);
  expect(fewer.lines.map(({ source }) => source.key)).toEqual(["a.parquet", "c.parquet"]);
  expect(fewer.events.filter(({ event }) => event === "objectDone")).toEqual([]);
});

test("chains of versions collapse into one pass, and objects of mixed history migrate together", async () => {
  await using workspace = await createWorkspace();
  const v3 = version(
    3,
    `
    - { id: 3, name: points, type: float32 }
    - { id: 1, name: person_id, type: int64 }
    - { id: 4, name: source, type: string, nullable: false, default: feed }`,
  );
  await workspace.write("old.parquet", people);
  await workspace.write(
    "new.parquet",
    "SELECT 100 + range AS person_id, range::INT AS age, range / 2.0 AS score FROM range(3)",
  );
  const { manifest, lines } = await workspace.apply([people1, people2("fail"), v3]);
  expect(manifest.from).toEqual([1, 2]);
  expect(lines.map(({ source }) => [source.key, source.schemaVersion])).toEqual([
    ["new.parquet", 2],
    ["old.parquet", 1],
  ]);
  expect(
    await workspace.sql(
      "SELECT count(*)::INT AS n, sum(points)::DOUBLE AS points, min(source) AS source FROM '$out'",
    ),
  ).toEqual([{ n: 13, points: 24, source: "feed" }]);
  const columns = await workspace.sql("SELECT column_name AS name FROM (DESCRIBE SELECT * FROM '$out')");
  expect(columns.map(({ name }) => name)).toEqual(["points", "person_id", "source"]);
});

test("nested fields are renamed, dropped, reordered, cast and added at any depth", async () => {
  await using workspace = await createWorkspace();
  const before = version(
    1,
    `
    - id: 1
      name: item
      type: struct
      fields:
        - { id: 2, name: sku, type: string }
        - { id: 3, name: qty, type: int32 }
        - { id: 4, name: gone, type: int32 }
    - id: 5
      name: tags
      type: list
      element:
        id: 6
        type: struct
        fields:
          - { id: 7, name: k, type: string }
          - { id: 8, name: v, type: int32 }`,
  );
  const after = version(
    2,
    `
    - id: 5
      name: labels
      type: list
      element:
        id: 6
        type: struct
        fields:
          - { id: 8, name: value, type: int64 }
          - { id: 7, name: key, type: string }
          - { id: 9, name: lang, type: string, default: en }
    - id: 1
      name: article
      type: struct
      fields:
        - { id: 3, name: quantity, type: int64 }
        - { id: 2, name: sku, type: string }
        - { id: 10, name: unit, type: string, default: piece }`,
  );
  await workspace.write(
    "a.parquet",
    `SELECT * FROM (VALUES
       ({'sku': 'a', 'qty': 1::INT, 'gone': 9::INT}, [{'k': 'x', 'v': 1::INT}, {'k': 'y', 'v': NULL}]),
       (NULL, []),
       ({'sku': NULL, 'qty': NULL, 'gone': 9::INT}, NULL),
       ({'sku': 'd', 'qty': 4::INT, 'gone': NULL}, [NULL, {'k': NULL, 'v': 7::INT}])
     ) AS t(item, tags)`,
  );
  await workspace.apply([before, after]);
  const rows = await workspace.sql(
    "SELECT to_json(article)::VARCHAR AS article, to_json(labels)::VARCHAR AS labels FROM '$out'",
  );
  expect(rows).toEqual([
    {
      article: '{"quantity":1,"sku":"a","unit":"piece"}',
      labels: '[{"value":1,"key":"x","lang":"en"},{"value":null,"key":"y","lang":"en"}]',
    },
    { article: null, labels: "[]" },
    { article: '{"quantity":null,"sku":null,"unit":"piece"}', labels: null },
    {
      article: '{"quantity":4,"sku":"d","unit":"piece"}',
      labels: '[null,{"value":7,"key":null,"lang":"en"}]',
    },
  ]);
});

test.skipIf(pythonWith(["pyarrow"]) === undefined)(
  "a null field that is added to a struct which may be null from now on leaves the struct where it is",
  async () => {
    await using workspace = await createWorkspace();
    const nullable = (yes: boolean): string => (yes ? "" : ", nullable: false");
    const struct = (is: boolean, added: string): string => `
    - { id: 1, name: a, type: struct${nullable(is)}, fields: [${added}{ id: 2, name: x, type: int32, nullable: false }] }`;
    const write = `
import sys, pyarrow as pa, pyarrow.parquet as pq
a = pa.field("a", pa.struct([pa.field("x", pa.int32(), nullable=False)]), nullable=False)
pq.write_table(pa.table([pa.array([{"x": 1}, {"x": 2}], a.type)], pa.schema([a])), sys.argv[1])
`;
    const read = `import sys, pyarrow.parquet as pq; print(pq.read_table(sys.argv[1]).to_pylist())`;
    await runPython(write, undefined, [join(workspace.folder, "raw", "a.parquet")]);
    const added = "{ id: 3, name: y, type: string }, { id: 4, name: z, type: string, default: here }, ";
    const versions = [version(1, struct(false, "")), version(2, struct(true, added))];
    const { lines } = await workspace.apply(versions);
    // pyarrow asks the first leaf of a struct whether it is there.
    expect(await runPython(read, undefined, [join(workspace.folder, "out", lines[0]?.key ?? "")])).toBe(
      "[{'a': {'y': None, 'z': 'here', 'x': 1}}, {'a': {'y': None, 'z': 'here', 'x': 2}}]\n",
    );
    const { history, destination, source } = workspace.context(versions);
    const report = await verifyVersion({ destination, source, history, partitioning: "flat", deep: true });
    expect(report.findings).toEqual([]);
  },
);

test("partition columns are renamed, cast, become stored columns, and stored ones become partitions", async () => {
  await using workspace = await createWorkspace();
  const stored = `
    - { id: 1, name: id, type: int64 }
    - { id: 2, name: region, type: string }`;
  const v1 = version(1, `${stored}\n    - { id: 3, name: day, type: string }`, "partitionBy: [day]");
  const v2 = version(
    2,
    `
    - { id: 1, name: id, type: int64 }
    - { id: 3, name: event_day, type: date32 }
    - { id: 2, name: area, type: string }`,
    "partitionBy: [area]",
  );
  await workspace.write("day=2026-01-01/a.parquet", "SELECT range AS id, 'eu west' AS region FROM range(3)");
  await workspace.write("day=2026-01-02/a.parquet", "SELECT range AS id, 'us' AS region FROM range(2)");
  const { lines } = await workspace.apply([v1, v2], { partitioning: "hive" });
  expect(lines.map(({ key }) => key.replace(/-[0-9a-f]{32}/, ""))).toEqual([
    "data/area=eu west/a.parquet",
    "data/area=us/a.parquet",
  ]);
  const rows = await workspace.sql(
    "SELECT area, event_day::VARCHAR AS day, typeof(event_day) AS type, count(*)::INT AS n FROM read_parquet('$out', hive_partitioning = true) GROUP BY ALL ORDER BY 1",
  );
  expect(rows).toEqual([
    { area: "eu west", day: "2026-01-01", type: "DATE", n: 3 },
    { area: "us", day: "2026-01-02", type: "DATE", n: 2 },
  ]);
});

test("a column that is not constant cannot become a partition, and the object is named", async () => {
  await using workspace = await createWorkspace();
  const fields = `
    - { id: 1, name: id, type: int64 }
    - { id: 2, name: region, type: string }`;
  await workspace.write("a.parquet", "SELECT range AS id, 'r' || range AS region FROM range(3)");
  await expect(
    workspace.apply([version(1, fields), version(2, fields, "partitionBy: [region]")]),
  ).rejects.toMatchObject({
    details: { objects: [{ object: "a.parquet", code: "PARTITION_NOT_CONSTANT" }] },
  });
});

test("objects that do not have the declared schema are named, all at once, and the others are done", async () => {
  await using workspace = await createWorkspace();
  await workspace.write("good.parquet", people);
  await workspace.write("other.parquet", "SELECT 1 AS a");
  const { writeFile } = await import("node:fs/promises");
  await writeFile(join(workspace.folder, "raw/text.parquet"), "not a parquet file at all");
  await expect(workspace.apply([people1, people2("null")])).rejects.toMatchObject({
    kind: "data",
    details: {
      objects: [
        { object: "other.parquet", code: "SCHEMA_DIFFERS" },
        { object: "text.parquet", code: "FOOTER_MAGIC" },
      ],
      objectsDone: 1,
    },
  });
});

function requiredVersion(policy: string): string {
  return version(
    2,
    `
    - { id: 1, name: a, type: int64, nullable: false }
    - { id: 2, name: b, type: string, nullable: false, default: none${policy} }`,
  );
}

test("a nullable field becomes not null when it holds no null, and is refused, filled or quarantined when it does", async () => {
  await using workspace = await createWorkspace();
  const before = version(
    1,
    "\n    - { id: 1, name: a, type: int64 }\n    - { id: 2, name: b, type: string }",
  );
  await workspace.write(
    "a.parquet",
    "SELECT range AS a, CASE WHEN range = 2 THEN NULL ELSE 'v' || range END AS b FROM range(5)",
  );
  await expect(workspace.apply([before, requiredVersion("")])).rejects.toMatchObject({
    details: { objects: [{ code: "NULL_INVALID", details: { column: "b", row: 2 } }] },
  });
  await workspace.apply([before, requiredVersion(", cast: { onInvalid: default }")]);
  expect(await workspace.sql("SELECT b FROM '$out' ORDER BY a")).toEqual(
    ["v0", "v1", "none", "v3", "v4"].map((b) => ({ b })),
  );
  const nullability = await workspace.sql(
    "SELECT name, repetition_type AS repetition FROM parquet_schema('$out') WHERE name IN ('a', 'b')",
  );
  expect(nullability.map(({ repetition }) => repetition)).toEqual(["REQUIRED", "REQUIRED"]);
});

test("an alias costs no bytes and reads as its field; it ends with its day, and the objects are made anew without it", async () => {
  await using workspace = await createWorkspace();
  await workspace.write("a.parquet", people);
  const renamed = version(
    2,
    `
    - { id: 1, name: person_id, type: int64 }
    - { id: 2, name: age, type: string }
    - { id: 3, name: score, type: float64 }`,
    "aliases:\n  - { name: id, field: 1, until: 2027-03-31 }",
  );
  const inTime = await workspace.apply([people1, renamed], { now: new Date("2027-03-31T23:00:00Z") });
  expect(inTime.lines[0]?.columns).toMatchObject({ person_id: "copy", id: "alias" });
  const [both] = await workspace.sql("SELECT sum((id = person_id)::INT)::INT AS equal FROM '$out'");
  expect(both).toEqual({ equal: 10 });
  const later = await workspace.apply([people1, renamed], { now: new Date("2027-04-01T00:00:00Z") });
  expect(later.pointer.generation).toBe(2);
  expect(Object.keys(later.lines[0]?.columns ?? {}).toSorted()).toEqual(["age", "person_id", "score"]);
});

test("an edited schema version that was applied is noticed", async () => {
  await using workspace = await createWorkspace();
  await workspace.write("a.parquet", people);
  await workspace.apply([people1, people2("null")]);
  await expect(workspace.apply([people1, people2("fail")])).rejects.toMatchObject({
    kind: "invalid",
    code: "SCHEMA_EDITED",
  });
});

test("--only migrates the named partitions and leaves the lines of the others as they are", async () => {
  await using workspace = await createWorkspace();
  const v1 = version(
    1,
    "\n    - { id: 1, name: id, type: int64 }\n    - { id: 2, name: month, type: string }",
    "partitionBy: [month]",
  );
  const v2 = version(
    2,
    "\n    - { id: 1, name: key, type: int64 }\n    - { id: 2, name: month, type: string }",
    "partitionBy: [month]",
  );
  for (const month of ["01", "02", "03"])
    await workspace.write(`month=${month}/a.parquet`, "SELECT range AS id FROM range(3)");
  const first = await workspace.apply([v1, v2], { partitioning: "hive" }, { only: ["month=01", "month=02"] });
  expect(first.lines.map(({ partition }) => partition["month"])).toEqual(["01", "02"]);
  await workspace.write("month=01/a.parquet", "SELECT range AS id FROM range(4)");
  const second = await workspace.apply([v1, v2], { partitioning: "hive" }, { only: ["month=03"] });
  expect(second.lines.map(({ partition, rows }) => [partition["month"], rows])).toEqual([
    ["01", 3],
    ["02", 3],
    ["03", 3],
  ]);
  await expect(
    workspace.apply([v1, v2], { partitioning: "hive" }, { only: ["mont=03"] }),
  ).rejects.toMatchObject({
    kind: "invalid",
    code: "FILTER_INVALID",
    message: 'filter names no partition column of the source, did you mean "month"?',
  });
});
