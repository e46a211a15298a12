import { inspect } from "node:util";

import { afterEach, describe, expect, test } from "vitest";

import { fail, reset, secret, serve, silence, startFakeS3, written, xml } from "./fake-s3.ts";
import type { Answer, FakeS3 } from "./fake-s3.ts";
import type { S3StoreOptions } from "../../../src/store/s3-context.ts";
import { createOnly, ifMatch, unconditional } from "../../../src/store/object-store.ts";
import { collectBody, errorOf, keysOf, pattern, utf8 } from "../../conformance/fixture.ts";

let fake: FakeS3;
afterEach(() => fake.close());

async function start(answers: readonly Answer[], options?: Partial<S3StoreOptions>): Promise<FakeS3> {
  fake = await startFakeS3(answers, options);
  return fake;
}

const badGateway: Answer = (_request, reply) => void reply.writeHead(502).end("<html>bad gateway</html>");
const bareUnavailable: Answer = (_request, reply) => void reply.writeHead(503).end();
const noEtag: Answer = (_request, reply) => void reply.writeHead(200).end();

/** An error whose body ends before it should. */
function brokenOff(status: number): Answer {
  return (_request, reply) => {
    reply.writeHead(status, { "content-type": "application/xml", "content-length": "200" });
    reply.write("<?xml version='1.0'?><Error><Code>No", () => reply.socket?.resetAndDestroy());
  };
}

describe("a conditional PUT is sent once, and has the outcome", () => {
  test.each([
    ["written", written],
    ["preconditionFailed", fail(412, "PreconditionFailed")],
    ["preconditionFailed", fail(404, "NoSuchKey")],
    ["retry", fail(409, "ConditionalRequestConflict")],
    ["retry", fail(409, "OperationAborted")],
    ["retry", fail(503, "SlowDown")],
    ["retry", fail(503, "SlowDownWrite")],
    ["retry", fail(400, "BadDigest")],
    ["unknown", fail(500, "InternalError")],
    ["unknown", fail(503, "ServiceUnavailable")],
    ["unknown", bareUnavailable],
    ["unknown", badGateway],
    ["unknown", reset],
    ["unknown", silence],
    ["unknown", noEtag],
  ])("%s after %o", async (outcome, answer) => {
    const { store, seen } = await start([answer, written]);
    for (const precondition of [createOnly, ifMatch('"old"')]) {
      seen.length = 0;
      const result = await store.put("key", utf8("x"), precondition);
      expect(result.outcome).toBe(outcome);
      expect(seen).toHaveLength(1);
    }
    expect(seen[0]?.headers["if-match"]).toBe('"old"');
  });

  test("retry when nobody listens: the request was not even sent", async () => {
    const { store } = await start([written], { endpoint: "http://127.0.0.1:1" });
    expect((await store.put("key", utf8("x"), createOnly)).outcome).toBe("retry");
  });

  test.each([
    ["BUCKET_MISSING", fail(404, "NoSuchBucket")],
    ["ACCESS_DENIED", fail(403, "AccessDenied")],
    ["CREDENTIALS_INVALID", fail(403, "SignatureDoesNotMatch")],
    ["CREDENTIALS_INVALID", fail(403, "InvalidAccessKeyId")],
    ["CREDENTIALS_INVALID", fail(400, "ExpiredToken")],
    ["REGION_WRONG", fail(301, "PermanentRedirect")],
    ["STORE_UNSUPPORTED", fail(501, "NotImplemented")],
  ])("error %s", async (code, answer) => {
    const { store, seen } = await start([answer]);
    expect(await errorOf(store.put("key", utf8("x"), createOnly))).toMatchObject({ kind: "invalid", code });
    expect(seen).toHaveLength(1);
  });
});

describe("an unconditional PUT", () => {
  test("is repeated after what may pass", async () => {
    const { store, seen } = await start([fail(500, "InternalError"), reset, written]);
    expect(await store.put("key", utf8("x"), unconditional)).toEqual({ outcome: "written", etag: '"new"' });
    expect(seen.map(({ body }) => body.toString())).toEqual(["x", "x", "x"]);
  });

  test("is given up in the end", async () => {
    const { store, seen } = await start([reset]);
    expect((await store.put("key", utf8("x"), unconditional)).outcome).toBe("unknown");
    expect(seen).toHaveLength(3);
  });

  test("carries a CRC-32 that S3 can check, and no precondition", async () => {
    const { store, seen } = await start([written]);
    await store.put("key", utf8("123456789"), unconditional);
    // The check value of CRC-32/ISO-HDLC is cbf43926.
    expect(seen[0]?.headers["x-amz-checksum-crc32"]).toBe(Buffer.from("cbf43926", "hex").toString("base64"));
    expect(seen[0]?.headers["if-match"]).toBeUndefined();
    expect(seen[0]?.headers["if-none-match"]).toBeUndefined();
  });
});

