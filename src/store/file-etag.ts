import { statSync } from "node:fs";
import type { BigIntStats } from "node:fs";
import { stat } from "node:fs/promises";

import { isErrno } from "./file-errors.ts";
import type { ObjectInfo } from "./object-store.ts";
import type { OpenFile } from "./open-file.ts";
import { quickReads } from "./quick-calls.ts";

/**
 * The ETag of a file: modification time in nanoseconds, size, inode. It works for files that other programs wrote
 * (whoever rewrites one changes its time), costs one `stat`, and is the same in every process.
 *
 * Time alone would not do for compare-and-swap: kernels stamp files with a clock that moves every few milliseconds,
 * and an inode that was freed is soon used again, so that two versions could look alike. What we write gets its time
 * from {@link stampAfter}: later than the version it replaces, always. So an ETag that a key has left never comes back.
 */
export function etagOf(stats: BigIntStats): string {
  return `"${stats.mtimeNs.toString(36)}-${stats.size.toString(36)}-${stats.ino.toString(36)}"`;
}

export function infoOf(key: string, stats: BigIntStats): ObjectInfo {
  return {
    key,
    bytes: Number(stats.size),
    etag: etagOf(stats),
    modifiedAtMs: Number(stats.mtimeNs / 1_000_000n),
  };
}

/** What lies at a path now, or undefined when that is no regular file. Follows symbolic links. */
export async function statFile(path: string): Promise<BigIntStats | undefined> {
  try {
    const stats = await quickReads.make(
      () => statSync(path, { bigint: true }),
      () => stat(path, { bigint: true }),
    );
    return stats.isFile() ? stats : undefined;
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR")) return undefined;
    throw error;
  }
}

/**
 * Sets the modification time to now, or to just after `previous` when that lies in the future, and returns the facts.
 * Node passes times as doubles of seconds (steps of 0.24 µs in this century) and file systems cut them further (HFS+ to a
 * second, FAT to two), so the step grows until the file system shows a later time.
 */
export async function stampAfter(file: OpenFile, previous: BigIntStats | undefined): Promise<BigIntStats> {
  const nowUs = BigInt(Math.floor((performance.timeOrigin + performance.now()) * 1000));
  const floorNs = previous?.mtimeNs ?? -1n;
  for (const stepUs of [1n, 1_000n, 1_000_000n, 2_000_000n, 4_000_000n]) {
    const earliestUs = floorNs / 1000n + stepUs;
    const seconds = Number(nowUs > earliestUs ? nowUs : earliestUs) / 1e6;
    await file.stamp(seconds);
    const stats = file.stat();
    if (stats.mtimeNs > floorNs) return stats;
  }
  throw Object.assign(new Error("file system does not keep modification times"), { code: "ENOTSUP" });
}
