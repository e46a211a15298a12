/**
 * Every leaf of every readable file of the corpus to every type that there is a cast to. Each output is compared with its source
 * by `verify --deep` (parquet-wasm reads both sides, and a second statement of the casts says what must be there), by pyarrow's own
 * casts, and by DuckDB's where it means the same by one and the leaf is in no list. `npm run corpus:casts` does all of them, in half an hour or more; `npm test` one in 60, spread over files and types.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, describe, expect, test } from "vitest";
import { DuckDBInstance } from "@duckdb/node-api";
import { ColonnadeError } from "../../src/base/errors.ts";
import type { Raw } from "../support/cast-columns.ts";
import { corpusFiles } from "../support/corpus.ts";
import { type CastMigration, everyCast } from "../support/corpus-every-cast.ts";
import { pythonWith } from "../support/python.ts";
import { decodedBytes } from "../support/readers.ts";
import { identifier, quote } from "../support/duckdb.ts";
import { alikePairs, sqlType } from "../conformance/duckdb-pairs.ts";
import { differenceOf } from "../conformance/semantics-differences.ts";

const all = process.env["CORPUS_CASTS"] === "all";
const bytesMax = 100 * 1024 * 1024;
const files = corpusFiles("data").filter(
  ({ name, path }) => !name.endsWith(".encrypted") && decodedBytes(path) <= bytesMax,
);

/** What is refused as it should be: by whole objects, and why. */
const refused: Readonly<Record<string, string>> = {
  "datapage_v1-corrupt-checksum.parquet": "PAGE_CHECKSUM",
  "rle-dict-uncompressed-corrupt-checksum.parquet": "PAGE_CHECKSUM",
  "map_no_value.parquet": "SET_WITHOUT_VALUES",
  "old_list_structure.parquet": "ELEMENT_NOT_NULLABLE",
  "repeated_primitive_no_list.parquet": "ELEMENT_NOT_NULLABLE",
};
/**
 * Findings that are the source's own, and carried: a footer that counts no rows; a page index with a list of another type than the
 * format says, which a relabel copies as it is.
 */
const carried: Readonly<Record<string, string>> = {
  "repeated_no_annotation.parquet": "ROWS_MISCOUNTED",
  "dict-page-offset-zero.parquet": "SECOND_READER_REFUSES",
};
/** pyarrow reads INT96 beyond the range of nanoseconds as other times; here they are milliseconds or days as they are. */
const misreadByPyarrow = "int96_from_spark.parquet";

interface Answer {
  readonly undefined?: string;
  readonly values?: number;
  readonly equal?: number;
  readonly differ?: readonly (readonly [Raw | null, Raw | null, Raw | null])[];
}

/** A process that casts with pyarrow; undefined where there is none. */
function startPyarrow(): { ask(one: CastMigration): Promise<readonly Answer[]>; end(): void } | undefined {
  const interpreter = pythonWith(["pyarrow"]);
  if (interpreter === undefined) return undefined;
  const [script, semantics] = ["../support/corpus-every-cast.py", "../conformance/semantics-pyarrow.py"].map(
    (path) => join(import.meta.dirname, path),
  );
  const child = spawn(interpreter, ["-I", "-X", "utf8", script ?? "", semantics ?? ""], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout });
  return {
    async ask({ source, output, leaves }) {
      child.stdin.write(`${JSON.stringify({ source, output, leaves })}\n`);
      const [line] = (await once(lines, "line")) as [string];
      return JSON.parse(line) as Answer[];
    },
    end: () => child.stdin.end(),
  };
}

const pyarrow = startPyarrow();
const counts = {
  migrations: 0,
  leaves: 0,
  values: 0,
  pyarrowEqual: 0,
  pyarrowUndefined: 0,
  duckdbLeaves: 0,
  duckdbValues: 0,
};
/** By action. None declines a chunk and leaves it to another implementation: what cannot be rewritten is refused, and is in `refused`. */
const chunks = new Map<string, number>();
const named = new Map<string, number>();

afterAll(() => {
  pyarrow?.end();
  const [differences, chunksByAction] = [named, chunks].map((map) => Object.fromEntries(map));
  if (all) process.stdout.write(`${JSON.stringify({ ...counts, chunksByAction, differences })}\n`);
});

