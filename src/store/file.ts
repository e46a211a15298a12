import { readdir, stat, unlink } from "node:fs/promises";
import { basename, join } from "node:path";

import { randomIds } from "../base/clock.ts";
import { dropStaged, openObject, publishFile, stageFile } from "./file-context.ts";
import type { FileContext } from "./file-context.ts";
import { fileError } from "./file-errors.ts";
import { etagOf, infoOf, statFile } from "./file-etag.ts";
import { listFolder } from "./file-list.ts";
import { createFilePaths } from "./file-paths.ts";
import { unlinkIfThere } from "./file-swap.ts";
import { createFileWriter } from "./file-writer.ts";
import { createFolderSync } from "./folder-sync.ts";
import { assertKey, assertPrefix } from "./keys.ts";
import type {
  GetOptions,
  ObjectInfo,
  ObjectStore,
  StoredObject,
  StoredStream,
  Upload,
} from "./object-store.ts";
import { resolveRange } from "./ranges.ts";
import { sourceChanged, throwIfAborted } from "./store-errors.ts";

export interface FileStoreOptions {
  /** The folder that holds the keys. Made by the first write when it is missing. */
  readonly rootPath: string;
  /** Set for a store that is only read: a missing folder is then `invalid` `BUCKET_MISSING`, not an empty store. */
  readonly mustExist?: boolean;
  /** Called before each step of a write that others may see or come between. For tests, which die or wait in it. */
  readonly onStep?: (name: string) => void | Promise<void>;
}

const streamChunkBytes = 1024 * 1024;
const sweepAgeMs = 24 * 3600 * 1000;

// So that a writer of one file store recognises another as the source of a copy.
const contexts = new WeakMap<ObjectStore, FileContext>();

/**
 * A folder as an object store. Objects are plain files that any program can read. Writes are atomic, durable when they
 * resolve, and conditional between processes (`file-swap.ts`). What is unfinished lies in `.colonnade/` below the root. Needs
 * a file system with hard links, symbolic links and atomic renames; rename and link must see the root as one file system.
 * Folders that `delete` empties stay.
 */
export function createFileStore(options: FileStoreOptions): ObjectStore {
  const sync = createFolderSync();
  const step = options.onStep ?? (() => {});
  const paths = createFilePaths(options.rootPath, { mustExist: options.mustExist ?? false, sync, step });
  const context: FileContext = { uri: `file:${paths.rootPath}`, paths, sync, ids: randomIds(), step };
  let swept: Promise<void> | undefined;

  async function guarded<T>(key: string, action: () => Promise<T>): Promise<T> {
    assertKey(key);
    try {
      return await action();
    } catch (error) {
      throw fileError(error, key, context.uri);
    }
  }

  const store: ObjectStore = {
    uri: context.uri,
    head: (key) => guarded(key, () => statObject(context, key)),
    get: (key, options) => guarded(key, () => getObject(context, key, options)),
    getStream: (key, options) => guarded(key, () => streamObject(context, key, options)),
    getIfChanged: (key, etag) =>
      guarded(key, async () => {
        const info = await store.head(key);
        return info?.etag === etag ? "unchanged" : await getObject(context, key);
      }),
    list: (prefix, options) => listObjects(context, prefix, options?.startAfter),
    put: (key, body, precondition) =>
      guarded(key, async () => {
        const staged = await stageFile(context);
        try {
          await step("write");
          await staged.file.writeAll(body, body.length, 0);
        } catch (error) {
          await dropStaged(staged);
          throw error;
        }
        return await publishFile(context, key, staged, precondition);
      }),
    createWriter: (key, options) =>
      guarded(key, async () => {
        await (swept ??= sweep(context));
        return await createFileWriter(context, (other) => contexts.get(other), key, options);
      }),
    delete: (key) =>
      guarded(key, async () => {
        if ((await statObject(context, key)) === undefined) return;
        const { path, folder } = await paths.place(key);
        await step("delete");
        if (await unlinkIfThere(path)) await sync(folder);
      }),
    listUploads: () => listStaged(context),
    async abortUpload({ id }) {
      if (id !== basename(id) || id === "..") return;
      try {
        await unlinkIfThere(join(await paths.reserved("tmp"), id));
      } catch (error) {
        throw fileError(error, id, context.uri);
      }
    },
    async close() {},
  };
  contexts.set(store, context);
  return store;
}

