import { AbortMultipartUploadCommand, ListMultipartUploadsCommand } from "@aws-sdk/client-s3";
import type { ListMultipartUploadsCommandOutput } from "@aws-sdk/client-s3";

import { ColonnadeError } from "../base/errors.ts";
import type { Upload } from "./object-store.ts";
import { errorFor, sendAgain } from "./s3-context.ts";
import type { S3Context } from "./s3-context.ts";
import { failureOf } from "./s3-errors.ts";
import { decodeKey } from "./s3-list.ts";

/**
 * Multipart uploads under the prefix that were not ended. MinIO takes a prefix for a whole key, and finds none then: those of the
 * whole bucket are asked for, and looked through.
 */
export async function* listUploads(context: S3Context): AsyncGenerator<Upload> {
  let isEmpty = true;
  for await (const upload of listBelow(context, context.keyPrefix)) {
    isEmpty = false;
    yield upload;
  }
  if (!isEmpty || context.keyPrefix === "") return;
  try {
    yield* listBelow(context, "");
  } catch (error) {
    // A policy may allow to list one prefix and no other; a store with such policies knows prefixes.
    if (!(error instanceof ColonnadeError) || error.code !== "ACCESS_DENIED") throw error;
  }
}

async function* listBelow(context: S3Context, prefix: string): AsyncGenerator<Upload> {
  let after: { KeyMarker?: string; UploadIdMarker?: string } | undefined = {};
  while (after !== undefined) {
    const page = await listPage(context, prefix, after);
    for (const { Key, UploadId, Initiated } of page.Uploads ?? []) {
      const key = decodeKey(Key ?? "");
      if (!key.startsWith(context.keyPrefix)) continue;
      yield {
        id: UploadId ?? "",
        key: key.slice(context.keyPrefix.length),
        bytes: undefined,
        startedAtMs: Initiated?.getTime() ?? 0,
      };
    }
    const { NextKeyMarker: marker, NextUploadIdMarker: upload } = page;
    after =
      page.IsTruncated === true && marker !== undefined
        ? { KeyMarker: decodeKey(marker), ...(upload === undefined ? {} : { UploadIdMarker: upload }) }
        : undefined;
  }
}

async function listPage(
  context: S3Context,
  prefix: string,
  after: { readonly KeyMarker?: string; readonly UploadIdMarker?: string },
): Promise<ListMultipartUploadsCommandOutput> {
  const command = new ListMultipartUploadsCommand({
    Bucket: context.bucket,
    Prefix: prefix,
    EncodingType: "url",
    ...after,
  });
  try {
    return await sendAgain(context, (abort) => context.reads.send(command, abort));
  } catch (error) {
    throw errorFor(context, error);
  }
}

/** One that has ended is no error. */
export async function abortUpload(
  context: S3Context,
  { id, key = "" }: Pick<Upload, "id" | "key">,
): Promise<void> {
  const command = new AbortMultipartUploadCommand({
    Bucket: context.bucket,
    Key: context.keyPrefix + key,
    UploadId: id,
  });
  try {
    await sendAgain(context, (abort) => context.writes.send(command, abort));
  } catch (error) {
    if (failureOf(error).code !== "NoSuchUpload") throw errorFor(context, error, key);
  }
}
