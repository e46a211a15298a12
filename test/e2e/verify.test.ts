import { expect, test } from "vitest";
import { ColonnadeError } from "../../src/base/errors.ts";
import { createFileStore } from "../../src/store/file.ts";
import { type ObjectStore, unconditional } from "../../src/store/object-store.ts";
import type { VerifyReport } from "../../src/validate/report.ts";
import { verifyVersion } from "../../src/validate/verify.ts";
import { type Applied, createWorkspace, version, type Workspace } from "../support/migration.ts";
import { bodyOf, doctorObject, doctorVersion } from "../unit/validate/doctor.ts";

const v1 = version(
  1,
  `
    - { id: 1, name: id, type: int64 }
    - { id: 2, name: age, type: string }
    - { id: 3, name: score, type: float64 }
    - { id: 4, name: tags, type: list, element: { id: 5, type: string } }`,
);
const v2 = version(
  2,
  `
    - { id: 3, name: points, type: float64 }
    - { id: 1, name: person, type: int32 }
    - { id: 2, name: age, type: int32, cast: { onInvalid: quarantine } }
    - { id: 6, name: source, type: string, default: feed }`,
  "aliases:\n  - { name: score, field: 3 }",
);
const people =
  "SELECT range AS id, CASE WHEN range % 1000 = 3 THEN 'n/a' ELSE (range % 90)::VARCHAR END AS age, range / 2.0 AS score, ['a' || range, NULL] AS tags FROM range(5000)";

async function applied(workspace: Workspace): Promise<{ store: ObjectStore; result: Applied }> {
  await workspace.write("a.parquet", people, "ROW_GROUP_SIZE 2048");
  await workspace.write("b.parquet", people.replace("range(5000)", "range(10)"));
  const store = createFileStore({ rootPath: `${workspace.folder}/out` });
  return { store, result: await workspace.apply([v1, v2], { destination: store }) };
}

function errorsOf({ findings }: VerifyReport): string[] {
  return findings
    .filter(({ level }) => level === "error")
    .map(({ check, code, object }) =>
      [check, code, object?.replace(/-[0-9a-f]{32}/, "")].filter(Boolean).join(" "),
    );
}

test("a version as it was published passes every check", async () => {
  await using workspace = await createWorkspace();
  const { store } = await applied(workspace);
  const seen: number[] = [];
  const report = await verifyVersion({
    destination: store,
    onProgress: ({ objectsDone }) => seen.push(objectsDone),
  });
  expect(report.findings).toEqual([]);
  expect(report).toMatchObject({ passed: true, generation: 1, version: 1, objects: 2, rows: 5004 });
  expect(report.checks.filter(({ passed }) => passed).map(({ name }) => name)).toEqual([
    "pointer",
    "manifest",
    "file lists",
    "objects",
    "footers",
    "schema",
    "rows",
    "bytes",
    "second reader",
    "quarantine",
    "totals",
  ]);
  expect(seen).toEqual([1, 2]);
});

test("one flipped bit anywhere in a data object or its quarantine is found", async () => {
  await using workspace = await createWorkspace();
  const { store, result } = await applied(workspace);
  const [line] = result.lines;
  for (const key of [line?.key ?? "", line?.quarantine?.key ?? ""]) {
    const body = await bodyOf(store, key);
    for (const at of [5, body.length >> 1, body.length - 30]) {
      const flipped = Uint8Array.from(body);
      flipped[at] = (flipped[at] ?? 0) ^ 1;
      await store.put(key, flipped, unconditional);
      const report = await verifyVersion({ destination: store });
      expect(report.passed).toBe(false);
      expect(report.findings.filter(({ code }) => code === "CRC_DIFFERS")).toMatchObject([{ object: key }]);
    }
    await store.put(key, body, unconditional);
  }
  expect((await verifyVersion({ destination: store })).passed).toBe(true);
});

