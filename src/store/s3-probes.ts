import { PutObjectCommand } from "@aws-sdk/client-s3";

import { toColonnadeError } from "../base/errors.ts";
import { type StoreProbe, unconditional } from "./object-store.ts";
import type { S3Context } from "./s3-context.ts";
import { failureOf } from "./s3-errors.ts";
import { startUpload } from "./s3-upload.ts";
import { putObject } from "./s3-write.ts";

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
  const written = await putObject(context, key, Buffer.from("0123456789"), unconditional);
  if (written.outcome !== "written") return "an object to copy from could not be written";
  // As the writer does that is told to copy inside.
  const upload = await startUpload({ ...context, serverSideCopy: true }, key);
  try {
    const source = { context, key, etag: written.etag, start: 3, end: 7 };
    const part = await upload.copyPart(1, source, new AbortController().signal);
    const { outcome } = await upload.complete([part], 0, unconditional);
    return outcome === "written" ? undefined : `an upload of a copied range is ${outcome}`;
  } catch (error) {
    return `UploadPartCopy is refused: ${toColonnadeError(error).message}`;
  } finally {
    await upload.abort();
  }
}
