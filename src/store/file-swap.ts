import { createHash } from "node:crypto";
import { constants, linkSync, unlinkSync } from "node:fs";
import { link, lstat, readlink, rename, symlink, unlink } from "node:fs/promises";
import { join } from "node:path";

import { ColonnadeError } from "../base/errors.ts";
import { isErrno } from "./file-errors.ts";
import { etagOf, statFile } from "./file-etag.ts";
import type { FolderSync } from "./folder-sync.ts";
import { OpenFile } from "./open-file.ts";
import { quickWrites } from "./quick-calls.ts";

/*
 * Compare-and-swap on a plain file, between processes, without locks.
 *
 * Call the file F, its present ETag E, and the staged successor T: a complete, synced file under a random name that is
 * used once and never again. To replace E by T:
 *
 *   1. Claim. Create the symbolic link claims/<hash of F's path>.<E>.<n> whose text is the name of T, n from 1.
 *      The kernel lets one process create it. If it exists, help: read it, check that F still has E, rename the T that it
 *      names onto F. If that T is gone and F still has E, the claim is dead: go on with n + 1.
 *   2. Check. F has E still? Then rename T onto F.
 *   3. Settle. Whoever consumes the name T decides: a rename onto F (by us or a helper) installed it. Otherwise we rename
 *      T back to where it came from, and the swap is lost. A file name can be consumed once, so exactly one of the two
 *      happens, and we see which: the rename back fails with ENOENT when T was installed.
 *   4. Clean. Once F no longer has E, claims on E mean nothing, and anybody may remove them.
 *
 * Why no update is lost. ETags of F never come back (`stampAfter`), so "F has E" is true up to one moment and false
 * ever after. A claim is valid if it was there while F had E. Claims on E are removed only after that moment, so a valid
 * claim stays until F has moved on, and a claim n + 1 is made only where claim n is valid and its T was consumed without
 * being installed. So at any time at most one valid claim names a T that still exists. Nobody renames a T before having
 * seen, after the claim, that F has E, which proves the claim valid: if F had E then, it had E when the claim was read. A
 * helper that sleeps between that check and its rename does no harm: until someone installs or drops this T nothing else can
 * take F from E, and afterwards its name is gone and the rename fails. A late claimer (who saw E, slept, and claimed after
 * F moved on and the claims were cleaned) fails the check of step 2 and drops its T, and no helper touches that T.
 *
 * Why nothing gets stuck. There is nothing to release. A process that dies before its claim leaves a stray T; after its
 * claim, a successor that the next caller installs before it gives up; after the rename, a stray claim on an ETag that never
 * comes back. A power failure that keeps a claim and loses its T makes a dead claim, which claim n + 1 steps over. No
 * step waits and no clock is read.
 *
 * What it relies on: all who rewrite F do it this way. Programs that write F without us, and `delete`, are not
 * ordered with a swap of the same key in flight; Colonnade deletes only what nobody swaps.
 */

export interface SwapPlace {
  /** The file to replace, its parent resolved. */
  readonly path: string;
  readonly folder: string;
  /** Folders of the store's own, on the same file system. */
  readonly swapFolder: string;
  readonly claimFolder: string;
  readonly sync: FolderSync;
  /** Called before each step that others may see or come between; tests die or wait in it. */
  readonly step: (name: string) => void | Promise<void>;
}

/** `unknown`: it was, or may yet be, installed, but whether that is durable or final could not be seen. */
export type SwapOutcome =
  | { readonly kind: "installed" }
  | { readonly kind: "lost" }
  | { readonly kind: "unknown"; readonly cause: unknown };

/**
 * Replaces the file by the staged one if its ETag is still `etag`; resolves when the new entry is durable. If it is lost, the
 * staged file is where it was. Throws the file system's error when nothing was or will be installed. `nextName` gives
 * 26 characters of 0-9a-z, never the same twice.
 */
export async function swapFile(
  place: SwapPlace,
  stagedPath: string,
  etag: string,
  nextName: () => string,
): Promise<SwapOutcome> {
  // Out of the folder for unfinished writes, where old files are swept: a T that is claimed must stay.
  const name = nextName();
  await place.step("stage");
  await rename(stagedPath, join(place.swapFolder, name));
  const claims: string[] = [];
  try {
    await attempt(place, name, etag, claims);
  } catch (error) {
    return await settleAfterError(place, name, stagedPath, error);
  }
  const outcome = await settleAndSync(place, name, stagedPath);
  // Best effort: a claim on an ETag that is gone harms nobody.
  await place.step("clean");
  await Promise.allSettled(claims.map((claim) => unlinkIfThere(claim)));
  return outcome;
}

/** Steps 1 and 2; on return the file no longer has the ETag. Fills `claims` with those on it. */
async function attempt(place: SwapPlace, name: string, etag: string, claims: string[]): Promise<void> {
  for (let n = 1; ; n += 1) {
    const claim = join(place.claimFolder, claimName(place.path, etag, n));
    const turn = await claimOrHelp(place, claim, name, etag);
    if (turn === "lost") return;
    claims.push(claim);
    if (turn === "dead") continue;
    await place.step("check");
    if (await hasEtag(place.path, etag)) await install(place, name);
    return;
  }
}

