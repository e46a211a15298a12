// Gets and puts every object below a prefix, so many at a time: what a copy by a client costs.
import { GetObjectCommand, paginateListObjectsV2, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import pLimit from "p-limit";

const [bucket = "", from = "", to = "", requests = "16"] = process.argv.slice(2);
const client = new S3Client({ forcePathStyle: true });
const limit = pLimit(Number(requests));
const copies: Promise<unknown>[] = [];
for await (const page of paginateListObjectsV2({ client }, { Bucket: bucket, Prefix: from })) {
  for (const { Key = "" } of page.Contents ?? []) {
    copies.push(
      limit(async () => {
        const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key }));
        const bytes = (await Body?.transformToByteArray()) ?? new Uint8Array(0);
        await client.send(
          new PutObjectCommand({ Bucket: bucket, Key: to + Key.slice(from.length), Body: bytes }),
        );
      }),
    );
  }
}
await Promise.all(copies);
client.destroy();
