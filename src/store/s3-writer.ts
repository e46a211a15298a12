import type { CompletedPart } from "@aws-sdk/client-s3";

import { combineCrc32, updateCrc32 } from "../base/digest.ts";
import type { CopySource, ObjectStore, ObjectWriter, Precondition, WriterOptions } from "./object-store.ts";
import { unconditional } from "./object-store.ts";
import { assertWholeRange } from "./ranges.ts";
import { partBytesMin } from "./s3-context.ts";
import type { S3Context } from "./s3-context.ts";
import { streamObject } from "./s3-read.ts";
import { startUpload } from "./s3-upload.ts";
import type { MultipartUpload } from "./s3-upload.ts";
import { putObject } from "./s3-write.ts";
import { sourceChanged } from "./store-errors.ts";
import { guardWriter } from "./writer-guard.ts";

const MiB = 1024 * 1024;
/** Far below S3's 5 GiB: what fails is repeated whole, and several can run at once. */
const copyBytesMax = 256 * MiB;
/**
 * S3 takes 10,000 parts. All of one size serves stores that want it so (R2), up to an object of 26 GB; then they grow, and with them the
 * memory that they take: to 20 MiB each, from 89 GB on to 80 MiB, and from 173 GB on to 640 MiB, up to 844 GB with parts of 5 MiB.
 */
const growth = [
  { fromPart: 9_000, factor: 128 },
  { fromPart: 8_000, factor: 16 },
  { fromPart: 5_000, factor: 4 },
] as const;

export type S3ContextOf = (store: ObjectStore) => S3Context | undefined;

/**
 * Collects bytes into parts and uploads them while more come; an object of at most one part becomes a single PUT. In memory is the part
 * that is being filled, and of all writers of the store together `uploadBytes` that are under way.
 */
export function createS3Writer(
  context: S3Context,
  contextOf: S3ContextOf,
  key: string,
  options: WriterOptions = {},
): ObjectWriter {
  const guard = guardWriter(key, options.signal);
  const parts = createParts(context, key);

  async function copyRange(source: CopySource, start: number, end: number): Promise<void> {
    const sourceContext = context.serverSideCopy ? contextOf(source.store) : undefined;
    if (sourceContext?.identity === context.identity)
      await copyInside(parts, sourceContext, source, { start, end }, options.signal);
    else await copyThrough(parts, source, { start, end }, options.signal);
  }

  return {
    write: (chunk) => guard.step(() => parts.append(chunk)),
    copyRange: (source, start, end) => guard.step(() => copyRange(source, start, end)),
    async complete() {
      guard.end();
      return await parts.complete(options.precondition ?? unconditional);
    },
    async abort() {
      guard.abort();
      await parts.abort();
    },
  };
}

interface Range {
  readonly start: number;
  readonly end: number;
}

interface Parts {
  append(chunk: Uint8Array): Promise<void>;
  /** Bytes that wait for their part to be full. */
  pendingBytes(): number;
  /** Sends what waits as a part of its own, then a range that S3 copies itself. */
  appendCopy(
    source: CopySource & { readonly context: S3Context },
    range: Range,
    crc32: number,
  ): Promise<void>;
  complete(precondition: Precondition): ReturnType<ObjectWriter["complete"]>;
  abort(): Promise<void>;
}