/** Creates the claim; or, when another has it, finishes what the other began. */
async function claimOrHelp(
  place: SwapPlace,
  claim: string,
  name: string,
  etag: string,
): Promise<"claimed" | "dead" | "lost"> {
  for (;;) {
    if (!(await hasEtag(place.path, etag))) return "lost";
    try {
      await place.step("claim");
      await symlink(name, claim);
      return "claimed";
    } catch (error) {
      if (!isErrno(error, "EEXIST")) throw error;
    }
    await place.step("help");
    const other = await readClaim(claim);
    if (other === undefined) continue; // Cleaned away meanwhile, so the file has moved on.
    await place.step("check");
    if (!(await hasEtag(place.path, etag))) return "lost";
    if (await install(place, other)) {
      await place.sync(place.folder);
      return "lost";
    }
    return (await hasEtag(place.path, etag)) ? "dead" : "lost";
  }
}

async function readClaim(claim: string): Promise<string | undefined> {
  try {
    const name = await readlink(claim);
    if (/^[0-9a-z]{26}$/.test(name)) return name;
    throw new ColonnadeError("data", "CLAIM_MALFORMED", "claim of a swap names no staged file", { claim });
  } catch (error) {
    if (isErrno(error, "ENOENT")) return undefined;
    throw error;
  }
}

async function hasEtag(path: string, etag: string): Promise<boolean> {
  // Opened, not just looked at: on NFS an open asks the server, where a stat may answer from a cache.
  try {
    const file = await OpenFile.toRead(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      return etagOf(file.stat()) === etag;
    } finally {
      file.close();
    }
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR")) return false;
    throw error;
  }
}

/** Whether this rename was the one that installed the staged file. */
async function install(place: SwapPlace, name: string): Promise<boolean> {
  try {
    await place.step("install");
    await rename(join(place.swapFolder, name), place.path);
    return true;
  } catch (error) {
    if (isErrno(error, "ENOENT")) return false;
    throw error;
  }
}

/** Step 3. The way back is a rename as well, so that a caller without a precondition can try again. */
async function settle(place: SwapPlace, name: string, stagedPath: string): Promise<"installed" | "lost"> {
  try {
    await place.step("settle");
    await rename(join(place.swapFolder, name), stagedPath);
    return "lost";
  } catch (error) {
    if (isErrno(error, "ENOENT")) return "installed";
    throw error;
  }
}

async function settleAndSync(place: SwapPlace, name: string, stagedPath: string): Promise<SwapOutcome> {
  try {
    const kind = await settle(place, name, stagedPath);
    if (kind === "installed") await place.sync(place.folder);
    return { kind };
  } catch (cause) {
    return { kind: "unknown", cause };
  }
}

/** If we get T back nothing was or will be installed, and the error says it all. */
async function settleAfterError(
  place: SwapPlace,
  name: string,
  stagedPath: string,
  cause: unknown,
): Promise<SwapOutcome> {
  const kind = await settle(place, name, stagedPath).catch(() => "unknown");
  if (kind === "lost") throw cause;
  return { kind: "unknown", cause };
}

/**
 * Creates the file unless something is there; resolves when the new entry is durable. If it is lost, the staged file
 * is where it was. Throws when nothing was created.
 */
export async function createFile(
  place: Pick<SwapPlace, "path" | "folder" | "sync" | "step">,
  stagedPath: string,
): Promise<SwapOutcome> {
  try {
    await place.step("link");
    await quickWrites.make(
      () => linkSync(stagedPath, place.path),
      () => link(stagedPath, place.path),
    );
  } catch (error) {
    if (!isErrno(error, "EEXIST")) throw error;
    await refuseOther(place.path);
    return { kind: "lost" };
  }
  try {
    await place.sync(place.folder);
    await place.step("unlink");
    await unlinkIfThere(stagedPath);
    return { kind: "installed" };
  } catch (cause) {
    return { kind: "unknown", cause };
  }
}

/** A folder or a dangling link in the way is no lost race: it would be in the way for ever. */
async function refuseOther(path: string): Promise<void> {
  if ((await statFile(path)) !== undefined) return;
  const found = await lstat(path).catch(() => undefined);
  if (found !== undefined && !found.isFile())
    throw Object.assign(new Error("not a regular file"), { code: "EISDIR" });
}

/** Whether there was something to unlink. */
export async function unlinkIfThere(path: string): Promise<boolean> {
  try {
    await quickWrites.make(
      () => unlinkSync(path),
      () => unlink(path),
    );
    return true;
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR")) return false;
    throw error;
  }
}

function claimName(path: string, etag: string, n: number): string {
  const hash = createHash("sha256").update(path).digest("hex").slice(0, 32);
  return `${hash}.${etag.replaceAll('"', "")}.${n}`;
}
