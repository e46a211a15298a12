import { createHash } from "node:crypto";

import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
} from "@aws-sdk/client-s3";
import type { CompletedPart } from "@aws-sdk/client-s3";

import type { Precondition, PutResult } from "./object-store.ts";
import { retry } from "./retry.ts";
import { errorFor, sendAgain } from "./s3-context.ts";
import type { S3Context } from "./s3-context.ts";
import { failureOf, isNotDone, isTemporary, putResultOf } from "./s3-errors.ts";
import { abortUpload } from "./s3-uploads.ts";
import { conditionOf, crc32Base64, writtenOf } from "./s3-write.ts";
import { sourceChanged } from "./store-errors.ts";

/** One multipart upload. Parts may be sent in parallel; each is repeated by itself while its errors look temporary. */
export interface MultipartUpload {
  uploadPart(
    partNumber: number,
    body: Uint8Array,
    crc32: number,
    signal: AbortSignal,
  ): Promise<CompletedPart>;
  /** S3 copies `[start, end)` of another object by itself: 5 MiB to 5 GiB. */
  copyPart(partNumber: number, source: PartSource, signal: AbortSignal): Promise<CompletedPart>;
  complete(parts: readonly CompletedPart[], crc32: number, precondition: Precondition): Promise<PutResult>;
  /** Discards all parts. Does nothing when the upload has ended. */
  abort(): Promise<void>;
}

export interface PartSource {
  readonly context: S3Context;
  readonly key: string;
  readonly etag: string;
  readonly start: number;
  readonly end: number;
}

export async function startUpload(context: S3Context, key: string): Promise<MultipartUpload> {
  const target = { Bucket: context.bucket, Key: context.keyPrefix + key };
  // MinIO knows no checksum of a part that it copied by itself, and then refuses to complete an upload that has them.
  const checksums = context.checksums && !context.serverSideCopy;
  const create = new CreateMultipartUploadCommand({
    ...target,
    ...(checksums ? { ChecksumAlgorithm: "CRC32" as const, ChecksumType: "FULL_OBJECT" as const } : {}),
  });
  const UploadId = await sendAgain(context, async (abort) => {
    const reply = await context.writes.send(create, abort);
    return reply.UploadId ?? "";
  }).catch((error: unknown) => {
    throw errorFor(context, error, key);
  });
  const upload = { ...target, UploadId };
  let ended = false;

  return {
    async uploadPart(PartNumber, body, crc32, signal) {
      const command = new UploadPartCommand({
        ...upload,
        PartNumber,
        Body: body,
        ContentLength: body.length,
        ...(checksums
          ? { ChecksumCRC32: crc32Base64(crc32) }
          : { ContentMD5: createHash("md5").update(body).digest("base64") }),
      });
      try {
        const reply = await sendAgain(context, (abort) => context.writes.send(command, abort), signal);
        return { PartNumber, ...etagAnd(reply), ...(checksums ? { ChecksumCRC32: crc32Base64(crc32) } : {}) };
      } catch (error) {
        throw errorFor(context, error, key);
      }
    },
    async copyPart(PartNumber, source, signal) {
      const command = new UploadPartCopyCommand({
        ...upload,
        PartNumber,
        CopySource: copySourceOf(source.context.bucket, source.context.keyPrefix + source.key),
        CopySourceRange: `bytes=${source.start}-${source.end - 1}`,
        CopySourceIfMatch: source.etag,
      });
      try {
        const reply = await sendAgain(context, (abort) => context.writes.send(command, abort), signal);
        return { PartNumber, ...etagAnd(reply.CopyPartResult ?? {}) };
      } catch (error) {
        const { status, code } = failureOf(error);
        if (status === 412 || code === "NoSuchKey") throw sourceChanged(source.key, source.etag);
        throw errorFor(context, error, key);
      }
    },
    async complete(parts, crc32, precondition) {
      const command = new CompleteMultipartUploadCommand({
        ...upload,
        MultipartUpload: { Parts: parts.toSorted((a, b) => (a.PartNumber ?? 0) - (b.PartNumber ?? 0)) },
        ...(checksums ? { ChecksumCRC32: crc32Base64(crc32), ChecksumType: "FULL_OBJECT" as const } : {}),
        ...conditionOf(precondition),
      });
      // A request that S3 has turned away may be repeated even with a precondition; one of unknown fate only without. If
      // that one then finds no upload, an earlier one has ended it: by success, most likely, so its fate stays unknown.
      let doubt: unknown;
      const again = (error: unknown): boolean => {
        if (isConflict(error)) return false;
        if (isNotDone(error)) return true;
        doubt ??= error;
        return precondition.kind === "none" && isTemporary(error);
      };
      try {
        const reply = await retry(context.policy, () => context.writes.send(command), again);
        ended = true;
        return writtenOf(reply);
      } catch (error) {
        const fate = failureOf(error).code === "NoSuchUpload" && doubt !== undefined ? doubt : error;
        return putResultOf(fate, { uri: context.uri, key });
      }
    },
    async abort() {
      if (ended) return;
      await abortUpload(context, { id: UploadId, key });
      ended = true;
    },
  };
}

// After a 409 S3 wants all parts uploaded anew
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html), which is the caller's to decide.
function isConflict(error: unknown): boolean {
  return failureOf(error).status === 409;
}

function etagAnd(reply: { readonly ETag?: string | undefined }): { ETag: string } {
  if (reply.ETag === undefined) throw Object.assign(new Error("reply names no ETag"), { code: "ECONNRESET" });
  return { ETag: reply.ETag };
}

/** The header is a URL path; the SDK passes it on as it is. */
function copySourceOf(bucket: string, key: string): string {
  return `${bucket}/${key.split("/").map(encodeURIComponent).join("/")}`;
}
