import { copyFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { verifyVersion } from "../../src/validate/verify.ts";
import { FileMetaData, RowGroup, SchemaElement } from "../../src/parquet/spec.ts";
import { editFooter, schemaElements } from "../support/edit-footer.ts";
import { createWorkspace, version, type Workspace } from "../support/migration.ts";
import { pythonWith, runPython } from "../support/python.ts";

const python = pythonWith(["pyarrow"]) !== undefined;

function structVersion(number: number, fields: string, rest = ""): string {
  return version(
    number,
    `
    - id: 1
      name: s
      type: struct${rest}
      fields:${fields}`,
  );
}

test.runIf(python)(
  "a leaf that is required in the object although its version allows nulls can take the nulls of a cast",
  async () => {
    await using workspace = await createWorkspace();
    await runPython(
      `
import sys, pyarrow as pa, pyarrow.parquet as pq
s = pa.struct([pa.field("a", pa.string(), nullable=False), pa.field("b", pa.int64())])
rows = [{"a": "1", "b": 1}, {"a": "x", "b": 2}, None, {"a": "3", "b": None}]
pq.write_table(pa.table({"s": pa.array(rows, s)}), sys.argv[1])`,
      undefined,
      [`${workspace.folder}/raw/a.parquet`],
    );
    const b = "\n        - { id: 3, name: b, type: int64 }";
    const { lines } = await workspace.apply([
      structVersion(1, `\n        - { id: 2, name: a, type: string }${b}`),
      structVersion(2, `\n        - { id: 2, name: a, type: int32, cast: { onInvalid: null } }${b}`),
    ]);
    const read = await runPython(
      "import sys, json, pyarrow.parquet as pq; print(json.dumps(pq.read_table(sys.argv[1]).to_pylist()))",
      undefined,
      [`${workspace.folder}/out/${lines[0]?.key}`],
    );
    expect(JSON.parse(read)).toEqual([
      { s: { a: 1, b: 1 } },
      { s: { a: null, b: 2 } },
      { s: null },
      { s: { a: 3, b: null } },
    ]);
  },
);

const threeStructs = "SELECT * FROM (VALUES ({'a': 'x'}), (NULL), ({'a': NULL})) AS t(s)";
const nullableStruct = structVersion(1, "\n        - { id: 2, name: a, type: string }");

test("rows whose struct is null and may no longer be go into quarantine, with fields added to the struct", async () => {
  await using workspace = await createWorkspace();
  await workspace.write("a.parquet", threeStructs);
  const after = structVersion(
    2,
    `
        - { id: 2, name: a, type: string, cast: { onInvalid: quarantine } }
        - { id: 3, name: b, type: int64, nullable: false, default: 7 }`,
    "\n      nullable: false",
  );
  const { lines } = await workspace.apply([nullableStruct, after]);
  expect(lines[0]).toMatchObject({ rows: 2, quarantine: { rows: 1 } });
  expect(await workspace.sql("SELECT to_json(s)::VARCHAR AS s FROM '$out'")).toEqual([
    { s: '{"a":"x","b":7}' },
    { s: '{"a":null,"b":7}' },
  ]);
});

test("a struct that is null and may no longer be stops the job when its leaves only know what to do about values", async () => {
  await using workspace = await createWorkspace();
  await workspace.write("a.parquet", threeStructs.replace("'x'", "'1'"));
  const after = structVersion(
    2,
    "\n        - { id: 2, name: a, type: int32, cast: { onInvalid: null } }",
    "\n      nullable: false",
  );
  await expect(workspace.apply([nullableStruct, after])).rejects.toMatchObject({
    kind: "data",
    details: {
      objects: [{ object: "a.parquet", code: "NULL_INVALID", details: { column: "s.a", row: 1 } }],
    },
  });
});

test("a default never makes an entry of a list that is null and may no longer be", async () => {
  await using workspace = await createWorkspace();
  await workspace.write("a.parquet", "SELECT * FROM (VALUES (['a', NULL]), (NULL), ([])) AS t(l)");
  const list = (rest: string, element: string): string => `
    - id: 1
      name: l
      type: list${rest}
      element: { id: 2, type: string${element} }`;
  const filled = ", nullable: false, default: none, cast: { onInvalid: default }";
  const before = version(1, list("", ""));
  await expect(
    workspace.apply([before, version(2, list("\n      nullable: false", filled))]),
  ).rejects.toMatchObject({
    details: { objects: [{ code: "NULL_INVALID", details: { row: 1 } }] },
  });
  await workspace.apply([before, version(2, list("", filled))]);
  expect(await workspace.sql("SELECT to_json(l)::VARCHAR AS l FROM '$out'")).toEqual([
    { l: '["a","none"]' },
    { l: null },
    { l: "[]" },
  ]);
});

test("what is invalid in a row of the quarantine neither stops the job nor counts, whatever the policy of its column", async () => {
  await using workspace = await createWorkspace();
  await workspace.write(
    "a.parquet",
    "SELECT * FROM (VALUES ('x', 'x', 'x'), ('1', '1', '1'), ('2', '2', 'y')) AS t(q, f, n)",
  );
  const fields = (type: string): string => `
    - { id: 1, name: q, type: ${type}, cast: { onInvalid: quarantine } }
    - { id: 2, name: f, type: ${type} }
    - { id: 3, name: n, type: ${type}, cast: { onInvalid: null } }`;
  const { manifest } = await workspace.apply([version(1, fields("string")), version(2, fields("int32"))]);
  expect(manifest.totals).toMatchObject({ rows: 2, rowsQuarantined: 1, invalid: { q: 1, n: 1 } });
  expect(await workspace.sql("SELECT * FROM '$out'")).toEqual([
    { q: 1, f: 1, n: 1 },
    { q: 2, f: 2, n: null },
  ]);
});

test("the row of an invalid value is the source's, after rows that went into quarantine", async () => {
  await using workspace = await createWorkspace();
  await workspace.write(
    "a.parquet",
    "SELECT CASE WHEN range IN (0, 2, 9) THEN 'x' ELSE '1' END AS q, CASE range WHEN 5 THEN 'null' ELSE '1' END AS f FROM range(10)",
  );
  const fields = (type: string): string => `
    - { id: 1, name: q, type: ${type}, cast: { onInvalid: quarantine } }
    - { id: 2, name: f, type: ${type} }`;
  await expect(
    workspace.apply([version(1, fields("string")), version(2, fields("int32"))]),
  ).rejects.toMatchObject({
    // The text "null" is a value without an equivalent, not a null.
    details: { objects: [{ code: "CAST_INVALID", details: { column: "f", row: 5, value: "null" } }] },
  });
});

test("a partition value is cast by its field's own format, rounding and time zone", async () => {
  await using workspace = await createWorkspace();
  const fields = (day: string): string => `
    - { id: 1, name: id, type: int32 }
    - { id: 2, name: day, ${day} }`;
  const before = version(1, fields("type: string"), "partitionBy: [day]");
  await workspace.write("day=02.01.2026/a.parquet", "SELECT 1::INT AS id");
  const after = fields('type: date32, cast: { format: "%d.%m.%Y" }');
  await workspace.apply([before, version(2, after)], { partitioning: "hive" });
  expect(await workspace.sql("SELECT id, day::VARCHAR AS day FROM '$out'")).toEqual([
    { id: 1, day: "2026-01-02" },
  ]);
  const { lines } = await workspace.apply(
    [before, version(2, after), version(3, after, "partitionBy: [day]")],
    {
      partitioning: "hive",
      from: 1,
    },
  );
  expect(lines[0]?.partition).toEqual({ day: "2026-01-02" });
});

/** What a deep verification of the workspace's version finds wrong. */
async function faultsOf(
  workspace: Workspace,
  versions: readonly string[],
  partitioning: "hive" | "flat",
): Promise<unknown[]> {
  const { destination, source, history } = workspace.context(versions);
  const { findings } = await verifyVersion({ destination, source, history, partitioning, deep: true });
  return findings.filter(({ level }) => level === "error");
}

describe("a partition value without an equivalent", () => {
  const before = version(
    1,
    "\n    - { id: 1, name: id, type: int32 }\n    - { id: 2, name: day, type: string }",
    "partitionBy: [day]",
  );
  const after = (cast: string, by = "partitionBy: [day]"): string =>
    version(
      2,
      `\n    - { id: 1, name: id, type: int32 }\n    - { id: 2, name: day, type: int32${cast} }`,
      by,
    );

  const hive = { partitioning: "hive", from: 1 } as const;

  async function workspaceOfDays(): Promise<Workspace> {
    const workspace = await createWorkspace();
    for (const day of ["7", "seven", "8"])
      await workspace.write(`day=${day}/a.parquet`, "SELECT range::INT AS id FROM range(3)");
    return workspace;
  }

  test.each([
    [", cast: { onInvalid: null }", null],
    [", default: -1, cast: { onInvalid: default }", "-1"],
  ])("moves its object by the policy%s, which counts every row of it", async (cast, expected) => {
    await using workspace = await workspaceOfDays();
    const { lines } = await workspace.apply([before, after(cast)], hive);
    expect(lines.map(({ partition, invalid, rows }) => [partition["day"], invalid, rows])).toEqual([
      ["7", {}, 3],
      ["8", {}, 3],
      [expected, { day: 3 }, 3],
    ]);
    expect(await faultsOf(workspace, [before, after(cast)], "hive")).toEqual([]);
  });

  test.each([
    [", cast: { onInvalid: null }", null],
    [", default: -1, cast: { onInvalid: default }", -1],
  ])("becomes what the policy%s says in a stored column", async (cast, expected) => {
    await using workspace = await workspaceOfDays();
    const { manifest } = await workspace.apply([before, after(cast, "")], hive);
    expect(await workspace.sql("SELECT DISTINCT day FROM '$out' ORDER BY day")).toEqual(
      [{ day: expected }, { day: 7 }, { day: 8 }].toSorted((a, b) => (a.day ?? 9) - (b.day ?? 9)),
    );
    expect(manifest.totals).toMatchObject({ rows: 9, invalid: { day: 3 } });
    expect(await faultsOf(workspace, [before, after(cast, "")], "hive")).toEqual([]);
  });

  test("is the error of its object alone where the policy is to fail", async () => {
    await using workspace = await workspaceOfDays();
    await expect(workspace.apply([before, after("")], hive)).rejects.toMatchObject({
      code: "OBJECTS_FAILED",
      details: {
        objects: [{ object: "day=seven/a.parquet", code: "PARTITION_VALUE_INVALID" }],
        objectsDone: 2,
      },
    });
  });

  const quarantine = ", cast: { onInvalid: quarantine }";

  test.each([
    ["stays in the path", after(quarantine)],
    ["becomes a column", after(quarantine, "")],
  ])("puts all rows of its object into quarantine where it %s", async (_, wanted) => {
    await using workspace = await workspaceOfDays();
    const { lines, manifest } = await workspace.apply([before, wanted], hive);
    expect(lines.map(({ source, rows, invalid }) => [source.key, rows, invalid])).toEqual([
      ["day=7/a.parquet", 3, {}],
      ["day=8/a.parquet", 3, {}],
      ["day=seven/a.parquet", 0, { day: 3 }],
    ]);
    expect(manifest.totals).toMatchObject({ rowsIn: 9, rows: 6, rowsQuarantined: 3, invalid: { day: 3 } });
    const [row] = await workspace.sql(
      "SELECT list(id ORDER BY id) AS ids, any_value(_colonnade_reason) AS reason, list(_colonnade_row ORDER BY id)::VARCHAR AS rows FROM read_parquet('$quarantine', hive_partitioning = false)",
    );
    expect(row).toMatchObject({ reason: "day: no int32 for this string", rows: "[0, 1, 2]" });
    expect(await faultsOf(workspace, [before, wanted], "hive")).toEqual([]);
  });

  test.each([
    [", cast: { onInvalid: null }", null, 3, { day: 3 }],
    [", default: -1, cast: { onInvalid: default }", "-1", 3, { day: 3 }],
    [quarantine, null, 0, { day: 3 }],
  ])("follows the policy%s where a column goes into the path", async (cast, expected, rows, invalid) => {
    await using workspace = await createWorkspace();
    await workspace.write("a.parquet", "SELECT range::INT AS id, 'seven' AS day FROM range(3)");
    await workspace.write("b.parquet", "SELECT range::INT AS id, '7' AS day FROM range(3)");
    const stored = before.replace("partitionBy: [day]", "");
    const { lines } = await workspace.apply([stored, after(cast)], { from: 1 });
    expect(lines.map((line) => [line.partition["day"], line.rows, line.invalid])).toEqual([
      [expected, rows, invalid],
      ["7", 3, {}],
    ]);
    expect(await faultsOf(workspace, [stored, after(cast)], "flat")).toEqual([]);
  });

  test("that makes a key too long is the error of its object alone", async () => {
    await using workspace = await createWorkspace();
    await workspace.write(`d=${"é".repeat(120)}/a.parquet`, "SELECT 1::INT AS id");
    await workspace.write("d=short/a.parquet", "SELECT 1::INT AS id");
    const fields = (name: string): string =>
      `\n    - { id: 1, name: id, type: int32 }\n    - { id: 2, name: ${name}, type: string }`;
    const versions = [
      version(1, fields("d"), "partitionBy: [d]"),
      version(2, fields("a_much_longer_name"), "partitionBy: [a_much_longer_name]"),
    ];
    await expect(workspace.apply(versions, hive)).rejects.toMatchObject({
      kind: "data",
      details: { objects: [{ code: "KEY_TOO_LONG" }], objectsDone: 1 },
    });
  });
});

test("a source key that is longer than keys can be is the error of its object alone", async () => {
  await using workspace = await createWorkspace();
  const names = ["a", "b", "c", "d", "e"];
  const long = names.map((name) => `${name}=${"x".repeat(210)}`).join("/");
  const short = names.map((name) => `${name}=x`).join("/");
  for (const partition of [long, short])
    await workspace.write(`${partition}/a.parquet`, "SELECT 1::INT AS id");
  const fields = (id: string): string =>
    `\n    - { id: 1, name: ${id}, type: int32 }${names.map((name, i) => `\n    - { id: ${i + 2}, name: ${name}, type: string }`).join("")}`;
  const by = `partitionBy: [${names.join(", ")}]`;
  const versions = [version(1, fields("id"), by), version(2, fields("key"), by)];
  await expect(workspace.apply(versions, { partitioning: "hive" })).rejects.toMatchObject({
    kind: "data",
    details: { objects: [{ object: `${long}/a.parquet`, code: "KEY_TOO_LONG" }], objectsDone: 1 },
  });
});

test("a quarantine of columns that have the names of its own gets others, and verify follows", async () => {
  await using workspace = await createWorkspace();
  await workspace.write(
    "a.parquet",
    "SELECT range::VARCHAR || CASE range WHEN 2 THEN 'x' ELSE '' END AS _colonnade_reason, range::INT AS _COLONNADE_ROW FROM range(4)",
  );
  const fields = (type: string): string =>
    `\n    - { id: 1, name: _colonnade_reason, ${type} }\n    - { id: 2, name: _COLONNADE_ROW, type: int32 }`;
  const versions = [
    version(1, fields("type: string")),
    version(2, fields("type: int32, cast: { onInvalid: quarantine }")),
  ];
  const { lines } = await workspace.apply(versions);
  expect(lines[0]).toMatchObject({ rows: 3, quarantine: { rows: 1 } });
  expect(await faultsOf(workspace, versions, "flat")).toEqual([]);
  const quarantine = await workspace.sql("SELECT * FROM '$quarantine'");
  expect(quarantine).toEqual([
    {
      _colonnade_reason: "2x",
      _COLONNADE_ROW: 2,
      _colonnade_reason_2: expect.stringContaining("no int32 for this string"),
      _colonnade_row_2: expect.anything(),
    },
  ]);
});

test.runIf(python)("a pandas index that counted all the rows is gone where some may go", async () => {
  await using workspace = await createWorkspace();
  const path = `${workspace.folder}/raw/a.parquet`;
  await runPython(
    "import sys, pandas; pandas.DataFrame({'a': ['1', 'x', '3']}).to_parquet(sys.argv[1])",
    undefined,
    [path],
  );
  const field = (type: string): string => `\n    - { id: 1, name: a, type: ${type} }`;
  const { lines } = await workspace.apply([
    version(1, field("string")),
    version(2, field("int32, cast: { onInvalid: quarantine }")),
  ]);
  const indexColumns = await runPython(
    "import sys, json, pyarrow.parquet as pq; print(json.loads(pq.read_schema(sys.argv[1]).metadata[b'pandas'])['index_columns'])",
    undefined,
    [`${workspace.folder}/out/${lines[0]?.key}`],
  );
  expect(indexColumns.trim()).toBe("[]");
});

test("numbers that an old writer gave to the groups of lists never collide with field ids", async () => {
  await using workspace = await createWorkspace();
  await workspace.write("a.parquet", "SELECT 1::INT AS a, [1::BIGINT] AS l");
  // Arrow up to 2.0 numbered every element of the schema.
  await editFooter(`${workspace.folder}/raw/a.parquet`, (metadata) => {
    for (const [number, element] of schemaElements(metadata).entries())
      element.setI32(SchemaElement.field_id, number === 0 ? undefined : 5 - number);
  });
  const list = (name: string): string => `
    - { id: 2, name: ${name}, type: int32 }
    - id: 1
      name: l
      type: list
      element: { id: 5, type: int64 }`;
  await workspace.apply([version(1, list("a")), version(2, list("b"), "aliases: [{ name: a, field: 2 }]")]);
  const ids = await workspace.sql(
    "SELECT name, field_id::INT AS id, type FROM parquet_schema('$out') OFFSET 1",
  );
  expect(ids).toEqual([
    { name: "b", id: 2, type: "INT32" },
    { name: "l", id: 1, type: null },
    { name: "list", id: null, type: null },
    { name: "element", id: 5, type: "INT64" },
    { name: "a", id: null, type: "INT32" },
  ]);
});

test("a partition field whose type changed is not guessed at: the path tells no type", async () => {
  await using workspace = await createWorkspace();
  await workspace.write("p=007/a.parquet", "SELECT 1::INT AS id");
  const versions = ["string", "int32"].map((type, i) =>
    version(
      i + 1,
      `
    - { id: 1, name: id, type: int32 }
    - { id: 2, name: p, type: ${type} }`,
      "partitionBy: [p]",
    ),
  );
  await expect(workspace.apply(versions, { partitioning: "hive" })).rejects.toMatchObject({
    details: { objects: [{ code: "SCHEMA_AMBIGUOUS", details: { versions: [1, 2] } }] },
  });
  const { lines } = await workspace.apply(versions, { partitioning: "hive", from: 1 });
  expect(lines[0]?.partition).toEqual({ p: "7" });
});

test("an object without rows belongs to the default's partition when a column becomes one", async () => {
  await using workspace = await createWorkspace();
  await workspace.write("a.parquet", "SELECT 1::INT AS id, 'x' AS p WHERE false");
  const fields = (rest: string): string => `
    - { id: 1, name: id, type: int32 }
    - { id: 2, name: p, type: string${rest} }`;
  const to = version(2, fields(", nullable: false, default: none"), "partitionBy: [p]");
  const { lines } = await workspace.apply([version(1, fields("")), to]);
  expect(lines[0]).toMatchObject({ rows: 0, partition: { p: "none" } });
});

test("a quarantine of a whole large object has every row once, with all of its reasons", async () => {
  await using workspace = await createWorkspace();
  await workspace.write(
    "a.parquet",
    "SELECT 'x' || range AS a, CASE WHEN range % 2 = 0 THEN 'y' ELSE '1' END AS b FROM range(600000)",
    "ROW_GROUP_SIZE 100000",
  );
  const fields = (type: string): string => `
    - { id: 1, name: a, type: ${type}, cast: { onInvalid: quarantine } }
    - { id: 2, name: b, type: ${type}, cast: { onInvalid: quarantine } }`;
  const { manifest } = await workspace.apply([version(1, fields("string")), version(2, fields("int32"))]);
  expect(manifest.totals).toMatchObject({
    rows: 0,
    rowsQuarantined: 600_000,
    invalid: { a: 600_000, b: 300_000 },
  });
  expect(
    await workspace.sql(
      "SELECT _colonnade_reason AS reason, count(*)::INT AS n, sum((a = 'x' || _colonnade_row)::INT)::INT AS same FROM '$quarantine' GROUP BY ALL ORDER BY 1",
    ),
  ).toEqual([
    { reason: "a: no int32 for this string", n: 300_000, same: 300_000 },
    {
      reason: "a: no int32 for this string; b: no int32 for this string",
      n: 300_000,
      same: 300_000,
    },
  ]);
}, 120_000);

test("a map that stores no values stays one, and is refused where its values get a type", async () => {
  await using workspace = await createWorkspace();
  await workspace.write("a.parquet", "SELECT MAP {'a': 1::INT, 'b': 2::INT} AS m, 1::INT AS i");
  await editFooter(`${workspace.folder}/raw/a.parquet`, (metadata) => {
    const elements = schemaElements(metadata);
    const entries = elements.findIndex((element) => element.string(SchemaElement.name) === "key_value");
    elements[entries]?.setI32(SchemaElement.num_children, 1);
    elements.splice(entries + 2, 1);
    for (const rowGroup of metadata.structs(FileMetaData.row_groups) ?? [])
      rowGroup.list(RowGroup.columns)?.elements.splice(1, 1);
  });
  const fields = (name: string, type: string): string => `
    - id: 1
      name: ${name}
      type: map
      key: { id: 2, type: string }
      value: { id: 3, type: ${type} }
    - { id: 4, name: i, type: int32 }`;
  const before = version(1, fields("m", '"null"'));
  const { lines } = await workspace.apply([before, version(2, fields("words", '"null"'))]);
  expect(lines[0]?.columns).toEqual({ "words.key_value.key": "copy", i: "copy" });
  await using other = await createWorkspace();
  await copyFile(`${workspace.folder}/raw/a.parquet`, `${other.folder}/raw/a.parquet`);
  await expect(other.apply([before, version(2, fields("m", "int32"))])).rejects.toMatchObject({
    details: { objects: [{ object: "a.parquet", code: "SET_WITHOUT_VALUES" }] },
  });
});
