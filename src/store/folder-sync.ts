import { OpenFile } from "./open-file.ts";

/** Makes the entries of a folder durable: what was linked or renamed before the call survives a power failure. */
export type FolderSync = (folder: string) => Promise<void>;

/**
 * One fsync serves every caller who asked before it began, as in a group commit: many objects that land in one
 * folder together pay for a few syncs, not for one each. A sync that already runs serves nobody new, since it may have
 * begun before the caller's entry was there.
 */
export function createFolderSync(): FolderSync {
  const running = new Map<string, Promise<void>>();
  const waiting = new Map<string, Promise<void>>();

  function start(folder: string): Promise<void> {
    const sync = syncFolder(folder).finally(() => {
      if (running.get(folder) === sync) running.delete(folder);
    });
    running.set(folder, sync);
    return sync;
  }

  return (folder) => {
    const joined = waiting.get(folder);
    if (joined !== undefined) return joined;
    const before = running.get(folder);
    if (before === undefined) return start(folder);
    const next = before
      .catch(() => {})
      .then(() => {
        waiting.delete(folder);
        return start(folder);
      });
    waiting.set(folder, next);
    return next;
  };
}

async function syncFolder(path: string): Promise<void> {
  const folder = await OpenFile.toRead(path);
  try {
    await folder.sync();
  } finally {
    folder.close();
  }
}
