import { DeleteObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { randomUUID } from "node:crypto";

import type { StoreRole } from "./object-store.ts";
import { errorFor, type S3Context } from "./s3-context.ts";
import { failureOf } from "./s3-errors.ts";

/** No object has it: ETags are digests of what was written, or of its parts. */
const nobodysEtag = '"00000000000000000000000000000000"';

/** What the credentials of an S3 store are allowed beyond its prefix. */
export function roleOf(context: S3Context): StoreRole {
  const name = `colonnade-check-${randomUUID()}`;
  return {
    mayWrite: () => isWriteAllowed(context, context.keyPrefix + name),
    async mayWriteBeside() {
      if (context.keyPrefix === "") return false;
      const parent = context.keyPrefix.replace(/[^/]+\/$/, "");
      return await isWriteAllowed(context, parent + name);
    },
  };
}

/**
 * Asks for a replacement of an object that is not there. S3 looks at permissions first (403), and at the condition then (404, or
 * 412 of other services): https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html.
 */
async function isWriteAllowed(context: S3Context, Key: string): Promise<boolean> {
  const Bucket = context.bucket;
  try {
    await context.writes.send(new PutObjectCommand({ Bucket, Key, Body: "", IfMatch: nobodysEtag }));
    // By a service that ignores conditions.
    await context.writes.send(new DeleteObjectCommand({ Bucket, Key }));
    return true;
  } catch (error) {
    const { status } = failureOf(error);
    if (status === 403) return false;
    if (status === 404 || status === 412) return true;
    throw errorFor(context, error, Key);
  }
}
