// `npm run bench`: rename + drop + add over about half a gigabyte and forty columns, against a plain copy with the same
// durability and against engines that rewrite. Every contender is a process of its own and runs in turn with the others;
// results are compared value by value before any figure is printed.
import { spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { columns, makeData } from "./make-data.ts";
import { duckdb } from "../test/support/duckdb.ts";
import { pythonWith } from "../test/support/python.ts";

const quick = process.argv.includes("--quick");
const rounds = quick ? 3 : 5;
const rows = quick ? 800_000 : 3_200_000;
const dropped = ["f64_4", "nul_1"];
const kept = columns.filter(([name]) => !dropped.includes(name));
const added = { source_system: "bench" };
const renamed = Object.fromEntries(kept.map(([name]) => [name, `${name}_v2`]));

interface Run {
  /** Of the whole process, from start to exit. */
  readonly wallSeconds: number;
  /** Of the work inside it, without starting the runtime. */
  readonly seconds: number;
  readonly peakBytes: number;
}

interface Contender {
  readonly name: string;
  readonly run: (target: string) => Promise<Run>;
  /** Where the Parquet objects are below the target. */
  readonly output: string;
  /** A copy has the old columns. */
  readonly isCopy?: boolean;
}

const here = import.meta.dirname;
const data = await makeData(join(here, ".data"), {
  rows,
  objects: 4,
  rowGroupRows: 122_880,
  compression: "zstd",
});
const work = await mkdtemp(join(process.env["BENCH_DIRECTORY"] ?? tmpdir(), "colonnade-bench-"));

async function runProcess(command: string, args: readonly string[]): Promise<Run> {
  const startedMs = performance.now();
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  if (code !== 0) throw new Error(`${command} ${args[0]} ended with ${code}`);
  const report = JSON.parse(output.trim().split("\n").at(-1) ?? "{}") as {
    seconds: number;
    peakBytes: number;
  };
  return { wallSeconds: (performance.now() - startedMs) / 1000, ...report };
}

async function colonnadeJob(target: string): Promise<string> {
  await mkdir(join(target, "schemas"), { recursive: true });
  const field = (id: number, name: string, type: string): string =>
    `  - { id: ${id}, name: ${name}, type: "${type}" }`;
  const all = columns.map(([name, type], i) => field(i + 1, name, type));
  const next = columns.flatMap(([name, type], i) =>
    dropped.includes(name) ? [] : [field(i + 1, `${name}_v2`, type)],
  );
  const add = `  - { id: 100, name: source_system, type: string, default: bench }`;
  const yaml = (version: number, fields: readonly string[]): string =>
    `dataset: bench\nversion: ${version}\nfields:\n${fields.join("\n")}\n`;
  await writeFile(join(target, "schemas/1.yaml"), yaml(1, all));
  await writeFile(join(target, "schemas/2.yaml"), yaml(2, [...next, add]));
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

const node = process.execPath;
const select = [...kept.map(([name]) => `${name} AS ${name}_v2`), "'bench' AS source_system"].join(", ");
const changes = JSON.stringify({ rename: renamed, add: added });
const contenders: Contender[] = [
  {
    name: "plain copy",
    output: "*.parquet",
    isCopy: true,
    run: (target) => runProcess(node, [join(here, "contenders/copy.ts"), data, target]),
  },
  {
    name: "Colonnade",
    output: "out/data/*.parquet",
    run: async (target) =>
      runProcess(node, [join(here, "contenders/colonnade.ts"), await colonnadeJob(target)]),
  },
  {
    name: "DuckDB",
    output: "*.parquet",
    run: (target) =>
      runProcess(node, [join(here, "contenders/duckdb.ts"), data, target, select, "zstd", "122880"]),
  },
];
const python = pythonWith(["pyarrow", "polars"]);
for (const engine of python === undefined ? [] : ["polars", "pyarrow"]) {
  contenders.push({
    name: engine,
    output: "*.parquet",
    run: (target) =>
      runProcess(python as string, [
        join(here, "contenders/dataframes.py"),
        engine,
        data,
        target,
        changes,
        "zstd",
        "122880",
      ]),
  });
}

/** A digest over all rows and kept columns, whatever their order. */
async function digestOf(files: string, names: readonly string[]): Promise<string> {
  const [row] = await duckdb(
    `SELECT count(*)::VARCHAR || ' ' || bit_xor(hash(${names.join(", ")}))::VARCHAR AS digest FROM read_parquet('${files}')`,
  );
  return JSON.stringify(row);
}

const runs = new Map<string, Run[]>(contenders.map(({ name }) => [name, []]));
const expected = await digestOf(join(data, "*.parquet"), Object.keys(renamed));
try {
  for (let round = 0; round <= rounds; round += 1) {
    for (const { name, run, output, isCopy } of contenders) {
      const target = join(work, name.replaceAll(" ", "-"));
      const measured = await run(target);
      if (round === 0) {
        const names = isCopy === true ? Object.keys(renamed) : Object.values(renamed);
        const digest = await digestOf(join(target, output), names);
        if (digest !== expected)
          throw new Error(`${name} has other values: ${digest} instead of ${expected}`);
      } else runs.get(name)?.push(measured);
      await rm(target, { recursive: true, force: true });
    }
  }
} finally {
  await rm(work, { recursive: true, force: true });
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
const copies = runs.get("plain copy") ?? [];
console.log(
  `| rename ${kept.length} + drop ${dropped.length} + add 1 of ${columns.length} columns | whole process | work alone | × copy, process | × copy, work | peak memory |`,
);
console.log("|---|--:|--:|--:|--:|--:|");
for (const [name, measured] of runs) {
  const ratio = (of: (run: Run) => number): string =>
    median(measured.map((run, i) => of(run) / of(copies[i] ?? run))).toFixed(2);
  console.log(
    `| ${name} | ${median(measured.map((run) => run.wallSeconds)).toFixed(2)} s | ${median(measured.map((run) => run.seconds)).toFixed(2)} s | ${ratio((run) => run.wallSeconds)} | ${ratio((run) => run.seconds)} | ${Math.round(median(measured.map((run) => run.peakBytes)) / 1e6)} MB |`,
  );
}
