import { stat } from "node:fs/promises";
import { dirname } from "node:path";
import { ColonnadeError } from "../base/errors.ts";
import { loadHistory, type SchemaHistory } from "../schema/history.ts";
import { parseSchemaVersion } from "../schema/parse-schema-version.ts";
import type { SchemaVersion } from "../schema/schema-version.ts";
import { readSchemaDirectory, readUserFile } from "./open-job.ts";

/** One schema version from its file. */
export async function readSchemaFile(path: string): Promise<SchemaVersion> {
  return parseSchemaVersion(await readUserFile(path, "schema version"), path);
}

export async function isDirectory(path: string): Promise<boolean> {
  const info = await stat(path).catch(() => undefined);
  return info?.isDirectory() === true;
}

/**
 * The history that a path means: all of a folder, or a file with the versions beside it that are older. Throws `invalid` as the
 * schema's own readers do.
 */
export async function readSchemaHistory(path: string): Promise<SchemaHistory> {
  if (await isDirectory(path)) return readSchemaDirectory(path);
  const version = await readSchemaFile(path);
  const history = await readSchemaDirectory(dirname(path));
  const versions = history.versions.filter((one) => one.version <= version.version);
  const last = versions.at(-1);
  if (last?.fingerprint === version.fingerprint) return { ...history, versions };
  // A draft under another name, beside the versions that it is to follow.
  const text = await readUserFile(path, "schema version");
  const older = history.versions.filter((one) => one.version < version.version);
  const { dataset } = loadHistory([{ name: path, text }]);
  if (dataset !== history.dataset) {
    throw new ColonnadeError("invalid", "HISTORY_INVALID", "schema version is of another dataset", {
      file: path,
      dataset,
      expected: history.dataset,
    });
  }
  return { dataset, versions: [...older, version] };
}