/** Values that pyarrow casts otherwise, without a difference that docs/SEMANTICS.md names. */
async function complaints(migration: CastMigration): Promise<string[]> {
  const answers = (await pyarrow?.ask(migration)) ?? [];
  return answers.flatMap((answer, i) => {
    const leaf = migration.leaves[i];
    // A UUID is sixteen bytes to pyarrow, whose text is not theirs.
    const isUuidText = [leaf?.from, leaf?.to].includes("uuid") && [leaf?.from, leaf?.to].includes("string");
    if (leaf === undefined || isUuidText || answer.undefined !== undefined) {
      counts.pyarrowUndefined += 1;
      return [];
    }
    counts.values += answer.values ?? 0;
    counts.pyarrowEqual += answer.equal ?? 0;
    return (answer.differ ?? []).flatMap(([raw, theirs, ours]) => {
      const id = raw === null ? undefined : differenceOf(leaf.from, leaf.to, raw, theirs, ours);
      if (id !== undefined) named.set(id, (named.get(id) ?? 0) + 1);
      return id === undefined
        ? [
            `${leaf.path.join(".")} ${leaf.from} to ${leaf.to}: ${raw} is ${theirs} in pyarrow and ${ours} here`,
          ]
        : [];
    });
  });
}

const instance = await DuckDBInstance.create(":memory:", { threads: "1" });
const connection = await instance.connect();
afterAll(() => {
  connection.closeSync();
  instance.closeSync();
});

/** Leaves that DuckDB casts otherwise; nothing about those that it reads as another type, or cannot read. */
async function duckdbComplaints({ source, output, leaves }: CastMigration): Promise<string[]> {
  const alike = leaves.filter(
    ({ inside, from, to }) =>
      inside.every((kind) => kind === "struct") &&
      alikePairs.some((pair) => pair.from === from && pair.to === to && pair.only === undefined),
  );
  const complaints: string[] = [];
  for (const { path, from, to } of alike) {
    const column = path.map(identifier).join(".");
    // A type is written in more than one way: DuckDB is asked for its own.
    const sql = `select count(*), count(*) filter (o is distinct from try_cast(s as ${sqlType(to)})),
        count(*) filter (typeof(s) <> typeof(null::${sqlType(from)}) or typeof(o) <> typeof(null::${sqlType(to)}))
      from (select a.${column} as s, b.${column} as o from read_parquet(${quote(source)}) a positional join read_parquet(${quote(output)}) b)`;
    const rows = await connection.runAndReadAll(sql).catch(() => undefined);
    const [values, differ, otherType] = (rows?.getRows()[0] ?? []).map(Number);
    if (values === undefined || otherType !== 0) continue;
    counts.duckdbLeaves += 1;
    counts.duckdbValues += values;
    if (differ !== 0)
      complaints.push(`${path.join(".")} ${from} to ${to}: ${differ} values are others in DuckDB`);
  }
  return complaints;
}

describe.skipIf(files.length === 0)("every leaf to every type", () => {
  test.each(files.map((file, number) => ({ ...file, number })))(
    "of $name is what its source means, to parquet-wasm, to pyarrow and to DuckDB",
    async ({ number, ...file }) => {
      const selects = (round: number): boolean => all || (round + number) % 60 === 5;
      const problems: string[] = [];
      let code: string | undefined;
      try {
        for await (const migration of everyCast(file, selects)) {
          counts.migrations += 1;
          counts.leaves += migration.leaves.length;
          for (const action of migration.actions) {
            chunks.set(action, (chunks.get(action) ?? 0) + migration.rowGroups);
          }
          const errors = migration.report.findings.filter(
            ({ level, code: found }) => level === "error" && found !== carried[file.name],
          );
          problems.push(
            ...errors.map((finding) => JSON.stringify(finding)),
            ...(file.name === misreadByPyarrow ? [] : await complaints(migration)),
            ...(await duckdbComplaints(migration)),
          );
        }
      } catch (error) {
        if (!(error instanceof ColonnadeError) || error.code !== "OBJECTS_FAILED") throw error;
        [code] = (error.details["objects"] as { code: string }[]).map((object) => object.code);
      }
      expect(problems).toEqual([]);
      expect([undefined, refused[file.name]]).toContain(code);
    },
    600_000,
  );
});