function createParts(context: S3Context, key: string): Parts {
  const cancel = new AbortController();
  const { idleParts } = context;
  const inFlight = new Set<Promise<void>>();
  const done: CompletedPart[] = [];
  let upload: Promise<MultipartUpload> | undefined;
  let failure: { readonly error: unknown } | undefined;
  let partCount = 0;
  let current: Buffer | undefined;
  let fill = 0;
  let bytes = 0;
  let crc = 0;

  /** Waits for a place among those that are under way, which is as large as what it holds, then starts. */
  async function start(
    heldBytes: number,
    work: (upload: MultipartUpload, partNumber: number) => Promise<CompletedPart>,
  ): Promise<void> {
    const release = await context.uploads.acquire(heldBytes, cancel.signal);
    if (failure !== undefined) {
      release();
      throw failure.error;
    }
    upload ??= startUpload(context, key);
    const partNumber = (partCount += 1);
    const run = async (starting: Promise<MultipartUpload>): Promise<void> => {
      done.push(await work(await starting, partNumber));
    };
    const running = run(upload)
      .catch((error: unknown) => {
        failure ??= { error };
      })
      .finally(() => {
        release();
        inFlight.delete(running);
      });
    inFlight.add(running);
  }

  async function flush(): Promise<void> {
    if (current === undefined || fill === 0) return;
    const buffer = current;
    const body = buffer.subarray(0, fill);
    const bodyCrc = updateCrc32(body);
    crc = combineCrc32(crc, bodyCrc, fill);
    current = undefined;
    fill = 0;
    await start(buffer.length, async (started, partNumber) => {
      const part = await started.uploadPart(partNumber, body, bodyCrc, cancel.signal);
      if (buffer.length === context.partBytes && idleParts.length < idlePartsMax) idleParts.push(buffer);
      return part;
    });
  }

  function partBytes(): number {
    const step = growth.find(({ fromPart }) => partCount >= fromPart);
    return context.partBytes * (step?.factor ?? 1);
  }

  /** Empty, of a part's size if there is one already: most objects are less than a part, and a part for each would be collected as garbage. */
  function nextBuffer(): Buffer {
    const idle = partBytes() === context.partBytes ? idleParts.pop() : undefined;
    return idle ?? Buffer.allocUnsafeSlow(Math.min(firstBytes, partBytes()));
  }

  async function settle(): Promise<void> {
    while (inFlight.size > 0) await Promise.all(inFlight);
  }

  async function discard(): Promise<void> {
    cancel.abort();
    await settle();
    const started = await upload?.catch(() => undefined);
    await started?.abort();
  }

  async function completeUpload(
    started: Promise<MultipartUpload>,
    precondition: Precondition,
  ): ReturnType<ObjectWriter["complete"]> {
    await flush();
    await settle();
    if (failure !== undefined) throw failure.error;
    const result = await (await started).complete(done, crc, precondition);
    // Of an upload of unknown fate nothing is touched: the caller reads back, or aborts to make sure.
    if (result.outcome === "preconditionFailed" || result.outcome === "retry") await discard();
    return { result, bytes, crc32: crc };
  }

  return {
    pendingBytes: () => fill,
    async append(chunk) {
      for (let from = 0; from < chunk.length;) {
        // Not before there is more to come: an object of exactly one part is a single PUT.
        if (current !== undefined && fill === current.length) {
          if (current.length < partBytes()) current = grown(current, partBytes());
          else await flush();
        }
        current ??= nextBuffer();
        const count = Math.min(chunk.length - from, current.length - fill);
        current.set(chunk.subarray(from, from + count), fill);
        from += count;
        fill += count;
        bytes += count;
      }
      if (failure !== undefined) throw failure.error;
    },
    async appendCopy(source, range, rangeCrc) {
      await flush();
      for (let from = range.start; from < range.end;) {
        // The last piece may be up to twice as long, so that none falls below the minimum.
        const rest = range.end - from;
        const to = rest < 2 * copyBytesMax ? range.end : from + copyBytesMax;
        const piece = { context: source.context, key: source.key, etag: source.etag, start: from, end: to };
        // It is in no memory of ours, but counts as one of so many requests.
        await start(context.partBytes, (started, partNumber) =>
          started.copyPart(partNumber, piece, cancel.signal),
        );
        from = to;
      }
      bytes += range.end - range.start;
      crc = combineCrc32(crc, rangeCrc, range.end - range.start);
    },
    async complete(precondition) {
      try {
        if (upload !== undefined) return await completeUpload(upload, precondition);
        const body = current?.subarray(0, fill) ?? Buffer.alloc(0);
        const crc32 = updateCrc32(body);
        return { result: await putObject(context, key, body, precondition, crc32), bytes, crc32 };
      } catch (error) {
        await discard().catch(() => {});
        throw error;
      }
    },
    abort: discard,
  };
}

const firstBytes = 256 * 1024;
/** More than one that is filled while another goes out are memory that nobody uses. */
const idlePartsMax = 2;

function grown(buffer: Buffer, bytesMax: number): Buffer {
  const larger = Buffer.allocUnsafeSlow(Math.min(buffer.length * 8, bytesMax));
  larger.set(buffer);
  return larger;
}

async function copyThrough(
  parts: Parts,
  source: CopySource,
  range: Range,
  signal: AbortSignal | undefined,
): Promise<void> {
  const found = await source.store.getStream(source.key, {
    range,
    ifMatch: source.etag,
    ...(signal === undefined ? {} : { signal }),
  });
  if (found === undefined) throw sourceChanged(source.key, source.etag);
  assertWholeRange(source.key, found.bytes, range.start, range.end);
  for await (const chunk of found.body) await parts.append(chunk);
}

/**
 * Lets S3 copy what is large enough. Parts must be 5 MiB, so a shorter remainder before the range is filled up from its
 * beginning first. The copied bytes are read as well, only to sum them: nobody else can tell their CRC-32.
 */
async function copyInside(
  parts: Parts,
  context: S3Context,
  source: CopySource,
  range: Range,
  signal: AbortSignal | undefined,
): Promise<void> {
  const pending = parts.pendingBytes();
  const missing = pending === 0 || pending >= partBytesMin ? 0 : partBytesMin - pending;
  const from = range.start + missing;
  if (range.end - from < partBytesMin) return await copyThrough(parts, source, range, signal);
  if (missing > 0) await copyThrough(parts, source, { start: range.start, end: from }, signal);
  const rest = { start: from, end: range.end };
  const found = await streamObject(context, source.key, {
    range: rest,
    ifMatch: source.etag,
    ...(signal === undefined ? {} : { signal }),
  });
  if (found === undefined) throw sourceChanged(source.key, source.etag);
  assertWholeRange(source.key, found.bytes, range.start, range.end);
  let crc = 0;
  for await (const chunk of found.body) crc = updateCrc32(chunk, crc);
  await parts.appendCopy({ ...source, context }, rest, crc);
}
