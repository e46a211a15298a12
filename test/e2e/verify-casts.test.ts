import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { VerifyReport } from "../../src/validate/report.ts";
import { verifyVersion } from "../../src/validate/verify.ts";
import { createWorkspace, version, type Workspace } from "../support/migration.ts";

/** A column of each family as DuckDB makes it from `range`, its type, and what it becomes. Nulls and invalid values included. */
const casts: readonly (readonly [name: string, sql: string, from: string, to: string, policy?: string])[] = [
  ["int_narrow", "(range * 3 - 200)::BIGINT", "int64", "int8", "onInvalid: null"],
  ["int_wide", "(range - 100)::TINYINT", "int8", "int64"],
  ["int_relabel", "(range - 100)::TINYINT", "int8", "int32"],
  ["int_sign", "(range * 40000000)::UINTEGER", "uint32", "int32", "onInvalid: null"],
  ["int_float", "range * 9007199254740000", "int64", "float64", "onInvalid: null"],
  ["int_float32", "range * 16777", "int64", "float32"],
  ["int_decimal", "range * 99", "int64", '"decimal128(6, 2)"', "onInvalid: null"],
  ["int_text", "(range - 5)::INT", "int32", "string"],
  ["int_bool", "range % 3", "int64", "bool", "onInvalid: null"],
  ["bool_int", "range % 2 = 0", "bool", "int32"],
  ["bool_text", "range % 2 = 0", "bool", "string"],
  [
    "float_int",
    "CASE WHEN range % 9 = 0 THEN 'nan'::DOUBLE ELSE range / 2.0 END",
    "float64",
    "int32",
    "onInvalid: null",
  ],
  ["float_rounded", "(range - 50) / 2.0::DOUBLE", "float64", "int64", "rounding: half-even"],
  ["float_narrow", "range / 7.0 * 1e37", "float64", "float32", "onInvalid: null"],
  ["float_half", "(range / 7.0 - 3)::FLOAT", "float32", "float16"],
  ["float_decimal", "(range / 7.0 - 3)::DOUBLE", "float64", '"decimal128(9, 3)"'],
  ["float_text", "(range / 7.0 - 3)::FLOAT", "float32", "string"],
  [
    "double_text",
    "CASE WHEN range % 9 = 0 THEN '-inf'::DOUBLE ELSE range / 7.0 * 1e20 END",
    "float64",
    "string",
  ],
  ["decimal_int", "(range / 4)::DECIMAL(9, 2)", '"decimal128(9, 2)"', "int32", "onInvalid: null"],
  [
    "decimal_scale",
    "(range / 8)::DECIMAL(18, 4)",
    '"decimal128(18, 4)"',
    '"decimal128(18, 2)"',
    "onInvalid: null",
  ],
  ["decimal_wide", "(range / 8 - 4)::DECIMAL(9, 4)", '"decimal128(9, 4)"', '"decimal128(38, 10)"'],
  ["decimal_float", "(range / 8 - 4)::DECIMAL(38, 10)", '"decimal128(38, 10)"', "float64"],
  ["decimal_text", "(range / 8 - 4)::DECIMAL(9, 4)", '"decimal128(9, 4)"', "string"],
  [
    "text_int",
    "CASE WHEN range % 7 = 0 THEN ' 1' WHEN range % 7 = 1 THEN '0xFF' ELSE (range - 9)::VARCHAR END",
    "string",
    "int16",
    "onInvalid: null",
  ],
  [
    "text_float",
    "CASE WHEN range % 7 = 0 THEN 'x' WHEN range % 7 = 1 THEN '-inf' ELSE range::VARCHAR || '.3e1' END",
    "string",
    "float32",
    "onInvalid: null",
  ],
  [
    "text_decimal",
    "CASE WHEN range % 7 = 0 THEN '1.005' ELSE range::VARCHAR || '.50' END",
    "string",
    '"decimal128(9, 2)"',
    "onInvalid: null",
  ],
  [
    "text_bool",
    "CASE range % 4 WHEN 0 THEN 'TRUE' WHEN 1 THEN '0' WHEN 2 THEN 'yes' END",
    "string",
    "bool",
    "onInvalid: null",
  ],
  [
    "text_date",
    "CASE WHEN range % 7 = 0 THEN '2021-02-30' ELSE (DATE '1890-02-27' + range::INT * 500)::VARCHAR END",
    "string",
    "date32",
    "onInvalid: null",
  ],
  [
    "text_time",
    "CASE WHEN range % 7 = 0 THEN '24:00' ELSE (TIME '00:00:01.5' + to_minutes(range * 7))::VARCHAR END",
    "string",
    '"time64[us]"',
    "onInvalid: null",
  ],
  [
    "text_timestamp",
    "CASE WHEN range % 7 = 0 THEN 'soon' ELSE (TIMESTAMP '1950-01-01 00:00:01.25' + to_hours(range * 9999))::VARCHAR END",
    "string",
    '"timestamp[us]"',
    "onInvalid: null",
  ],
  [
    "text_zoned",
    "'2020-02-29T03:04:05+0' || (range % 10) || ':30'",
    "string",
    '"timestamp[ms, tz=UTC]"',
    "onInvalid: null",
  ],
  ["text_bytes", "range::VARCHAR", "string", "binary"],
  [
    "bytes_text",
    "CASE WHEN range % 7 = 0 THEN '\\xFF'::BLOB ELSE encode('é') END",
    "binary",
    "string",
    "onInvalid: null",
  ],
  [
    "text_uuid",
    "CASE WHEN range % 7 = 0 THEN 'x' ELSE uuid()::VARCHAR END",
    "string",
    "uuid",
    "onInvalid: null",
  ],
  ["uuid_text", "uuid()", "uuid", "string"],
  ["date_timestamp", "DATE '1950-01-01' + range::INT * 300", "date32", '"timestamp[ns]"'],
  ["date_text", "DATE '1950-01-01' + range::INT * 300", "date32", "string"],
  ["time_unit", "TIME '00:00:01.5' + to_minutes(range)", '"time64[us]"', '"time32[ms]"'],
  ["time_text", "TIME '00:00:01.5' + to_minutes(range)", '"time64[us]"', "string"],
  [
    "timestamp_finer",
    "TIMESTAMP '1600-01-01 00:00:01.25' + to_hours(range * 40000)",
    '"timestamp[us]"',
    '"timestamp[ns]"',
    "onInvalid: null",
  ],
  [
    "timestamp_coarser",
    "TIMESTAMP '1950-01-01 00:00:01.2505' + to_hours(range * 9999)",
    '"timestamp[us]"',
    '"timestamp[ms]"',
    "rounding: floor",
  ],
  [
    "timestamp_zoned",
    "TIMESTAMP '1950-01-01 00:00:01.25' + to_hours(range * 9999)",
    '"timestamp[us]"',
    '"timestamp[us, tz=UTC]"',
  ],
  [
    "timestamp_date",
    "TIMESTAMP '1950-01-01 00:00:01.25' + to_hours(range * 9999)",
    '"timestamp[us]"',
    "date32",
  ],
  [
    "timestamp_time",
    "TIMESTAMP '1950-01-01 00:00:01.25' + to_hours(range * 9999)",
    '"timestamp[us]"',
    '"time64[us]"',
  ],
  [
    "timestamp_text",
    "TIMESTAMP '1950-01-01 00:00:01.25' + to_hours(range * 9999)",
    '"timestamp[us]"',
    "string",
  ],
  [
    "zoned_text",
    "TIMESTAMPTZ '1950-01-01 00:00:01.25Z' + to_hours(range * 9999)",
    '"timestamp[us, tz=UTC]"',
    "string",
  ],
];

