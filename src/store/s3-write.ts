import { PutObjectCommand } from "@aws-sdk/client-s3";

import { updateCrc32 } from "../base/digest.ts";
import type { Precondition, PutResult } from "./object-store.ts";
import { sendAgain } from "./s3-context.ts";
import type { S3Context } from "./s3-context.ts";
import { putResultOf } from "./s3-errors.ts";

/** Writes a whole object in one request. A conditional one is sent once; an unconditional one may be sent again. */
export async function putObject(
  context: S3Context,
  key: string,
  body: Uint8Array,
  precondition: Precondition,
  crc32 = updateCrc32(body),
): Promise<PutResult> {
  const command = new PutObjectCommand({
    Bucket: context.bucket,
    Key: context.keyPrefix + key,
    Body: body,
    ContentLength: body.length,
    ...(context.checksums ? { ChecksumCRC32: crc32Base64(crc32) } : {}),
    ...conditionOf(precondition),
  });
  try {
    const reply =
      precondition.kind === "none"
        ? await sendAgain(context, (abort) => context.writes.send(command, abort))
        : await context.writes.send(command);
    return writtenOf(reply);
  } catch (error) {
    return putResultOf(error, { uri: context.uri, key });
  }
}

export function conditionOf(precondition: Precondition): { IfNoneMatch?: string; IfMatch?: string } {
  switch (precondition.kind) {
    case "ifNoneMatch":
      return { IfNoneMatch: "*" };
    case "ifMatch":
      return { IfMatch: precondition.etag };
    case "none":
      return {};
  }
}

/** A reply of success that names no ETag may come from anything between us and the store. */
export function writtenOf(reply: { readonly ETag?: string | undefined }): PutResult {
  if (reply.ETag !== undefined) return { outcome: "written", etag: reply.ETag };
  return { outcome: "unknown", cause: new Error("reply to a write names no ETag") };
}

/** As S3 spells it: four bytes, the highest first, in base64. */
export function crc32Base64(crc: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc >>> 0);
  return bytes.toString("base64");
}
