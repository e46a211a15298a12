import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { duckdb, quote } from "./duckdb.ts";
import { program } from "./program.ts";

export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the program as a user does: a process of its own. */
export function startCli(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): ChildProcess & { done: Promise<Finished> } {
  const child = spawn(process.execPath, [program, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...environment },
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const done = new Promise<Finished>((settle) => {
    child.on("close", (code, signal) => settle({ code, signal, stdout, stderr }));
  });
  return Object.assign(child, { done });
}

export async function runCli(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Finished> {
  return startCli(args, environment).done;
}

/** Exit code of a run with `--log-format json`, with code and details of the error that it ended with. */
export function errorOf({ code: exit, stderr }: Finished): {
  readonly exit: number | null;
  readonly code: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;
} {
  const line = stderr.split("\n").findLast((text) => text.includes('"level":"error"')) ?? "{}";
  const { code, details = {} } = JSON.parse(line) as { code?: string; details?: Record<string, unknown> };
  return { exit, code, details };
}

/** A dataset of orders by day in a folder, with a rename, a cast, a drop and an added column to come. */
export interface Orders extends AsyncDisposable {
  readonly folder: string;
  /** Writes a job that migrates into `destination` (a URI, `file:` ones relative to the folder); returns its path. */
  job(destination: string, source?: string): Promise<string>;
}

export interface OrdersShape {
  readonly objects: number;
  readonly rows: number;
}

const schemas = {
  1: `dataset: orders
version: 1
fields:
  - { id: 1, name: id, type: int64 }
  - { id: 2, name: amount, type: int64 }
  - { id: 3, name: customer, type: string }
  - { id: 4, name: note, type: string }
  - { id: 5, name: day, type: string }
partitionBy: [day]
`,
  2: `dataset: orders
version: 2
fields:
  - { id: 1, name: order_id, type: int64 }
  - { id: 2, name: amount, type: float64 }
  - { id: 3, name: customer, type: string }
  - { id: 6, name: channel, type: string, nullable: false, default: web }
  - { id: 5, name: day, type: string }
partitionBy: [day]
`,
};

export async function createOrders(shape: OrdersShape): Promise<Orders> {
  const folder = await mkdtemp(join(tmpdir(), "colonnade-orders-"));
  await mkdir(join(folder, "schemas"));
  for (const [version, yaml] of Object.entries(schemas))
    await writeFile(join(folder, `schemas/${version}.yaml`), yaml);
  for (let i = 1; i <= shape.objects; i += 1) {
    const day = join(folder, "raw", `day=2026-01-${String(i).padStart(2, "0")}`);
    await mkdir(day, { recursive: true });
    await duckdb(
      `COPY (SELECT range AS id, (hash(range * ${i}) % 100000)::BIGINT AS amount, 'customer ' || range % 97 AS customer, md5(range::VARCHAR) AS note
             FROM range(${shape.rows})) TO ${quote(join(day, "orders.parquet"))} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 20480)`,
    );
  }
  let jobs = 0;
  return {
    folder,
    async job(destination, source = "file:raw") {
      jobs += 1;
      const path = join(folder, `orders-${jobs}.yaml`);
      await writeFile(
        path,
        `job: orders
source: { uri: "${source}", partitioning: hive }
schema: { directory: schemas, from: detect, to: 2 }
destination: { uri: "${destination}", channel: current }
limits: { memory: 300MB, workers: 2, requests: 8 }
`,
      );
      return path;
    },
    async [Symbol.asyncDispose]() {
      await rm(folder, { recursive: true, force: true });
    },
  };
}
