import { spawnSync } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { cpus, release, totalmem, type } from "node:os";
import { join } from "node:path";
import { duckdb } from "../test/support/duckdb.ts";
import type { Contest } from "./contenders.ts";
import { median, type Run } from "./measure.ts";

export interface Results {
  readonly contest: Contest;
  /** By contender, in the order of the rounds; the plain copy first. */
  readonly runs: ReadonlyMap<string, readonly Run[]>;
  /** Of the machine when the contest began: runnable processes, averaged over a minute. */
  readonly load: number;
}

const copy = "plain copy";
const colonnade = "Colonnade";
const again = "again, with nothing to do";
const aim = 1.2;
const memoryLimitBytes = 300e6;

/** docs/BENCHMARKS.md. */
export async function writeReport(results: readonly Results[], python: string | undefined): Promise<string> {
  return `# Benchmarks

Written by \`npm run bench\` ([bench/rewrite.ts](../bench/rewrite.ts)), which makes its data, compares everybody's results value by
value, and prints this page for the machine it runs on; \`npm run bench -- --quick\` takes a quarter of the data and writes nothing.

Every figure is the median over ${results[0]?.runs.get(copy)?.length ?? 0} rounds, in which everybody runs once after the other; "× copy" is the median of
the ratios to the copy of the same round. A time is that of a whole process, from its start to its exit. Colonnade is the built package
(\`node dist/bin/colonnade.js apply\`): it plans, applies, and moves the pointer. The copy (two objects at a time, small ones four; without
reflinks) and Colonnade fsync every object and its folder; the engines fsync every object. All have two threads, zstd, and row
groups of 122,880 rows. The source is in the page cache. Memory is the kernel's high-water mark of the process, seen from outside; the
job's limit is 300 MB.

${await describeMachine(results, python)}

${results.map(section).join("\n\n")}
`;
}

async function describeMachine(results: readonly Results[], python: string | undefined): Promise<string> {
  const [cpu] = cpus();
  const [{ version } = {}] = await duckdb("SELECT version() AS version");
  const script =
    "import polars, pyarrow, sys; sys.stdout.write(f'polars {polars.__version__}, pyarrow {pyarrow.__version__}')";
  const engines =
    python === undefined ? [] : [spawnSync(python, ["-c", script], { encoding: "utf8" }).stdout];
  const load = (results[0]?.load ?? 0).toFixed(1);
  return [
    `Measured on ${cpus().length} cores (${cpu?.model.trim() ?? "unknown"}), ${Math.round(totalmem() / 1024 ** 3)} GiB of memory, ${type()} ${release().split(".", 2).join(".")}, with Node ${process.versions.node},`,
    `${[`DuckDB ${typeof version === "string" ? version : ""}`, ...engines].join(", ")}. Other work on the machine when the first table was begun: a load of ${load}.`,
  ].join("\n");
}

function section({ contest, runs }: Results): string {
  const { workload, data } = contest;
  const sizes = readdirSync(data).map((name) => statSync(join(data, name)).size);
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  const copies = runs.get(copy) ?? [];
  const rows = Array.from(runs, ([name, own]) => {
    const indent = own === runs.get(copy) || !isVariant(name) ? "" : "— ";
    const peaks = own.map(({ peakBytes }) => peakBytes).filter((peak) => peak !== undefined);
    return `| ${indent}${name} | ${seconds(medianOf(own))} | ${ratioOf(own, copies).toFixed(2)} | ${peaks.length === 0 ? "?" : megabytes(median(peaks))} |`;
  });
  return [
    `## ${workload.title}: ${sizes.length.toLocaleString("en")} objects, ${(bytes / 1e9).toFixed(2)} GB`,
    "",
    "| | time | × copy | peak memory |",
    "|---|--:|--:|--:|",
    ...rows,
    "",
    judge(runs, bytes, Object.keys(workload.add).length > 0 && sizes.length < 100),
  ].join("\n");
}

/** Whether the aims were reached, and if not, by what. */
function judge(runs: Results["runs"], bytes: number, hasAim: boolean): string {
  const [copies, own, idle] = [copy, colonnade, again].map((name) => runs.get(name) ?? []) as [
    readonly Run[],
    readonly Run[],
    readonly Run[],
  ];
  const ratio = ratioOf(own, copies);
  const rest = median(own.map(({ seconds: all }, i) => all - (idle[i]?.seconds ?? 0)));
  const perGigabyte = (time: number): string => `${((time / bytes) * 1e9).toFixed(2)} s/GB`;
  const lines = [
    `Of Colonnade's ${seconds(medianOf(own))}, ${seconds(medianOf(idle))} are what a run costs that has nothing to do: starting Node, loading, reading the job, listing and comparing.`,
    `What the data takes beyond that is ${seconds(rest)} (${perGigabyte(rest)}; the copy, its start included: ${perGigabyte(medianOf(copies))}).`,
  ];
  if (hasAim) {
    lines.push(
      ratio <= aim
        ? `The aim, ${aim} times the copy, is reached.`
        : `The aim, ${aim} times the copy, is missed at this size: the fixed part is ${((medianOf(idle) / medianOf(copies)) * 100).toFixed(0)} % of the copy's time. It does not grow with the data, so that more data comes near the ratio of the two figures per GB.`,
    );
  }
  const peaks = own.map(({ peakBytes }) => peakBytes).filter((peak) => peak !== undefined);
  if (peaks.length > 0 && median(peaks) > memoryLimitBytes)
    lines.push(
      `Its peak of ${megabytes(median(peaks))} is above the limit of ${megabytes(memoryLimitBytes)}.`,
    );
  return lines.join("\n");
}

function isVariant(name: string): boolean {
  return [again, "nothing compiled before", "from its TypeScript"].includes(name);
}

function medianOf(runs: readonly Run[]): number {
  return median(runs.map((run) => run.seconds));
}

function ratioOf(runs: readonly Run[], copies: readonly Run[]): number {
  return median(runs.map((run, i) => run.seconds / (copies[i]?.seconds ?? Number.NaN)));
}

function seconds(time: number): string {
  return `${time.toFixed(2)} s`;
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`;
}
