import type { BigIntStats, Dirent } from "node:fs";
import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";

import { isErrno } from "./file-errors.ts";
import { infoOf, statFile } from "./file-etag.ts";
import { compareKeys, keyInvalid, reservedFolder } from "./keys.ts";
import type { ObjectInfo } from "./object-store.ts";

const statsAtOnce = 32;

interface Child {
  /** The object's key, or for a folder what all keys in it begin with (it ends at a `/`). */
  readonly key: string;
  readonly path: string;
  readonly isFolder: boolean;
}

/**
 * Walks a folder in the order of the keys' UTF-8 bytes. A folder sorts as its name and `/`, since that is how the keys in it
 * begin: `a-b` < `a/x` < `a0`. Holds the entries of one folder and of those that lead to it.
 */
export async function* listFolder(
  path: string,
  keyPrefix: string,
  filter: { readonly prefix: string; readonly startAfter: string | undefined },
): AsyncGenerator<ObjectInfo> {
  const children = (await readChildren(path, keyPrefix)).filter((child) => mayHold(child, filter));
  for (let i = 0; i < children.length;) {
    const child = children[i] as Child;
    if (child.isFolder) {
      yield* listFolder(child.path, child.key, filter);
      i += 1;
      continue;
    }
    let end = i;
    while (end < children.length && end < i + statsAtOnce && children[end]?.isFolder === false) end += 1;
    yield* await statAll(children.slice(i, end));
    i = end;
  }
}

function mayHold(
  child: Child,
  filter: { readonly prefix: string; readonly startAfter: string | undefined },
): boolean {
  const { prefix, startAfter } = filter;
  if (!child.key.startsWith(prefix) && !(child.isFolder && prefix.startsWith(child.key))) return false;
  if (startAfter === undefined) return true;
  return compareKeys(child.key, startAfter) > 0 || (child.isFolder && startAfter.startsWith(child.key));
}

async function readChildren(path: string, keyPrefix: string): Promise<Child[]> {
  let entries: Dirent[];
  try {
    entries = await readdir(path, { withFileTypes: true });
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR")) return []; // removed since its parent was read
    throw error;
  }
  const children: Child[] = [];
  for (const entry of entries) {
    if (entry.name === reservedFolder) continue;
    const isFolder = entry.isDirectory();
    const key = keyPrefix + entry.name + (isFolder ? "/" : "");
    children.push({ key, path: join(path, entry.name), isFolder });
  }
  return children.toSorted((a, b) => compareKeys(a.key, b.key));
}

async function statAll(children: readonly Child[]): Promise<ObjectInfo[]> {
  const infos = await Promise.all(children.map(statChild));
  return infos.filter((info) => info !== undefined);
}

async function statChild({ key, path }: Child): Promise<ObjectInfo | undefined> {
  const stats = await lstat(path, { bigint: true }).catch((error: unknown) => {
    if (isErrno(error, "ENOENT", "ENOTDIR")) return undefined;
    throw error;
  });
  if (stats === undefined) {
    // Node puts U+FFFD for bytes that are no UTF-8, so such a name leads nowhere; leaving it out would lose data in silence.
    if (key.includes("\u{FFFD}")) throw keyInvalid(key, "is a file name that is not UTF-8");
    return undefined;
  }
  if (stats.isSymbolicLink()) return await statLink(key, path);
  return stats.isFile() ? infoOf(key, stats) : undefined;
}

/**
 * A link to a file is listed, and whoever reads it learns whether it leads out of the root. A link to a folder is
 * refused: to follow it could go round in circles, to leave it out would lose data in silence.
 */
async function statLink(key: string, path: string): Promise<ObjectInfo | undefined> {
  const target: BigIntStats | undefined = await statFile(path);
  if (target !== undefined) return infoOf(key, target);
  const isFolder = await readdir(path).then(
    () => true,
    () => false,
  );
  if (isFolder) throw keyInvalid(key, "is a symbolic link to a folder, which is not followed");
  return undefined;
}
