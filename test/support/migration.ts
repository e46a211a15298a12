import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { randomIds, systemClock } from "../../src/base/clock.ts";
import { readFileList } from "../../src/dataset/file-list.ts";
import type { FileLine, Manifest } from "../../src/dataset/formats.ts";
import { type Job, parseJob } from "../../src/dataset/job.ts";
import { type ApplyResult, applyJob } from "../../src/execute/apply-job.ts";
import type { JobContext, JobEvent } from "../../src/execute/job-context.ts";
import type { PlanOptions } from "../../src/execute/plan-job.ts";
import { loadHistory } from "../../src/schema/history.ts";
import { createFileStore } from "../../src/store/file.ts";
import type { ObjectStore } from "../../src/store/object-store.ts";
import { duckdb, quote } from "./duckdb.ts";

/** A dataset, its schema versions and a job in a folder of its own, driven through the library. */
export interface Workspace extends AsyncDisposable {
  readonly folder: string;
  /** Runs SQL that may say `$raw` and `$out` for the folders of the source and of the migrated data objects. */
  sql(statement: string): Promise<Record<string, unknown>[]>;
  /** Writes the result of a query as an object of the source. */
  write(key: string, query: string, options?: string): Promise<void>;
  context(versions: readonly string[], job?: Partial<JobOverrides>): JobContext & { events: JobEvent[] };
  apply(versions: readonly string[], job?: Partial<JobOverrides>, options?: PlanOptions): Promise<Applied>;
}

export interface Applied extends ApplyResult {
  readonly lines: FileLine[];
  readonly events: JobEvent[];
}

export interface JobOverrides {
  readonly partitioning: "hive" | "flat";
  readonly from: number | "detect";
  readonly to: number | "latest";
  readonly compression: string;
  readonly memory: string;
  readonly workers: number;
  readonly source: ObjectStore;
  readonly destination: ObjectStore;
  readonly signal: AbortSignal;
  readonly now: Date;
}

export async function createWorkspace(): Promise<Workspace> {
  const folder = await mkdtemp(join(tmpdir(), "colonnade-test-"));
  const raw = join(folder, "raw");
  const out = join(folder, "out");
  await mkdir(raw);

  const context: Workspace["context"] = (versions, overrides = {}) => {
    const events: JobEvent[] = [];
    const clock =
      overrides.now === undefined ? systemClock : { ...systemClock, now: () => overrides.now as Date };
    return {
      job: jobOf(overrides),
      history: loadHistory(versions.map((text, i) => ({ name: `${i + 1}.yaml`, text }))),
      source: overrides.source ?? createFileStore({ rootPath: raw }),
      destination: overrides.destination ?? createFileStore({ rootPath: out }),
      clock,
      ids: randomIds(),
      signal: overrides.signal ?? new AbortController().signal,
      onEvent: (event) => events.push(event),
      events,
    };
  };

  return {
    folder,
    sql: (statement) =>
      duckdb(
        statement
          .replaceAll("$raw", join(raw, "**/*.parquet"))
          .replaceAll("$out", join(out, "data/**/*.parquet"))
          .replaceAll("$quarantine", join(out, "quarantine/**/*.parquet")),
      ),
    async write(key, query, options = "") {
      const path = join(raw, key);
      await mkdir(dirname(path), { recursive: true });
      await duckdb(
        `COPY (${query}) TO ${quote(path)} (FORMAT parquet${options === "" ? "" : `, ${options}`})`,
      );
    },
    context,
    async apply(versions, overrides, options) {
      const opened = context(versions, overrides);
      const result = await applyJob(opened, options);
      const lines = await linesOf(opened.destination, result.manifest);
      return { ...result, lines, events: opened.events };
    },
    async [Symbol.asyncDispose]() {
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export async function linesOf(store: ObjectStore, manifest: Manifest): Promise<FileLine[]> {
  return Array.fromAsync(readFileList(store, manifest.parts));
}

function jobOf({
  partitioning = "flat",
  from = "detect",
  to = "latest",
  compression = "keep",
  memory = "300MB",
  workers = 2,
}: Partial<JobOverrides>): Job {
  return parseJob(
    `
job: test
source: { uri: "file:raw", partitioning: ${partitioning} }
schema: { directory: schemas, from: ${from}, to: ${to} }
destination: { uri: "file:out", channel: current }
output: { compression: ${compression} }
limits: { memory: ${memory}, workers: ${workers}, requests: 8 }
`,
    "test.yaml",
    {},
  );
}

/** A schema version's YAML from its lines of fields. */
export function version(number: number, fields: string, rest = ""): string {
  return `dataset: test\nversion: ${number}\nfields:\n${fields
    .trim()
    .split("\n")
    .map((line) => `  ${line.trimEnd().replace(/^ {4}/, "")}`)
    .join("\n")}\n${rest}\n`;
}
