import { expect, test } from "vitest";
import type { FileLine } from "../../src/dataset/formats.ts";
import { createFileStore } from "../../src/store/file.ts";
import { type ObjectStore, unconditional } from "../../src/store/object-store.ts";
import type { Finding, VerifyReport } from "../../src/validate/report.ts";
import { verifyVersion } from "../../src/validate/verify.ts";
import { type Applied, createWorkspace, version, type Workspace } from "../support/migration.ts";
import { bodyOf, doctorObject, doctorVersion } from "../unit/validate/doctor.ts";

const v1 = version(
  1,
  `
    - { id: 1, name: id, type: int64 }
    - { id: 2, name: age, type: string }
    - { id: 3, name: score, type: float64 }
    - { id: 4, name: rank, type: float64 }`,
);
const v2Text = (policy: string): string =>
  version(
    2,
    `
    - { id: 1, name: person, type: int64 }
    - { id: 2, name: age, type: int32, cast: { onInvalid: ${policy} } }
    - { id: 3, name: points, type: float64 }
    - { id: 4, name: place, type: float64 }
    - { id: 5, name: source, type: string, default: feed }`,
  );
const people =
  "SELECT range AS id, CASE WHEN range % 10 = 3 THEN 'n/a' ELSE range::VARCHAR END AS age, range / 2.0 AS score, range / 4.0 AS rank FROM range(40)";

interface Published {
  readonly store: ObjectStore;
  readonly result: Applied;
  readonly line: FileLine;
  readonly deep: () => Promise<VerifyReport>;
}

async function publish(workspace: Workspace, policy: string): Promise<Published> {
  await workspace.write("a.parquet", people);
  const versions = [v1, v2Text(policy)];
  const store = createFileStore({ rootPath: `${workspace.folder}/out` });
  const result = await workspace.apply(versions, { destination: store });
  const [line] = result.lines;
  if (line === undefined) throw new Error("nothing was migrated");
  const { source, history } = workspace.context(versions);
  const deep = (): Promise<VerifyReport> =>
    verifyVersion({ destination: store, source, history, partitioning: "flat", deep: true });
  return { store, result, line, deep };
}

/** Another object in the place of a data object: the same schema, ids and rows, everything else as the query says. */
async function replaceData(
  workspace: Workspace,
  { store, line, result }: Published,
  query: string,
): Promise<void> {
  const { version: number, fingerprint } = result.manifest.schema;
  const stated = JSON.stringify({ dataset: "test", version: number, fingerprint }).replaceAll("'", "''");
  const [{ file } = {}] = await workspace.sql(`SELECT file FROM glob('$out')`);
  await workspace.write(
    "../other.parquet",
    query.replaceAll("{data}", `'${String(file)}'`),
    `FIELD_IDS {person: 1, age: 2, points: 3, place: 4, source: 5}, KV_METADATA {"colonnade.schema": '${stated}'}`,
  );
  const other = await bodyOf(createFileStore({ rootPath: workspace.folder }), "other.parquet");
  await doctorObject(store, line, other);
}

function errorsOf({ findings }: VerifyReport): string[] {
  return findings
    .filter(({ level }) => level === "error")
    .map(({ check, code, column }: Finding) => [check, code, column].filter(Boolean).join(" "))
    .toSorted();
}

test("two columns whose values were swapped, with digests, rows and schema right, are found by their bytes", async () => {
  await using workspace = await createWorkspace();
  const published = await publish(workspace, "null");
  await replaceData(
    workspace,
    published,
    "SELECT person, age, place AS points, points AS place, source FROM {data}",
  );
  const shallow = await verifyVersion({ destination: published.store });
  expect(errorsOf(shallow)).toEqual([]);
  const report = await published.deep();
  expect(report.passed).toBe(false);
  expect(errorsOf(report)).toEqual(
    expect.arrayContaining([
      "copied chunks CHUNK_DIFFERS points",
      "copied chunks CHUNK_DIFFERS place",
    ]) as string[],
  );
});

test("one changed value of a rewritten column is found, with its row and what it should be", async () => {
  await using workspace = await createWorkspace();
  const published = await publish(workspace, "null");
  await replaceData(
    workspace,
    published,
    "SELECT person, (age + (person = 17)::INT)::INT AS age, points, place, source FROM {data}",
  );
  const { findings } = await published.deep();
  const found = findings.find(({ column }) => column === "age");
  expect(found).toMatchObject({
    code: "VALUES_DIFFER",
    details: {
      from: "string",
      to: "int32",
      differences: 1,
      examples: [{ row: 17, expected: "17", found: "18" }],
    },
  });
});

test("a null where there was a value, and a value where the policy says null, are both found", async () => {
  await using workspace = await createWorkspace();
  const published = await publish(workspace, "null");
  await replaceData(
    workspace,
    published,
    "SELECT person, CASE WHEN person = 4 THEN NULL WHEN person = 3 THEN 3 ELSE age END::INT AS age, points, place, source FROM {data}",
  );
  const { findings } = await published.deep();
  expect(findings.find(({ column }) => column === "age")?.details).toMatchObject({
    differences: 2,
    examples: [
      { row: 3, expected: "null, by the field's policy", found: "3" },
      { row: 4, expected: "4", found: "null" },
    ],
  });
});

