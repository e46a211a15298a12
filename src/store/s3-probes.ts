import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  UploadPartCopyCommand,
} from "@aws-sdk/client-s3";

import type { StoreProbe } from "./object-store.ts";
import type { S3Context } from "./s3-context.ts";
import { failureOf } from "./s3-errors.ts";

/** What S3 can do beyond the contract, and services that speak its protocol may lack. */
export function probesOf(context: S3Context): readonly StoreProbe[] {
  return [
    { name: "a body that arrives damaged is refused", run: (key) => putDamaged(context, key) },
    { name: "ranges can be copied inside the store", run: (key) => copyInside(context, key) },
  ];
}

async function putDamaged(context: S3Context, key: string): Promise<string | undefined> {
  const command = new PutObjectCommand({
    Bucket: context.bucket,
    Key: context.keyPrefix + key,
    Body: Buffer.from("what was sent"),
    // That of nothing.
    ChecksumCRC32: "AAAAAA==",
  });
  try {
    await context.writes.send(command);
    return "a PUT with a wrong CRC-32 is accepted";
  } catch (error) {
    const { status } = failureOf(error);
    if (status === 400) return undefined;
    throw error;
  }
}

async function copyInside(context: S3Context, key: string): Promise<string | undefined> {
  const target = { Bucket: context.bucket, Key: context.keyPrefix + key };
  await context.writes.send(new PutObjectCommand({ ...target, Body: Buffer.from("0123456789") }));
  const { UploadId } = await context.writes.send(new CreateMultipartUploadCommand(target));
  try {
    const { CopyPartResult } = await context.writes.send(
      new UploadPartCopyCommand({
        ...target,
        UploadId,
        PartNumber: 1,
        CopySource: `${target.Bucket}/${target.Key.split("/").map(encodeURIComponent).join("/")}`,
        CopySourceRange: "bytes=3-6",
      }),
    );
    const Parts = [{ PartNumber: 1, ETag: CopyPartResult?.ETag }];
    await context.writes.send(
      new CompleteMultipartUploadCommand({ ...target, UploadId, MultipartUpload: { Parts } }),
    );
    return undefined;
  } catch (error) {
    return `UploadPartCopy is refused: ${failureOf(error).code}`;
  }
}
