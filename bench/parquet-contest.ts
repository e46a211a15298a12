import { readdirSync, statSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { duckdb } from "../test/support/duckdb.ts";
import { type Aim, type Contender, type Contest, copyName, ownName } from "./contest.ts";
import type { DataShape } from "./make-data.ts";
import { type Run, runProcess } from "./measure.ts";
import { schemaVersions, selectList, type Workload } from "./workloads.ts";

export interface ParquetContest {
  readonly workload: Workload;
  /** Folder of the source objects. */
  readonly folder: string;
  readonly shape: DataShape;
  readonly aims: readonly Aim[];
  /** How many objects the copy has in flight: as many as Colonnade. */
  readonly lanes: number;
  readonly python: string | undefined;
  readonly pyspark: string | undefined;
  readonly withDuckdb: boolean;
  /** How else Colonnade is run. */
  readonly withVariants: boolean;
  /** The job's `limits.memory`; its default when absent. */
  readonly memory?: string;
}

const here = import.meta.dirname;
const node = process.execPath;
export const program = resolve(here, "../dist/bin/colonnade.js");

/** A change of schema over objects in a folder, by everybody that is there. */
export function parquetContest(options: ParquetContest): Contest {
  const { workload, folder, shape, lanes, python, pyspark } = options;
  const sizes = readdirSync(folder).map((name) => statSync(join(folder, name)).size);
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  const copied: Contender = {
    name: copyName,
    run: (target) => runProcess(node, [join(here, "contenders/copy.ts"), folder, target, String(lanes)]),
    check: (target) => expectDigest(join(target, "*.parquet"), "*", folder, "*"),
  };
  const select = selectList(workload);
  const own = [...workload.columns.map(([, to]) => to), ...Object.keys(workload.add)].join(", ");
  const rewritten = (output: string) => (target: string) =>
    expectDigest(join(target, output), own, folder, select);
  const [codec, rows] = [shape.compression, String(shape.rowGroupRows)];
  const engine = (name: string, command: string, args: (target: string) => string[]): Contender => ({
    name,
    run: (target) => runProcess(command, args(target)),
    check: rewritten("*.parquet"),
  });
  const changes = JSON.stringify({
    columns: workload.columns.map(([from, to, cast]) => [from, to, cast]),
    add: workload.add,
  });
  return {
    title: workload.title,
    data: `${options.memory === undefined ? "" : `limits.memory: ${options.memory}, `}${sizes.length.toLocaleString("en")} object${sizes.length === 1 ? "" : "s"}, ${(bytes / 1e9).toFixed(2)} GB, ${codec}, row groups of ${shape.rowGroupRows.toLocaleString("en")}`,
    bytes,
    aims: options.aims,
    keepsOutputs: shape.objects > 1_000,
    contenders: [
      copied,
      ...ownContenders(options, rewritten("out/data/*.parquet")),
      ...(options.withDuckdb
        ? [
            engine("DuckDB", node, (target) => [
              join(here, "contenders/duckdb.ts"),
              folder,
              target,
              select,
              codec,
              rows,
            ]),
          ]
        : []),
      ...(python === undefined ? [] : ["polars", "pyarrow"]).map((name) =>
        engine(name, python ?? "", (target) => [
          join(here, "contenders/dataframes.py"),
          name,
          folder,
          target,
          changes,
          codec,
          rows,
        ]),
      ),
      ...(pyspark === undefined
        ? []
        : [
            engine("Spark", pyspark, (target) => [
              join(here, "contenders/spark.py"),
              folder,
              target,
              selectList(workload, "spark"),
              codec,
            ]),
          ]),
    ],
    profile: (target, profiles) =>
      apply(target, options, program, ["--cpu-prof", `--cpu-prof-dir=${profiles}`]),
  };
}

function ownContenders(options: ParquetContest, check: Contender["check"]): Contender[] {
  const variant = (name: string, run: Contender["run"], more: Partial<Contender> = {}): Contender => ({
    name,
    isVariant: true,
    run,
    check,
    ...more,
  });
  const plain: Contender = { name: ownName, run: (target) => apply(target, options, program), check };
  if (!options.withVariants) return [plain];
  return [
    plain,
    variant("again, with nothing to do", (target) => apply(target, options, program), { isSecondRun: true }),
    variant("nothing compiled before", (target) =>
      apply(target, options, program, [], { NODE_DISABLE_COMPILE_CACHE: "1" }),
    ),
    variant("from its TypeScript", (target) => apply(target, options, resolve(here, "../src/cli/main.ts"))),
  ];
}

async function apply(
  target: string,
  { workload, folder, memory }: Pick<ParquetContest, "workload" | "folder" | "memory">,
  main: string,
  nodeOptions: readonly string[] = [],
  environment: Readonly<Record<string, string>> = {},
): Promise<Run> {
  const job = await writeJob(target, workload, `file:${folder}`, `file:${target}/out`, memory);
  return runProcess(node, [...nodeOptions, main, "apply", job, "--json"], environment);
}

/** The job that Colonnade gets: the limits of its defaults. */
export async function writeJob(
  folder: string,
  workload: Workload,
  source: string,
  destination: string,
  memory = "300MB",
): Promise<string> {
  await mkdir(join(folder, "schemas"), { recursive: true });
  for (const [i, yaml] of schemaVersions(workload).entries())
    await writeFile(join(folder, `schemas/${i + 1}.yaml`), yaml);
  const job = join(folder, "job.yaml");
  await writeFile(
    job,
    `job: bench
source: { uri: "${source}", partitioning: flat }
schema: { directory: schemas, from: 1, to: 2 }
destination: { uri: "${destination}", channel: current }
limits: { memory: ${memory}, workers: 2, requests: 16 }
`,
  );
  return job;
}

const digests = new Map<string, string>();

/** A digest over all rows and columns, whatever their order. */
async function digestOf(files: string, select: string): Promise<string> {
  const [row] = await duckdb(
    `SELECT count(*)::VARCHAR || ' ' || bit_xor(hash(columns))::VARCHAR AS digest
     FROM (SELECT ${select} FROM read_parquet('${files}')) AS columns`,
  );
  return JSON.stringify(row);
}

async function expectDigest(
  files: string,
  select: string,
  source: string,
  sourceSelect: string,
): Promise<void> {
  const key = `${source} ${sourceSelect}`;
  const expected = digests.get(key) ?? (await digestOf(join(source, "*.parquet"), sourceSelect));
  digests.set(key, expected);
  const found = await digestOf(files, select);
  if (found !== expected) throw new Error(`${files} has other values: ${found} instead of ${expected}`);
}
