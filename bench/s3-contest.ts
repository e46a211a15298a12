import { readdirSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import pLimit from "p-limit";
import { createTestBucket, createTestClient, type S3TestServer } from "../test/support/minio.ts";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import { formatBytes } from "../src/cli/text/units.ts";
import { type Aim, type Contest, copyName, ownName } from "./contest.ts";
import { type Run, runProcess } from "./measure.ts";
import { program, writeJob } from "./parquet-contest.ts";
import type { Workload } from "./workloads.ts";

/** As many as the job of Colonnade has. */
const requests = 16;

/** Objects in a bucket, where an aim asks for it beside a program that gets and puts each. */
export async function s3Contest(
  workload: Workload,
  folder: string,
  server: S3TestServer,
  aims: readonly Aim[],
): Promise<Contest> {
  const names = readdirSync(folder);
  const bytes = names.reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
  const bucket = await createTestBucket(server);
  const client = createTestClient(server);
  const limit = pLimit(requests);
  await Promise.all(
    names.map((name) =>
      limit(async () =>
        client.send(
          new PutObjectCommand({
            Bucket: bucket,
            Key: `raw/${name}`,
            Body: await readFile(join(folder, name)),
          }),
        ),
      ),
    ),
  );
  const environment = {
    AWS_ENDPOINT_URL: server.endpoint,
    AWS_REGION: server.region,
    AWS_ACCESS_KEY_ID: server.accessKeyId,
    AWS_SECRET_ACCESS_KEY: server.secretAccessKey,
  };
  let copies = 0;
  const copy = (): Promise<Run> => {
    copies += 1;
    const script = join(import.meta.dirname, "contenders/copy-s3.ts");
    return runProcess(
      process.execPath,
      [script, bucket, "raw/", `copy-${copies}/`, String(requests)],
      environment,
    );
  };
  const apply = async (target: string, nodeOptions: readonly string[] = []): Promise<Run> => {
    copies += 1;
    const job = await writeJob(target, workload, `s3://${bucket}/raw`, `s3://${bucket}/out-${copies}`);
    return runProcess(process.execPath, [...nodeOptions, program, "apply", job, "--json"], environment);
  };
  const isCompared = aims.some(({ kind }) => kind === "atMostCopies");
  return {
    title: `${workload.title}, on MinIO`,
    data: `${names.length.toLocaleString("en")} objects of ${formatBytes(bytes / names.length)}`,
    bytes,
    contenders: [
      ...(isCompared ? [{ name: copyName, run: copy, check: async () => {} }] : []),
      { name: ownName, run: (target) => apply(target), check: async () => {} },
    ],
    aims,
    profile: (target, profiles) => apply(target, ["--cpu-prof", `--cpu-prof-dir=${profiles}`]),
  };
}
