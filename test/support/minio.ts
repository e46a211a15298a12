import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, readFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectsCommand,
  ListBucketsCommand,
  paginateListObjectsV2,
  S3Client,
} from "@aws-sdk/client-s3";
import { describe, inject } from "vitest";

import { findMinio } from "./find-minio.ts";
import type { MinioSource } from "./find-minio.ts";

export interface S3TestServer {
  readonly endpoint: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly region: string;
  /** Buckets made by the run begin like this; they are removed at its end when the server is not its own. */
  readonly bucketPrefix?: string;
}

export interface RunningMinio extends S3TestServer {
  /** Ends the server and removes its data; to be called once done, although the death of this process does the same. */
  stop(): Promise<void>;
}

declare module "vitest" {
  export interface ProvidedContext {
    s3TestServer: S3TestServer | null;
  }
}

// The supervisor lives on a pipe from us. However we end, kill -9 included, the pipe closes, and the server and its
// data go. It is its own process group, so that Ctrl-C does not take it before the tests are done with it.
const supervisor = `
folder=$1; shift
exec 3<&0
"$@" </dev/null >"$folder/log" 2>&1 3<&- &
server=$!
{ cat <&3 >/dev/null; kill "$server"; } 2>/dev/null &
exec 3<&-
wait "$server"; wait "$server" 2>/dev/null
rm -rf "$folder"
`;

/**
 * Starts a MinIO of its own on a free loopback port, with random credentials and a temporary folder. Works outside
 * vitest too. Throws when this machine has none and cannot build one (see `find-minio.ts`).
 */
export async function startMinio(found?: MinioSource): Promise<RunningMinio> {
  const source = found ?? (await findMinio());
  if (source === undefined)
    throw new Error("no minio on the PATH or in the cache, no Docker daemon, no Go toolchain");
  const port = await freePort();
  const folder = await mkdtemp(join(tmpdir(), "colonnade-minio-"));
  const server: S3TestServer = {
    endpoint: `http://127.0.0.1:${port}`,
    accessKeyId: randomBytes(10).toString("hex"),
    secretAccessKey: randomBytes(20).toString("hex"),
    region: "us-east-1",
  };
  const child = spawn("/bin/sh", ["-c", supervisor, "minio", folder, ...commandLine(source, folder, port)], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
    env: {
      ...process.env,
      MINIO_ROOT_USER: server.accessKeyId,
      MINIO_ROOT_PASSWORD: server.secretAccessKey,
      MINIO_BROWSER: "off",
      MINIO_UPDATE: "off",
    },
  });
  child.unref();
  const stop = (): Promise<void> => stopSupervisor(child);
  try {
    await waitUntilReady(server.endpoint, child, join(folder, "log"));
  } catch (error) {
    await stop();
    throw error;
  }
  return { ...server, stop };
}

function commandLine(source: MinioSource, folder: string, port: number): string[] {
  const address = `127.0.0.1:${port}`;
  if (source.kind === "binary")
    return [source.path, "server", "--quiet", "--address", address, join(folder, "data")];
  const container = ["-p", `${address}:9000`, "-e", "MINIO_ROOT_USER", "-e", "MINIO_ROOT_PASSWORD"];
  return ["docker", "run", "--rm", ...container, source.image, "server", "--quiet", "/data"];
}

async function stopSupervisor(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.ref();
  await new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
    child.stdin?.destroy();
  });
}

async function waitUntilReady(endpoint: string, child: ChildProcess, logPath: string): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (performance.now() < deadline) {
    if (child.exitCode !== null) throw new Error("minio ended before it was ready");
    // The cluster check comes last on start-up: buckets can be made from then on.
    const ready = await fetch(`${endpoint}/minio/health/cluster`).then(
      (reply) => reply.ok,
      () => false,
    );
    if (ready) return;
    await sleep(50);
  }
  throw new Error(`minio was not ready after a minute:\n${await readFile(logPath, "utf8").catch(() => "")}`);
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve, reject) => {
    probe.once("error", reject).listen(0, "127.0.0.1", resolve);
  });
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no free port");
  return address.port;
}

/** The server that the run's global setup found or started; undefined when there is none. In vitest only. */
export function s3TestServer(): S3TestServer | undefined {
  return inject("s3TestServer") ?? undefined;
}

/** A `describe` that runs with a server and is reported as skipped, by its name, without one. */
export function describeS3(name: string, body: (server: S3TestServer) => void): void {
  const server = s3TestServer();
  const suffix = server === undefined ? " (no S3 server was found)" : "";
  describe.skipIf(server === undefined)(`${name}${suffix}`, () => {
    body(server ?? unreachableServer);
  });
}

const unreachableServer: S3TestServer = {
  endpoint: "http://127.0.0.1:1",
  accessKeyId: "none",
  secretAccessKey: "none",
  region: "us-east-1",
};

/** An SDK client for what a test must do or see behind the store's back. The caller destroys it. */
export function createTestClient(server: S3TestServer): S3Client {
  const { accessKeyId, secretAccessKey } = server;
  return new S3Client({
    endpoint: server.endpoint,
    region: server.region,
    credentials: { accessKeyId, secretAccessKey },
    forcePathStyle: true,
  });
}

/** Makes an empty bucket of a random name and returns the name. Defaults to the run's server. */
export async function createTestBucket(server: S3TestServer | undefined = s3TestServer()): Promise<string> {
  if (server === undefined) throw new Error("no S3 server for a test bucket");
  const bucket = `${server.bucketPrefix ?? "colonnade-test-"}${randomBytes(8).toString("hex")}`;
  const client = createTestClient(server);
  try {
    await client.send(new CreateBucketCommand({ Bucket: bucket }));
  } finally {
    client.destroy();
  }
  return bucket;
}

/** Removes every bucket whose name begins with the server's `bucketPrefix`, objects included. */
export async function removeTestBuckets(server: S3TestServer): Promise<void> {
  const client = createTestClient(server);
  const { Buckets: buckets = [] } = await client.send(new ListBucketsCommand({}));
  for (const { Name: bucket = "" } of buckets) {
    if (server.bucketPrefix === undefined || !bucket.startsWith(server.bucketPrefix)) continue;
    for await (const page of paginateListObjectsV2({ client }, { Bucket: bucket })) {
      const keys = (page.Contents ?? []).map(({ Key }) => ({ Key }));
      if (keys.length > 0)
        await client.send(new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects: keys } }));
    }
    await client.send(new DeleteBucketCommand({ Bucket: bucket }));
  }
  client.destroy();
}
