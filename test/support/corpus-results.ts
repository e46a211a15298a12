import { readFileSync } from "node:fs";
import { join } from "node:path";

import { compareCasts } from "./corpus-casts.ts";
import { type MigratedFile, type Migration, type Refusal, migrateCorpusFile } from "./corpus-migration.ts";
import { renamedPrefix } from "./corpus-variants.ts";
import { corpusFiles } from "./corpus.ts";
import { createWorkspace } from "./migration.ts";
import { pythonWith, runPython } from "./python.ts";
import {
  type FileReader,
  type NodeReaders,
  type ReadFile,
  decodedBytes,
  differenceOf,
  openNodeReaders,
  sameChunks,
  shortError,
} from "./readers.ts";

export const nodeReaders = ["DuckDB", "parquet-wasm", "hyparquet"] as const;
export const pythonReaders = ["pyarrow", "polars"] as const;
export type ReaderName = (typeof nodeReaders)[number] | (typeof pythonReaders)[number];

/** What one reader finds in all outputs of one file. */
export type Verdict =
  | { readonly kind: "equal" }
  /** It cannot read the source either. */
  | { readonly kind: "unreadable"; readonly error: string }
  | { readonly kind: "different"; readonly differences: readonly string[] };

export interface FileResult {
  readonly name: string;
  readonly fields: number;
  /** Outputs whose values and types must be the source's. */
  readonly outputs: number;
  readonly refusals: readonly { readonly variant: string; readonly refusal: Refusal }[];
  readonly readers: Partial<Record<ReaderName, Verdict>>;
  /** Too much to decode every time: schema and rows were read, and column chunks compared byte by byte. */
  readonly huge: boolean;
  /** `int32→int64`, one for each leaf; and what DuckDB says of the result, if the cast was not refused. */
  readonly casts: readonly string[];
  readonly castVerdict?: Verdict;
  readonly durationMs: number;
}

export interface CorpusResults {
  readonly data: readonly FileResult[];
  readonly badData: readonly FileResult[];
  readonly readers: readonly ReaderName[];
}

/** More than this decoded is read by schema and rows alone: `large_string_map` takes each reader half a minute. */
const decodedBytesMax = 256 * 1024 * 1024;

/** Migrates and reads the whole corpus: about a minute on two cores. */
export async function collectCorpusResults(): Promise<CorpusResults> {
  await using workspace = await createWorkspace();
  const data: MigratedFile[] = [];
  const badData: MigratedFile[] = [];
  for (const file of corpusFiles("data")) data.push(await migrateCorpusFile(workspace, file));
  for (const file of corpusFiles("bad_data")) {
    badData.push(await migrateCorpusFile(workspace, file, "representative"));
  }
  const all = [...data, ...badData];
  const byPython = judgeInPython(all);
  byPython.catch(() => {}); // Awaited below, after what may fail first.
  const inNode = await openNodeReaders();
  try {
    const judged = new Map<MigratedFile, FileResult>();
    for (const file of all) judged.set(file, await judgeInNode(file, inNode));
    const fromPython = await byPython;
    const resultOf = (file: MigratedFile): FileResult => {
      const result = judged.get(file);
      if (result === undefined) throw new Error(`${file.file.name} was not judged`);
      return { ...result, readers: { ...result.readers, ...fromPython?.get(file) } };
    };
    return {
      data: data.map(resultOf),
      badData: badData.map(resultOf),
      readers: fromPython === undefined ? nodeReaders : [...nodeReaders, ...pythonReaders],
    };
  } finally {
    inNode.close();
  }
}

/** A migration that wrote something. */
interface Written extends Migration {
  readonly path: string;
}

function writtenOf({ migrations }: MigratedFile): Written[] {
  return migrations.flatMap((migration) =>
    migration.outcome.kind === "migrated" ? [{ ...migration, path: migration.outcome.path }] : [],
  );
}

