import { randomBytes } from "node:crypto";

import type { TestProject } from "vitest/node";

import { findMinio } from "./find-minio.ts";
import { removeTestBuckets, startMinio } from "./minio.ts";
import type { S3TestServer } from "./minio.ts";
import { buildProgram } from "./program.ts";

/**
 * The program that end-to-end tests run, and the S3 server of the run, first that is there: the one that `S3_ENDPOINT` names,
 * or a MinIO of our own (`find-minio.ts`). Without one the S3 tests are skipped by name; with `CI` set that is a failure.
 */
export default async function setUp(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  buildProgram();
  const given = givenServer();
  if (given !== undefined) {
    project.provide("s3TestServer", given);
    return () => removeTestBuckets(given);
  }
  const source = await findMinio();
  if (source === undefined) {
    const message = "no S3 server: set S3_ENDPOINT with credentials, or install minio, Docker or Go";
    if (process.env["CI"] !== undefined && process.env["CI"] !== "") throw new Error(message);
    console.error(`${message}; the S3 tests are skipped`);
    project.provide("s3TestServer", null);
    return undefined;
  }
  const minio = await startMinio(source);
  const { endpoint, accessKeyId, secretAccessKey, region } = minio;
  project.provide("s3TestServer", { endpoint, accessKeyId, secretAccessKey, region });
  return () => minio.stop();
}

function givenServer(): S3TestServer | undefined {
  const {
    S3_ENDPOINT: endpoint,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
  } = process.env;
  if (endpoint === undefined || accessKeyId === undefined || secretAccessKey === undefined) return undefined;
  const bucketPrefix = `colonnade-test-${randomBytes(4).toString("hex")}-`;
  const region = process.env["AWS_REGION"] ?? "us-east-1";
  return { endpoint, accessKeyId, secretAccessKey, region, bucketPrefix };
}