async function migrateAndVerify(
  workspace: Workspace,
  versions: readonly string[],
  partitioning: "flat" | "hive" = "flat",
): Promise<{ report: VerifyReport; columns: Record<string, string> }> {
  const { destination, source, history } = workspace.context(versions, { partitioning });
  const { lines } = await workspace.apply(versions, { partitioning });
  const report = await verifyVersion({ destination, source, history, partitioning, deep: true });
  return { report, columns: lines[0]?.columns ?? {} };
}

test("every family of casts passes a deep verification, with nothing left uncompared", async () => {
  await using workspace = await createWorkspace();
  const columns = casts.map(([name, sql]) => `CASE WHEN range % 11 <> 5 THEN ${sql} END AS ${name}`);
  await workspace.write("a.parquet", `SELECT ${columns.join(", ")} FROM range(100)`);
  const before = casts.map(([name, , from], i) => `- { id: ${i + 1}, name: ${name}, type: ${from} }`);
  const after = casts.map(
    ([name, , , to, policy], i) =>
      `- { id: ${i + 1}, name: ${name}, type: ${to}${policy === undefined ? "" : `, cast: { ${policy} }`} }`,
  );
  const { report } = await migrateAndVerify(workspace, [
    version(1, `\n    ${before.join("\n    ")}`),
    version(2, `\n    ${after.join("\n    ")}`),
  ]);
  expect(report.findings).toEqual([]);
  expect(report).toMatchObject({ passed: true, valuesNotCompared: 0 });
  expect(report.valuesCompared).toBeGreaterThanOrEqual(100 * (casts.length - 1));
});

