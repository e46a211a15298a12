import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createOrders, type Orders, runCli } from "../support/cli-workspace.ts";
import { startFaultProxy } from "../support/fault-proxy.ts";
import { createTestBucket, describeS3 } from "../support/minio.ts";
import { environmentWith } from "../support/minio-role.ts";

/** The SDK asks for others when five minutes are left of what it has. */
const refreshAheadMs = 5 * 60_000;
const validMs = 1000;

type Credentials = Awaited<ReturnType<typeof environmentWith>>;

interface CredentialsEndpoint extends AsyncDisposable {
  readonly uri: string;
}

/**
 * Hands out temporary credentials as EKS and ECS do
 * (https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html); each is good for a second.
 */
async function startCredentialsEndpoint(current: () => Credentials): Promise<CredentialsEndpoint> {
  const server = createServer((_, reply) => {
    const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN } = current();
    const found = {
      AccessKeyId: AWS_ACCESS_KEY_ID,
      SecretAccessKey: AWS_SECRET_ACCESS_KEY,
      Token: AWS_SESSION_TOKEN,
      Expiration: new Date(Date.now() + refreshAheadMs + validMs).toISOString(),
    };
    reply.setHeader("content-type", "application/json").end(JSON.stringify(found));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  return {
    uri: `http://127.0.0.1:${(server.address() as AddressInfo).port}/credentials`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function signatureOf({ headers }: IncomingMessage): { readonly key: string; readonly atMs: number } {
  const key = /Credential=([^/]+)/.exec(headers.authorization ?? "")?.[1] ?? "";
  const [, day, time] = /^(\d{8})T(\d{6})Z$/.exec(String(headers["x-amz-date"])) ?? [];
  const iso = `${day}${time}`.replace(/(....)(..)(..)(..)(..)(..)/, "$1-$2-$3T$4:$5:$6Z");
  return { key, atMs: Date.parse(iso) };
}

describeS3("credentials of a workload", (server) => {
  let orders: Orders;
  beforeAll(async () => {
    orders = await createOrders({ objects: 12, rows: 100 });
  });
  afterAll(() => orders[Symbol.asyncDispose]());

  test("that are rotated while a run is under way are taken anew: it commits, by none that has expired", async () => {
    const bucket = await createTestBucket(server);
    const everything = {
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Action: ["s3:*"], Resource: ["arn:aws:s3:::*"] }],
    };
    const before = await environmentWith(server, everything);
    const after = await environmentWith(server, everything);
    let begunAt: number | undefined;
    const isRotated = (): boolean => begunAt !== undefined && Date.now() > begunAt + validMs;
    const keys: string[] = [];
    let refused = 0;
    await using endpoint = await startCredentialsEndpoint(() => (isRotated() ? after : before));
    const proxy = await startFaultProxy(server.endpoint, async (asked) => {
      begunAt ??= Date.now();
      const { key, atMs } = signatureOf(asked);
      keys.push(key);
      // The date of a signature has whole seconds.
      const isExpired = key === before["AWS_ACCESS_KEY_ID"] && atMs > begunAt + 2 * validMs + 500;
      if (isExpired) refused += 1;
      await sleep(100);
      return !isExpired;
    });
    try {
      const job = await orders.job(`s3://${bucket}/orders`);
      const workload = {
        AWS_ENDPOINT_URL: proxy.endpoint,
        AWS_REGION: server.region,
        AWS_ACCESS_KEY_ID: "",
        AWS_SECRET_ACCESS_KEY: "",
        AWS_CONTAINER_CREDENTIALS_FULL_URI: endpoint.uri,
      };
      expect(await runCli(["apply", job], workload)).toMatchObject({ code: 0 });
    } finally {
      await proxy.close();
    }
    expect(new Set(keys)).toEqual(new Set([before["AWS_ACCESS_KEY_ID"], after["AWS_ACCESS_KEY_ID"]]));
    expect(keys.lastIndexOf(before["AWS_ACCESS_KEY_ID"] ?? "")).toBeLessThan(keys.length - 10);
    expect(refused).toBe(0);
    const direct = { ...after, AWS_ENDPOINT_URL: server.endpoint };
    const job = await orders.job(`s3://${bucket}/orders`);
    expect(await runCli(["verify", job], direct)).toMatchObject({ code: 0 });
  });
});