describe("reading", () => {
  const content = pattern(200_000);

  test("is repeated after what may pass, with the same outcome", async () => {
    const { store, seen } = await start([fail(503, "SlowDown"), reset, serve(content, '"e"')]);
    expect(content.equals((await store.get("key"))?.body ?? Buffer.alloc(0))).toBe(true);
    expect(seen).toHaveLength(3);
  });

  test.each([403, 404, 412, 500])("is repeated when the body of an error %i breaks off", async (status) => {
    const { store, seen } = await start([brokenOff(status), serve(content, '"e"')]);
    expect(content.equals((await store.get("key"))?.body ?? Buffer.alloc(0))).toBe(true);
    expect(seen).toHaveLength(2);
  });

  test.each([
    ["breaks", false],
    ["stands still", true],
  ])("goes on where a body %s, of the same version only", async (_what, stall) => {
    const { store, seen } = await start([
      serve(content, '"e"', 70_000, stall),
      serve(content, '"e"', 0, stall),
      fail(500, "InternalError"),
      serve(content, '"e"', 50_000, stall),
      serve(content, '"e"'),
    ]);
    const stream = await store.getStream("key", { range: { start: 1000, end: 180_000 } });
    const body = await collectBody(stream?.body ?? (undefined as never));
    expect(body.equals(content.subarray(1000, 180_000))).toBe(true);
    expect(seen.map(({ headers }) => [headers.range, headers["if-match"]])).toEqual([
      ["bytes=1000-179999", undefined],
      ["bytes=71000-179999", '"e"'],
      ["bytes=71000-179999", '"e"'],
      ["bytes=71000-179999", '"e"'],
      ["bytes=121000-179999", '"e"'],
    ]);
  });

  test("that cannot go on because the object changed fails with SOURCE_CHANGED", async () => {
    const { store } = await start([serve(content, '"e"', 70_000), fail(412, "PreconditionFailed")]);
    const error = await errorOf(store.get("key"));
    expect(error).toMatchObject({ kind: "conflict", code: "SOURCE_CHANGED" });
  });

  test("that breaks again and again without a byte between is given up", async () => {
    const { store, seen } = await start([serve(content, '"e"', 70_000), serve(content, '"e"', 0)]);
    expect(await errorOf(store.get("key"))).toMatchObject({ kind: "unavailable", code: "STORE_UNREACHABLE" });
    expect(seen.length).toBeLessThanOrEqual(4);
  });

  test.each([
    ["nobody listens", [written], { endpoint: "http://127.0.0.1:1" }],
    ["nobody answers", [silence], {}],
    ["the server fails on and on", [fail(500, "InternalError")], {}],
    ["a proxy fails on and on", [badGateway], {}],
  ])("when %s is STORE_UNREACHABLE", async (_what, answers, options) => {
    const { store } = await start(answers, options);
    const wanted = { kind: "unavailable", code: "STORE_UNREACHABLE" };
    expect(await errorOf(store.get("key"))).toMatchObject(wanted);
    expect(await errorOf(store.head("key"))).toMatchObject(wanted);
    expect(await errorOf(keysOf(store.list("")))).toMatchObject(wanted);
    expect(await errorOf(store.delete("key"))).toMatchObject(wanted);
  });

  test("a listing out of order is refused", async () => {
    const contents = ["b", "a"]
      .map((key) => `<Contents><Key>p/${key}</Key><Size>1</Size></Contents>`)
      .join("");
    const { store } = await start([xml(`<ListBucketResult>${contents}</ListBucketResult>`)]);
    expect(await errorOf(keysOf(store.list("")))).toMatchObject({ code: "STORE_UNSUPPORTED" });
  });

  test("a listing leaves folder markers out", async () => {
    const contents = [
      ["", 0],
      ["day=1/", 0],
      ["day=1/a+b%2Bc%25", 1],
    ]
      .map(([key, bytes]) => `<Contents><Key>p/${key}</Key><Size>${bytes}</Size></Contents>`)
      .join("");
    const { store } = await start([xml(`<ListBucketResult>${contents}</ListBucketResult>`)]);
    expect(await keysOf(store.list(""))).toEqual(["day=1/a b+c%"]);
  });
});

