import { ListObjectsV2Command } from "@aws-sdk/client-s3";
import type { ListObjectsV2CommandOutput } from "@aws-sdk/client-s3";

import { ColonnadeError } from "../base/errors.ts";
import { compareKeys, isListed } from "./keys.ts";
import type { ObjectInfo } from "./object-store.ts";
import { errorFor, sendAgain } from "./s3-context.ts";
import type { S3Context } from "./s3-context.ts";

/** Page by page (1,000 keys), in the order that S3 gives, which is that of the keys' UTF-8 bytes. */
export async function* listObjects(
  context: S3Context,
  prefix: string,
  startAfter: string | undefined,
): AsyncGenerator<ObjectInfo> {
  let token: string | undefined;
  let previous: string | undefined;
  do {
    const page = await listPage(context, prefix, startAfter, token);
    for (const entry of page.Contents ?? []) {
      const key = decodeKey(entry.Key ?? "").slice(context.keyPrefix.length);
      // Directory buckets of S3 Express list in no order; everything that merges listings relies on it.
      if (previous !== undefined && compareKeys(previous, key) >= 0)
        throw new ColonnadeError("invalid", "STORE_UNSUPPORTED", "store lists its keys out of order", {
          uri: context.uri,
          previous,
          key,
        });
      previous = key;
      if (isFolderMarker(key, entry.Size) || !isListed(key)) continue;
      // Whole seconds, as the replies to GET and HEAD have them.
      const modifiedAtMs = Math.floor((entry.LastModified?.getTime() ?? 0) / 1000) * 1000;
      yield { key, bytes: entry.Size ?? 0, etag: entry.ETag ?? "", modifiedAtMs };
    }
    token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
  } while (token !== undefined);
}

async function listPage(
  context: S3Context,
  prefix: string,
  startAfter: string | undefined,
  token: string | undefined,
): Promise<ListObjectsV2CommandOutput> {
  const command = new ListObjectsV2Command({
    Bucket: context.bucket,
    Prefix: context.keyPrefix + prefix,
    // XML cannot hold every character that a key can.
    EncodingType: "url",
    ...(token === undefined ? {} : { ContinuationToken: token }),
    ...(startAfter === undefined || token !== undefined
      ? {}
      : { StartAfter: context.keyPrefix + startAfter }),
  });
  try {
    return await sendAgain(context, (abort) => context.reads.send(command, abort));
  } catch (error) {
    throw errorFor(context, error, prefix);
  }
}

/** Keys are encoded as in forms: a space comes as `+` (S3, MinIO) or as `%20` (Ceph), a plus as `%2B`. */
export function decodeKey(key: string): string {
  return decodeURIComponent(key.replaceAll("+", " "));
}

/** What consoles create to show an empty folder. */
function isFolderMarker(key: string, bytes: number | undefined): boolean {
  return key === "" || (key.endsWith("/") && bytes === 0);
}
