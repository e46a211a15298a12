/**
 * The contract that every store passes (`test/conformance/`): S3, a folder, memory.
 *
 * Keys are `/`-separated, relative to the store's root, without a leading slash; no segment is empty, `.`
 * or `..`. A key that breaks this is an `invalid` error (`KEY_INVALID`) before any request is made.
 *
 * Missing objects and failed preconditions are values, because they are expected. Everything else is a
 * `ColonnadeError`: `unavailable` when a retry may help, `invalid` when the bucket, the credentials or the
 * permissions are wrong, `unknown` when a write may or may not have happened.
 */
export interface ObjectStore {
  /** For messages and plans, such as `s3://bucket/prefix` or `file:/data/flights`; never holds a secret. */
  readonly uri: string;

  /** Facts about one object, or undefined when it is missing. */
  head(key: string): Promise<ObjectInfo | undefined>;

  /** A whole object or a range of it, in memory. Undefined when it is missing. */
  get(key: string, options?: GetOptions): Promise<StoredObject | undefined>;

  /** As {@link get}, but in chunks as they arrive; for anything that may be large. */
  getStream(key: string, options?: GetOptions): Promise<StoredStream | undefined>;

  /**
   * For pollers: the object unless its ETag is still `etag`, which costs one small reply (a 304 on S3).
   */
  getIfChanged(key: string, etag: string): Promise<StoredObject | "unchanged" | undefined>;

  /**
   * Objects under a prefix in ascending order of the keys' UTF-8 bytes, page by page as the caller
   * consumes them: never the whole listing in memory. The prefix need not end at a `/`.
   */
  list(prefix: string, options?: { readonly startAfter?: string }): AsyncIterable<ObjectInfo>;

  /** Writes a whole object atomically. */
  put(key: string, body: Uint8Array, precondition: Precondition): Promise<PutResult>;

  /** Starts an atomic write of an object of any size; nothing is visible before `complete`. */
  createWriter(key: string, options?: WriterOptions): Promise<ObjectWriter>;

  /** Removes an object; a missing one is no error. */
  delete(key: string): Promise<void>;

  /**
   * Writers that were neither completed nor aborted, the living ones among them. Their bytes take room and are not in any
   * listing.
   */
  listUploads(): AsyncIterable<Upload>;

  /** Discards one of them; a writer that lives after all fails when it completes. One that is gone is no error. */
  abortUpload(upload: Upload): Promise<void>;

  /** What only this kind of store can be asked, for `store check`. */
  readonly probes?: readonly StoreProbe[];

  /** Only where somebody may be allowed more than the store shows. */
  readonly role?: StoreRole;

  /**
   * Memory that the store takes while so many of its writers are at work, beside what it is given and gives: its client, and parts that
   * are being uploaded. Absent where that is next to nothing.
   */
  readonly bytesBeside?: (writers: number) => number;

  /** Ends connections. */
  close(): Promise<void>;
}

export interface ObjectInfo {
  readonly key: string;
  readonly bytes: number;
  /** Opaque; changes whenever the content is written anew. */
  readonly etag: string;
  /** Milliseconds since the epoch by the store's clock; for people and for gc's age, never for correctness. */
  readonly modifiedAtMs: number;
}

/** What a writer has sent and not made an object of. */
export interface Upload {
  /** The store's own name for it. */
  readonly id: string;
  /** Undefined where the store does not know yet. */
  readonly key: string | undefined;
  /** Undefined where it would cost a request to know. */
  readonly bytes: number | undefined;
  /** When something last happened to it, as far as the store says, by its own clock. */
  readonly startedAtMs: number;
}

/** A question to a store that the contract has no words for. */
export interface StoreProbe {
  /** What holds, as a sentence. */
  readonly name: string;
  /** Resolves to what is wrong, or undefined; leaves nothing but `key` behind. */
  run(key: string): Promise<string | undefined>;
}

/** What whoever uses a store is allowed. Asked without effect wherever conditions are kept. */
export interface StoreRole {
  /** Whether objects of the store may be written. */
  readonly mayWrite: () => Promise<boolean>;
  /** Whether others may be, beside the store's prefix; false where the store is a whole bucket. */
  readonly mayWriteBeside: () => Promise<boolean>;
}

export interface GetOptions {
  /** Bytes from `start` (inclusive) to `end` (exclusive); or the last `suffixBytes` bytes (fewer when the object is smaller). */
  readonly range?: { readonly start: number; readonly end: number } | { readonly suffixBytes: number };
  /** Fails with `conflict` `SOURCE_CHANGED` when the object's ETag is another: it changed while being read. */
  readonly ifMatch?: string;
  readonly signal?: AbortSignal;
}

export interface StoredObject extends ObjectInfo {
  /** The range asked for; `bytes` is always the size of the whole object. */
  readonly body: Uint8Array;
}

export interface StoredStream extends ObjectInfo {
  readonly body: AsyncIterable<Uint8Array>;
}

/** A precondition is part of the type of a write: there is no unconditional overwrite by accident. */
export type Precondition =
  | { readonly kind: "ifNoneMatch" } // create only
  | { readonly kind: "ifMatch"; readonly etag: string } // compare and swap
  | { readonly kind: "none" };

export const createOnly: Precondition = { kind: "ifNoneMatch" };
export const unconditional: Precondition = { kind: "none" };
export function ifMatch(etag: string): Precondition {
  return { kind: "ifMatch", etag };
}

/**
 * The four outcomes of a conditional write (DESIGN.md, commit protocol). `unknown`: the request may have
 * taken effect (a lost reply, a reset, a 500): the caller reads back. `retry`: it certainly did not and
 * may be tried again (409 ConditionalRequestConflict, 503 SlowDown).
 */
export type PutResult =
  | { readonly outcome: "written"; readonly etag: string }
  | { readonly outcome: "preconditionFailed" }
  | { readonly outcome: "retry"; readonly cause: unknown }
  | { readonly outcome: "unknown"; readonly cause: unknown };

export interface WriterOptions {
  /** Checked when the write completes, not before. */
  readonly precondition?: Precondition;
  readonly signal?: AbortSignal;
}

export interface ObjectWriter {
  /** Appends bytes; resolves when the writer can take more. The buffer may be reused after that. */
  write(chunk: Uint8Array): Promise<void>;
  /**
   * Appends `[start, end)` of an object of the same or another store, in the cheapest way both allow.
   * Fails with `conflict` `SOURCE_CHANGED` when the source's ETag is not `etag`.
   */
  copyRange(source: CopySource, start: number, end: number): Promise<void>;
  /** Makes the object visible (fsynced where the store is a disk). `crc32` is of the whole object. */
  complete(): Promise<{ readonly result: PutResult; readonly bytes: number; readonly crc32: number }>;
  /** Discards everything written, multipart upload included. Safe after a failure, and to call twice. */
  abort(): Promise<void>;
}

export interface CopySource {
  readonly store: ObjectStore;
  readonly key: string;
  readonly etag: string;
}
