import { spawnSync } from "node:child_process";
import { cpus, release, totalmem, type } from "node:os";
import { duckdb } from "../test/support/duckdb.ts";
import { type Aim, copyName, ownName, type ProfileLine, type Results } from "./contest.ts";
import { median, type Run } from "./measure.ts";

/** docs/BENCHMARKS.md. Aims are judged on all of the data only: of a little, most of the time is that of starting. */
export async function writeReport(
  results: readonly Results[],
  python: string | undefined,
  withAims: boolean,
): Promise<string> {
  const rounds = Math.max(...results.map(({ runs }) => runs.get(ownName)?.length ?? 0));
  return `# Benchmarks

Written by \`npm run bench\` ([bench/main.ts](../bench/main.ts)), which makes its data, compares everybody's results value by value, and
prints this page for the machine it runs on; \`npm run bench -- --quick\` takes less of everything and writes nothing.

- A figure is the median over up to ${rounds} rounds, in which everybody runs once after the other; a ratio is the median of the ratios within a round. "× own" is how many times as long as Colonnade somebody takes.
- A time is that of a whole process, from its start to its exit. Colonnade is the package as it is installed (\`node dist/bin/colonnade.js apply\`): it plans, casts, writes statistics and indexes, checksums, applies, and moves the pointer.
- Everybody has two threads, the same codec and row groups of the same size. The copy (without reflinks) and Colonnade fsync every object and its folder; the engines fsync every object. The source is in the page cache.
- Memory is the kernel's high-water mark of the process, seen from outside. The job's limit is its default, 300 MB.
- The data: 40 columns ([bench/columns.ts](../bench/columns.ts)), integers of all widths, floats, decimals, texts of few and of many values, times as such and as text, nulls, a list, a struct, and a list of structs.

${await describeMachine(results, python)}

${withAims ? aims(results) : "So little data says whether everything works and what it takes to start; the aims are for all of it.\n"}
${results.map(section).join("\n\n")}
`;
}

function aims(results: readonly Results[]): string {
  return `## Aims

${table(["work", "aim", "measured", ""], results.flatMap(aimRows))}

What else was tried for the missed ones, and what came of it: [decisions/speed.md](decisions/speed.md).
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

/** An aim, what was measured for it, and whether it is reached. */
interface Judged {
  readonly words: string;
  readonly found: string;
  readonly isReached: boolean;
}

function judge(aim: Aim, { contest, runs }: Results): Judged {
  const own = runs.get(ownName) ?? [];
  switch (aim.kind) {
    case "atMostCopies": {
      const ratio = ratioOf(own, runs.get(copyName) ?? []);
      return {
        words: `≤ ${aim.ratio} × a copy`,
        found: `${ratio.toFixed(2)} ×`,
        isReached: ratio <= aim.ratio,
      };
    }
    case "timesFaster": {
      const others = contest.contenders.filter(
        ({ name, isVariant }) => name !== copyName && name !== ownName && isVariant !== true,
      );
      const ratios = others
        .filter(({ name }) => aim.than === undefined || name === aim.than)
        .map(({ name }) => ({ name, ratio: ratioOf(runs.get(name) ?? [], own) }))
        .toSorted((a, b) => a.ratio - b.ratio);
      const [fastest] = ratios;
      return {
        words: `≥ ${aim.ratio} × as fast as ${aim.than ?? "the fastest engine"}`,
        found:
          fastest === undefined
            ? "nobody to compare with"
            : `${fastest.ratio.toFixed(2)} × (${fastest.name})`,
        isReached: (fastest?.ratio ?? 0) >= aim.ratio,
      };
    }
    case "memory": {
      const peak = peakOf(own);
      return {
        words: `≤ ${megabytes(aim.bytes)} of memory`,
        found: peak === undefined ? "not known here" : megabytes(peak),
        isReached: (peak ?? Infinity) <= aim.bytes,
      };
    }
  }
}

export function missedAims(results: Results): Aim[] {
  return results.contest.aims.filter((aim) => !judge(aim, results).isReached);
}

function aimRows(results: Results): string[][] {
  return results.contest.aims.map((aim) => {
    const { words, found, isReached } = judge(aim, results);
    return [
      `${results.contest.title} (${results.contest.data})`,
      words,
      found,
      isReached ? "reached" : "**missed**",
    ];
  });
}

function section(results: Results): string {
  const { contest, runs, profile } = results;
  const [copies, own] = [runs.get(copyName), runs.get(ownName) ?? []];
  const rows = contest.contenders.map(({ name, isVariant }) => {
    const found = runs.get(name) ?? [];
    const peak = peakOf(found);
    return [
      isVariant === true ? `— ${name}` : name,
      seconds(medianOf(found)),
      ...(copies === undefined ? [] : [ratioOf(found, copies).toFixed(2)]),
      ratioOf(found, own).toFixed(2),
      peak === undefined ? "?" : megabytes(peak),
    ];
  });
  const titles = ["", "time", ...(copies === undefined ? [] : ["× copy"]), "× own", "peak memory"];
  return [
    `## ${contest.title}`,
    "",
    `${contest.data}.`,
    "",
    table(titles, rows),
    ...fixedPart(results),
    ...(profile === undefined ? [] : ["", ...profileLines(results, profile)]),
  ].join("\n");
}

