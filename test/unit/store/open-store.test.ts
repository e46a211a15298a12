import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { openStore } from "../../../src/store/open-store.ts";
import { createOnly, unconditional } from "../../../src/store/object-store.ts";
import { errorOf, etagOf, keysOf, text, utf8 } from "../../conformance/fixture.ts";
import { createTestBucket, describeS3 } from "../../support/minio.ts";
import { startFakeS3, written } from "./fake-s3.ts";

let baseDirectory: string;
beforeEach(async () => {
  baseDirectory = await mkdtemp(join(tmpdir(), "colonnade open-"));
});
afterEach(() => rm(baseDirectory, { recursive: true }));

test("file: URIs are relative to the base directory, absolute, or URLs, and name one folder", async () => {
  const path = join(baseDirectory, "a b");
  const uris = ["file:a b", `file:${path}`, "file:./x/../a b", pathToFileURL(path).href];
  const stores = await Promise.all(uris.map((uri) => openStore(uri, { environment: {}, baseDirectory })));
  expect(stores.map(({ uri }) => uri)).toEqual(uris.map(() => `file:${path}`));
  await stores[0]?.put("k", utf8("x"), createOnly);
  for (const store of stores) expect(await keysOf(store.list(""))).toEqual(["k"]);
});

test("a folder that must exist does, or is an error", async () => {
  const store = await openStore("file:none", { environment: {}, baseDirectory, mustExist: true });
  expect(await errorOf(keysOf(store.list("")))).toMatchObject({ kind: "invalid", code: "BUCKET_MISSING" });
});

test.each([
  "",
  "flights",
  "/data/flights",
  "file:",
  "file://host/share",
  "s3://",
  "s3:///prefix",
  "s3://b",
  "s3://user:pass@bucket/x",
  "s3://bucket//x",
  "s3://bucket/a/../b",
  "http://bucket.s3.amazonaws.com/x",
  "memory:",
])("the URI %j is refused, and shows no password", async (uri) => {
  const error = await errorOf(openStore(uri, { environment: {}, baseDirectory }));
  expect(error).toMatchObject({ kind: "invalid", code: "STORE_URI_INVALID" });
  expect(JSON.stringify([error.message, error.details])).not.toContain("pass@");
});

describe("s3: URIs", () => {
  test("take endpoint, region and credentials from the environment, the most special name first", async () => {
    const fake = await startFakeS3([written]);
    const environment = {
      AWS_ENDPOINT_URL_S3: fake.endpoint,
      AWS_ENDPOINT_URL: "http://127.0.0.1:1",
      S3_ENDPOINT: "http://127.0.0.1:1",
      AWS_REGION: "eu-north-1",
      AWS_ACCESS_KEY_ID: "AKIAIOSFODNN7EXAMPLE",
      AWS_SECRET_ACCESS_KEY: "secret",
      AWS_SESSION_TOKEN: "token",
    };
    const store = await openStore("s3://bucket/a/prefix/", { environment, baseDirectory });
    expect(store.uri).toBe("s3://bucket/a/prefix");
    await store.put("k", utf8("x"), unconditional);
    await store.close();
    await fake.close();
    expect(fake.seen[0]).toMatchObject({
      method: "PUT",
      url: expect.stringMatching(/^\/bucket\/a\/prefix\/k\b/),
    });
    expect(fake.seen[0]?.headers["authorization"]).toContain("AKIAIOSFODNN7EXAMPLE/");
    expect(fake.seen[0]?.headers["authorization"]).toContain("/eu-north-1/s3/");
    expect(fake.seen[0]?.headers["x-amz-security-token"]).toBe("token");
    expect(fake.seen[0]?.headers["x-amz-checksum-crc32"]).toBeDefined();
  });

  test("send no checksums when the environment says that they are not required", async () => {
    const fake = await startFakeS3([written]);
    const environment = {
      AWS_ENDPOINT_URL: fake.endpoint,
      AWS_ACCESS_KEY_ID: "a",
      AWS_SECRET_ACCESS_KEY: "s",
      AWS_REQUEST_CHECKSUM_CALCULATION: "when_required",
    };
    const store = await openStore("s3://bucket", { environment, baseDirectory });
    await store.put("k", utf8("x"), unconditional);
    await store.close();
    await fake.close();
    expect(fake.seen[0]?.headers["x-amz-checksum-crc32"]).toBeUndefined();
  });

  test("refuse an endpoint that is no URL, without showing it", async () => {
    const environment = { S3_ENDPOINT: "user:pass@localhost:9000" };
    const error = await errorOf(openStore("s3://bucket", { environment, baseDirectory }));
    expect(error).toMatchObject({ kind: "invalid", code: "ENDPOINT_INVALID", details: {} });
    expect(error.message).not.toContain("pass");
  });
});

describeS3("a real server, by URI", (server) => {
  const good = {
    S3_ENDPOINT: server.endpoint,
    AWS_ACCESS_KEY_ID: server.accessKeyId,
    AWS_SECRET_ACCESS_KEY: server.secretAccessKey,
  };

  test("stores and gives back", async () => {
    const store = await openStore(`s3://${await createTestBucket()}/p`, { environment: good, baseDirectory });
    etagOf(await store.put("k", utf8("x"), createOnly));
    expect(text((await store.get("k"))?.body)).toBe("x");
    await store.close();
  });

  test.each([
    ["BUCKET_MISSING", good, "colonnade-test-missing"],
    ["CREDENTIALS_INVALID", { ...good, AWS_SECRET_ACCESS_KEY: "wrong" }, undefined],
    ["CREDENTIALS_INVALID", { ...good, AWS_ACCESS_KEY_ID: "wrong" }, undefined],
  ])("says %s whatever is asked first", async (code, environment, missing) => {
    const bucket = missing ?? (await createTestBucket());
    const wanted = { kind: "invalid", code };
    const ask = async (
      action: (store: Awaited<ReturnType<typeof openStore>>) => Promise<unknown>,
    ): Promise<void> => {
      const store = await openStore(`s3://${bucket}`, { environment, baseDirectory });
      expect(await errorOf(action(store))).toMatchObject(wanted);
      await store.close();
    };
    await ask((store) => store.head("k"));
    await ask((store) => store.get("k"));
    await ask((store) => store.getStream("k"));
    await ask((store) => store.getIfChanged("k", '"x"'));
    await ask((store) => keysOf(store.list("")));
    await ask((store) => store.put("k", utf8("x"), createOnly));
    await ask((store) => store.put("k", utf8("x"), unconditional));
    await ask((store) => store.delete("k"));
    await ask(async (store) => {
      const writer = await store.createWriter("k", { precondition: createOnly });
      await writer.write(Buffer.alloc(9_000_000));
      await writer.complete();
    });
  });
});
