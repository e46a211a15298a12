import { ColonnadeError } from "../base/errors.ts";
import { parseSchemaVersion } from "./parse-schema-version.ts";
import type { SchemaVersion } from "./schema-version.ts";

/** All versions of one dataset's schema, ascending, without gaps. The first need not be 1: old ones may be pruned. */
export interface SchemaHistory {
  readonly dataset: string;
  readonly versions: readonly SchemaVersion[];
}

/**
 * The history from the files of a schema directory, in any order. Throws `invalid`: `SCHEMA_INVALID` for a file that
 * is wrong in itself, `HISTORY_INVALID` for files that do not belong together, `HISTORY_EMPTY`.
 */
export function loadHistory(
  files: readonly { readonly name: string; readonly text: string }[],
): SchemaHistory {
  const loaded = files
    .map(({ name, text }) => ({ name, version: parseSchemaVersion(text, name) }))
    .toSorted((a, b) => a.version.version - b.version.version);
  const [first] = loaded;
  if (first === undefined) {
    throw new ColonnadeError("invalid", "HISTORY_EMPTY", "the schema directory has no version");
  }
  for (const [index, { name, version }] of loaded.entries()) {
    const stem = /(?:^|[/\\])([0-9]+)\.ya?ml$/.exec(name)?.[1];
    if (stem !== undefined && Number(stem) !== version.version) {
      throw historyInvalid("a schema version has another number than its file", {
        file: name,
        version: version.version,
      });
    }
    if (version.dataset !== first.version.dataset) {
      throw historyInvalid("schema versions are of different datasets", {
        [first.name]: first.version.dataset,
        [name]: version.dataset,
      });
    }
    const before = loaded[index - 1];
    if (before?.version.version === version.version) {
      throw historyInvalid("a schema version is there twice", {
        version: version.version,
        files: [before.name, name],
      });
    }
    if (before !== undefined && before.version.version + 1 !== version.version) {
      throw historyInvalid("schema versions have a gap", {
        from: before.version.version,
        to: version.version,
      });
    }
  }
  return { dataset: first.version.dataset, versions: loaded.map(({ version }) => version) };
}

function historyInvalid(message: string, details: Record<string, unknown>): ColonnadeError {
  return new ColonnadeError("invalid", "HISTORY_INVALID", message, details);
}

/** One version of a history. Throws `invalid` `VERSION_MISSING`, whose details name those that there are. */
export function versionOf(history: SchemaHistory, wanted: number | "latest"): SchemaVersion {
  const found =
    wanted === "latest"
      ? history.versions.at(-1)
      : history.versions.find(({ version }) => version === wanted);
  if (found !== undefined) return found;
  throw new ColonnadeError("invalid", "VERSION_MISSING", "a schema version does not exist", {
    dataset: history.dataset,
    version: wanted,
    versions: history.versions.map(({ version }) => version),
  });
}

/** A version that data was already written with, and that is another now. */
export interface Edit {
  readonly version: number;
  readonly appliedFingerprint: string;
  /** Undefined when the file is gone. */
  readonly fingerprint: string | undefined;
}

/**
 * The versions that were applied (as manifests and footers name them) and edited or removed later: objects written
 * before and after would differ under one number. Each edit once, ascending.
 */
export function detectEdits(
  history: SchemaHistory,
  applied: readonly { readonly version: number; readonly fingerprint: string }[],
): Edit[] {
  const edits = new Map<string, Edit>();
  for (const { version, fingerprint: appliedFingerprint } of applied) {
    const now = history.versions.find((candidate) => candidate.version === version)?.fingerprint;
    if (now !== appliedFingerprint) {
      edits.set(`${version} ${appliedFingerprint}`, { version, appliedFingerprint, fingerprint: now });
    }
  }
  return Array.from(edits.values()).toSorted((a, b) => a.version - b.version);
}
