import { readdir, readFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { randomIds, systemClock } from "../base/clock.ts";
import { ColonnadeError } from "../base/errors.ts";
import { nearest } from "../base/nearest.ts";
import { type Job, parseJob } from "../dataset/job.ts";
import type { JobContext, JobEvent } from "../execute/job-context.ts";
import { loadHistory, type SchemaHistory } from "../schema/history.ts";
import type { ObjectStore } from "../store/object-store.ts";
import { openStore } from "../store/open-store.ts";

export interface Environment {
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

/** Reads a text file that the user named. Throws `invalid` `FILE_MISSING` or `FILE_UNREADABLE`. */
export async function readUserFile(path: string, what: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw await fileError(cause, path, what);
  }
}

async function fileError(cause: unknown, path: string, what: string): Promise<ColonnadeError> {
  if ((cause as NodeJS.ErrnoException).code === "ENOENT") {
    const siblings = await readdir(dirname(path)).catch(() => []);
    const near = nearest(basename(path), siblings);
    return new ColonnadeError("invalid", "FILE_MISSING", `${what} does not exist`, {
      file: path,
      ...(near === undefined ? {} : { didYouMean: join(dirname(path), near) }),
    });
  }
  return new ColonnadeError(
    "invalid",
    "FILE_UNREADABLE",
    `${what} cannot be read`,
    { file: path },
    { cause },
  );
}

export async function readJobFile(path: string, environment: Environment): Promise<Job> {
  return parseJob(await readUserFile(path, "job file"), path, environment.variables);
}

/** The versions in a schema directory: files named `<number>.yaml`. */
export async function readSchemaDirectory(directory: string): Promise<SchemaHistory> {
  let names: string[];
  try {
    names = await readdir(directory);
  } catch (cause) {
    throw await fileError(cause, directory, "schema directory");
  }
  const files = names
    .filter((name) => /^\d+\.ya?ml$/.test(name))
    .toSorted((a, b) => parseInt(a, 10) - parseInt(b, 10));
  if (files.length === 0) {
    throw new ColonnadeError("invalid", "HISTORY_EMPTY", "schema directory has no version", { directory });
  }
  return loadHistory(
    await Promise.all(
      files.map(async (name) => {
        const path = join(directory, name);
        return { name: path, text: await readUserFile(path, "schema version") };
      }),
    ),
  );
}

/** Where a job's schema versions are: relative to the job's file. */
export function schemaDirectoryOf(job: Job, path: string): string {
  return resolve(dirname(resolve(path)), job.schema.directory);
}

/** Opens everything that a job names. Paths in a job file are relative to the file. */
export async function openJob(
  path: string,
  environment: Environment,
  onEvent: (event: JobEvent) => void,
): Promise<JobContext & AsyncDisposable> {
  const job = await readJobFile(path, environment);
  const history = await readSchemaDirectory(schemaDirectoryOf(job, path));
  const source = await openJobSource(job, path, environment);
  const destination = await openStore(job.destination.uri, {
    ...storeOptions(path, environment),
    memoryBytes: job.limits.memoryBytes,
  });
  return {
    job,
    history,
    source,
    destination,
    clock: systemClock,
    ids: randomIds(),
    signal: environment.signal,
    onEvent,
    async [Symbol.asyncDispose]() {
      await source.close();
      await destination.close();
    },
  };
}

/** The source alone, for what needs no schema version yet. */
export async function openJobSource(job: Job, path: string, environment: Environment): Promise<ObjectStore> {
  return openStore(job.source.uri, { ...storeOptions(path, environment), mustExist: true });
}

/** A job's destination, for what looks at versions and not at their source. */
export interface JobDestination extends AsyncDisposable {
  readonly job: Job;
  readonly store: ObjectStore;
  readonly channel: string;
}

export async function openDestination(path: string, environment: Environment): Promise<JobDestination> {
  const job = await readJobFile(path, environment);
  const store = await openStore(job.destination.uri, storeOptions(path, environment));
  return {
    job,
    store,
    channel: job.destination.channel,
    [Symbol.asyncDispose]: () => store.close(),
  };
}

function storeOptions(path: string, { variables }: Environment): Parameters<typeof openStore>[1] {
  return { environment: variables, baseDirectory: dirname(resolve(path)) };
}