describe("a multipart upload", () => {
  const started = xml(
    "<InitiateMultipartUploadResult><UploadId>id</UploadId></InitiateMultipartUploadResult>",
  );
  const completed = xml(
    "<CompleteMultipartUploadResult><ETag>&quot;new&quot;</ETag></CompleteMultipartUploadResult>",
  );
  const gone: Answer = (_request, reply) => void reply.writeHead(204).end();
  // By what is asked, since parts travel side by side.
  function upload(...completions: readonly Answer[]): Answer {
    let completion = 0;
    return (request, reply) => {
      if (request.method === "POST" && request.url.includes("uploads")) return started(request, reply);
      if (request.method === "PUT") return written(request, reply);
      if (request.method === "DELETE") return gone(request, reply);
      completion += 1;
      completions[Math.min(completion, completions.length) - 1]?.(request, reply);
    };
  }
  const errorInside = xml("<Error><Code>InternalError</Code><Message>late</Message></Error>");
  const requests = ({ seen }: FakeS3, method: string, part: string): number =>
    seen.filter((request) => request.method === method && request.url.includes(part)).length;

  test.each([
    ["written", createOnly, [completed], 1, 0],
    ["written", createOnly, [fail(503, "SlowDown"), completed], 2, 0],
    ["written", createOnly, [fail(400, "MalformedXML"), completed], 2, 0],
    ["written", ifMatch('"old"'), [fail(400, "InvalidPart"), completed], 2, 0],
    ["preconditionFailed", createOnly, [fail(412, "PreconditionFailed")], 1, 1],
    ["preconditionFailed", ifMatch('"old"'), [fail(404, "NoSuchKey")], 1, 1],
    ["retry", createOnly, [fail(409, "ConditionalRequestConflict")], 1, 1],
    ["unknown", createOnly, [fail(500, "InternalError"), completed], 1, 0],
    ["unknown", createOnly, [reset, completed], 1, 0],
    ["unknown", createOnly, [errorInside, completed], 1, 0],
    ["written", unconditional, [reset, completed], 2, 0],
    ["unknown", unconditional, [reset, fail(404, "NoSuchUpload")], 2, 0],
  ] as const)("is %s after %o, %o", async (outcome, precondition, completions, sent, aborts) => {
    const fake = await start([upload(...completions)]);
    const writer = await fake.store.createWriter("key", { precondition });
    await writer.write(pattern(9 * 1024 * 1024));
    const { result } = await writer.complete();
    expect(result.outcome).toBe(outcome);
    expect([requests(fake, "POST", "uploadId=id"), requests(fake, "DELETE", "uploadId=id")]).toEqual([
      sent,
      aborts,
    ]);
  });

  test("is ended when a part cannot be uploaded, and its writer never completes", async () => {
    const fake = await start([
      (request, reply) => {
        if (request.url.includes("partNumber=2")) fail(403, "AccessDenied")(request, reply);
        else upload(completed)(request, reply);
      },
    ]);
    const writer = await fake.store.createWriter("key", { precondition: createOnly });
    await writer.write(pattern(9 * 1024 * 1024));
    expect(await errorOf(writer.complete())).toMatchObject({ code: "ACCESS_DENIED" });
    expect(requests(fake, "DELETE", "uploadId=id")).toBe(1);
    expect(requests(fake, "POST", "uploadId=id")).toBe(0);
  });

  test("shares a limit of parts under way with all others of its store, and what is aborted leaves its place", async () => {
    let underWay = 0;
    let most = 0;
    const slow: Answer = (request, reply) => {
      if (request.method !== "PUT") return upload(completed)(request, reply);
      underWay += 1;
      most = Math.max(most, underWay);
      setTimeout(() => {
        underWay -= 1;
        written(request, reply);
      }, 20);
    };
    const { store } = await start([slow], { uploadBytes: 10 * 1024 * 1024 });
    const write = async (key: string, mebibytes: number) => {
      const writer = await store.createWriter(key, { precondition: createOnly });
      for (let i = 0; i < mebibytes; i += 1) await writer.write(pattern(1024 * 1024));
      return writer;
    };
    const completes = ["a", "b", "c"].map(async (key) => (await (await write(key, 26)).complete()).result);
    const aborted = write("d", 11).then((writer) => writer.abort());
    const outcomes = (await Promise.all(completes)).map(({ outcome }) => outcome);
    expect(outcomes).toEqual(["written", "written", "written"]);
    await aborted;
    const { result } = await (await write("e", 11)).complete();
    expect(result.outcome).toBe("written");
    expect(most).toBe(2);
  });
});

test("no error shows a secret, whatever the server sends back", async () => {
  const { store } = await start([fail(403, "SignatureDoesNotMatch")]);
  const shown = inspect(await errorOf(store.get("key")), { depth: 20, showHidden: true });
  expect(shown).toContain("SignatureDoesNotMatch");
  expect(shown).not.toContain(secret);
  expect(shown).not.toContain("session-secret");
  expect(shown).not.toContain("AKIAIOSFODNN7EXAMPLE");
  expect(inspect(store.uri)).toBe("'s3://bucket/p'");
});