async function judgeInNode(migrated: MigratedFile, inNode: NodeReaders): Promise<FileResult> {
  const { file, fields, migrations } = migrated;
  const written = writtenOf(migrated);
  const huge = written.length > 0 && decodedBytes(file.path) > decodedBytesMax;
  const verdicts: Partial<Record<ReaderName, Verdict>> = {};
  if (written.length > 0) {
    for (const name of nodeReaders) {
      verdicts[name] = await judge(inNode.readers[name], migrated, huge);
    }
  }
  const cast = written.find(({ variant }) => variant.casts.length > 0);
  const castsOf = cast?.variant ?? migrations.findLast(({ variant }) => variant.casts.length > 0)?.variant;
  const castVerdict =
    cast === undefined || huge
      ? undefined
      : await compareCasts(inNode, {
          source: file.path,
          output: cast.path,
          ...migrated,
          to: cast.variant.to,
        });
  return {
    name: file.name,
    fields,
    outputs: written.filter(({ variant }) => variant.casts.length === 0).length,
    refusals: migrations.flatMap(({ variant, outcome }) =>
      outcome.kind === "refused" ? [{ variant: variant.name, refusal: outcome }] : [],
    ),
    readers: verdicts,
    huge,
    casts: castsOf?.casts ?? [],
    ...(castVerdict === undefined ? {} : { castVerdict }),
    durationMs: Math.max(...migrations.map(({ durationMs }) => durationMs)),
  };
}

export async function judge(read: FileReader, migrated: MigratedFile, huge: boolean): Promise<Verdict> {
  const only = huge ? "schema" : undefined;
  let source: ReadFile;
  try {
    source = await read(migrated.file.path, only);
  } catch (error) {
    return { kind: "unreadable", error: shortError(error) };
  }
  const differences: string[] = [];
  for (const { variant, path } of writtenOf(migrated)) {
    let difference: string | undefined;
    try {
      const output = await read(path, only);
      const isCast = variant.casts.length > 0;
      if (!isCast) difference = differenceOf(source, output, variant);
      if (!isCast && huge && !sameChunks(migrated.file.path, path)) difference ??= "other chunks";
      if (isCast && output.rows !== source.rows) difference = "another number of rows";
    } catch (error) {
      difference = `not readable: ${shortError(error)}`;
    }
    if (difference !== undefined) differences.push(`${variant.name}: ${difference}`);
  }
  return verdictOf(differences);
}

function verdictOf(differences: readonly string[]): Verdict {
  return differences.length === 0 ? { kind: "equal" } : { kind: "different", differences };
}

interface PythonVerdict {
  readonly unreadable?: string;
  readonly outputs?: readonly (string | null)[];
}

type PythonVerdicts = Map<MigratedFile, Partial<Record<ReaderName, Verdict>>>;

/** All files in one process, which takes a second to start; undefined without Python. */
export async function judgeInPython(files: readonly MigratedFile[]): Promise<PythonVerdicts | undefined> {
  if (pythonWith([...pythonReaders]) === undefined) return undefined;
  const script = readFileSync(join(import.meta.dirname, "readers-python.py"), "utf8");
  const readable = files.filter((file) => writtenOf(file).length > 0);
  const job = {
    prefix: renamedPrefix,
    files: readable.map((migrated) => ({
      source: migrated.file.path,
      schemaOnly: decodedBytes(migrated.file.path) > decodedBytesMax,
      outputs: writtenOf(migrated).map(({ path, variant }) => ({
        path,
        values: variant.casts.length === 0,
        renamesInside: variant.renamesInside,
        columns: variant.columns.map(({ output, source }) => [output, source]),
      })),
    })),
  };
  const answer = JSON.parse(await runPython(script, JSON.stringify(job))) as readonly Record<
    string,
    PythonVerdict
  >[];
  return new Map(
    readable.map((migrated, i) => {
      const verdicts = pythonReaders.map((reader) => [
        reader,
        fromPython(migrated, answer[i]?.[reader] ?? { unreadable: "no answer" }),
      ]);
      return [migrated, Object.fromEntries(verdicts) as Partial<Record<ReaderName, Verdict>>];
    }),
  );
}

function fromPython(migrated: MigratedFile, { unreadable, outputs = [] }: PythonVerdict): Verdict {
  if (unreadable !== undefined) return { kind: "unreadable", error: shortError(unreadable) };
  return verdictOf(
    writtenOf(migrated).flatMap(({ variant }, i) => {
      const difference = outputs[i];
      return difference === null ? [] : [`${variant.name}: ${difference ?? "no answer"}`];
    }),
  );
}