async function getObject(
  context: FileContext,
  key: string,
  options: GetOptions = {},
): Promise<StoredObject | undefined> {
  throwIfAborted(options.signal);
  const opened = await openObject(context, key);
  if (opened === undefined) return undefined;
  const { file, stats } = opened;
  try {
    const info = infoOf(key, stats);
    checkEtag(info, options);
    const { start, end } = resolveRange(options.range, info.bytes);
    const body = Buffer.allocUnsafeSlow(end - start);
    const bytes = await file.readFully(body, start);
    const after = etagOf(file.stat());
    if (bytes < body.length || after !== info.etag) throw sourceChanged(key, info.etag, after);
    return { ...info, body };
  } finally {
    file.close();
  }
}

async function streamObject(
  context: FileContext,
  key: string,
  options: GetOptions = {},
): Promise<StoredStream | undefined> {
  throwIfAborted(options.signal);
  const info = await statObject(context, key);
  if (info === undefined) return undefined;
  checkEtag(info, options);
  const { start, end } = resolveRange(options.range, info.bytes);
  return { ...info, body: chunksOf(context, info, start, end, options.signal) };
}

async function statObject(context: FileContext, key: string): Promise<ObjectInfo | undefined> {
  const path = await context.paths.find(key);
  const stats = path === undefined ? undefined : await statFile(path);
  return stats === undefined ? undefined : infoOf(key, stats);
}

/** Opens the file only when it is consumed, so that a stream that nobody reads holds no descriptor. */
async function* chunksOf(
  context: FileContext,
  info: ObjectInfo,
  start: number,
  end: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const opened = await openObject(context, info.key);
  if (opened === undefined) throw sourceChanged(info.key, info.etag);
  const { file } = opened;
  try {
    checkEtag(infoOf(info.key, opened.stats), { ifMatch: info.etag });
    for (let position = start; position < end;) {
      throwIfAborted(signal);
      const chunk = Buffer.allocUnsafeSlow(Math.min(streamChunkBytes, end - position));
      const bytes = await file.readFully(chunk, position);
      if (bytes < chunk.length) throw sourceChanged(info.key, info.etag);
      position += bytes;
      if (position === end) checkEtag(infoOf(info.key, file.stat()), { ifMatch: info.etag });
      yield chunk;
    }
  } catch (error) {
    throw fileError(error, info.key, context.uri);
  } finally {
    file.close();
  }
}

function checkEtag(info: ObjectInfo, options: GetOptions): void {
  if (options.ifMatch !== undefined && options.ifMatch !== info.etag)
    throw sourceChanged(info.key, options.ifMatch, info.etag);
}

async function* listObjects(
  context: FileContext,
  prefix: string,
  startAfter: string | undefined,
): AsyncGenerator<ObjectInfo> {
  assertPrefix(prefix);
  try {
    const base = await context.paths.root();
    if (base === undefined) return;
    // Straight to the folder that the prefix names: its siblings need not be read.
    const folder = prefix.slice(0, prefix.lastIndexOf("/") + 1);
    const path = folder === "" ? base : await context.paths.find(folder.slice(0, -1));
    if (path !== undefined) yield* listFolder(path, folder, { prefix, startAfter });
  } catch (error) {
    throw fileError(error, prefix, context.uri);
  }
}

/** A file's name says nothing of the object that it was to become. */
async function* listStaged(context: FileContext): AsyncGenerator<Upload> {
  try {
    // Of a store that was never written to there is no folder, and none is made for looking.
    if ((await context.paths.root()) === undefined) return;
    const folder = await context.paths.reserved("tmp");
    for (const id of await readdir(folder)) {
      const found = await stat(join(folder, id)).catch(() => undefined);
      if (found?.isFile() !== true) continue;
      yield { id, key: undefined, bytes: found.size, startedAtMs: found.mtimeMs };
    }
  } catch (error) {
    throw fileError(error, "", context.uri);
  }
}

/**
 * Removes what writers left that were killed: unfinished files to which nothing was written for a day. The writer of such a
 * file, if it lives after all, fails cleanly. Nothing rests on this but disk space, so it never fails.
 */
async function sweep(context: FileContext): Promise<void> {
  try {
    const folder = await context.paths.reserved("tmp");
    for (const name of await readdir(folder)) {
      const path = join(folder, name);
      const { mtimeMs } = await stat(path);
      if (Date.now() - mtimeMs > sweepAgeMs) await unlink(path);
    }
  } catch {
    // Another process sweeps too, or may not.
  }
}