test("an added column that does not hold its default is found", async () => {
  await using workspace = await createWorkspace();
  const published = await publish(workspace, "null");
  await replaceData(
    workspace,
    published,
    "SELECT person, age, points, place, CASE WHEN person = 30 THEN 'food' ELSE source END AS source FROM {data}",
  );
  const { findings } = await published.deep();
  expect(findings.find(({ column }) => column === "source")).toMatchObject({
    code: "VALUES_DIFFER",
    details: { differences: 1, examples: [{ row: 30, expected: '"feed"', found: '"food"' }] },
  });
});

test("invalid values that a line counts wrong are found, when all its totals are wrong alike", async () => {
  await using workspace = await createWorkspace();
  const { store, deep } = await publish(workspace, "null");
  await doctorVersion(store, {
    line: (line) => ({ ...line, invalid: { age: 3 } }),
    manifest: (manifest) => ({ ...manifest, totals: { ...manifest.totals, invalid: { age: 3 } } }),
  });
  const report = await deep();
  expect(errorsOf(report)).toEqual(["values INVALID_MISCOUNTED age"]);
  expect(report.findings[0]?.details).toEqual({ invalid: 4, listed: 3 });
});

test("rows in quarantine are the source's, whole, and have a reason; a valid row that was dropped is found", async () => {
  await using workspace = await createWorkspace();
  const { store, line, deep } = await publish(workspace, "quarantine");
  expect((await deep()).findings).toEqual([]);
  const { quarantine } = line;
  if (quarantine === null) throw new Error("nothing in quarantine");
  const key = quarantine.key;
  const replace = async (query: string): Promise<VerifyReport> => {
    const file = `'${workspace.folder}/out/${key}'`;
    const before = await bodyOf(store, key);
    await workspace.write("../other.parquet", query.replaceAll("{file}", file));
    const other = await bodyOf(createFileStore({ rootPath: workspace.folder }), "other.parquet");
    const { crc32Hex, updateCrc32 } = await import("../../src/base/digest.ts");
    await store.put(key, other, unconditional);
    await doctorVersion(store, {
      line: (one) => ({
        ...one,
        quarantine: { ...quarantine, bytes: other.length, crc32: crc32Hex(updateCrc32(other)) },
      }),
    });
    const report = await deep();
    await store.put(key, before, unconditional);
    return report;
  };
  const altered = await replace(
    "SELECT * REPLACE (CASE WHEN id = 13 THEN 0.25 ELSE score END AS score) FROM {file}",
  );
  expect(errorsOf(altered)).toEqual(["values VALUES_DIFFER score"]);
  expect(altered.findings[0]?.object).toBe(key);
  const moved = await replace(
    "SELECT * REPLACE (_colonnade_row + (id = 13)::INT AS _colonnade_row) FROM {file}",
  );
  expect(errorsOf(moved)).toEqual(
    expect.arrayContaining(["values QUARANTINE_UNFOUNDED", "values VALUES_DIFFER age"]) as string[],
  );
});

test("a source that is gone or was written anew is noted and counted, and no failure", async () => {
  await using workspace = await createWorkspace();
  const { deep } = await publish(workspace, "null");
  await workspace.write("a.parquet", people.replace("range(40)", "range(41)"));
  const changed = await deep();
  expect(changed).toMatchObject({ passed: true, sourcesGone: 1, valuesCompared: 0, copiedBytesCompared: 0 });
  expect(changed.findings).toMatchObject([{ level: "info", code: "SOURCE_GONE" }]);
  await createFileStore({ rootPath: `${workspace.folder}/raw` }).delete("a.parquet");
  expect(await deep()).toMatchObject({ passed: true, sourcesGone: 1 });
});

test("a zone other than UTC is decoded and not claimed to be compared", async () => {
  await using workspace = await createWorkspace();
  await workspace.write("a.parquet", "SELECT TIMESTAMP '2026-01-31 12:00:00' AS at FROM range(7)");
  const versions = [
    version(1, `\n    - { id: 1, name: at, type: "timestamp[us]" }`),
    version(
      2,
      `\n    - { id: 1, name: at, type: "timestamp[us, tz=UTC]", cast: { timezone: Europe/Berlin } }`,
    ),
  ];
  const { destination, source, history } = workspace.context(versions);
  await workspace.apply(versions);
  const report = await verifyVersion({ destination, source, history, partitioning: "flat", deep: true });
  expect(report).toMatchObject({ passed: true, valuesCompared: 0, valuesNotCompared: 7 });
  expect(report.findings).toMatchObject([{ level: "info", code: "DECODED_NOT_COMPARED", column: "at" }]);
});

test("a deep verification without the source or the schema versions is the caller's mistake", async () => {
  await using workspace = await createWorkspace();
  const { store } = await publish(workspace, "null");
  await expect(verifyVersion({ destination: store, deep: true })).rejects.toMatchObject({
    kind: "invalid",
    code: "DEEP_NEEDS_SOURCE",
  });
});
