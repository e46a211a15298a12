import { realpathSync } from "node:fs";
import { lstat, mkdir, realpath, stat } from "node:fs/promises";
import { dirname, join, resolve, sep } from "node:path";

import { ColonnadeError } from "../base/errors.ts";
import { folderChanged, isErrno } from "./file-errors.ts";
import { keyInvalid, reservedFolder } from "./keys.ts";
import type { FolderSync } from "./folder-sync.ts";
import { quickReads } from "./quick-calls.ts";

/**
 * Where the keys of a file store lie. Every path that leaves here has been resolved by the kernel and found inside
 * of the root, so that no symbolic link leads a key out of it.
 */
export interface FilePaths {
  /** As the user named it, absolute. */
  readonly rootPath: string;
  /** The resolved path of an object or folder that exists; undefined when it does not. */
  find(key: string): Promise<string | undefined>;
  /** Where an object is to be written; makes the folders that lead there, durably. */
  place(key: string): Promise<{ readonly folder: string; readonly path: string }>;
  /** A path of the store's own below {@link reservedFolder}; makes the folder when it is missing. */
  reserved(folder: "tmp" | "swap" | "claims"): Promise<string>;
  /** The resolved root; undefined when there is none yet. Throws `BUCKET_MISSING` when it must exist. */
  root(): Promise<string | undefined>;
}

export function createFilePaths(
  rootPath: string,
  options: {
    readonly mustExist: boolean;
    readonly sync: FolderSync;
    readonly step: (name: string) => void | Promise<void>;
  },
): FilePaths {
  const named = resolve(rootPath);
  let resolvedRoot: string | undefined;

  async function root(): Promise<string | undefined> {
    if (resolvedRoot !== undefined) return resolvedRoot;
    const found = await realpathIfThere(named);
    if (found === undefined) {
      if (options.mustExist) throw rootMissing(named, "does not exist");
      return undefined;
    }
    if (!(await stat(found)).isDirectory()) throw rootMissing(named, "is not a folder");
    resolvedRoot = found;
    return found;
  }

  /** Makes a folder and what leads to it; checks before making anything that it will lie inside of the root. */
  async function makeFolder(path: string, base: string, key: string): Promise<string> {
    let there = await realpathIfThere(path);
    if (there === undefined) {
      for (let ancestor = dirname(path); there === undefined; ancestor = dirname(ancestor)) {
        // The root was there when it was resolved.
        if (ancestor.length < base.length) throw folderChanged({ key, uri: `file:${base}` });
        there = await realpathIfThere(ancestor);
      }
      assertInside(there, base, key);
      await options.step("mkdir");
      await makeFolderDurably(path, options.sync, base);
      there = await realpath(path);
    }
    assertInside(there, base, key);
    return there;
  }

  async function rootToWrite(): Promise<string> {
    const found = await root();
    if (found !== undefined) return found;
    await options.step("mkdir");
    await makeFolderDurably(named, options.sync);
    return (await root()) ?? named;
  }

  return {
    rootPath: named,
    root,
    async find(key) {
      const base = await root();
      if (base === undefined) return undefined;
      const found = await realpathIfThere(join(base, key));
      if (found !== undefined) assertInside(found, base, key);
      return found;
    },
    async place(key) {
      const base = await rootToWrite();
      const path = join(base, key);
      const folder = await makeFolder(dirname(path), base, key);
      const name = path.slice(dirname(path).length);
      return { folder, path: join(folder, name) };
    },
    async reserved(folder) {
      const base = await rootToWrite();
      const path = join(base, reservedFolder, folder);
      return await makeFolder(path, base, `${reservedFolder}/${folder}`);
    },
  };
}

function assertInside(path: string, base: string, key: string): void {
  if (path === base || path.startsWith(base.endsWith(sep) ? base : base + sep)) return;
  throw keyInvalid(key, "leaves the root of its store through a symbolic link");
}

function rootMissing(path: string, what: string): ColonnadeError {
  return new ColonnadeError("invalid", "BUCKET_MISSING", `folder of the store ${what}`, {
    uri: `file:${path}`,
  });
}

async function realpathIfThere(path: string): Promise<string | undefined> {
  try {
    return await quickReads.make(
      () => realpathSync.native(path),
      () => realpath(path),
    );
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR")) return await refuseDangling(path);
    throw error;
  }
}

// A dangling link resolves to nothing, yet a write "through" it would create what it points at.
async function refuseDangling(path: string): Promise<undefined> {
  const found = await lstat(path).catch(() => undefined);
  if (found?.isSymbolicLink() === true)
    throw keyInvalid(path, "passes through a symbolic link that leads nowhere");
}

/**
 * `mkdir -p` whose new entries survive a power failure: each folder that gained one is synced. A `base` that was there and is gone
 * is not made again (ENOENT): a disk that went away must not be replaced by an empty folder.
 */
async function makeFolderDurably(path: string, sync: FolderSync, base?: string): Promise<void> {
  const first = await makeFolders(path, base);
  if (first === undefined) return;
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    await sync(folder);
    if (folder === dirname(first)) return;
  }
}

/**
 * `mkdir -p`; returns the first folder that it made. Node's own says ENOENT whatever keeps it from making the first one, a
 * read-only disk for one.
 */
async function makeFolders(path: string, base: string | undefined): Promise<string | undefined> {
  try {
    return await makeOne(path);
  } catch (error) {
    if (!isErrno(error, "ENOENT") || dirname(path) === path || dirname(path) === base) throw error;
    const first = await makeFolders(dirname(path), base);
    const last = await makeOne(path);
    return first ?? last;
  }
}

/** Undefined when it is there already: another process makes it too. */
async function makeOne(path: string): Promise<string | undefined> {
  try {
    await mkdir(path);
    return path;
  } catch (error) {
    if (isErrno(error, "EEXIST") && (await stat(path)).isDirectory()) return undefined;
    throw error;
  }
}
