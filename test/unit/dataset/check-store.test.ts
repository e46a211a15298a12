import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { randomIds, systemClock } from "../../../src/base/clock.ts";
import { assertSafeStore, checkStore } from "../../../src/dataset/check-store.ts";
import { createMemoryStore } from "../../../src/store/memory.ts";
import { type ObjectStore, type StoredObject, unconditional } from "../../../src/store/object-store.ts";
import { openStore } from "../../../src/store/open-store.ts";
import { storesUnderTest } from "../../support/stores-under-test.ts";

const options = { clock: systemClock, ids: randomIds(), isShort: false };

async function keysOf(store: ObjectStore): Promise<string[]> {
  return (await Array.fromAsync(store.list(""))).map(({ key }) => key);
}

const folder = mkdtempSync(join(tmpdir(), "colonnade-check-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each(storesUnderTest())("$name", (under) => {
  test("keeps everything that commits rest on, and is empty again", async () => {
    const { store } = await under.place(folder);
    const report = await checkStore(store, options);
    expect(report.checks.filter(({ outcome }) => outcome === "broken")).toEqual([]);
    expect(report.safe).toBe(true);
    expect(await keysOf(store)).toEqual([]);
  });
});

/** A store with one property less. */
function broken(change: (store: ObjectStore) => Partial<ObjectStore>): ObjectStore {
  const store = createMemoryStore();
  return { ...store, ...change(store) };
}

test.each<
  readonly [missing: string, change: (store: ObjectStore) => Partial<ObjectStore>, names: readonly RegExp[]]
>([
  [
    "ignores all conditions",
    (store) => ({ put: (key, body) => store.put(key, body, unconditional) }),
    [
      /taken is not created/,
      /create one key/,
      /changed is not replaced/,
      /not there is not replaced/,
      /replace one object/,
    ],
  ],
  [
    "ignores If-Match alone",
    (store) => ({
      put: (key, body, precondition) =>
        store.put(key, body, precondition.kind === "ifMatch" ? unconditional : precondition),
    }),
    [/changed is not replaced/, /not there is not replaced/, /replace one object/],
  ],
  [
    "checks conditions before it writes, and not while it does",
    (store) => ({
      async put(key, body, precondition) {
        const there = await store.head(key);
        const isRefused =
          (precondition.kind === "ifNoneMatch" && there !== undefined) ||
          (precondition.kind === "ifMatch" && there?.etag !== precondition.etag);
        await new Promise((resolve) => setImmediate(resolve));
        return isRefused ? { outcome: "preconditionFailed" } : store.put(key, body, unconditional);
      },
    }),
    [/create one key/, /replace one object/],
  ],
  [
    "ignores the condition of large uploads",
    (store) => ({ createWriter: (key) => store.createWriter(key, { precondition: unconditional }) }),
    [/large upload does not replace/],
  ],
  [
    "reads what was before",
    (store) => {
      const seen = new Map<string, StoredObject>();
      return {
        async get(key, options) {
          const now = await store.get(key, options);
          const before = seen.get(key);
          if (now !== undefined && before === undefined) seen.set(key, now);
          return before ?? now;
        },
      };
    },
    [/read at once/, /ranges are those/],
  ],
  [
    "answers whole objects to ranges",
    (store) => ({
      get: (key, options) =>
        store.get(key, options?.ifMatch === undefined ? {} : { ifMatch: options.ifMatch }),
    }),
    [/ranges are those/],
  ],
])("a store that %s is told by name", async (_, change, names) => {
  const store = broken(change);
  const { checks, safe } = await checkStore(store, options);
  const found = checks.filter(({ outcome }) => outcome === "broken").map(({ name }) => name);
  expect(safe).toBe(false);
  for (const name of names) expect(found.some((one) => name.test(one))).toBe(true);
  expect(found.length).toBe(names.length);
  expect(await keysOf(store)).toEqual([]);
});

test("a listing that lags is told of, and no reason to refuse", async () => {
  const store = broken((whole) => ({
    async *list(prefix) {
      for await (const found of whole.list(prefix)) if (!found.key.endsWith("/listed")) yield found;
    },
  }));
  const { checks, safe } = await checkStore(store, options);
  expect(checks.filter(({ outcome }) => outcome === "broken").map(({ name }) => name)).toEqual([
    expect.stringContaining("listed at once"),
  ]);
  expect(safe).toBe(true);
});

test("before a first commit the short form is asked once, and remembered", async () => {
  let puts = 0;
  const store = broken((whole) => ({
    put(key, body, precondition) {
      puts += 1;
      return whole.put(key, body, precondition);
    },
  }));
  await assertSafeStore(store, options);
  expect(await keysOf(store)).toEqual(["store-check.json"]);
  const before = puts;
  await assertSafeStore(store, options);
  expect(puts).toBe(before);
  await expect(
    assertSafeStore(
      broken((whole) => ({ put: (key, body) => whole.put(key, body, unconditional) })),
      options,
    ),
  ).rejects.toMatchObject({ kind: "invalid", code: "STORE_UNSAFE" });
});

describe("a server that speaks S3 and ignores conditions", () => {
  const objects = new Map<string, { readonly body: Buffer; readonly etag: string }>();
  let writes = 0;
  let server: Server | undefined;
  afterAll(() => server?.close());

  /** Just enough of the protocol: PUT, GET with ranges, HEAD, DELETE, and a listing; conditions are not looked at. */
  async function start(): Promise<string> {
    server = createServer((request, response) => {
      const url = new URL(request.url ?? "/", "http://localhost");
      const key = decodeURIComponent(url.pathname);
      const parts: Buffer[] = [];
      request.on("data", (chunk: Buffer) => parts.push(chunk));
      request.on("end", () => {
        const found = objects.get(key);
        if (request.method === "PUT") {
          writes += 1;
          objects.set(key, { body: Buffer.concat(parts), etag: `"${writes}"` });
          response.setHeader("ETag", `"${writes}"`).end();
        } else if (request.method === "DELETE") {
          objects.delete(key);
          response.writeHead(204).end();
        } else if (url.searchParams.has("list-type")) {
          response.end(
            `<?xml version="1.0"?><ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>`,
          );
        } else if (found === undefined) {
          const body = request.method === "HEAD" ? "" : "<Error><Code>NoSuchKey</Code></Error>";
          response.writeHead(404, { "Content-Type": "application/xml" }).end(body);
        } else {
          const headers = {
            ETag: found.etag,
            "Content-Length": found.body.length,
            "Last-Modified": new Date(0).toUTCString(),
          };
          response.writeHead(200, headers).end(request.method === "HEAD" ? "" : found.body);
        }
      });
    });
    await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  test("is refused before anything is committed to it", async () => {
    const environment = {
      AWS_ENDPOINT_URL: await start(),
      AWS_REGION: "us-east-1",
      AWS_ACCESS_KEY_ID: "key",
      AWS_SECRET_ACCESS_KEY: "secret",
    };
    const store = await openStore("s3://bucket/prefix", { environment, baseDirectory: "/" });
    try {
      await expect(assertSafeStore(store, options)).rejects.toMatchObject({
        code: "STORE_UNSAFE",
        details: { broken: expect.arrayContaining([expect.stringContaining("If-None-Match")]) as string[] },
      });
    } finally {
      await store.close();
    }
    expect(Array.from(objects.keys())).toEqual([]);
  });
});
