import { GetObjectCommand, HeadObjectCommand } from "@aws-sdk/client-s3";
import type { GetObjectCommandOutput } from "@aws-sdk/client-s3";

import { createCollector } from "../base/collect-garbage.ts";
import { ColonnadeError } from "../base/errors.ts";
import type { GetOptions, ObjectInfo, StoredObject, StoredStream } from "./object-store.ts";
import { assertRange, resolveRange } from "./ranges.ts";
import { retryDelayMs } from "./retry.ts";
import { errorFor, sendAgain } from "./s3-context.ts";
import type { S3Context } from "./s3-context.ts";
import { failureOf, isTemporary } from "./s3-errors.ts";
import { cancelled, sourceChanged, throwIfAborted } from "./store-errors.ts";

/**
 * A connection hands over 64 KiB at a time, each in memory of its own. What gathers of that makes glibc's heap grow, which it does not
 * shrink again as long as anything lies behind it. To look takes a microsecond.
 */
const collectChunks = createCollector(4_000_000, "buffers");

interface OpenedBody {
  readonly info: ObjectInfo;
  readonly start: number;
  readonly end: number;
  /** Undefined when the range is empty. */
  readonly body: AsyncIterable<Uint8Array> | undefined;
}

export async function headObject(
  context: S3Context,
  key: string,
  signal?: AbortSignal,
): Promise<ObjectInfo | undefined> {
  const input = { Bucket: context.bucket, Key: context.keyPrefix + key };
  try {
    const reply = await sendAgain(
      context,
      (abort) => context.reads.send(new HeadObjectCommand(input), abort),
      signal,
    );
    return infoOf(context, key, reply, reply.ContentLength);
  } catch (error) {
    const { status } = failureOf(error);
    if (status < 300) throw errorFor(context, error, key);
    // A reply to HEAD has no body, so it cannot say whether the key or the bucket is missing, nor what is wrong with the
    // credentials. A GET can.
    if (status === 404 && context.learned.bucketExists) return undefined;
    const opened = await openBody(context, key, signal === undefined ? {} : { signal });
    if (opened !== undefined) discard(opened.body);
    return opened?.info;
  }
}

export async function getObject(
  context: S3Context,
  key: string,
  options: GetOptions = {},
  unlessEtag?: string,
): Promise<StoredObject | "unchanged" | undefined> {
  const opened = await openBody(context, key, options, unlessEtag);
  if (opened === undefined || opened === "unchanged") return opened;
  const body = Buffer.allocUnsafeSlow(opened.end - opened.start);
  let bytes = 0;
  for await (const chunk of resumableBody(context, opened, options.signal)) {
    body.set(chunk, bytes);
    bytes += chunk.length;
  }
  return { ...opened.info, body };
}

export async function streamObject(
  context: S3Context,
  key: string,
  options: GetOptions = {},
): Promise<StoredStream | undefined> {
  const opened = await openBody(context, key, options);
  if (opened === undefined) return undefined;
  return { ...opened.info, body: resumableBody(context, opened, options.signal) };
}

function openBody(context: S3Context, key: string, options: GetOptions): Promise<OpenedBody | undefined>;
function openBody(
  context: S3Context,
  key: string,
  options: GetOptions,
  unlessEtag: string | undefined,
): Promise<OpenedBody | "unchanged" | undefined>;
async function openBody(
  context: S3Context,
  key: string,
  options: GetOptions,
  unlessEtag?: string,
): Promise<OpenedBody | "unchanged" | undefined> {
  const { range, ifMatch, signal } = options;
  if (range !== undefined) assertRange(range);
  // HTTP has no way to ask for no bytes.
  if (range !== undefined && isEmpty(range)) return await openNothing(context, key, options);
  const command = new GetObjectCommand({
    Bucket: context.bucket,
    Key: context.keyPrefix + key,
    ...(range === undefined ? {} : { Range: rangeHeader(range) }),
    ...(ifMatch === undefined ? {} : { IfMatch: ifMatch }),
    ...(unlessEtag === undefined ? {} : { IfNoneMatch: unlessEtag }),
  });
  let reply: GetObjectCommandOutput;
  try {
    reply = await sendAgain(context, (abort) => context.reads.send(command, abort), signal);
  } catch (error) {
    const { status, code } = failureOf(error);
    if (status === 304) return "unchanged";
    if (code === "NoSuchKey") {
      context.learned.bucketExists = true;
      return undefined;
    }
    if (status === 412 && ifMatch !== undefined) throw sourceChanged(key, ifMatch);
    if (status === 416) return await openNothing(context, key, options);
    throw errorFor(context, error, key);
  }
  context.learned.bucketExists = true;
  return openedOf(context, key, reply, range);
}

