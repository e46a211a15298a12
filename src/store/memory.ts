import { systemClock } from "../base/clock.ts";
import type { Clock } from "../base/clock.ts";
import { updateCrc32 } from "../base/digest.ts";
import { assertKey, assertPrefix, compareKeys } from "./keys.ts";
import type {
  GetOptions,
  ObjectInfo,
  ObjectStore,
  ObjectWriter,
  Precondition,
  PutResult,
  StoredObject,
  Upload,
  WriterOptions,
} from "./object-store.ts";
import { unconditional } from "./object-store.ts";
import { assertWholeRange, resolveRange } from "./ranges.ts";
import { sourceChanged, throwIfAborted, uploadLost } from "./store-errors.ts";
import { guardWriter } from "./writer-guard.ts";

export interface MemoryStoreOptions {
  /** What the store calls itself after `memory:`. */
  readonly name?: string;
  readonly clock?: Clock;
}

interface Entry extends ObjectInfo {
  readonly body: Uint8Array;
}

/** A store in this process's memory, for tests and simulations. */
export function createMemoryStore(options: MemoryStoreOptions = {}): ObjectStore {
  const clock = options.clock ?? systemClock;
  const objects = new Map<string, Entry>();
  const uploads = new Map<string, Upload>();
  let writes = 0;

  // Runs without a pause, so that check and write are one step for every caller.
  function swap(key: string, body: Uint8Array, precondition: Precondition): PutResult {
    const current = objects.get(key);
    if (precondition.kind === "ifNoneMatch" && current !== undefined)
      return { outcome: "preconditionFailed" };
    if (precondition.kind === "ifMatch" && current?.etag !== precondition.etag)
      return { outcome: "preconditionFailed" };
    writes += 1;
    const etag = `"${writes}"`;
    objects.set(key, { key, bytes: body.length, etag, modifiedAtMs: clock.now().getTime(), body });
    return { outcome: "written", etag };
  }

  const store: ObjectStore = {
    uri: `memory:${options.name ?? ""}`,
    async head(key) {
      assertKey(key);
      const entry = objects.get(key);
      return entry === undefined ? undefined : infoOf(entry);
    },
    async get(key, options) {
      assertKey(key);
      throwIfAborted(options?.signal);
      return read(objects.get(key), options);
    },
    async getStream(key, options) {
      const found = await store.get(key, options);
      return found === undefined ? undefined : { ...found, body: chunksOf(found.body, options?.signal) };
    },
    async getIfChanged(key, etag) {
      assertKey(key);
      const entry = objects.get(key);
      return entry?.etag === etag ? "unchanged" : read(entry);
    },
    async *list(prefix, options) {
      assertPrefix(prefix);
      const after = options?.startAfter;
      const keys = [...objects.keys()].filter(
        (key) => key.startsWith(prefix) && (after === undefined || compareKeys(key, after) > 0),
      );
      for (const key of keys.toSorted(compareKeys)) {
        const entry = objects.get(key);
        if (entry !== undefined) yield infoOf(entry);
      }
    },
    async put(key, body, precondition) {
      assertKey(key);
      return swap(key, Uint8Array.from(body), precondition);
    },
    async createWriter(key, options) {
      assertKey(key);
      writes += 1;
      const id = String(writes);
      uploads.set(id, { id, key, bytes: undefined, startedAtMs: clock.now().getTime() });
      return createMemoryWriter(key, options, swap, () => uploads.delete(id));
    },
    async delete(key) {
      assertKey(key);
      objects.delete(key);
    },
    async *listUploads() {
      yield* uploads.values();
    },
    async abortUpload({ id }) {
      uploads.delete(id);
    },
    async close() {},
  };
  return store;
}

function infoOf({ key, bytes, etag, modifiedAtMs }: Entry): ObjectInfo {
  return { key, bytes, etag, modifiedAtMs };
}

function read(entry: Entry | undefined, options: GetOptions = {}): StoredObject | undefined {
  if (entry === undefined) return undefined;
  if (options.ifMatch !== undefined && options.ifMatch !== entry.etag)
    throw sourceChanged(entry.key, options.ifMatch, entry.etag);
  const { start, end } = resolveRange(options.range, entry.bytes);
  return { ...infoOf(entry), body: entry.body.slice(start, end) };
}

async function* chunksOf(body: Uint8Array, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  const chunkBytes = 64 * 1024;
  for (let start = 0; start < body.length; start += chunkBytes) {
    throwIfAborted(signal);
    yield body.subarray(start, start + chunkBytes);
  }
}

function createMemoryWriter(
  key: string,
  options: WriterOptions = {},
  swap: (key: string, body: Uint8Array, precondition: Precondition) => PutResult,
  /** False when it was aborted from outside. */
  end: () => boolean,
): ObjectWriter {
  const guard = guardWriter(key, options.signal);
  let chunks: Uint8Array[] = [];
  return {
    write: (chunk) =>
      guard.step(async () => {
        chunks.push(Uint8Array.from(chunk));
      }),
    copyRange: (source, start, end) =>
      guard.step(async () => {
        const found = await source.store.get(source.key, { range: { start, end }, ifMatch: source.etag });
        if (found === undefined) throw sourceChanged(source.key, source.etag);
        assertWholeRange(source.key, found.bytes, start, end);
        chunks.push(found.body);
      }),
    async complete() {
      guard.end();
      if (!end()) throw uploadLost(key);
      const body = new Uint8Array(Buffer.concat(chunks));
      const result = swap(key, body, options.precondition ?? unconditional);
      return { result, bytes: body.length, crc32: updateCrc32(body) };
    },
    async abort() {
      if (!guard.abort()) return;
      end();
      chunks = [];
    },
  };
}