test("a removed, a truncated and an emptied object are named", async () => {
  await using workspace = await createWorkspace();
  const { store, result } = await applied(workspace);
  const [a, b] = result.lines.map(({ key }) => key) as [string, string];
  const body = await bodyOf(store, a);
  await store.delete(b);
  await store.put(a, body.subarray(0, body.length - 100), unconditional);
  expect(errorsOf(await verifyVersion({ destination: store }))).toEqual([
    "objects SIZE_DIFFERS data/a.parquet",
    "objects CRC_DIFFERS data/a.parquet",
    "footers FOOTER_MAGIC data/a.parquet",
    "objects OBJECT_MISSING data/b.parquet",
  ]);
  await store.put(a, new Uint8Array(0), unconditional);
  expect(errorsOf(await verifyVersion({ destination: store }))).toContain(
    "footers MAGIC_MISSING data/a.parquet",
  );
});

test("a row count that is wrong in line, totals and digests alike is found in the footer", async () => {
  await using workspace = await createWorkspace();
  const { store } = await applied(workspace);
  await doctorVersion(store, {
    line: (line) =>
      line.source.key === "b.parquet"
        ? { ...line, rows: line.rows + 1, source: { ...line.source, rows: line.source.rows + 1 } }
        : line,
    manifest: (manifest) => {
      const { totals } = manifest;
      return { ...manifest, totals: { ...totals, rows: totals.rows + 1, rowsIn: totals.rowsIn + 1 } };
    },
  });
  expect(errorsOf(await verifyVersion({ destination: store }))).toEqual(["rows ROWS_DIFFER data/b.parquet"]);
});

test("lines that do not add up are found, each for what it says wrong", async () => {
  await using workspace = await createWorkspace();
  const { store } = await applied(workspace);
  await doctorVersion(store, {
    line: (line) =>
      line.source.key === "b.parquet"
        ? {
            ...line,
            source: { ...line.source, rows: 11 },
            invalid: { age: 7 },
            bytesCopied: line.bytesCopied + 1,
          }
        : line,
  });
  const report = await verifyVersion({ destination: store });
  expect(errorsOf(report)).toEqual([
    "totals TOTAL_DIFFERS",
    "totals TOTAL_DIFFERS",
    "totals TOTAL_DIFFERS",
    "rows ROWS_LOST data/b.parquet",
    "file lists BYTES_MISCOUNTED data/b.parquet",
  ]);
  const totals = report.findings.flatMap(({ code, details }) =>
    code === "TOTAL_DIFFERS" ? [details["total"]] : [],
  );
  expect(totals).toEqual(["rowsIn", "bytesCopied", "invalid.age"]);
});

test("a manifest, a file list and a pointer that were changed are known by their digests", async () => {
  await using workspace = await createWorkspace();
  const { store, result } = await applied(workspace);
  const { key } = result.pointer.manifest;
  const manifest = await bodyOf(store, key);
  await store.put(key, Buffer.concat([manifest, Buffer.from("\n")]), unconditional);
  expect(errorsOf(await verifyVersion({ destination: store }))).toEqual(["manifest DIGEST_MISMATCH"]);
  await store.delete(key);
  expect(errorsOf(await verifyVersion({ destination: store }))).toEqual(["manifest MANIFEST_MISSING"]);
  await store.put(key, manifest, unconditional);

  const part = result.manifest.parts[0]?.key ?? "";
  const list = await bodyOf(store, part);
  list[list.length - 1] = 7;
  await store.put(part, list, unconditional);
  expect(errorsOf(await verifyVersion({ destination: store }))).toEqual(["file lists DIGEST_MISMATCH"]);

  await store.put("pointers/current.json", Buffer.from("{}"), unconditional);
  expect(errorsOf(await verifyVersion({ destination: store }))).toEqual(["pointer POINTER_INVALID"]);
});

test("an object with the right size, CRC and rows but other columns is found by its schema", async () => {
  await using workspace = await createWorkspace();
  const { store, result } = await applied(workspace);
  const line = result.lines[1];
  if (line === undefined) throw new Error("no line");
  await workspace.write("../other.parquet", "SELECT range::INT AS person, 0.5 AS points FROM range(9)");
  const other = await bodyOf(createFileStore({ rootPath: workspace.folder }), "other.parquet");
  await doctorObject(store, line, other);
  const report = await verifyVersion({ destination: store });
  expect(errorsOf(report)).toEqual([
    "schema SCHEMA_DIFFERS data/b.parquet",
    "schema SCHEMA_KEY_WRONG data/b.parquet",
    "schema COLUMNS_DIFFER data/b.parquet",
  ]);
});

