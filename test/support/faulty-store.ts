import { ColonnadeError } from "../../src/base/errors.ts";
import type {
  ObjectInfo,
  ObjectStore,
  ObjectWriter,
  PutResult,
  Upload,
} from "../../src/store/object-store.ts";

/** What goes wrong at one call. Faults of writes alone let a read pass. */
export const faults = [
  /** The process dies before the call: it makes no other. */
  "crashBefore",
  /** … after the store did what was asked. */
  "crashAfter",
  /** The store cannot be reached; a write was certainly not done, but its caller cannot know. */
  "unreachable",
  /** A write is done and its reply is lost. */
  "lostReply",
  /** The reply is lost, and the write is done some calls later. */
  "late",
  /** 409 or 503: not done, try again. */
  "refused",
  /** 409 or 503 from here on, to this kind of call. */
  "refusedForever",
  /** A write is done, sent a second time by something in between, and the second fails with 412. */
  "falsePrecondition",
] as const;
export type Fault = (typeof faults)[number];

/** Ends the "process" that made the call. */
export class Crash extends Error {}

export interface FaultyStore {
  readonly store: ObjectStore;
  readonly calls: number;
  /** Writes that are still on their way arrive. */
  settle(): Promise<void>;
}

/** A store whose N-th call (from 0) goes wrong. Without `at`, only the calls are counted. */
export function createFaultyStore(
  inner: ObjectStore,
  fault?: { readonly at: number; readonly kind: Fault },
): FaultyStore {
  let calls = 0;
  let dead = false;
  const late: { due: number; send: () => Promise<unknown> }[] = [];

  async function arrive(until: number): Promise<void> {
    for (const write of late.splice(0, late.length)) {
      if (write.due <= until) await write.send();
      else late.push(write);
    }
  }

  /** What goes wrong at this call, after the faults that are for every kind of call. */
  async function enter(): Promise<Fault | undefined> {
    if (dead) throw new Crash();
    const call = calls;
    calls += 1;
    await arrive(call);
    if (fault === undefined) return undefined;
    if (call > fault.at && fault.kind === "refusedForever") return fault.kind;
    if (call !== fault.at) return undefined;
    if (fault.kind === "crashBefore") {
      dead = true;
      throw new Crash();
    }
    return fault.kind;
  }

  async function read<T>(call: () => Promise<T>): Promise<T> {
    const kind = await enter();
    if (kind === "unreachable" || kind === "lostReply") throw unreachable();
    const result = await call();
    if (kind === "crashAfter") {
      dead = true;
      throw new Crash();
    }
    return result;
  }

  async function write(call: () => Promise<PutResult>): Promise<PutResult> {
    const kind = await enter();
    switch (kind) {
      case undefined:
      case "crashBefore":
        return call();
      case "crashAfter":
        await call();
        dead = true;
        throw new Crash();
      case "unreachable":
        throw unreachable();
      case "lostReply":
        await call();
        return { outcome: "unknown", cause: new Error("the reply was lost") };
      case "late":
        late.push({ due: calls + 1, send: call });
        return { outcome: "unknown", cause: new Error("the connection was reset") };
      case "refused":
      case "refusedForever":
        return { outcome: "retry", cause: new Error("503 SlowDown") };
      case "falsePrecondition":
        await call();
        return { outcome: "preconditionFailed" };
      default:
        throw new Error(`no such fault: ${String(kind satisfies never)}`);
    }
  }

  function faultyWriter(writer: ObjectWriter): ObjectWriter {
    return {
      write: (chunk) => read(() => writer.write(chunk)),
      copyRange: (source, start, end) => read(() => writer.copyRange(source, start, end)),
      async complete() {
        let done: Awaited<ReturnType<ObjectWriter["complete"]>> | undefined;
        // The bytes are all there, whatever becomes of the last request: their sum is known without its reply.
        const result = await write(async () => {
          done = await writer.complete();
          return done.result;
        });
        if (done === undefined) throw unreachable();
        return { ...done, result };
      },
      abort: () => read(() => writer.abort()),
    };
  }

  const store: ObjectStore = {
    uri: inner.uri,
    head: (key) => read(() => inner.head(key)),
    get: (key, options) => read(() => inner.get(key, options)),
    getStream: (key, options) => read(() => inner.getStream(key, options)),
    getIfChanged: (key, etag) => read(() => inner.getIfChanged(key, etag)),
    async *list(prefix, options) {
      const listed: ObjectInfo[] = [];
      await read(async () => {
        for await (const info of inner.list(prefix, options)) listed.push(info);
      });
      yield* listed;
    },
    put: (key, body, precondition) => {
      const sent = Uint8Array.from(body);
      return write(() => inner.put(key, sent, precondition));
    },
    createWriter: async (key, options) => faultyWriter(await read(() => inner.createWriter(key, options))),
    delete: (key) => read(() => inner.delete(key)),
    async *listUploads() {
      const listed: Upload[] = [];
      await read(async () => {
        for await (const upload of inner.listUploads()) listed.push(upload);
      });
      yield* listed;
    },
    abortUpload: (upload) => read(() => inner.abortUpload(upload)),
    close: () => inner.close(),
  };
  return {
    store,
    get calls() {
      return calls;
    },
    settle: () => arrive(Number.POSITIVE_INFINITY),
  };
}

function unreachable(): ColonnadeError {
  return new ColonnadeError("unavailable", "STORE_UNREACHABLE", "store cannot be reached");
}
