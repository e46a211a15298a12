import { canonicalJson } from "../base/canonical-json.ts";
import type { Json } from "../base/canonical-json.ts";
import { sha256Hex } from "../base/digest.ts";
import { ColonnadeError } from "../base/errors.ts";
import { buildSchemaVersion } from "./build-schema-version.ts";
import { spellPath } from "./explain-zod-error.ts";
import { schemaVersionFileSchema, toSchemaVersionFile } from "./schema-version-file.ts";
import type { SchemaVersion } from "./schema-version.ts";

/**
 * A schema version as it stands in manifests: everything that has an effect, in the members of the YAML file,
 * without what has none (descriptions, comments, the order of keys, members at their default).
 */
export function canonicalContent(version: Omit<SchemaVersion, "fingerprint">): Json {
  return JSON.parse(canonicalJson(toSchemaVersionFile(version, false))) as Json;
}

/** SHA-256 over the canonical content, as 64 lowercase hex digits. */
export function fingerprintOf(version: Omit<SchemaVersion, "fingerprint">): string {
  return sha256Hex(canonicalJson(toSchemaVersionFile(version, false)));
}

/** A version with its fingerprint. */
export function withFingerprint(version: Omit<SchemaVersion, "fingerprint">): SchemaVersion {
  return { ...version, fingerprint: fingerprintOf(version) };
}

/**
 * The inverse of {@link canonicalContent}. Throws `data` `SCHEMA_CONTENT_INVALID` for content that no version has:
 * somebody else wrote the manifest, or a later Colonnade.
 */
export function schemaVersionFromContent(content: unknown): SchemaVersion {
  const parsed = schemaVersionFileSchema.safeParse(content);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw contentInvalid(spellPath(issue?.path ?? []), issue?.message ?? "invalid");
  }
  const { version, problems } = buildSchemaVersion(parsed.data);
  const [problem] = problems;
  if (problem !== undefined) throw contentInvalid(spellPath(problem.path), problem.message);
  return withFingerprint(version);
}

function contentInvalid(path: string, reason: string): ColonnadeError {
  return new ColonnadeError("data", "SCHEMA_CONTENT_INVALID", "schema content of a manifest is not valid", {
    path,
    reason,
  });
}