function openedOf(
  context: S3Context,
  key: string,
  reply: GetObjectCommandOutput,
  range: GetOptions["range"],
): OpenedBody {
  const [, from, to, of] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(reply.ContentRange ?? "") ?? [];
  const partial = from !== undefined && to !== undefined && of !== undefined;
  const info = infoOf(context, key, reply, partial ? Number(of) : reply.ContentLength);
  const asked = resolveRange(range, info.bytes);
  const start = partial ? Number(from) : 0;
  const end = partial ? Number(to) + 1 : info.bytes;
  if (asked.start !== start || asked.end !== end)
    throw replyMalformed(context, key, "gave another range than was asked for");
  // The SDK's type covers browsers too; in Node a body is a stream of buffers.
  return { info, start, end, body: reply.Body as AsyncIterable<Uint8Array> | undefined };
}

async function openNothing(
  context: S3Context,
  key: string,
  options: GetOptions,
): Promise<OpenedBody | undefined> {
  const info = await headObject(context, key, options.signal);
  if (info === undefined) return undefined;
  if (options.ifMatch !== undefined && options.ifMatch !== info.etag)
    throw sourceChanged(key, options.ifMatch, info.etag);
  const { start, end } = resolveRange(options.range, info.bytes);
  // It was too short for the range, and has grown since.
  if (start < end) throw sourceChanged(key, options.ifMatch ?? "", info.etag);
  return { info, start, end, body: undefined };
}

/**
 * The bytes of a range. A connection that breaks, ends early or stands still is replaced by a new one that goes on
 * where the last byte came from, of the same version or not at all.
 */
async function* resumableBody(
  context: S3Context,
  opened: OpenedBody,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const { info, end } = opened;
  let { body } = opened;
  let position = opened.start;
  // Failures in a row without a byte between them.
  for (let failures = 0; position < end;) {
    try {
      for await (const chunk of untilIdle(body, context.idleTimeoutMs)) {
        if (position + chunk.length > end)
          throw replyMalformed(context, info.key, "sent more than was asked for");
        position += chunk.length;
        failures = 0;
        collectChunks();
        yield chunk;
      }
      if (position === end) return;
      throw Object.assign(new Error("body ended early"), { code: "ECONNRESET" });
    } catch (error) {
      if (signal?.aborted === true) throw cancelled(signal, { key: info.key });
      failures += 1;
      if (failures >= context.policy.attempts || !isTemporary(error))
        throw errorFor(context, error, info.key);
    }
    await context.policy.clock.sleep(retryDelayMs(context.policy, failures + 1), signal);
    throwIfAborted(signal);
    const again = await openBody(context, info.key, {
      range: { start: position, end },
      ifMatch: info.etag,
      ...(signal === undefined ? {} : { signal }),
    });
    if (again === undefined) throw sourceChanged(info.key, info.etag);
    ({ body } = again);
  }
}

/** Passes chunks on; ends the connection when none comes for so long, or when the consumer leaves. */
async function* untilIdle(
  body: AsyncIterable<Uint8Array> | undefined,
  idleTimeoutMs: number,
): AsyncGenerator<Uint8Array> {
  if (body === undefined) return;
  const chunks = body[Symbol.asyncIterator]();
  try {
    for (;;) {
      const { promise: idle, reject } = Promise.withResolvers<never>();
      const timer = setTimeout(() => {
        reject(Object.assign(new Error("nothing came for too long"), { code: "ETIMEDOUT" }));
      }, idleTimeoutMs);
      const next = await Promise.race([chunks.next(), idle]).finally(() => clearTimeout(timer));
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    discard(body);
  }
}

function discard(body: AsyncIterable<Uint8Array> | undefined): void {
  // A Node stream; its connection cannot be used again before it was read to the end.
  const stream = body as
    | { destroy?: () => void; on?: (event: "error", listener: () => void) => void }
    | undefined;
  stream?.on?.("error", () => {});
  stream?.destroy?.();
}

function isEmpty(range: NonNullable<GetOptions["range"]>): boolean {
  return "suffixBytes" in range ? range.suffixBytes === 0 : range.start === range.end;
}

/** RFC 9110 section 14.1.2; both ends are inclusive there. */
function rangeHeader(range: NonNullable<GetOptions["range"]>): string {
  return "suffixBytes" in range ? `bytes=-${range.suffixBytes}` : `bytes=${range.start}-${range.end - 1}`;
}

function infoOf(
  context: S3Context,
  key: string,
  reply: { readonly ETag?: string | undefined; readonly LastModified?: Date | undefined },
  bytes: number | undefined,
): ObjectInfo {
  if (bytes === undefined || reply.ETag === undefined)
    throw replyMalformed(context, key, "left out size or ETag");
  return { key, bytes, etag: reply.ETag, modifiedAtMs: reply.LastModified?.getTime() ?? 0 };
}

function replyMalformed(context: S3Context, key: string, what: string): ColonnadeError {
  return new ColonnadeError("unavailable", "REPLY_MALFORMED", `store ${what}`, { uri: context.uri, key });
}
