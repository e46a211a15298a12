import { spawnSync } from "node:child_process";
import { closeSync, existsSync, openSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Contender, type Contest, ownName } from "./contest.ts";
import { type Run, runProcess } from "./measure.ts";
import { program, writeJob } from "./parquet-contest.ts";
import type { Workload } from "./workloads.ts";

export interface StreamContest {
  readonly workload: Workload;
  /** Parquet objects that the stream is made of, and where it is kept. */
  readonly folder: string;
  readonly rows: number;
  readonly cache: string;
  readonly compression: "zstd" | "none";
  readonly python: string;
}

const script = join(import.meta.dirname, "contenders/stream.py");

/** The same change of an Arrow IPC stream, from a file to a file, beside pyarrow. */
export function streamContest({
  workload,
  folder,
  rows,
  cache,
  compression,
  python,
}: StreamContest): Contest {
  const input = join(cache, `${rows}-${compression}.arrows`);
  if (!existsSync(input)) {
    const made = spawnSync(python, [script, "make", folder, `${input}.building`, String(rows), compression], {
      stdio: "inherit",
    });
    if (made.status !== 0) throw new Error("the stream could not be made");
    renameSync(`${input}.building`, input);
  }
  const bytes = statSync(input).size;
  const changes = JSON.stringify({ columns: workload.columns, add: workload.add });
  const check = async (target: string): Promise<void> => {
    const compared = spawnSync(python, [script, "check", input, join(target, "out.arrows"), changes], {
      encoding: "utf8",
    });
    if (compared.status !== 0) throw new Error(`${target} has other values: ${compared.stderr}`);
  };
  const own = async (target: string, nodeOptions: readonly string[] = []): Promise<Run> => {
    const job = await writeJob(target, workload, "file:nowhere", "file:nothing");
    return piped(process.execPath, [...nodeOptions, program, "stream", job], input, target);
  };
  const contenders: Contender[] = [
    { name: ownName, run: (target) => own(target), check },
    {
      name: "pyarrow",
      run: (target) => piped(python, [script, "migrate", changes, compression], input, target),
      check,
    },
  ];
  return {
    title: `Stream: ${workload.title.charAt(0).toLowerCase()}${workload.title.slice(1)}`,
    data: `${rows.toLocaleString("en")} rows, ${(bytes / 1e9).toFixed(2)} GB, ${compression === "none" ? "not compressed" : compression}`,
    bytes,
    contenders,
    aims: [{ kind: "timesFaster", ratio: 1, than: "pyarrow" }],
    profile: (target, profiles) => own(target, ["--cpu-prof", `--cpu-prof-dir=${profiles}`]),
  };
}

async function piped(command: string, args: readonly string[], from: string, target: string): Promise<Run> {
  const [input, output] = [openSync(from, "r"), openSync(join(target, "out.arrows"), "w")];
  try {
    return await runProcess(command, args, {}, { input, output });
  } finally {
    closeSync(input);
    closeSync(output);
  }
}
