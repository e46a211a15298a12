import { constants, existsSync } from "node:fs";
import type { BigIntStats } from "node:fs";
import { dirname, join } from "node:path";

import type { Ids } from "../base/clock.ts";
import { fileError, isErrno } from "./file-errors.ts";
import { etagOf, stampAfter, statFile } from "./file-etag.ts";
import type { FilePaths } from "./file-paths.ts";
import { createFile, swapFile, unlinkIfThere } from "./file-swap.ts";
import type { SwapOutcome } from "./file-swap.ts";
import type { FolderSync } from "./folder-sync.ts";
import type { Precondition, PutResult } from "./object-store.ts";
import { OpenFile } from "./open-file.ts";
import { uploadLost } from "./store-errors.ts";

/** What the parts of one file store share. */
export interface FileContext {
  readonly uri: string;
  readonly paths: FilePaths;
  readonly sync: FolderSync;
  readonly ids: Ids;
  readonly step: (name: string) => void | Promise<void>;
}

/** A file that is being written in the store's own folder, under a name that nobody else has. */
export interface StagedFile {
  readonly path: string;
  readonly file: OpenFile;
}

export async function stageFile(context: FileContext): Promise<StagedFile> {
  const path = join(await context.paths.reserved("tmp"), context.ids.next());
  await context.step("open");
  return { path, file: await OpenFile.create(path) };
}

export async function dropStaged(staged: StagedFile): Promise<void> {
  staged.file.close();
  await unlinkIfThere(staged.path).catch(() => {});
}

export interface OpenedObject {
  /** Resolved. */
  readonly path: string;
  readonly file: OpenFile;
  readonly stats: BigIntStats;
}

/** Opens an object for reading; undefined when there is none. The caller closes it. */
export async function openObject(context: FileContext, key: string): Promise<OpenedObject | undefined> {
  const path = await context.paths.find(key);
  if (path === undefined) return undefined;
  let file: OpenFile;
  try {
    // The path is resolved: a link in its last place was put there since. A FIFO would block without O_NONBLOCK.
    file = await OpenFile.toRead(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR")) return undefined;
    throw error;
  }
  const stats = file.stat();
  if (stats.isFile()) return { path, file, stats };
  file.close();
  return undefined;
}

/**
 * Syncs the staged file and gives it the key, under the precondition. Closes it; nothing of it is left unless the outcome
 * is unknown. Throws when it certainly did not get the key.
 */
export async function publishFile(
  context: FileContext,
  key: string,
  staged: StagedFile,
  precondition: Precondition,
): Promise<PutResult> {
  let isInstalled = false;
  try {
    const place = await context.paths.place(key);
    for (;;) {
      const current = precondition.kind === "ifNoneMatch" ? undefined : await statFile(place.path);
      if (precondition.kind === "ifMatch" && (current === undefined || etagOf(current) !== precondition.etag))
        return { outcome: "preconditionFailed" };
      await context.step("stamp");
      await stampAfter(staged.file, current);
      await context.step("fsync");
      await staged.file.sync();
      const etag = etagOf(staged.file.stat());
      const outcome = await installFile(context, place, staged.path, current);
      isInstalled = outcome.kind === "installed";
      if (outcome.kind === "installed") return { outcome: "written", etag };
      if (outcome.kind === "unknown")
        return { outcome: "unknown", cause: fileError(outcome.cause, key, context.uri) };
      // Without a precondition the swap is tried against what is there now: whoever won has made progress.
      if (precondition.kind !== "none") return { outcome: "preconditionFailed" };
    }
  } catch (error) {
    // Only what was written is gone, not the folder that it was in with all else.
    const isLost = existsSync(dirname(staged.path)) && !existsSync(staged.path);
    if (isErrno(error, "ENOENT") && isLost) throw uploadLost(key);
    throw error;
  } finally {
    // Under its first name there is nothing left of what got the key.
    if (isInstalled) staged.file.close();
    else await dropStaged(staged);
  }
}

async function installFile(
  context: FileContext,
  place: { readonly folder: string; readonly path: string },
  stagedPath: string,
  current: BigIntStats | undefined,
): Promise<SwapOutcome> {
  const shared = { ...place, sync: context.sync, step: context.step };
  if (current === undefined) return await createFile(shared, stagedPath);
  const swapFolder = await context.paths.reserved("swap");
  const claimFolder = await context.paths.reserved("claims");
  const swapPlace = { ...shared, swapFolder, claimFolder };
  return await swapFile(swapPlace, stagedPath, etagOf(current), () => context.ids.next());
}