test("bytes that no part of the footer knows of are found", async () => {
  await using workspace = await createWorkspace();
  const { store, result } = await applied(workspace);
  const line = result.lines[1];
  if (line === undefined) throw new Error("no line");
  const body = await bodyOf(store, line.key);
  const footerBytes = new DataView(body.buffer).getUint32(body.length - 8, true);
  const footerStart = body.length - 8 - footerBytes;
  const hidden = Buffer.concat([
    body.subarray(0, footerStart),
    Buffer.from("left behind"),
    body.subarray(footerStart),
  ]);
  await doctorObject(store, line, hidden);
  const report = await verifyVersion({ destination: store });
  expect(errorsOf(report)).toEqual(["bytes BYTES_UNEXPLAINED data/b.parquet"]);
  expect(report.findings[0]?.details).toMatchObject({ start: footerStart, bytes: 11 });
});

test("an older version is verified by the digest that its own generation has of it", async () => {
  await using workspace = await createWorkspace();
  const { store, result } = await applied(workspace);
  await workspace.write("c.parquet", people.replace("range(5000)", "range(4)"));
  const second = await workspace.apply([v1, v2], { destination: store });
  expect(second.pointer.version).toBe(2);
  const report = await verifyVersion({ destination: store, version: 1 });
  expect(report).toMatchObject({ passed: true, version: 1, generation: 1, objects: 2 });
  await store.put(result.pointer.manifest.key, Buffer.from("{}"), unconditional);
  expect(errorsOf(await verifyVersion({ destination: store, version: 1 }))).toEqual([
    "manifest DIGEST_MISMATCH",
  ]);
  expect((await verifyVersion({ destination: store })).passed).toBe(true);
});

test("nothing to verify and a version that is not there are the caller's mistakes", async () => {
  await using workspace = await createWorkspace();
  const { store } = await applied(workspace);
  await expect(verifyVersion({ destination: store, channel: "canary" })).rejects.toMatchObject({
    kind: "invalid",
    code: "CHANNEL_EMPTY",
  });
  await expect(verifyVersion({ destination: store, version: 7 })).rejects.toMatchObject({
    kind: "invalid",
    code: "VERSION_MISSING",
  });
});

function deeply(
  workspace: Workspace,
  store: ObjectStore,
  versions: readonly string[],
): Promise<VerifyReport> {
  const { source, history } = workspace.context(versions);
  return verifyVersion({ destination: store, source, history, partitioning: "flat", deep: true });
}

test("a version as it was published passes a deep verification, which says how much it compared", async () => {
  await using workspace = await createWorkspace();
  const { store, result } = await applied(workspace);
  const report = await deeply(workspace, store, [v1, v2]);
  expect(report.findings).toEqual([]);
  expect(report.passed).toBe(true);
  expect(report.checks.map(({ name }) => name)).toEqual(
    expect.arrayContaining(["copied chunks", "values"]) as string[],
  );
  expect(report.copiedBytesCompared).toBeGreaterThan(100);
  expect(result.lines[0]?.quarantine?.rows).toBe(5);
  expect(report.valuesCompared).toBeGreaterThan(10_000);
  expect([report.valuesNotCompared, report.sourcesGone]).toEqual([0, 0]);
});

test("a store that does not answer, and a signal, are thrown and no findings", async () => {
  await using workspace = await createWorkspace();
  const { store } = await applied(workspace);
  const controller = new AbortController();
  const aborting: ObjectStore = {
    ...store,
    getStream: (key, options) => {
      controller.abort();
      return store.getStream(key, options);
    },
  };
  await expect(verifyVersion({ destination: aborting, signal: controller.signal })).rejects.toMatchObject({
    kind: "cancelled",
  });
  const silent: ObjectStore = {
    ...store,
    getStream: () => Promise.reject(new ColonnadeError("unavailable", "STORE_UNAVAILABLE", "store is away")),
  };
  await expect(verifyVersion({ destination: silent })).rejects.toMatchObject({ kind: "unavailable" });
});