/** What a run costs that has nothing to do, where that was measured. */
function fixedPart({ contest, runs }: Results): string[] {
  const idle = contest.contenders.find(({ isSecondRun }) => isSecondRun === true);
  const [none, own] = [runs.get(idle?.name ?? "") ?? [], runs.get(ownName) ?? []];
  if (none.length === 0) return [];
  const rest = median(own.map(({ seconds: all }, i) => all - (none[i]?.seconds ?? 0)));
  return [
    "",
    `Of Colonnade's ${seconds(medianOf(own))}, ${seconds(medianOf(none))} are what a run costs that has nothing to do: starting Node, loading, reading the job, listing and comparing. What the data takes beyond that is ${seconds(rest)}, ${((rest / contest.bytes) * 1e9).toFixed(2)} s/GB (the copy, its start included: ${((medianOf(runs.get(copyName) ?? []) / contest.bytes) * 1e9).toFixed(2)} s/GB).`,
  ];
}

function profileLines(results: Results, profile: readonly ProfileLine[]): string[] {
  const missed = missedAims(results).map((aim) => {
    const { words, found } = judge(aim, results);
    return `${words}: ${found}`;
  });
  return [
    `Missed: ${missed.join("; ")}. Where the time of Colonnade goes (V8's profiler, all threads, time spent waiting left out; a library's native code counts for who calls it):`,
    "",
    table(
      ["thread", "function", "share"],
      profile.map(({ thread, name, share }) => [thread, `\`${name}\``, `${(share * 100).toFixed(1)} %`]),
    ),
  ];
}

function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const isText = titles.map((_, column) => rows.every((row) => !/^[\d.]/.test(row[column] ?? "")));
  return [titles, titles.map((_, column) => (isText[column] === true ? "---" : "--:")), ...rows]
    .map((row) => `| ${row.join(" | ")} |`)
    .join("\n");
}

function medianOf(runs: readonly Run[]): number {
  return median(runs.map((run) => run.seconds));
}

function ratioOf(runs: readonly Run[], others: readonly Run[]): number {
  return median(runs.map((run, i) => run.seconds / (others[i]?.seconds ?? Number.NaN)));
}

function peakOf(runs: readonly Run[]): number | undefined {
  const peaks = runs.flatMap(({ peakBytes }) => peakBytes ?? []);
  return peaks.length === 0 ? undefined : Math.max(...peaks);
}

function seconds(time: number): string {
  return `${time.toFixed(2)} s`;
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`;
}
