import { readdir, readFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { ColonnadeError } from "../base/errors.ts";
import { randomIds, systemClock } from "../base/clock.ts";
import { type Job, parseJob } from "../dataset/job.ts";
import type { JobContext, JobEvent } from "../execute/job-context.ts";
import { loadHistory, type SchemaHistory } from "../schema/history.ts";
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
    const missing = (cause as NodeJS.ErrnoException).code === "ENOENT";
    throw new ColonnadeError(
      "invalid",
      missing ? "FILE_MISSING" : "FILE_UNREADABLE",
      `${what} ${missing ? "does not exist" : "cannot be read"}`,
      { file: path },
      { cause },
    );
  }
}

export async function readJobFile(path: string, environment: Environment): Promise<Job> {
  return parseJob(await readUserFile(path, "job file"), path, environment.variables);
}

/** The versions in a schema directory: files named `<number>.yaml`. */
export async function readHistory(directory: string): Promise<SchemaHistory> {
  let names: string[];
  try {
    names = await readdir(directory);
  } catch (cause) {
    throw new ColonnadeError(
      "invalid",
      "FILE_MISSING",
      "schema directory cannot be read",
      { directory },
      { cause },
    );
  }
  const files = names
    .filter((name) => /^\d+\.ya?ml$/.test(name))
    .toSorted((a, b) => parseInt(a, 10) - parseInt(b, 10));
  return loadHistory(
    await Promise.all(
      files.map(async (name) => {
        const path = join(directory, name);
        return { name: path, text: await readUserFile(path, "schema version") };
      }),
    ),
  );
}

/** Opens everything that a job names. Paths in a job file are relative to the file. */
export async function openJob(
  path: string,
  environment: Environment,
  onEvent: (event: JobEvent) => void,
): Promise<JobContext & AsyncDisposable> {
  const job = await readJobFile(path, environment);
  const baseDirectory = dirname(resolve(path));
  const history = await readHistory(resolve(baseDirectory, job.schema.directory));
  const options = { environment: environment.variables, baseDirectory };
  const source = await openStore(job.source.uri, options);
  const destination = await openStore(job.destination.uri, options);
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
