import { cp, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { ColonnadeError } from "../../src/base/errors.ts";
import { verifyVersion } from "../../src/validate/verify.ts";
import { chunkByteRange } from "../../src/parquet/footer/chunk-range.ts";
import { footerTailBytes, locateFooter, scanFooter } from "../../src/parquet/footer/footer.ts";
import { formatLeafType } from "../../src/parquet/leaf-type.ts";
import { withFingerprint } from "../../src/schema/fingerprint.ts";
import { formatSchemaVersion } from "../../src/schema/parse-schema-version.ts";
import type { Field, SchemaVersion } from "../../src/schema/schema-version.ts";
import { fieldsById, partitionFields, storedFields } from "../../src/schema/walk-fields.ts";
import { propertyRuns, recordFigures } from "../support/long-runs.ts";
import { duckdb, quote } from "../support/duckdb.ts";
import { addedValue, castLeaf, migrateRow } from "../support/migration-model.ts";
import {
  anyRoll,
  columnsOf,
  isPossible,
  leafValue,
  type Roll,
  valueOf,
  withAliases,
  withPolicies,
} from "../support/any-migration.ts";
import { createWorkspace, type Workspace } from "../support/migration.ts";
import { type Row, startPyarrow, type Value } from "../support/pyarrow-service.ts";
import { anyPair, anyTriple, anyVersion } from "../support/schema-versions.ts";

const pyarrow = startPyarrow();
afterAll(async () => pyarrow?.[Symbol.asyncDispose]());

const runs = propertyRuns(60);

interface SourceObject {
  readonly key: string;
  readonly rows: readonly Row[];
  readonly partition: Readonly<Record<string, string | null>>;
}

function leafTypeOf(field: Field): string {
  return field.type.kind === "leaf" ? formatLeafType(field.type.leaf) : "";
}

/** A value that both versions can spell in a path. */
function pathValue(before: Field, field: Field | undefined, roll: Roll): Value {
  if (before.nullable && field?.nullable !== false && roll(4) === 0) return null;
  for (;;) {
    const value = leafValue(leafTypeOf(before), roll);
    if (field === undefined || castLeaf(value, leafTypeOf(before), leafTypeOf(field)) !== undefined)
      return value;
  }
}

function textOf(field: Field, value: Value): string | null {
  return value === null ? null : (castLeaf(value, leafTypeOf(field), "string") as string);
}

function anyObject(name: string, from: SchemaVersion, to: SchemaVersion, roll: Roll): SourceObject {
  const now = fieldsById(to);
  const partition: Record<string, string | null> = {};
  for (const field of partitionFields(from))
    partition[field.name] = textOf(field, pathValue(field, now.get(field.id)?.field, roll));
  // A column that becomes part of the path has one value in all of an object.
  const constants = Object.fromEntries(
    storedFields(from)
      .filter(({ id }) => to.partitionBy.includes(id))
      .map((field) => [field.name, pathValue(field, now.get(field.id)?.field, roll)]),
  );
  const rows = Array.from({ length: roll(5) === 0 ? 0 : 1 + roll(12) }, (): Row => ({
    ...Object.fromEntries(storedFields(from).map((field) => [field.name, valueOf(field, roll)])),
    ...constants,
  }));
  const folders = Object.entries(partition).map(
    ([column, value]) =>
      `${column}=${value === null ? "__HIVE_DEFAULT_PARTITION__" : encodeURIComponent(value)}/`,
  );
  return { key: `${folders.join("")}${name}.parquet`, rows, partition };
}

function anyOptions(roll: Roll): object {
  const pick = <T>(...items: readonly T[]): T => items[roll(items.length)] as T;
  return {
    row_group_size: 1 + roll(6),
    compression: pick("NONE", "SNAPPY", "GZIP", "ZSTD", "LZ4", "BROTLI"),
    use_dictionary: pick(true, false),
    data_page_version: pick("1.0", "2.0"),
    max_rows_per_page: pick(1, 2, 1000),
    write_batch_size: pick(1, 3, 1000),
    dictionary_pagesize_limit: pick(8, 100_000),
    write_statistics: pick(true, true, false),
    write_page_index: pick(true, false),
    write_page_checksum: pick(true, false),
    store_schema: pick(true, false),
    bloom: pick(true, false),
  };
}

async function writeObjects(
  workspace: Workspace,
  from: SchemaVersion,
  objects: readonly SourceObject[],
  roll: Roll,
): Promise<void> {
  for (const { key, rows } of objects) {
    const path = join(workspace.folder, "raw", key);
    await mkdir(join(path, ".."), { recursive: true });
    await pyarrow?.write(path, storedFields(from), rows, anyOptions(roll));
  }
}

const job = { partitioning: "hive", from: 1 } as const;

function expectedPartition(object: SourceObject, from: SchemaVersion, to: SchemaVersion): object {
  const old = fieldsById(from);
  return Object.fromEntries(
    partitionFields(to).map((field): [string, string | null] => {
      const before = old.get(field.id)?.field;
      const isText = before !== undefined && from.partitionBy.includes(before.id);
      if (before === undefined || (!isText && object.rows.length === 0))
        return [field.name, textOf(field, addedValue(field))];
      const text = object.partition[before.name] ?? null;
      const value = isText
        ? text === null
          ? null
          : (castLeaf(text, "string", leafTypeOf(before)) ?? null)
        : (object.rows[0]?.[before.name] ?? null);
      if (value === null) return [field.name, null];
      const standIn = field.cast?.onInvalid === "default" ? addedValue(field) : null;
      const cast = castLeaf(value, leafTypeOf(before), leafTypeOf(field)) ?? standIn;
      return [field.name, textOf(field, cast)];
    }),
  );
}

/** An empty object has no value that its path could have. */
function hasNoPartition(object: SourceObject, from: SchemaVersion, to: SchemaVersion): boolean {
  return (
    object.rows.length === 0 &&
    storedFields(from).some((field) => {
      const now = partitionFields(to).find(({ id }) => id === field.id);
      return now !== undefined && !now.nullable && now.default === undefined;
    })
  );
}

interface Judged {
  readonly values: number;
  readonly notJudged: number;
}

/**
 * What `verify --deep` compared, with parquet-wasm on both sides; undefined when the model refuses an object, and so nothing is
 * served.
 */
async function checkMigration(
  from: SchemaVersion,
  to: SchemaVersion,
  roll: Roll,
): Promise<Judged | undefined> {
  await using workspace = await createWorkspace();
  const objects = [anyObject("a", from, to, roll), anyObject("b", from, to, roll)];
  await writeObjects(workspace, from, objects, roll);
  const migrated = objects.map((object) => ({
    object,
    rows: object.rows.map((row) => migrateRow(row, from, to, object.partition)),
  }));
  const refused = migrated
    .filter(
      ({ object, rows }) => rows.some(({ kind }) => kind === "refused") || hasNoPartition(object, from, to),
    )
    .map(({ object }) => object.key)
    .toSorted();
  const versions = [formatSchemaVersion(from), formatSchemaVersion(to)];
  const result = await workspace.apply(versions, job).catch((error: unknown) => error);
  if (result instanceof Error || refused.length > 0) {
    const error = result as ColonnadeError;
    if (!(error instanceof ColonnadeError))
      throw new Error("the model refuses what was migrated", { cause: error });
    const named = (error.details["objects"] as { object: string }[] | undefined)?.map(({ object }) => object);
    if (JSON.stringify(named?.toSorted()) !== JSON.stringify(refused)) throw error;
    return undefined;
  }
  const { lines } = result as Awaited<ReturnType<Workspace["apply"]>>;
  for (const { object, rows } of migrated) {
    const line = lines.find(({ source }) => source.key === object.key);
    const kept = rows.flatMap((one) => (one.kind === "kept" ? [withAliases(to, one.row)] : []));
    expect(line).toMatchObject({ rows: kept.length, partition: expectedPartition(object, from, to) });
    const path = join(workspace.folder, "out", line?.key ?? "");
    await checkOutput(path, to, kept, roll);
    await checkQuarantine(
      workspace,
      line?.quarantine?.key,
      object.rows.filter((_, i) => rows[i]?.kind === "quarantined"),
    );
  }
  const { source, destination, history } = workspace.context(versions, job);
  const report = await verifyVersion({ source, destination, history, deep: true, concurrency: 1 });
  expect(report).toMatchObject({ passed: true, objects: objects.length });
  return { values: report.valuesCompared, notJudged: report.valuesNotCompared };
}

async function checkOutput(path: string, to: SchemaVersion, kept: readonly Row[], roll: Roll): Promise<void> {
  const leaves = storedFields(to).filter((field) => field.type.kind === "leaf");
  const filters = leaves.flatMap((field): (readonly [string, Value])[] => {
    const value = kept[roll(Math.max(1, kept.length))]?.[field.name] ?? null;
    return value === null || leafTypeOf(field) === "timestamp[us]" ? [] : [[field.name, value]];
  });
  const read = await pyarrow?.read(path, filters);
  expect(read?.faults).toEqual([]);
  expect(read?.fields).toEqual(columnsOf(to));
  expect(read?.rows).toEqual(kept);
  const counts = filters.map(([name, value]) => kept.filter((row) => row[name] === value).length);
  expect(read?.found).toEqual(counts);
  const where = filters.map(
    ([name, value]) => `(SELECT count(*)::INT FROM ${quote(path)} WHERE "${name}" = ${sqlLiteral(value)})`,
  );
  const [row] = await duckdb(
    `SELECT [${["(SELECT count(*)::INT FROM " + quote(path) + ")", ...where].join(", ")}] AS n`,
  );
  expect(row).toEqual({ n: [kept.length, ...counts] });
}

function sqlLiteral(value: Value): string {
  return typeof value === "number" ? String(value) : quote(value as string);
}

async function checkQuarantine(
  workspace: Workspace,
  key: string | undefined,
  rows: readonly Row[],
): Promise<void> {
  expect(key === undefined).toBe(rows.length === 0);
  if (key === undefined) return;
  const read = await pyarrow?.read(join(workspace.folder, "out", key));
  expect(read?.faults).toEqual([]);
  expect(read?.rows.map(({ _colonnade_reason, _colonnade_row, ...row }) => row)).toEqual(rows);
}

test.runIf(pyarrow !== undefined)(
  "whatever the versions and the data, pyarrow and DuckDB read what an independent model computes, and parquet-wasm agrees",
  { timeout: 60_000 + 2000 * runs },
  async () => {
    const outcomes = new Set<boolean>();
    let values = 0;
    let notJudged = 0;
    await fc.assert(
      fc.asyncProperty(anyPair, anyRoll, async ([from, edited], roll) => {
        fc.pre(isPossible(from, edited));
        const judged = await checkMigration(from, withPolicies(edited, roll), roll);
        outcomes.add(judged !== undefined);
        values += judged?.values ?? 0;
        notJudged += judged?.notJudged ?? 0;
      }),
      { numRuns: runs, endOnFailure: true },
    );
    // Two objects each.
    recordFigures("random files against an independent model, pyarrow, DuckDB and parquet-wasm", {
      files: 2 * runs,
      "values compared by verify --deep": values,
      "not compared": notJudged,
    });
    expect(notJudged).toBeLessThan(values / 20);
    expect(outcomes).toEqual(new Set([true, false]));
  },
);

test.runIf(pyarrow !== undefined)(
  "under the version that it has, an object is copied byte for byte, and a second reader sees the same metadata",
  { timeout: 60_000 + 1000 * runs },
  async () => {
    let chunks = 0;
    await fc.assert(
      fc.asyncProperty(anyVersion, anyRoll, async (version, roll) => {
        fc.pre(storedFields(version).length > 0);
        chunks += await checkIdentity(version, roll);
      }),
      { numRuns: runs / 3, endOnFailure: true },
    );
    expect(chunks).toBeGreaterThan(runs);
  },
);

async function checkIdentity(version: SchemaVersion, roll: Roll): Promise<number> {
  await using workspace = await createWorkspace();
  const object = anyObject("a", version, version, roll);
  await writeObjects(workspace, version, [object], roll);
  const { lines } = await workspace.apply([formatSchemaVersion(version)], job);
  const paths = [
    join(workspace.folder, "raw", object.key),
    join(workspace.folder, "out", lines[0]?.key ?? ""),
  ];
  const [before, after] = await Promise.all(paths.map(chunksOf));
  expect(after).toEqual(before);
  const [old, now] = await Promise.all(paths.map(async (path) => pyarrow?.metadata(path)));
  expect(now?.text).toBe(old?.text);
  // Field ids are the version's; some lines of the text are places in memory.
  const plain = (text = ""): string => text.replaceAll(/ field_id=-?\d+/g, "").replaceAll(/^<.*$/gm, "");
  expect(plain(now?.schema)).toBe(plain(old?.schema));
  expect(now?.keys.toSorted()).toEqual([...(old?.keys ?? []), "colonnade.schema"].toSorted());
  return before?.length ?? 0;
}

/** The bytes of every chunk. */
async function chunksOf(path: string): Promise<string[]> {
  const file = new Uint8Array(await readFile(path));
  const { footerStart } = locateFooter(file, file.length);
  const footer = scanFooter(file.subarray(footerStart, file.length - footerTailBytes));
  return footer.rowGroups.flatMap((_, rowGroup) =>
    footer.leaves.map((_leaf, leaf) => {
      const { start, end } = chunkByteRange(footer.chunkFacts(rowGroup, leaf), file.length);
      return Buffer.from(file.subarray(start, end)).toString("hex");
    }),
  );
}

test.runIf(pyarrow !== undefined)(
  "a migration over two versions is the same in one step as in two",
  { timeout: 60_000 + 2000 * runs },
  async () => {
    let compared = 0;
    await fc.assert(
      fc.asyncProperty(anyTriple, anyRoll, async ([first, second, third], roll) => {
        const versions = withoutCasts([first, second, third]);
        const steps = [
          [0, 1],
          [1, 2],
          [0, 2],
        ] as const;
        fc.pre(
          steps.every(([from, to]) =>
            isPossible(versions[from] as SchemaVersion, versions[to] as SchemaVersion),
          ),
        );
        compared += (await checkSteps(versions, roll)) ? 1 : 0;
      }),
      { numRuns: runs / 3, endOnFailure: true },
    );
    expect(compared).toBeGreaterThan(runs / 20);
  },
);

/** Casts there and back lose what one step keeps, so every leaf has the type that it had at first. */
function withoutCasts(versions: readonly SchemaVersion[]): SchemaVersion[] {
  const types = new Map<number, Pick<Field, "type" | "default">>();
  const settle = (field: Field): Field => {
    const { type } = field;
    switch (type.kind) {
      case "leaf": {
        const known = types.get(field.id) ?? {
          type,
          ...(field.default === undefined ? {} : { default: field.default }),
        };
        types.set(field.id, known);
        return { ...field, ...known };
      }
      case "struct":
        return { ...field, type: { ...type, fields: type.fields.map(settle) } };
      case "list":
        return { ...field, type: { ...type, element: settle(type.element) } };
      case "map":
        return { ...field, type: { ...type, key: settle(type.key), value: settle(type.value) } };
    }
  };
  return versions.map((version) => withFingerprint({ ...version, fields: version.fields.map(settle) }));
}

/** False when a null is refused on one of the ways. */
async function checkSteps(versions: readonly SchemaVersion[], roll: Roll): Promise<boolean> {
  const [first, second] = versions as [SchemaVersion, SchemaVersion];
  const texts = versions.map((version) => formatSchemaVersion(version));
  await using direct = await createWorkspace();
  await using stepwise = await createWorkspace();
  const objects = [anyObject("a", first, second, roll)];
  await writeObjects(direct, first, objects, roll);
  await cp(join(direct.folder, "raw"), join(stepwise.folder, "raw"), { recursive: true });
  try {
    const inOne = await direct.apply(texts, { ...job, to: 3 });
    await stepwise.apply(texts, { ...job, to: 2 });
    await using last = await createWorkspace();
    await cp(join(stepwise.folder, "out/data"), join(last.folder, "raw"), { recursive: true });
    const inTwo = await last.apply(texts, { ...job, from: 2, to: 3 });
    const [one, two] = [inOne.lines[0], inTwo.lines[0]];
    // A value that left the path for a column of no rows is nowhere: back in the path, only a default can stand there.
    expect(one?.rows === 0 ? one.partition : two?.partition).toEqual(one?.partition);
    const [expected, found] = await Promise.all([
      pyarrow?.read(join(direct.folder, "out", one?.key ?? "")),
      pyarrow?.read(join(last.folder, "out", two?.key ?? "")),
    ]);
    expect(found?.faults).toEqual([]);
    expect(found?.fields).toEqual(expected?.fields);
    expect(found?.rows).toEqual(expected?.rows);
    return true;
  } catch (error) {
    if (error instanceof ColonnadeError && error.code === "OBJECTS_FAILED") return false;
    throw error;
  }
}
