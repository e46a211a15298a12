import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { openStore } from "../../src/store/open-store.ts";
import type { ObjectStore } from "../../src/store/object-store.ts";
import { createTestBucket, s3TestServer } from "./minio.ts";

/** A place to write to, by URI for processes and as a store for looking. */
export interface Place {
  readonly uri: string;
  readonly store: ObjectStore;
  /** What a process needs to reach it. */
  readonly environment: Readonly<Record<string, string>>;
}

export interface StoreUnderTest {
  readonly name: "file" | "s3";
  /** A fresh, empty place; folders lie below `folder`. */
  place(folder: string): Promise<Place>;
}

/** The stores that real processes can share: a folder, and MinIO where there is one. */
export function storesUnderTest(): StoreUnderTest[] {
  const server = s3TestServer();
  const file: StoreUnderTest = {
    name: "file",
    async place(folder) {
      const uri = `file:${join(folder, `out-${randomBytes(4).toString("hex")}`)}`;
      return {
        uri,
        store: await openStore(uri, { environment: {}, baseDirectory: folder }),
        environment: {},
      };
    },
  };
  if (server === undefined) return [file];
  const environment = {
    AWS_ENDPOINT_URL_S3: server.endpoint,
    AWS_REGION: server.region,
    AWS_ACCESS_KEY_ID: server.accessKeyId,
    AWS_SECRET_ACCESS_KEY: server.secretAccessKey,
  };
  let bucket: Promise<string> | undefined;
  const s3: StoreUnderTest = {
    name: "s3",
    async place(folder) {
      bucket ??= createTestBucket(server);
      const uri = `s3://${await bucket}/${randomBytes(4).toString("hex")}`;
      const memoryBytes = 300_000_000;
      const store = await openStore(uri, { environment, baseDirectory: folder, memoryBytes });
      return { uri, store, environment };
    },
  };
  return [file, s3];
}
