import { ListMultipartUploadsCommand } from "@aws-sdk/client-s3";

import { afterAll, beforeAll, describe } from "vitest";

import { describeStore } from "./suite.ts";
import type { StoreFixture } from "./fixture.ts";
import { describeWriter } from "./writer.ts";
import { createS3Store } from "../../src/store/s3.ts";
import { createTestBucket, createTestClient, describeS3 } from "../support/minio.ts";
import type { S3TestServer } from "../support/minio.ts";

async function openFixture(server: S3TestServer, serverSideCopy: boolean): Promise<StoreFixture> {
  const bucket = await createTestBucket(server);
  const client = createTestClient(server);
  const { endpoint, region, accessKeyId, secretAccessKey } = server;
  const open = (prefix: string): ReturnType<typeof createS3Store> =>
    createS3Store({
      bucket,
      prefix,
      endpoint,
      region,
      serverSideCopy,
      credentials: { accessKeyId, secretAccessKey },
    });
  const store = open("some/prefix +%");
  const again = open("some/prefix +%");
  const other = open("");
  return {
    store,
    again,
    other,
    async leftovers() {
      const reply = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
      return (reply.Uploads ?? []).map(({ Key }) => Key ?? "");
    },
    async close() {
      client.destroy();
      await Promise.all([store, again, other].map((opened) => opened.close()));
    },
  };
}

describeS3("on a real server", (server) => {
  describeStore({ name: "s3", open: () => openFixture(server, false) });

  describe("the s3 store with server-side copies", () => {
    let fixture: StoreFixture;
    beforeAll(async () => {
      fixture = await openFixture(server, true);
    });
    afterAll(() => fixture.close());
    describeWriter(() => fixture);
  });
});
