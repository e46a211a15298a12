import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { describe, expect, onTestFinished, test } from "vitest";

import { randomIds, systemClock } from "../../src/base/clock.ts";
import { readPointer } from "../../src/dataset/pointer.ts";
import { publishVersion } from "../../src/dataset/publish-version.ts";
import type { Publication, PublishResult } from "../../src/dataset/publish-version.ts";
import { rollback } from "../../src/dataset/rollback.ts";
import { createFileStore } from "../../src/store/file.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { createS3Store } from "../../src/store/s3.ts";
import type { ObjectStore } from "../../src/store/object-store.ts";
import { raceRounds, recordFigures } from "../support/long-runs.ts";
import { readGenerations, readServed } from "../support/check-destination.ts";
import { createTestBucket, describeS3 } from "../support/minio.ts";
import type { S3TestServer } from "../support/minio.ts";
import { collect, lineOf, publicationOf, putData } from "../support/dataset-fixtures.ts";

const lines = [lineOf("2026-01-01")];
const writers = 20;

/** As one writer sees the store, and as the next one does: clients of their own, where there are clients. */
type Connect = () => ObjectStore;

async function temporaryFolder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "colonnade-race-"));
  onTestFinished(() => rm(path, { recursive: true }));
  return path;
}

async function connectMemory(): Promise<Connect> {
  const store = createMemoryStore();
  return () => store;
}

async function connectFolder(): Promise<Connect> {
  const rootPath = await temporaryFolder();
  return () => createFileStore({ rootPath });
}

async function connectBucket(server: S3TestServer): Promise<Connect> {
  const bucket = await createTestBucket(server);
  const { endpoint, region, accessKeyId, secretAccessKey } = server;
  return () => {
    const credentials = { accessKeyId, secretAccessKey };
    const store = createS3Store({ bucket, prefix: "migrated", endpoint, region, credentials });
    onTestFinished(() => store.close());
    return store;
  };
}

async function publish(store: ObjectStore, more: Partial<Publication> = {}): Promise<PublishResult> {
  const destination = { store, clock: systemClock, ids: randomIds() };
  return publishVersion(destination, publicationOf(await readPointer(store, "current"), lines, more));
}

function describeRaces(connect: () => Promise<Connect>): void {
  test.each(["first", "later"])(
    "20 writers on one base make one generation each: the %s ones",
    async (which) => {
      const open = await connect();
      await putData(open(), lines);
      const before = which === "first" ? 0 : 1;
      if (before === 1) await publish(open());

      const stores = Array.from({ length: writers }, open);
      for (let round = 0; round < raceRounds; round += 1) {
        const race = stores.map((store, writer) => publish(store, { reason: `by ${writer} in ${round}` }));
        const results = await Promise.all(race);
        expect(results.map(({ outcome }) => outcome)).toEqual(results.map(() => "committed"));
      }
      recordFigures("races of twenty real writers, on memory, a folder and MinIO", {
        rounds: raceRounds,
        commits: writers * raceRounds,
      });
      const generations = await readGenerations(open());
      const expected = before + writers * raceRounds;
      expect(generations).toHaveLength(expected);
      expect(new Set(generations.map(({ reason }) => reason)).size).toBe(expected);
      expect(new Set(generations.map(({ version }) => version)).size).toBe(expected);
      expect((await readServed(open()))?.lines).toEqual(lines);
    },
    60_000 * raceRounds,
  );

  test("20 writers that do not rebase make one generation together, and 19 know who won", async () => {
    const open = await connect();
    await putData(open(), lines);
    const race = Array.from({ length: writers }, () => publish(open(), { onLost: () => "conflict" }));
    const outcomes = Map.groupBy(await Promise.all(race), ({ outcome }) => outcome);
    expect(outcomes.get("committed")).toHaveLength(1);
    expect(outcomes.get("conflict")).toHaveLength(writers - 1);
    const [winner] = await readGenerations(open());
    expect(await readGenerations(open())).toHaveLength(1);
    for (const loser of outcomes.get("conflict") ?? [])
      expect(loser).toMatchObject({ current: { pointer: { writeId: winner?.writeId } } });
  });

  test("a publication, a rollback and a rerun, as an operator would do them", async () => {
    const open = await connect();
    await putData(open(), lines);
    await publish(open());
    await publish(open());
    const destination = { store: open(), clock: systemClock, ids: randomIds() };
    await rollback(destination, { channel: "current", toVersion: 1, reason: "drift" });
    expect((await readServed(open()))?.pointer).toMatchObject({ generation: 3, version: 1 });
    const keys = (await collect(open().list(""))).map(({ key }) => key);
    expect(keys.filter((key) => !key.startsWith("data/"))).toEqual([
      "history/current/00000001.json",
      "history/current/00000002.json",
      "history/current/00000003.json",
      "pointers/current.json",
      "versions/000001/claim.json",
      "versions/000001/files-0000.jsonl.gz",
      "versions/000001/manifest.json",
      "versions/000002/claim.json",
      "versions/000002/files-0000.jsonl.gz",
      "versions/000002/manifest.json",
    ]);
  });
}

describe("in memory", () => {
  describeRaces(connectMemory);
});

describe("in a folder", () => {
  describeRaces(connectFolder);
});

describeS3("on a real S3 server", (server) => {
  describeRaces(() => connectBucket(server));
});

test("20 writers in 4 processes on one folder make one generation each", async () => {
  const rootPath = await temporaryFolder();
  const store = createFileStore({ rootPath });
  await putData(store, lines);
  await publish(store);
  const script = join(import.meta.dirname, "../support/racing-writer.ts");
  const processes = Array.from({ length: 4 }, (_, index) =>
    spawn(process.execPath, [script, rootPath, `process-${index}`, String(writers / 4)], {
      stdio: ["pipe", "pipe", "inherit"],
    }),
  );
  const ended = processes.map(async (child) => {
    const output = child.stdout.setEncoding("utf8").toArray();
    await once(child, "exit");
    return (await output).join("").trim().split("\n");
  });
  for (const child of processes) child.stdin.end();
  const outcomes = (await Promise.all(ended)).flat();
  expect(outcomes).toEqual(Array.from({ length: writers }, () => '"committed"'));
  expect(await readGenerations(store)).toHaveLength(1 + writers);
}, 60_000);
