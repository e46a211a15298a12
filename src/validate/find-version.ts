import { ColonnadeError, toColonnadeError } from "../base/errors.ts";
import type { Manifest, Pointer } from "../dataset/formats.ts";
import { readHistory } from "../dataset/history.ts";
import { findManifest, readManifest } from "../dataset/manifest.ts";
import { readPointer } from "../dataset/pointer.ts";
import { schemaVersionFromContent } from "../schema/fingerprint.ts";
import type { SchemaVersion } from "../schema/schema-version.ts";
import type { ObjectStore } from "../store/object-store.ts";
import type { Findings } from "./report.ts";

/** The version to look at, as far as it could be read. */
export interface FoundVersion {
  readonly pointer: Pointer | undefined;
  readonly manifest: Manifest | undefined;
  readonly schema: SchemaVersion | undefined;
}

/**
 * Reads the pointer, and the manifest by the digest that the pointer has of it. For a version that the channel serves no
 * longer, the newest generation of its history that named it has the digest; without one that is noted, and the
 * manifest taken as it is.
 *
 * Throws `invalid` `CHANNEL_EMPTY`, `VERSION_MISSING`, `FORMAT_NEWER`, and what a store throws.
 */
export async function findVersion(
  store: ObjectStore,
  channel: string,
  wanted: number | undefined,
  findings: Findings,
): Promise<FoundVersion> {
  const pointer = await attempt(findings, "pointer", () => findPointer(store, channel, wanted));
  if (pointer === undefined && wanted === undefined) {
    if (findings.hasErrors("pointer")) return { pointer, manifest: undefined, schema: undefined };
    throw new ColonnadeError(
      "invalid",
      "CHANNEL_EMPTY",
      "channel serves nothing yet: there is nothing to verify",
      {
        channel,
      },
    );
  }
  const manifest = await attempt(findings, "manifest", () =>
    readManifestOf(store, pointer, wanted, findings),
  );
  if (manifest === undefined) return { pointer, manifest, schema: undefined };
  const schema = await attempt(findings, "manifest", () =>
    Promise.resolve(schemaVersionFromContent(manifest.schema.content)),
  );
  checkManifest(manifest, schema, findings);
  if (pointer !== undefined) checkPointer(pointer, manifest, findings);
  return { pointer, manifest, schema };
}

async function findPointer(
  store: ObjectStore,
  channel: string,
  wanted: number | undefined,
): Promise<Pointer | undefined> {
  if (wanted === undefined) return (await readPointer(store, channel))?.pointer;
  for await (const entry of readHistory(store, channel)) {
    if (entry.kind === "pointer" && entry.pointer.version === wanted) return entry.pointer;
  }
  return undefined;
}

async function readManifestOf(
  store: ObjectStore,
  pointer: Pointer | undefined,
  wanted: number | undefined,
  findings: Findings,
): Promise<Manifest> {
  if (pointer !== undefined) return readManifest(store, pointer.manifest);
  const found = await findManifest(store, wanted ?? 0);
  if (found === undefined) {
    throw new ColonnadeError("invalid", "VERSION_MISSING", "version is not there, or was never finished", {
      version: wanted,
    });
  }
  findings.info(
    "manifest",
    "DIGEST_UNKNOWN",
    "no pointer of the channel names this version: its manifest has no digest to be compared with",
    {},
    { version: wanted },
  );
  return found.manifest;
}

/** What is wrong with the data becomes a finding; a store that does not answer, and the caller's mistakes, are thrown. */
async function attempt<T>(
  findings: Findings,
  check: "pointer" | "manifest",
  read: () => Promise<T>,
): Promise<T | undefined> {
  findings.looked(check);
  try {
    return await read();
  } catch (thrown) {
    findings.caught(check, toColonnadeError(thrown));
    return undefined;
  }
}

function checkPointer(pointer: Pointer, manifest: Manifest, findings: Findings): void {
  const differs = (what: string, found: unknown, expected: unknown): void => {
    if (found === expected) return;
    findings.error(
      "pointer",
      "POINTER_DIFFERS",
      `pointer and manifest have different ${what}`,
      {},
      {
        pointer: found,
        manifest: expected,
      },
    );
  };
  differs("versions", pointer.version, manifest.version);
  differs("datasets", pointer.dataset, manifest.dataset);
  differs("schema versions", pointer.schema.version, manifest.schema.version);
  differs("schema fingerprints", pointer.schema.fingerprint, manifest.schema.fingerprint);
}

function checkManifest(manifest: Manifest, schema: SchemaVersion | undefined, findings: Findings): void {
  const { version, fingerprint } = manifest.schema;
  if (schema !== undefined && (schema.version !== version || schema.fingerprint !== fingerprint)) {
    findings.error(
      "manifest",
      "FINGERPRINT_DIFFERS",
      "manifest's schema content does not have its fingerprint",
      {},
      {
        version,
        fingerprint,
        contentVersion: schema.version,
        contentFingerprint: schema.fingerprint,
      },
    );
  }
  for (const { name, passed, detail } of manifest.checks) {
    if (!passed)
      findings.error(
        "manifest",
        "CHECK_FAILED",
        "manifest records a check that failed",
        {},
        { name, detail },
      );
  }
}
