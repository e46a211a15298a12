import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { type Run, runProcess } from "./measure.ts";
import { schemaVersions, selectList, type Workload } from "./workloads.ts";

export interface Contender {
  readonly name: string;
  readonly run: (target: string) => Promise<Run>;
  /** Where the Parquet objects are below the target. */
  readonly output: string;
  /** `copy` has the columns of the source; `nothing` finds the target as the contender before left it, and leaves it so. */
  readonly does: "copy" | "rewrite" | "nothing";
}

export interface Contest {
  readonly workload: Workload;
  /** Folder of the source objects. */
  readonly data: string;
  /** How many objects the copy has in flight: as many as Colonnade. */
  readonly lanes: number;
  /** Absent: the engines from PyPI do not take part. */
  readonly python: string | undefined;
}

const here = import.meta.dirname;
const node = process.execPath;
const built = resolve(here, "../dist/bin/colonnade.js");
const compression = "zstd";
const rowGroupRows = "122880";

/** Everybody who takes part, the copy first: each a process of its own. */
export function contendersOf({ workload, data, lanes, python }: Contest): Contender[] {
  const apply = (target: string, main: string, environment = {}): Promise<Run> =>
    writeJob(target, workload, data).then((job) =>
      runProcess(node, [main, "apply", job, "--json"], environment),
    );
  const colonnade = { output: "out/data/*.parquet", does: "rewrite" } as const;
  const changes = JSON.stringify({ columns: workload.columns, add: workload.add });
  return [
    {
      name: "plain copy",
      output: "*.parquet",
      does: "copy",
      run: (target) => runProcess(node, [join(here, "contenders/copy.ts"), data, target, String(lanes)]),
    },
    { ...colonnade, name: "Colonnade", run: (target) => apply(target, built) },
    {
      ...colonnade,
      name: "again, with nothing to do",
      does: "nothing",
      run: (target) => apply(target, built),
    },
    {
      ...colonnade,
      name: "nothing compiled before",
      run: (target) => apply(target, built, { NODE_DISABLE_COMPILE_CACHE: "1" }),
    },
    {
      ...colonnade,
      name: "from its TypeScript",
      run: (target) => apply(target, resolve(here, "../src/cli/main.ts")),
    },
    {
      name: "DuckDB",
      output: "*.parquet",
      does: "rewrite",
      run: (target) =>
        runProcess(node, [
          join(here, "contenders/duckdb.ts"),
          data,
          target,
          selectList(workload),
          compression,
          rowGroupRows,
        ]),
    },
    ...(python === undefined ? [] : ["polars", "pyarrow"]).map((engine): Contender => ({
      name: engine,
      output: "*.parquet",
      does: "rewrite",
      run: (target) =>
        runProcess(python ?? "", [
          join(here, "contenders/dataframes.py"),
          engine,
          data,
          target,
          changes,
          compression,
          rowGroupRows,
        ]),
    })),
  ];
}

async function writeJob(target: string, workload: Workload, data: string): Promise<string> {
  await mkdir(join(target, "schemas"), { recursive: true });
  for (const [i, yaml] of schemaVersions(workload).entries())
    await writeFile(join(target, `schemas/${i + 1}.yaml`), yaml);
  const job = join(target, "job.yaml");
  await writeFile(
    job,
    `job: bench
source: { uri: "file:${data}", partitioning: flat }
schema: { directory: schemas, from: 1, to: 2 }
destination: { uri: "file:${target}/out", channel: current }
limits: { memory: 300MB, workers: 2, requests: 16 }
`,
  );
  return job;
}
