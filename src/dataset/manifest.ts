import { sha256Hex } from "../base/digest.ts";
import { ColonnadeError } from "../base/errors.ts";
import type { ObjectStore } from "../store/object-store.ts";
import type { Destination } from "./commit.ts";
import { createObject } from "./create-object.ts";
import { encodeDocument, parseDocument, readReferenced } from "./document.ts";
import type { ObjectReference } from "./document.ts";
import { claimFormat, manifestFormat, manifestSchema } from "./formats.ts";
import type { Claim, Manifest } from "./formats.ts";
import { claimKey, manifestKey, parseVersionKey, versionPrefix, versionsPrefix } from "./layout.ts";

/** Numbers that others take while we look for a free one; more racers than that are a mistake. */
const claimsMax = 1000;

/**
 * Takes the next version number for this writer alone, by making `versions/<n>/claim.json` before anything else is written
 * under it. So no racer's parts are ever overwritten or mixed with ours, and the keys stay as
 * readable as the layout promises. A writer that dies leaves a number unused: versions have gaps, generations have not.
 *
 * `after`: a number known to be taken (the base's), where the search begins.
 */
export async function claimVersion(
  { store, clock, ids, retry }: Destination,
  run: string,
  epoch: number,
  after = 0,
): Promise<Claim> {
  let version = (await newestVersion(store, after)) + 1;
  const writeId = ids.next();
  for (let tries = 0; tries < claimsMax; tries += 1, version += 1) {
    const claimedAt = clock.now().toISOString();
    const claim: Claim = { format: claimFormat, version, writeId, run, epoch, claimedAt };
    if ((await createObject(store, claimKey(version), encodeDocument(claim), clock, retry)) === "created")
      return claim;
  }
  throw new ColonnadeError("conflict", "VERSION_TAKEN", "no version number could be claimed", { version });
}

/**
 * Writes the manifest of a claimed version, create-only, and returns how a pointer refers to it. The object is made
 * from checked content: a manifest that its own format refuses is `internal`.
 */
export async function writeManifest(
  { store, clock, retry }: Destination,
  manifest: Manifest,
): Promise<ObjectReference> {
  const checked = manifestSchema.safeParse(manifest);
  if (!checked.success)
    throw new ColonnadeError("internal", "MANIFEST_INVALID", "manifest is not what its format says", {
      problems: checked.error.message,
    });
  const key = manifestKey(manifest.version);
  const body = encodeDocument(checked.data);
  if ((await createObject(store, key, body, clock, retry)) === "taken")
    throw new ColonnadeError("conflict", "VERSION_TAKEN", "version was written by somebody else", { key });
  return { key, sha256: sha256Hex(body), bytes: body.length };
}

/**
 * The manifest that a pointer refers to. `data`: `MANIFEST_MISSING`, `DIGEST_MISMATCH`, `MANIFEST_INVALID`; `invalid`:
 * `FORMAT_NEWER`.
 */
export async function readManifest(store: ObjectStore, reference: ObjectReference): Promise<Manifest> {
  const body = await readReferenced(store, reference, "manifest");
  return parseDocument(body, manifestSchema, manifestFormat, "manifest", reference.key);
}

/**
 * The manifest of a version by its number, for versions that no pointer at hand names: there is no digest to compare, so a
 * pointer must be preferred where there is one. Undefined when the version is not there, or was never finished.
 */
export async function findManifest(
  store: ObjectStore,
  version: number,
): Promise<{ readonly manifest: Manifest; readonly reference: ObjectReference } | undefined> {
  const key = manifestKey(version);
  const object = await store.get(key);
  if (object === undefined) return undefined;
  const manifest = parseDocument(object.body, manifestSchema, manifestFormat, "manifest", key);
  if (manifest.version !== version)
    throw new ColonnadeError("data", "MANIFEST_INVALID", "manifest is that of another version", {
      key,
      version: manifest.version,
    });
  return { manifest, reference: { key, sha256: sha256Hex(object.body), bytes: object.body.length } };
}

/** The numbers of the versions that are finished, ascending; a claim without a manifest is none. */
export async function* listVersions(store: ObjectStore): AsyncIterable<number> {
  for await (const { key } of store.list(versionsPrefix)) {
    const version = parseVersionKey(key);
    if (version !== undefined && key === manifestKey(version)) yield version;
  }
}

async function newestVersion(store: ObjectStore, after: number): Promise<number> {
  let newest = after;
  const options = after === 0 ? {} : { startAfter: versionPrefix(after) };
  for await (const { key } of store.list(versionsPrefix, options))
    newest = Math.max(newest, parseVersionKey(key) ?? 0);
  return newest;
}
