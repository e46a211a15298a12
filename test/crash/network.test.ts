import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { randomIds, systemClock } from "../../src/base/clock.ts";
import { toColonnadeError } from "../../src/base/errors.ts";
import { rollback } from "../../src/dataset/rollback.ts";
import { applyJob } from "../../src/execute/apply-job.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { type ObjectStore, unconditional } from "../../src/store/object-store.ts";
import { createS3Store } from "../../src/store/s3.ts";
import { readGenerations, readServed } from "../support/check-destination.ts";
import { type FaultProxy, networkFaults, startFaultProxy } from "../support/fault-proxy.ts";
import { faultSamples, recordFigures } from "../support/long-runs.ts";
import { createTestBucket, describeS3, type S3TestServer } from "../support/minio.ts";
import { createWorkspace, version, type Workspace } from "../support/migration.ts";
import { runGc } from "../support/run-gc.ts";

/**
 * Between our client with the real SDK and a real server: each fault at calls of a first apply, a second one, a rollback and a gc. Only
 * so many calls a fault in `npm test`, all of them in the soak.
 */
const versions = [
  version(1, `\n    - { id: 1, name: trip, type: int64 }\n    - { id: 2, name: noise, type: float64 }\n`),
  version(2, `\n    - { id: 1, name: trip_id, type: int64 }\n    - { id: 2, name: noise, type: float64 }\n`),
];

let workspace: Workspace;
const objects = new Map<string, Uint8Array>();

beforeAll(async () => {
  workspace = await createWorkspace();
  // The first is more than one part of a multipart upload.
  for (const [key, rows] of [
    ["a.parquet", 1_200_000],
    ["b.parquet", 1000],
    ["c.parquet", 1000],
  ] as const) {
    await workspace.write(key, `SELECT i AS trip, hash(i) / 3.0 AS noise FROM range(${rows}) t(i)`);
    objects.set(key, await readFile(`${workspace.folder}/raw/${key}`));
  }
});

afterAll(() => workspace[Symbol.asyncDispose]());

interface World {
  /** To the server itself. */
  readonly direct: ObjectStore;
  readonly throughProxy: ObjectStore;
  readonly source: ObjectStore;
}

async function createWorld(server: S3TestServer, bucket: string, proxy: FaultProxy): Promise<World> {
  const prefix = randomIds().next();
  const open = (endpoint: string): ObjectStore =>
    createS3Store({
      bucket,
      prefix,
      endpoint,
      region: server.region,
      credentials: { accessKeyId: server.accessKeyId, secretAccessKey: server.secretAccessKey },
      retry: { attempts: 3, baseMs: 1, capMs: 5 },
      idleTimeoutMs: 5_000,
    });
  return {
    direct: open(server.endpoint),
    throughProxy: open(proxy.endpoint),
    source: createMemoryStore({ name: "raw" }),
  };
}

async function offer(source: ObjectStore, ...keys: readonly string[]): Promise<void> {
  for (const key of keys) await source.put(key, objects.get(key) ?? new Uint8Array(), unconditional);
}

async function apply({ source }: World, destination: ObjectStore): Promise<string> {
  const context = { ...workspace.context(versions), source, destination };
  return (await applyJob(context)).outcome;
}

async function twoVersions(world: World): Promise<void> {
  for (const key of ["b.parquet", "c.parquet"]) {
    await offer(world.source, key);
    await apply(world, world.direct);
  }
}

const scenarios = {
  "a first apply": {
    prepare: async ({ source }: World) => offer(source, "a.parquet", "b.parquet"),
    run: apply,
    again: "upToDate",
  },
  "an apply of one more object": {
    prepare: async (world: World) => {
      await offer(world.source, "b.parquet");
      await apply(world, world.direct);
      await offer(world.source, "a.parquet");
    },
    run: apply,
    again: "upToDate",
  },
  "a rollback": {
    prepare: twoVersions,
    run: async (_: World, store: ObjectStore) => {
      const destination = { store, clock: systemClock, ids: randomIds() };
      return (await rollback(destination, { channel: "current", toVersion: 1, reason: "" })).outcome;
    },
    again: "VERSION_SERVED",
  },
  "a gc": {
    prepare: twoVersions,
    run: async (_: World, store: ObjectStore) => {
      await runGc({ store, clock: systemClock, ids: randomIds() });
      return "collected";
    },
    again: "collected",
  },
} as const;

