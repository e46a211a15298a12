import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { ListObjectsV2Command, PutObjectCommand } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { StoreCheckReport } from "../../src/dataset/check-store.ts";
import { createOrders, errorOf, type Finished, type Orders, runCli } from "../support/cli-workspace.ts";
import { createTestBucket, createTestClient, describeS3 } from "../support/minio.ts";
import { environmentWith, type Policy } from "../support/minio-role.ts";

const page = resolve(import.meta.dirname, "../../docs/SECURITY.md");

/** A policy of docs/SECURITY.md, for other buckets. */
async function policyOf(who: string, raw: string, features: string): Promise<Policy> {
  const text = await readFile(page, "utf8");
  const block = new RegExp(`<!-- policy: ${who} -->\\n\`\`\`json\\n([^\`]+)`).exec(text)?.[1];
  if (block === undefined) throw new Error(`docs/SECURITY.md has no policy of a ${who}`);
  return JSON.parse(
    block.replaceAll(":::raw", `:::${raw}`).replaceAll(":::features", `:::${features}`),
  ) as Policy;
}

/** What the policy allows, one action on one resource at a time. */
function permissionsOf(policy: Policy): readonly (readonly [action: string, resource: string])[] {
  return policy.Statement.flatMap(({ Action, Resource }) =>
    Action.flatMap((action) => Resource.map((resource) => [action, resource] as const)),
  );
}

function policyFrom(permissions: ReturnType<typeof permissionsOf>): Policy {
  return {
    Version: "2012-10-17",
    Statement: permissions.map(([action, resource]) => ({
      Effect: "Allow",
      Action: [action],
      Resource: [resource],
    })),
  };
}

/** How a run ended, and the permission that it says it needs. */
function deniedBy(finished: Finished): Record<string, unknown> {
  const { exit, code, details } = errorOf(finished);
  return { exit, code, needs: details["needs"] };
}

describeS3("with the policies of docs/SECURITY.md", (server) => {
  let orders: Orders;
  let raw: string;

  beforeAll(async () => {
    orders = await createOrders({ objects: 2, rows: 1000 });
    raw = await createTestBucket(server);
    const client = createTestClient(server);
    for (const day of ["01", "02"]) {
      const key = `day=2026-01-${day}/orders.parquet`;
      const Body = await readFile(join(orders.folder, "raw", key));
      await client.send(new PutObjectCommand({ Bucket: raw, Key: `orders/${key}`, Body }));
    }
    client.destroy();
  });
  afterAll(() => orders[Symbol.asyncDispose]());

  test("the job runs, is verified, and rolls back; a consumer reads and watches, and may do nothing else", async () => {
    const features = await createTestBucket(server);
    const job = await orders.job(`s3://${features}/orders`, `s3://${raw}/orders`);
    const worker = await environmentWith(server, await policyOf("job", raw, features));
    for (const args of [
      ["store", "check", job],
      ["apply", job],
      ["apply", job],
      ["verify", job, "--deep"],
    ])
      expect(await runCli(args, worker)).toMatchObject({ code: 0 });

    const collector = await environmentWith(server, await policyOf("gc", raw, features));
    expect(await runCli(["gc", job, "--delete"], collector)).toMatchObject({ code: 0 });

    const consumer = await environmentWith(server, await policyOf("consumer", raw, features));
    expect(await runCli(["status", job], consumer)).toMatchObject({ code: 0 });
    expect(await runCli(["files", job], consumer)).toMatchObject({ code: 0 });
    expect(await runCli(["watch", job, "--once"], consumer)).toMatchObject({ code: 0 });
    const training = [
      "watch",
      job,
      "--once",
      "--consumer",
      "nightly",
      "--exec",
      "true",
      "--log-format",
      "json",
    ];
    expect(deniedBy(await runCli(training, consumer))).toEqual({
      exit: 10,
      code: "ACCESS_DENIED",
      needs: "s3:PutObject",
    });
    const withReceipts = await policyOf("consumer with receipts", raw, features);
    expect(await runCli(training, await environmentWith(server, withReceipts))).toMatchObject({ code: 0 });
    expect(
      deniedBy(await runCli(["rollback", job, "--to", "1", "--log-format", "json"], consumer)).exit,
    ).not.toBe(0);
    expect(deniedBy(await runCli(["apply", job, "--log-format", "json"], consumer))).toMatchObject({
      exit: 10,
      code: "ACCESS_DENIED",
    });
  });

  test("store check tells of a role that may write what no job writes, and writes nothing to find out", async () => {
    const features = await createTestBucket(server);
    const job = await orders.job(`s3://${features}/orders`, `s3://${raw}/orders`);
    const least = await policyOf("job", raw, features);
    const anywhere = `arn:aws:s3:::*`;
    for (const [more, told] of [
      [[], []],
      [[`arn:aws:s3:::${raw}/*`], ["the source can only be read"]],
      [[`arn:aws:s3:::${features}/*`], ["nothing beside the destination can be written"]],
      [[anywhere], ["the source can only be read", "nothing beside the destination can be written"]],
    ] as const) {
      const Statement = [...least.Statement, ...policyFrom(more.map((on) => ["s3:PutObject", on])).Statement];
      const role = await environmentWith(server, { ...least, Statement });
      const finished = await runCli(["store", "check", job, "--json"], role);
      expect(finished).toMatchObject({ code: 0 });
      const { checks } = JSON.parse(finished.stdout) as StoreCheckReport;
      expect(checks.flatMap(({ outcome, name }) => (outcome === "broken" ? [name] : []))).toEqual([
        "uploads that were not finished are listed",
        ...told,
      ]);
    }
    const client = createTestClient(server);
    const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: raw }));
    const left = await client.send(new ListObjectsV2Command({ Bucket: features }));
    client.destroy();
    expect(Contents.map(({ Key }) => Key)).toEqual([
      "orders/day=2026-01-01/orders.parquet",
      "orders/day=2026-01-02/orders.parquet",
    ]);
    expect(left.Contents ?? []).toEqual([]);
  });

  test("without any one of its permissions the job ends with exit 10 and names it, but for the tidying of uploads", async () => {
    const needed = permissionsOf(await policyOf("job", raw, "features"));
    expect(needed).toHaveLength(7);
    for (const [action, resource] of needed) {
      const features = await createTestBucket(server);
      const all = permissionsOf(await policyOf("job", raw, features));
      const missing = resource.replace(":::features", `:::${features}`);
      const policy = policyFrom(all.filter(([one, on]) => one !== action || on !== missing));
      expect(policy.Statement).toHaveLength(6);
      const job = await orders.job(`s3://${features}/orders`, `s3://${raw}/orders`);
      const finished = await runCli(
        ["apply", job, "--log-format", "json"],
        await environmentWith(server, policy),
      );
      expect({ missing, ...deniedBy(finished) }).toEqual(
        action === "s3:AbortMultipartUpload"
          ? { missing, exit: 0, code: undefined, needs: undefined }
          : { missing, exit: 10, code: "ACCESS_DENIED", needs: action },
      );
    }
  });
});
