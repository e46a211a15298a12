// `npm run bench`: changes of schema over about half a gigabyte and forty columns, against a plain copy with the same durability
// and against engines that rewrite. Every contender is a process of its own and runs in turn with the others; results are
// compared value by value before any figure is printed. Writes docs/BENCHMARKS.md, unless `--quick`: a quarter of the data, to
// look whether it works. `--rounds 3` is less patient; BENCH_DIRECTORY names the disk to measure.
import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { loadavg, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout } from "node:timers/promises";
import { duckdb } from "../test/support/duckdb.ts";
import { pythonWith } from "../test/support/python.ts";
import { type Contender, type Contest, contendersOf } from "./contenders.ts";
import { makeData } from "./make-data.ts";
import type { Run } from "./measure.ts";
import { type Results, writeReport } from "./report.ts";
import { castTwo, renameDropAdd, selectList, type Workload } from "./workloads.ts";

const quick = process.argv.includes("--quick");
const root = resolve(import.meta.dirname, "..");
const cache = join(import.meta.dirname, ".data");
const scale = quick ? 0.25 : 1;
/** Between two contenders, for the disk to finish what the first one's removal left to do. */
const pauseMs = 300;

spawnSync("npm", ["run", "--silent", "build"], { cwd: root, stdio: "inherit" });
const large = await makeData(cache, {
  rows: 3_200_000 * scale,
  objects: 4,
  rowGroupRows: 122_880,
  compression: "zstd",
});
const smallObjects = 2000 * scale;
const small = await makeData(cache, {
  rows: 400 * smallObjects,
  objects: smallObjects,
  rowGroupRows: 122_880,
  compression: "zstd",
});
const python = pythonWith(["pyarrow", "polars"]);
const work = await mkdtemp(join(process.env["BENCH_DIRECTORY"] ?? tmpdir(), "colonnade-bench-"));

/** A digest over all rows and columns, whatever their order. */
async function digestOf(files: string, select: string): Promise<string> {
  const [row] = await duckdb(
    `SELECT count(*)::VARCHAR || ' ' || bit_xor(hash(columns))::VARCHAR AS digest
     FROM (SELECT ${select} FROM read_parquet('${files}')) AS columns`,
  );
  return JSON.stringify(row);
}

async function assertSame(contender: Contender, target: string, contest: Contest): Promise<void> {
  const { workload, data } = contest;
  const [own, source] = [join(target, contender.output), join(data, "*.parquet")];
  const select = contender.does === "copy" ? "*" : outputColumns(workload);
  const found = await digestOf(own, select);
  const expected = await digestOf(source, contender.does === "copy" ? "*" : selectList(workload));
  if (found !== expected)
    throw new Error(`${contender.name} has other values: ${found} instead of ${expected}`);
}

function outputColumns({ columns, add }: Workload): string {
  return [...columns.map(([, to]) => to), ...Object.keys(add)].join(", ");
}

/** One round more than asked for: the first one warms the caches and is where the results are compared. */
async function compete(contest: Contest, rounds: number): Promise<Results> {
  const contenders = contendersOf(contest);
  const runs = new Map<string, Run[]>(contenders.map(({ name }) => [name, []]));
  const load = loadavg()[0] ?? 0;
  for (let round = 0; round <= rounds; round += 1) {
    let target = "";
    for (const [i, contender] of contenders.entries()) {
      if (contender.does !== "nothing") target = join(work, `${round}-${i}`);
      const run = await contender.run(target);
      if (round === 0) await assertSame(contender, target, contest);
      else runs.get(contender.name)?.push(run);
      if (contenders[i + 1]?.does === "nothing") continue;
      await rm(target, { recursive: true, force: true });
      await setTimeout(pauseMs);
    }
  }
  return { contest, runs, load };
}

try {
  const rounds = Number(process.argv[process.argv.indexOf("--rounds") + 1]) || (quick ? 3 : 7);
  const results = [
    await compete({ workload: renameDropAdd, data: large, lanes: 2, python }, rounds),
    await compete({ workload: castTwo, data: large, lanes: 2, python }, rounds),
    // Four at a time, as Colonnade has: with small objects it is the disk's latency that counts.
    await compete({ workload: renameDropAdd, data: small, lanes: 4, python: undefined }, rounds),
  ];
  const report = await writeReport(results, python);
  process.stdout.write(report);
  if (!quick) await writeFile(join(root, "docs/BENCHMARKS.md"), report);
} finally {
  await rm(work, { recursive: true, force: true });
}