/** The last of the calls only tidies up. */
const expiry = /^(CREDENTIALS_INVALID|committed|collected|unknown)$/;

/** How it ended: an outcome, or the kind of an error, with its code. */
async function outcomeOf(run: () => Promise<string>): Promise<string> {
  try {
    return await run();
  } catch (thrown) {
    const { kind, code } = toColonnadeError(thrown);
    return kind === "invalid" ? code : kind;
  }
}

/** What is served, without what differs from store to store. */
async function contentOf(store: ObjectStore): Promise<unknown> {
  const served = await readServed(store);
  return served?.lines.map(({ source, crc32, rows, bytes }) => [source.key, crc32, rows, bytes]);
}

describeS3("between the SDK and a real server", (server) => {
  let proxy: FaultProxy;
  let bucket: string;
  beforeAll(async () => {
    proxy = await startFaultProxy(server.endpoint);
    bucket = await createTestBucket(server);
  });
  afterAll(() => proxy.close());

  test.each(Object.keys(scenarios) as (keyof typeof scenarios)[])(
    "%s, whatever becomes of a request or its reply: what is served stays complete, nothing untrue is said, and a rerun converges",
    async (name) => {
      const { prepare, run, again } = scenarios[name];
      const calm = await createWorld(server, bucket, proxy);
      await prepare(calm);
      proxy.arm();
      const done = await run(calm, calm.throughProxy);
      const { calls } = proxy;
      const expected = await contentOf(calm.direct);
      const generations = (await readGenerations(calm.direct)).length;
      expect(calls).toBeGreaterThan(10);
      recordFigures("between the SDK and MinIO: a first and a later apply, a rollback, a gc", {
        calls,
        tried: networkFaults.length * faultSamples(calls, "").length,
      });

      const metBefore = proxy.met;
      let tried = 0;
      for (const kind of networkFaults) {
        for (const at of faultSamples(calls, `${name} ${kind}`)) {
          const world = await createWorld(server, bucket, proxy);
          await prepare(world);
          const before = await contentOf(world.direct);
          const generationsBefore = (await readGenerations(world.direct)).length;
          proxy.arm({ at, kind });
          const outcome = await outcomeOf(() => run(world, world.throughProxy));
          proxy.arm();
          tried += 1;

          const committed = (await readGenerations(world.direct)).length > generationsBefore;
          const where = `${kind} at call ${at} of ${calls}`;
          expect({
            where,
            outcome,
            told: name === "a gc" || outcome === "unknown" || (outcome === "committed") === committed,
            content: await contentOf(world.direct),
          }).toEqual({
            where,
            outcome: expect.stringMatching(
              kind === "expired" ? expiry : /^(committed|collected|unavailable|unknown)$/,
            ),
            told: true,
            content: committed ? expected : before,
          });

          expect({ where, again: await outcomeOf(() => run(world, world.direct)) }).toEqual({
            where,
            again: committed ? again : done,
          });
          expect({ where, content: await contentOf(world.direct) }).toEqual({ where, content: expected });
          expect((await readGenerations(world.direct)).length).toBe(generations);
          await Promise.all([world.direct.close(), world.throughProxy.close()]);
        }
      }
      // Objects are done side by side: now and then a run has a call less than the calm one.
      expect(proxy.met - metBefore).toBeGreaterThan(0.8 * tried);
    },
    60_000 + 4_000 * networkFaults.length * faultSamples(100, "").length,
  );
});
