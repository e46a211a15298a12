// `npm run bench`: changes of schema over forty columns, against a plain copy with the same durability and against engines that
// rewrite; streams against pyarrow; many small objects in a folder and on MinIO; one large object for its memory. Everybody is a
// process of its own and runs in turn with the others; results are compared value by value before any figure is printed. Writes
// docs/BENCHMARKS.md, unless `--quick`: a little of everything, to look whether it works. `--rounds 3` is less patient, `--only
// stream` takes the contests whose titles have that word; BENCH_DIRECTORY names the disk to measure, BENCH_PYSPARK a Python with pyspark.
import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { startMinio } from "../test/support/minio.ts";
import { pythonWith } from "../test/support/python.ts";
import { compete } from "./compete.ts";
import type { Aim, Contest, Results } from "./contest.ts";
import { type DataShape, makeData } from "./make-data.ts";
import { parquetContest } from "./parquet-contest.ts";
import { writeReport } from "./report.ts";
import { s3Contest } from "./s3-contest.ts";
import { streamContest } from "./stream-contest.ts";
import {
  castDictionary,
  castMost,
  castNested,
  castNumber,
  castTwo,
  renameDropAdd,
  type Workload,
} from "./workloads.ts";

const { values: options } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    only: { type: "string" },
    rounds: { type: "string" },
  },
});
const { quick } = options;
const only = options.only?.toLowerCase() ?? "";
const rounds = Number(options.rounds ?? (quick ? 1 : 5));
if (!(rounds >= 1)) throw new Error("--rounds is a number from 1 on");
const root = resolve(import.meta.dirname, "..");
const cache = join(import.meta.dirname, ".data");
const memory: Aim = { kind: "memory", bytes: 300e6 };

spawnSync("npm", ["run", "--silent", "build"], { cwd: root, stdio: "inherit" });
const python = pythonWith(["pyarrow", "polars"]);
const pyspark = process.env["BENCH_PYSPARK"];
const work = await mkdtemp(join(process.env["BENCH_DIRECTORY"] ?? tmpdir(), "colonnade-bench-"));

const rows = quick ? 160_000 : 5_000_000;
const narrow: DataShape = { rows, objects: 4, rowGroupRows: 122_880, compression: "zstd" };
const broad: DataShape = { rows, objects: 2, rowGroupRows: 1_000_000, compression: "snappy" };
const objects = quick ? 150 : 10_000;
const many: DataShape = { rows: 320 * objects, objects, rowGroupRows: 122_880, compression: "zstd" };
/** Of about 10 GB. */
const single: DataShape = {
  rows: quick ? 160_000 : 60_000_000,
  objects: 1,
  rowGroupRows: 1_000_000,
  compression: "snappy",
};

interface Entry {
  readonly title: string;
  readonly rounds?: number;
  readonly contest: () => Promise<Contest>;
}

function files(
  workload: Workload,
  shape: DataShape,
  aims: readonly Aim[],
  more: { engines?: boolean; lanes?: number; variants?: boolean; memory?: string; rounds?: number } = {},
): Entry {
  const { engines = true, lanes = 2, variants = false, memory: limit, rounds: own } = more;
  const title = `${workload.title} ${shape.objects} ${shape.compression}`;
  return {
    title,
    ...(own === undefined ? {} : { rounds: own }),
    contest: async () =>
      parquetContest({
        workload,
        folder: await makeData(cache, shape),
        shape,
        aims,
        lanes,
        python: engines ? python : undefined,
        pyspark: engines ? pyspark : undefined,
        withVariants: variants,
        withDuckdb: engines,
        ...(limit === undefined ? {} : { memory: limit }),
      }),
  };
}

const faster = (ratio: number, than?: string): Aim => ({ kind: "timesFaster", ratio, than });
const ofMany: readonly Aim[] = [{ kind: "atMostCopies", ratio: 1.5 }, memory];
const entries: Entry[] = [
  files(renameDropAdd, narrow, [{ kind: "atMostCopies", ratio: 1.1 }, memory], { variants: true }),
  files(renameDropAdd, broad, [{ kind: "atMostCopies", ratio: 1.1 }, memory]),
  files(castTwo, narrow, [faster(5), memory]),
  files(castTwo, broad, [faster(5), memory]),
  files(castDictionary, narrow, [faster(10), memory]),
  files(castMost, narrow, [faster(1.5, "DuckDB"), memory]),
  files(castMost, broad, [faster(1.5, "DuckDB"), memory]),
  files(castNested, narrow, [faster(3, "DuckDB"), memory]),
  ...(python === undefined
    ? []
    : (["none", "zstd"] as const).map((compression): Entry => ({
        title: `stream ${compression}`,
        contest: async () =>
          streamContest({
            workload: castTwo,
            folder: await makeData(cache, narrow),
            rows: rows / 2,
            cache,
            compression,
            python,
          }),
      }))),
  files(renameDropAdd, many, ofMany, {
    engines: false,
    lanes: 16,
    rounds: 3,
  }),
];
/** Large row groups under a small limit. */
const thick: DataShape = {
  rows: quick ? 160_000 : 24_000_000,
  objects: 1,
  rowGroupRows: 2_000_000,
  compression: "zstd",
};
const atTheEnd: Entry[] = [
  files(castNumber, thick, [{ kind: "memory", bytes: 200e6 }], {
    engines: false,
    memory: "200MB",
    rounds: 1,
  }),
  files(castTwo, single, [memory], { engines: false, rounds: 1 }),
];

const results: Results[] = [];
const run = async ({ title, rounds: own, contest }: Entry): Promise<void> => {
  if (!title.toLowerCase().includes(only)) return;
  const count = Math.min(own ?? rounds, rounds);
  results.push(await compete(await contest(), { count, warmUp: !quick, profile: !quick }, work));
};
try {
  for (const entry of entries) await run(entry);
  const server = await startMinio();
  try {
    const onS3: readonly (readonly [Workload, DataShape, readonly Aim[]])[] = [
      [renameDropAdd, many, ofMany],
      [castMost, broad, [memory]],
    ];
    for (const [workload, shape, aims] of onS3) {
      await run({
        title: `minio ${workload.title}`,
        rounds: 2,
        contest: async () => s3Contest(workload, await makeData(cache, shape), server, aims),
      });
    }
  } finally {
    await server.stop();
  }
  for (const entry of atTheEnd) await run(entry);
  const report = await writeReport(results, python, !quick);
  process.stdout.write(report);
  if (!quick && only === "") await writeFile(join(root, "docs/BENCHMARKS.md"), report);
} finally {
  await rm(work, { recursive: true, force: true });
}
