import { existsSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";

import { ListObjectsV2Command } from "@aws-sdk/client-s3";
import { expect, test } from "vitest";

import { createTestBucket, createTestClient, describeS3, startMinio } from "../../support/minio.ts";

describeS3("the S3 server of the tests", (server) => {
  test("the run's server takes buckets", async () => {
    const bucket = await createTestBucket();
    const client = createTestClient(server);
    const listing = await client.send(new ListObjectsV2Command({ Bucket: bucket }));
    client.destroy();
    expect(listing.KeyCount).toBe(0);
  });

  test("a server of one's own answers, and leaves neither itself nor its data behind", async () => {
    const before = new Set(readdirSync(tmpdir()));
    const minio = await startMinio();
    await createTestBucket(minio);
    const [folder] = readdirSync(tmpdir()).filter(
      (name) => name.startsWith("colonnade-minio-") && !before.has(name),
    );
    await minio.stop();
    await expect(fetch(minio.endpoint)).rejects.toThrow("fetch failed");
    expect(existsSync(`${tmpdir()}/${folder}`)).toBe(false);
  });
});
