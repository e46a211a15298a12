import { DeleteObjectCommand } from "@aws-sdk/client-s3";

import { assertKey, assertPrefix } from "./keys.ts";
import type { ObjectStore } from "./object-store.ts";
import { createS3Context, errorFor, sendAgain } from "./s3-context.ts";
import type { S3Context, S3StoreOptions } from "./s3-context.ts";
import { listObjects } from "./s3-list.ts";
import { abortUpload, listUploads } from "./s3-uploads.ts";
import { probesOf } from "./s3-probes.ts";
import { getObject, headObject, streamObject } from "./s3-read.ts";
import { roleOf } from "./s3-role.ts";
import { putObject } from "./s3-write.ts";
import { createS3Writer } from "./s3-writer.ts";

// So that a writer of one S3 store recognises another as the source of a copy.
const contexts = new WeakMap<ObjectStore, S3Context>();

/** What the SDK and its connections take: measured from outside, by the same job on folders and on MinIO. */
const clientBytes = 34_000_000;

/**
 * A bucket, or what is under a prefix of it, as an object store: AWS S3 and services that speak its protocol with conditional
 * writes (MinIO, Ceph, R2).
 */
export function createS3Store(options: S3StoreOptions): ObjectStore {
  const context = createS3Context(options);

  const store: ObjectStore = {
    uri: context.uri,
    async head(key) {
      assertKey(key);
      return await headObject(context, key);
    },
    async get(key, options) {
      assertKey(key);
      const found = await getObject(context, key, options);
      return found === "unchanged" ? undefined : found;
    },
    async getStream(key, options) {
      assertKey(key);
      return await streamObject(context, key, options);
    },
    async getIfChanged(key, etag) {
      assertKey(key);
      return await getObject(context, key, {}, etag);
    },
    async *list(prefix, options) {
      assertPrefix(prefix);
      yield* listObjects(context, prefix, options?.startAfter);
    },
    async put(key, body, precondition) {
      assertKey(key);
      return await putObject(context, key, body, precondition);
    },
    async createWriter(key, options) {
      assertKey(key);
      return createS3Writer(context, (other) => contexts.get(other), key, options);
    },
    async delete(key) {
      assertKey(key);
      const command = new DeleteObjectCommand({ Bucket: context.bucket, Key: context.keyPrefix + key });
      try {
        await sendAgain(context, (abort) => context.writes.send(command, abort));
      } catch (error) {
        throw errorFor(context, error, key);
      }
    },
    bytesBeside: (writers) =>
      clientBytes + (writers === 0 ? 0 : context.uploads.capacityBytes + writers * context.partBytes),
    probes: probesOf(context),
    role: roleOf(context),
    listUploads: () => listUploads(context),
    abortUpload: (upload) => abortUpload(context, upload),
    async close() {
      context.reads.destroy();
      context.writes.destroy();
    },
  };
  contexts.set(store, context);
  return store;
}