test("nested columns, added ones inside of them, and partitions that come and go pass a deep verification", async () => {
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
    - id: 5
      name: tags
      type: list
      element:
        id: 6
        type: struct
        fields:
          - { id: 7, name: k, type: string }
          - { id: 8, name: v, type: int32 }
    - { id: 11, name: region, type: string }
    - { id: 12, name: day, type: string }
    - { id: 14, name: props, type: map, key: { id: 15, type: string }, value: { id: 16, type: int32 } }`,
    "partitionBy: [day]",
  );
  const after = version(
    2,
    `
    - { id: 12, name: event_day, type: date32 }
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
        - { id: 10, name: unit, type: string, default: piece }
    - { id: 11, name: area, type: string }
    - { id: 14, name: props, type: map, key: { id: 15, type: string }, value: { id: 16, type: string } }
    - { id: 20, name: extra, type: struct, fields: [{ id: 21, name: a, type: int32, default: 7 }] }
    - { id: 22, name: more, type: list, element: { id: 23, type: int32 } }`,
    "partitionBy: [area]",
  );
  const rows = (region: string): string => `SELECT * FROM (VALUES
       ({'sku': 'a', 'qty': 1::INT}, [{'k': 'x', 'v': 1::INT}, {'k': 'y', 'v': NULL}], MAP {'a': 1, 'b': NULL}),
       (NULL, [], MAP {}),
       ({'sku': NULL, 'qty': NULL}, NULL, NULL),
       ({'sku': 'd', 'qty': 4::INT}, [NULL, {'k': NULL, 'v': 7::INT}], MAP {'c': 3})
     ) AS t(item, tags, props), (SELECT '${region}' AS region)`;
  await workspace.write("day=2026-01-01/a.parquet", rows("eu west"));
  await workspace.write("day=2026-01-02/a.parquet", rows("us"));
  const { report, columns } = await migrateAndVerify(workspace, [before, after], "hive");
  expect(report.findings).toEqual([]);
  expect(report).toMatchObject({ passed: true, valuesNotCompared: 0, objects: 2 });
  expect(columns["labels.list.element.lang"]).toBe("constant");
});

const defaults: Readonly<Record<string, string>> = {
  bool: "true",
  string: "x",
  binary: "ff",
  uuid: "00000000-0000-4000-8000-00000000ffff",
  date32: '"2020-01-31"',
  "time32[ms]": '"03:04:05"',
  "time64[us]": '"03:04:05.5"',
  "timestamp[us]": '"2020-01-31 03:04:05"',
  "timestamp[ms]": '"2020-01-31 03:04:05"',
  "timestamp[ns]": '"2020-01-31 03:04:05.123456789"',
  "timestamp[us, tz=UTC]": '"2020-01-31 03:04:05Z"',
  "timestamp[ms, tz=UTC]": '"2020-01-31 03:04:05"',
};

/** What becomes of one column. */
const fates = fc.record({
  column: fc.nat(casts.length - 1),
  fate: fc.constantFrom("cast", "cast", "cast", "keep", "rename", "drop"),
  onInvalid: fc.constantFrom("null", "default", "quarantine"),
  nullEvery: fc.constantFrom(0, 3, 11),
});

test("property: whatever the dataset and the two versions, what was published passes a deep verification", async () => {
  const datasets = fc.record({
    fates: fc.uniqueArray(fates, { minLength: 1, maxLength: 6, selector: ({ column }) => column }),
    rows: fc.nat(5000),
    rowGroupRows: fc.constantFrom(2048, 100_000),
    codec: fc.constantFrom("snappy", "zstd", "uncompressed", "gzip"),
    added: fc.boolean(),
    reversed: fc.boolean(),
    seed: fc.nat(1000),
  });
  await fc.assert(
    fc.asyncProperty(
      datasets,
      async ({ fates: chosen, rows, rowGroupRows, codec, added, reversed, seed }) => {
        await using workspace = await createWorkspace();
        const columns = chosen.map(({ column, nullEvery }) => {
          const [name, sql] = casts[column] ?? ["none", "1"];
          // Few distinct values, so that dictionaries are there, and valid ones in long runs.
          const value = sql.replaceAll("range", "n");
          return nullEvery === 0
            ? `${value} AS ${name}`
            : `CASE WHEN range % ${nullEvery} <> 1 THEN ${value} END AS ${name}`;
        });
        await workspace.write(
          "a.parquet",
          `SELECT range AS id, ${columns.join(", ")} FROM (SELECT range, (range * 7 + ${seed}) % 100 AS n FROM range(${rows}))`,
          `ROW_GROUP_SIZE ${rowGroupRows}, COMPRESSION ${codec}`,
        );
        const before = chosen.map(
          ({ column }, i) => `- { id: ${i + 2}, name: ${casts[column]?.[0]}, type: ${casts[column]?.[2]} }`,
        );
        const after = chosen.flatMap(({ column, fate, onInvalid }, i) => {
          const [name, , from, to] = casts[column] ?? [];
          if (fate === "drop") return [];
          if (fate === "keep") return [`- { id: ${i + 2}, name: ${name}, type: ${from} }`];
          if (fate === "rename") return [`- { id: ${i + 2}, name: ${name}_new, type: ${from} }`];
          const type = to?.replaceAll('"', "") ?? "";
          const standIn = onInvalid === "default" ? `, default: ${defaults[type] ?? "1"}` : "";
          return [
            `- { id: ${i + 2}, name: ${name}, type: ${to}, cast: { onInvalid: ${onInvalid} }${standIn} }`,
          ];
        });
        const fields = [
          "- { id: 1, name: key, type: int64 }",
          ...after,
          ...(added ? ["- { id: 90, name: added, type: float32, nullable: false, default: 1.5 }"] : []),
        ];
        const { report } = await migrateAndVerify(workspace, [
          version(1, `\n    - { id: 1, name: id, type: int64 }\n    ${before.join("\n    ")}`),
          version(2, `\n    ${(reversed ? fields.toReversed() : fields).join("\n    ")}`),
        ]);
        expect(report.findings).toEqual([]);
        expect(report.passed).toBe(true);
      },
    ),
    { numRuns: 12, interruptAfterTimeLimit: 40_000 },
  );
});
