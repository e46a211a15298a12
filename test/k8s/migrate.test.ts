/**
 * The real program under the real controllers: the manifests of `deploy/` migrate the flights on a real S3
 * server, from the packed package, as the image has it.
 */
import { mkdtempSync, rmSync, readdirSync, readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { exitCodes } from "../../src/base/errors.ts";
import { manifestSchema, pointerSchema } from "../../src/dataset/formats.ts";
import type { Pointer, Totals } from "../../src/dataset/formats.ts";
import { writeFlights } from "../support/flights-data.ts";
import { startMinio } from "../support/minio.ts";
import type { RunningMinio } from "../support/minio.ts";
import { imageEntrypoint, imageMounts, installPackedApp } from "../support/packed-app.ts";
import { exitCodeOf, missingForCluster, namespace, startCluster } from "./support/cluster.ts";
import type { Cluster, Job } from "./support/cluster.ts";
import { eventually } from "./support/control-plane.ts";
import { applyManifests, jobManifest, jobSpecOf, renderManifests } from "./support/manifests.ts";
import type { Manifest } from "./support/manifests.ts";
import type { Pod } from "./support/pod.ts";
import { startProxy } from "./support/proxy.ts";

const missing = await missingForCluster();
const bucket = "datasets";
const rows = 60_000;

describe.skipIf(missing)(`migration${missing === undefined ? "" : ` (${missing})`}`, () => {
  const directory = mkdtempSync(join(tmpdir(), "colonnade-k8s-app-"));
  let cluster: Cluster;
  let minio: RunningMinio;
  let s3: S3Client;

  beforeAll(async () => {
    const empty = join(directory, "empty");
    await mkdir(empty);
    const app = await installPackedApp(directory);
    minio = await startMinio();
    s3 = new S3Client({
      endpoint: minio.endpoint,
      region: minio.region,
      credentials: { accessKeyId: minio.accessKeyId, secretAccessKey: minio.secretAccessKey },
      forcePathStyle: true,
    });
    await s3.send(new CreateBucketCommand({ Bucket: bucket }));
    await writeFlights(join(directory, "flights"), { rows, objectsPerMonth: 8 });
    await upload(join(directory, "flights"), "flights/raw");
    const image = { entrypoint: imageEntrypoint, mounts: imageMounts(app, empty), env: { HOME: "/tmp" } };
    cluster = await startCluster(() => image);
    await createSecret("colonnade-store", minio.endpoint);
  });
  afterAll(async () => {
    await cluster?.stop();
    s3?.destroy();
    await minio?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  async function upload(from: string, prefix: string): Promise<void> {
    for (const path of readdirSync(from, { recursive: true, encoding: "utf8" })) {
      if (!path.endsWith(".parquet")) continue;
      const Key = `${prefix}/${relative(from, join(from, path))}`;
      await s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: readFileSync(join(from, path)) }));
    }
  }

  async function createSecret(name: string, endpoint: string): Promise<void> {
    const stringData = {
      AWS_ACCESS_KEY_ID: minio.accessKeyId,
      AWS_SECRET_ACCESS_KEY: minio.secretAccessKey,
      AWS_REGION: minio.region,
      AWS_ENDPOINT_URL: endpoint,
    };
    await applyManifests(cluster, [
      { apiVersion: "v1", kind: "Secret", metadata: { name }, stringData } as Manifest,
    ]);
  }

  async function readJson(key: string): Promise<unknown> {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    return JSON.parse((await Body?.transformToString()) ?? "null");
  }

  /** What `<destination>/pointers/current.json` names. */
  async function readVersion(destination: string): Promise<{ pointer: Pointer; totals: Totals }> {
    const pointer = pointerSchema.parse(await readJson(`${destination}/pointers/current.json`));
    const { totals } = manifestSchema.parse(await readJson(`${destination}/${pointer.manifest.key}`));
    return { pointer, totals };
  }

  /** Key and modification time of every data object of the destination. */
  async function dataObjects(destination: string): Promise<Map<string, number>> {
    const Prefix = `${destination}/data/`;
    const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix }));
    return new Map(Contents.map(({ Key = "", LastModified }) => [Key, LastModified?.getTime() ?? 0]));
  }

  /** The backfill Job under another name with a destination of its own, and edits to its text. */
  async function startBackfill(
    name: string,
    edits: readonly (readonly [string, string])[],
  ): Promise<{ job: string }> {
    const own = [
      ["flights/migrated", name],
      ["colonnade-jobs", `jobs-${name}`],
    ] as const;
    let text = JSON.stringify(await renderManifests(cluster, "backfill"));
    for (const [from, to] of [...own, ...edits]) {
      expect(text).toContain(from);
      text = text.replaceAll(from, to);
    }
    const manifests = JSON.parse(text) as Manifest[];
    const job = `backfill-${name}`;
    const others = manifests.filter(({ kind }) => kind !== "Job");
    await applyManifests(cluster, [...others, jobManifest(job, jobSpecOf(manifests))]);
    return { job };
  }

  /** The JSON lines of a pod's log that tell of one kind of event. */
  function eventsOf(pod: Pod, event: string): Record<string, unknown>[] {
    const lines = cluster.kubelet.log(pod).split("\n");
    const events = lines
      .filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    return events.filter((each) => each["event"] === event);
  }

  test("the CronJob fires and migrates; its next run finds nothing to do", async () => {
    const manifests = await renderManifests(cluster, "cronjob");
    for (const { kind, spec } of manifests) {
      if (kind === "CronJob") (spec as { schedule: string }).schedule = "* * * * *";
    }
    await applyManifests(cluster, manifests);

    const jobs = `/apis/batch/v1/namespaces/${namespace}/jobs`;
    const fired = await eventually(
      "the CronJob has made two Jobs",
      async () => {
        const { items } = await cluster.api.get<{ items: Job[] }>(jobs);
        return items.length >= 2 && items.map(({ metadata }) => metadata.name).toSorted();
      },
      150_000,
    );
    for (const job of fired) expect(await cluster.jobEnd(job)).toMatchObject({ type: "Complete", failed: 0 });
    await cluster.kubectl(["delete", "cronjob", "--all", "-n", namespace]);

    const { pointer, totals } = await readVersion("flights/migrated");
    expect(pointer).toMatchObject({ generation: 1, version: 1 });
    expect(totals).toMatchObject({ rows, rowsQuarantined: 0 });
  });

  test("an evicted pod is replaced, and its successor redoes nothing that was done", async () => {
    const slow = await startProxy(minio.endpoint, 100);
    await createSecret("slow-store", `http://127.0.0.1:${slow.port}`);
    const { job } = await startBackfill("evicted", [["colonnade-store", "slow-store"]]);
    const { pod, done } = await eventually("a pod runs and has written three objects", async () => {
      const done = await dataObjects("evicted");
      const [pod] = await cluster.podsOf(job);
      return done.size >= 3 && pod?.status.phase === "Running" && { pod, done };
    });
    await cluster.evict(pod);

    expect(await cluster.jobEnd(job)).toMatchObject({ type: "Complete" });
    // An evicted pod is deleted: the one that is left is its successor.
    const [successor, ...others] = await cluster.podsOf(job);
    expect(others).toEqual([]);
    expect(successor?.metadata.uid).not.toBe(pod.metadata.uid);
    const [started] = successor === undefined ? [] : eventsOf(successor, "started");
    expect(started?.["resumed"]).toBeGreaterThanOrEqual(done.size);
    const { totals } = await readVersion("evicted");
    expect(totals.rows).toBe(rows);
    const after = await dataObjects("evicted");
    expect(after.size).toBe(totals.objects);
    for (const [key, modified] of done) expect(after.get(key)).toBe(modified);
    await slow.stop();
  });

  test("a store that is down is retried by the next pod, which finds it up again", async () => {
    const down = await startProxy(minio.endpoint, 0);
    await down.stop();
    await createSecret("down-store", `http://127.0.0.1:${down.port}`);
    const { job } = await startBackfill("down", [["colonnade-store", "down-store"]]);
    await eventually("the first pod has failed", async () => {
      const [pod] = await cluster.podsOf(job);
      return pod?.status.phase === "Failed" && exitCodeOf(pod) === exitCodes.unavailable;
    });
    const up = await startProxy(minio.endpoint, 0, down.port);
    expect(await cluster.jobEnd(job)).toMatchObject({ type: "Complete" });
    await up.stop();
  });

  test("a job file with a mistake fails the Job at once, and its log says which", async () => {
    const { job } = await startBackfill("mistaken", [["partitioning: hive", "partitioning: hvie"]]);
    expect(await cluster.jobEnd(job)).toMatchObject({
      type: "Failed",
      reason: "PodFailurePolicy",
      failed: 1,
    });
    const [pod] = await cluster.podsOf(job);
    expect(pod && exitCodeOf(pod)).toBe(exitCodes.invalid);
    expect(pod && eventsOf(pod, "error")).toMatchObject([
      { kind: "invalid", exitCode: 10, message: expect.stringContaining("partitioning") as string },
    ]);
  });

  test("an object that is no Parquet fails the Job at once, and its log names it", async () => {
    const Key = "broken/month=2001-01/torn.parquet";
    await s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: Buffer.from("PAR1 and no footer") }));
    const { job } = await startBackfill("torn", [["flights/raw", "broken"]]);
    expect(await cluster.jobEnd(job)).toMatchObject({
      type: "Failed",
      reason: "PodFailurePolicy",
      failed: 1,
    });
    const [pod] = await cluster.podsOf(job);
    expect(pod && exitCodeOf(pod)).toBe(exitCodes.data);
    expect(pod && cluster.kubelet.log(pod)).toContain("torn.parquet");
  });
});
