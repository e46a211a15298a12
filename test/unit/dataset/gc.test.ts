import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import type { Clock } from "../../../src/base/clock.ts";
import type { Destination } from "../../../src/dataset/commit.ts";
import type { GcReport } from "../../../src/dataset/gc/collect.ts";
import { KeySet } from "../../../src/dataset/gc/key-set.ts";
import { readMark } from "../../../src/dataset/gc/mark.ts";
import { pinVersion } from "../../../src/dataset/gc/pins.ts";
import { beginReceipt, type Generation } from "../../../src/dataset/gc/receipts.ts";
import { registerRun } from "../../../src/dataset/gc/registration.ts";
import type { Retention } from "../../../src/dataset/gc/retention.ts";
import { manifestKey, markKey, pointerKey } from "../../../src/dataset/layout.ts";
import { readPointer } from "../../../src/dataset/pointer.ts";
import { publishVersion } from "../../../src/dataset/publish-version.ts";
import { rollback } from "../../../src/dataset/rollback.ts";
import { createMemoryStore } from "../../../src/store/memory.ts";
import type { ObjectStore } from "../../../src/store/object-store.ts";
import { createOnly, unconditional } from "../../../src/store/object-store.ts";
import { readServed } from "../../support/check-destination.ts";
import { collect, countedIds, lineOf, publicationOf, putData } from "../../support/dataset-fixtures.ts";
import { runGc } from "../../support/run-gc.ts";

const dayMs = 24 * 3600 * 1000;

interface World {
  readonly store: ObjectStore;
  readonly destination: Destination;
  /** Lets days go by. */
  readonly wait: (days: number) => void;
  /** Publishes a version of these days and no other. */
  readonly publish: (...days: readonly string[]) => Promise<number>;
  readonly gc: (retention?: Partial<Retention>, isReal?: boolean) => Promise<GcReport>;
  readonly keys: (prefix: string) => Promise<string[]>;
}

function createWorld(name = "writer"): World {
  let timeMs = Date.UTC(2026, 0, 1);
  const clock: Clock = {
    now: () => new Date(timeMs),
    monotonicMs: () => timeMs,
    sleep: async (ms) => void (timeMs += ms),
  };
  const store = createMemoryStore({ clock });
  const destination = { store, clock, ids: countedIds(name) };
  return {
    store,
    destination,
    wait: (days) => void (timeMs += days * dayMs),
    publish: async (...days) => {
      const { mark } = await readMark(store);
      const lines = days.map((day) => lineOf(day, 1, mark.epoch));
      await putData(store, lines);
      const base = await readPointer(store, "current");
      const result = await publishVersion(destination, publicationOf(base, lines, { epoch: mark.epoch }));
      return result.outcome === "committed" ? result.pointer.version : 0;
    },
    gc: (retention = {}, isReal = true) =>
      runGc(destination, { retention: { runDays: 3, ...retention }, isReal }),
    keys: async (prefix) => (await collect(store.list(prefix))).map(({ key }) => key),
  };
}

/** Everything at a destination, to see that nothing was touched. */
async function contentOf(store: ObjectStore): Promise<Record<string, string>> {
  const objects = await collect(store.list(""));
  return Object.fromEntries(objects.map(({ key, etag }) => [key, etag]));
}

describe("versions", () => {
  test("stay while a channel serves them, whatever else goes, and what they share with others stays with them", async () => {
    const { store, publish, gc, keys } = createWorld();
    await publish("2026-01-01", "2026-01-02");
    await publish("2026-01-02", "2026-01-03");

    const report = await gc();

    expect(report).toMatchObject({
      kept: [{ version: 2, because: [{ reason: "served" }, { reason: "newest" }] }],
      removedVersions: [1],
      removed: { data: { objects: 1 }, version: { objects: 2 } },
    });
    expect((await readServed(store))?.lines).toHaveLength(2);
    expect(await keys("data/")).toHaveLength(2);
    expect(await keys("versions/")).toEqual([
      "versions/000001/claim.json",
      "versions/000002/claim.json",
      "versions/000002/files-0000.jsonl.gz",
      "versions/000002/manifest.json",
    ]);
  });

  test("the newest of each channel stay, and one is not counted twice after a rollback", async () => {
    const { destination, publish, gc } = createWorld();
    for (const day of ["1", "2", "3", "4"]) await publish(`2026-01-0${day}`);
    await rollback(destination, { channel: "current", toVersion: 3, reason: "" });

    const report = await gc({ versions: 3 });

    expect(report.kept.map(({ version }) => version)).toEqual([4, 3, 2]);
    expect(report.removedVersions).toEqual([1]);
  });

  test("stay for some days after they were served, not after they were made", async () => {
    const { publish, gc, wait } = createWorld();
    await publish("2026-01-01");
    wait(100);
    await publish("2026-01-02");
    wait(9);

    expect((await gc({ days: 10 })).kept.map(({ because }) => because.at(-1)?.reason)).toEqual([
      "newest",
      "recent",
    ]);
    wait(2);
    expect((await gc({ days: 10 })).removedVersions).toEqual([1]);
  });

  test("of every channel stay, those whose pointer somebody removed as well", async () => {
    const { store, destination, publish, gc } = createWorld();
    await publish("2026-01-01");
    const base = publicationOf(undefined, [lineOf("2026-01-02")], { channel: "canary" });
    await putData(store, [lineOf("2026-01-02")]);
    await publishVersion(destination, base);
    await store.delete(pointerKey("canary"));

    expect((await gc()).removedVersions).toEqual([]);
  });

  test("numbers are never used again", async () => {
    const { destination, publish, gc } = createWorld();
    await publish("2026-01-01");
    await publish("2026-01-02");
    await rollback(destination, { channel: "current", toVersion: 1, reason: "" });
    expect((await gc()).removedVersions).toEqual([2]);

    expect(await publish("2026-01-03")).toBe(3);
  });

  test("that are gone cannot be served again, and those that are left can", async () => {
    const { store, destination, publish, gc } = createWorld();
    for (const day of ["1", "2", "3"]) await publish(`2026-01-0${day}`);
    await gc({ versions: 2 });

    const back = (toVersion: number): Promise<unknown> =>
      rollback(destination, { channel: "current", toVersion, reason: "" });
    await expect(back(1)).rejects.toMatchObject({ kind: "invalid", code: "VERSION_MISSING" });
    await back(2);
    expect((await readServed(store))?.pointer.version).toBe(2);
  });
});

describe("runs", () => {
  test("that are heard of keep what they have written and the version they were planned upon", async () => {
    const { store, destination, publish, gc, wait, keys } = createWorld();
    await publish("2026-01-01");
    await registerRun(destination, "run-alive", "flights", { epoch: 0, base: 1 });
    const orphan = lineOf("2026-01-09");
    await putData(store, [orphan]);
    await publish("2026-01-02");

    const report = await gc();
    expect(report).toMatchObject({
      inUse: { objects: 1 },
      removed: { data: { objects: 0 } },
      runs: [{ run: "run-alive", isHeardOf: true }],
      kept: [{ version: 2 }, { version: 1, because: [{ reason: "run", run: "run-alive" }] }],
    });

    wait(4);
    expect(await gc()).toMatchObject({
      inUse: { objects: 0 },
      removedVersions: [1],
      removed: { data: { objects: 2 }, run: { objects: 1 } },
    });
    expect(await keys("runs/")).toEqual([]);
    expect(await keys("data/")).toHaveLength(1);
  });

  test("that were given up and come back are told before they can commit", async () => {
    const { store, destination, publish, gc } = createWorld();
    await publish("2026-01-01");
    const base = await readPointer(store, "current");
    const line = lineOf("2026-01-09");
    await putData(store, [line]);
    await gc();
    expect(await store.head(line.key)).toBeUndefined();

    await expect(publishVersion(destination, publicationOf(base, [line]))).rejects.toMatchObject({
      kind: "conflict",
      code: "RUN_OVERTAKEN",
      details: { epoch: 0, low: 1 },
    });
    expect((await readServed(store))?.pointer.version).toBe(1);
    // What it left has no pointer to vouch for it.
    await expect(
      rollback(destination, { channel: "current", toVersion: 2, reason: "" }),
    ).rejects.toMatchObject({ code: "RUN_OVERTAKEN" });
  });

  test("whose base is gone are told, although what they wrote is new", async () => {
    const { store, destination, publish, gc } = createWorld();
    await publish("2026-01-01");
    const base = await readPointer(store, "current");
    await publish("2026-01-02");
    await gc();
    const publication = publicationOf(base, [lineOf("2026-01-01")], { epoch: 1 });

    await expect(publishVersion(destination, publication)).rejects.toMatchObject({
      kind: "conflict",
      code: "BASE_REMOVED",
    });
  });
});

describe("what is about to be served", () => {
  test("stays while its pin can still come true, and the pin goes when it cannot", async () => {
    const { store, destination, publish, gc, keys } = createWorld();
    await publish("2026-01-01");
    await publish("2026-01-02");
    const base = await readPointer(store, "current");
    await pinVersion(destination, 1, "current", base?.etag);

    expect((await gc()).kept).toMatchObject([
      { version: 2 },
      { version: 1, because: [{ reason: "pinned", channel: "current" }] },
    ]);

    await publish("2026-01-03");
    expect(await gc()).toMatchObject({ removedVersions: [1, 2], removed: { pin: { objects: 1 } } });
    expect(await keys("gc/pins/")).toEqual([]);
  });
});

describe("what a consumer reads", () => {
  const generationOf = async (store: ObjectStore): Promise<Generation> => {
    const read = await readPointer(store, "current");
    return read?.pointer ?? { channel: "current", generation: 1, version: 1 };
  };

  test("stays until it has finished, and its receipts go with the version", async () => {
    const { store, destination, publish, gc, keys } = createWorld();
    await publish("2026-01-01");
    const finish = await beginReceipt(destination, "nightly", await generationOf(store));
    await publish("2026-01-02");

    expect(await gc()).toMatchObject({
      kept: [{ version: 2 }, { version: 1, because: [{ reason: "consumer", consumer: "nightly" }] }],
      removedVersions: [],
      removed: { receipt: { objects: 0 } },
    });

    await finish();
    expect(await keys("receipts/")).toEqual(["receipts/nightly/current/00000001.json"]);
    expect(await gc()).toMatchObject({ removedVersions: [1], removed: { receipt: { objects: 1 } } });
    expect(await keys("receipts/")).toEqual([]);
  });

  test("goes when nothing was heard of the consumer for consumerDays", async () => {
    const { store, destination, publish, gc, wait } = createWorld();
    await publish("2026-01-01");
    await beginReceipt(destination, "nightly", await generationOf(store));
    await publish("2026-01-02");
    wait(20);
    expect(await gc({ consumerDays: 21 })).toMatchObject({ removedVersions: [] });
    expect(await gc({ consumerDays: 19 })).toMatchObject({
      removedVersions: [1],
      removed: { receipt: { objects: 1 } },
    });
  });

  test("is refused to one that comes too late, whose receipt then keeps nothing", async () => {
    const { store, destination, publish, gc, keys } = createWorld();
    await publish("2026-01-01");
    const seen = await generationOf(store);
    await publish("2026-01-02");
    await gc();

    await expect(beginReceipt(destination, "nightly", seen)).rejects.toMatchObject({
      kind: "conflict",
      code: "VERSION_REMOVED",
    });
    expect(await gc()).toMatchObject({ removed: { receipt: { objects: 1 } } });
    expect(await keys("receipts/")).toEqual([]);
  });

  test("is kept for the last process that began, whatever an earlier one of its name says afterwards", async () => {
    const { store, destination, publish, gc } = createWorld();
    await publish("2026-01-01");
    const seen = await generationOf(store);
    const finishFirst = await beginReceipt(destination, "nightly", seen);
    const finishSecond = await beginReceipt(destination, "nightly", seen);
    await publish("2026-01-02");

    await finishFirst();
    expect(await gc()).toMatchObject({ removedVersions: [] });
    await finishSecond();
    expect(await gc()).toMatchObject({ removedVersions: [1] });
  });

  test("is what it began with last: an earlier one that it never finished is given up", async () => {
    const { store, destination, publish, gc } = createWorld();
    for (const day of ["1", "2", "3"]) {
      await publish(`2026-01-0${day}`);
      if (day !== "3") await beginReceipt(destination, "nightly", await generationOf(store));
    }
    expect(await gc()).toMatchObject({ kept: [{ version: 3 }, { version: 2 }], removedVersions: [1] });
  });

  test("stays when its version was published and its reading began while a gc was at work", async () => {
    const { store, destination, publish, keys } = createWorld();
    await publish("2026-01-01");
    await putData(store, [lineOf("2026-01-09")]);
    let begun = 0;
    const busy: ObjectStore = {
      ...store,
      async *list(prefix, options) {
        if (prefix === "receipts/") {
          begun += 1;
          await publish(`2026-02-0${begun}`);
          await beginReceipt(destination, `consumer-${begun}`, await generationOf(store));
        }
        yield* store.list(prefix, options);
      },
    };

    await runGc({ ...destination, store: busy });
    expect(begun).toBeGreaterThan(1);
    expect(await keys("receipts/")).toHaveLength(begun);
  });

  test.each(["", "Nightly", "../data", "a/b", "x".repeat(64)])(
    "has no receipt under the name %j",
    async (consumer) => {
      const { store, destination, publish } = createWorld();
      await publish("2026-01-01");
      await expect(beginReceipt(destination, consumer, await generationOf(store))).rejects.toMatchObject({
        kind: "invalid",
        code: "CONSUMER_INVALID",
      });
    },
  );
});

describe("garbage", () => {
  test("of failed runs goes: data, quarantine, file lists, uploads, scratch", async () => {
    const { store, publish, gc, wait, keys } = createWorld();
    await publish("2026-01-01");
    const orphan = lineOf("2026-01-09");
    await putData(store, [orphan]);
    const put = (key: string): Promise<unknown> => store.put(key, Buffer.from("x"), unconditional);
    await put(orphan.key.replace("data/", "quarantine/"));
    await store.put(
      "versions/000002/claim.json",
      Buffer.from(
        JSON.stringify({
          format: "colonnade/claim/1",
          version: 2,
          writeId: "dead",
          run: "run-dead",
          claimedAt: "2026-01-01T00:00:00.000Z",
        }),
      ),
      createOnly,
    );
    await put("versions/000002/files-0000.jsonl.gz");
    await put("checks/dead/x");
    const writer = await store.createWriter(orphan.key);
    wait(4);

    const report = await gc();

    expect(report.removed).toMatchObject({
      data: { objects: 1 },
      quarantine: { objects: 1, bytes: 1 },
      version: { objects: 1 },
      upload: { objects: 1 },
      scratch: { objects: 1 },
    });
    expect(await keys("checks/")).toEqual([]);
    expect(await keys("versions/000002/")).toEqual(["versions/000002/claim.json"]);
    await expect(writer.complete()).rejects.toMatchObject({ code: "UPLOAD_LOST" });
    expect((await gc()).removed.data.objects).toBe(0);
  });

  test("that is not ours is counted and stays", async () => {
    const { store, publish, gc } = createWorld();
    await publish("2026-01-01");
    const foreign = ["data/notes.txt", "data/day=2026-01-01/part-0.parquet", "quarantine/x.parquet"];
    for (const key of [...foreign, "elsewhere/x", "versions/notes.txt", "runs/notes.txt"])
      await store.put(key, Buffer.from("theirs"), createOnly);
    const before = await contentOf(store);

    expect(await gc({ versions: 1 })).toMatchObject({ foreign: { objects: 3, bytes: 18 } });
    expect(await contentOf(store)).toEqual(before);
  });

  test("a dry run says the same and touches nothing; where nothing is to do, nothing is touched either", async () => {
    const { store, publish, gc } = createWorld();
    await publish("2026-01-01");
    await publish("2026-01-02");
    const before = await contentOf(store);

    const dry = await gc({}, false);
    expect(await contentOf(store)).toEqual(before);
    const real = await gc();
    expect({ ...dry, isReal: true }).toEqual(real);

    const after = await contentOf(store);
    expect(await gc()).toMatchObject({ removedVersions: [], removed: { data: { objects: 0 } } });
    expect(await contentOf(store)).toEqual(after);
    expect(after[markKey]).toBeDefined();
  });
});

describe("damage", () => {
  test.each([
    ["a pointer", pointerKey("current"), "POINTER_INVALID"],
    ["the manifest of a served version", manifestKey(2), "DIGEST_MISMATCH"],
    ["a file list of a served version", "versions/000002/files-0000.jsonl.gz", "DIGEST_MISMATCH"],
    ["the mark", markKey, "MARK_INVALID"],
    ["a pin", "gc/pins/x.json", "PIN_INVALID"],
    ["a registration", "runs/run-x/started.json", "REGISTRATION_INVALID"],
    ["a receipt", "receipts/x/current/00000001.json", "RECEIPT_INVALID"],
  ])("of %s ends it before anything is removed: what it protects is not known", async (_, key, code) => {
    const { store, publish, gc } = createWorld();
    await publish("2026-01-01");
    await publish("2026-01-02");
    await putData(store, [lineOf("2026-01-09")]);
    await store.put(key, Buffer.from("{}"), unconditional);
    const before = await contentOf(store);

    await expect(gc()).rejects.toMatchObject({ kind: "data", code });
    expect(await contentOf(store)).toEqual(before);
  });

  test.each([
    [markKey, "colonnade/gc-mark/2"],
    ["gc/pins/x.json", "colonnade/gc-pin/2"],
    ["runs/run-x/started.json", "colonnade/run/2"],
    ["receipts/x/current/00000001.json", "colonnade/receipt/2"],
  ])("%s of a newer Colonnade is refused, and nothing is touched", async (key, format) => {
    const { store, publish, gc } = createWorld();
    await publish("2026-01-01");
    await publish("2026-01-02");
    await store.put(key, Buffer.from(JSON.stringify({ format })), createOnly);
    const before = await contentOf(store);

    await expect(gc()).rejects.toMatchObject({ kind: "invalid", code: "FORMAT_NEWER" });
    expect(await contentOf(store)).toEqual(before);
  });
});

test("a signal ends it between two removals, and a rerun does the rest", async () => {
  const { destination, store, publish, gc, keys } = createWorld();
  await publish("2026-01-01");
  const orphans = Array.from({ length: 20 }, (_, i) => lineOf(`2027-01-${i}`));
  await putData(store, orphans);
  const stop = new AbortController();
  let deletes = 0;
  const interrupting: ObjectStore = {
    ...store,
    async delete(key) {
      await store.delete(key);
      if (key.startsWith("data/") && (deletes += 1) === 5) stop.abort();
    },
  };

  await expect(
    runGc({ ...destination, store: interrupting }, { requests: 1, signal: stop.signal }),
  ).rejects.toMatchObject({ kind: "cancelled" });
  expect(await keys("data/")).toHaveLength(1 + 15);
  await gc();
  expect(await keys("data/")).toHaveLength(1);
});

test("a set of keys has what was added and nothing else", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.string(), { maxLength: 3000 }), fc.array(fc.string()), (added, others) => {
      const set = new KeySet();
      for (const key of [...added, ...added]) set.add(key);
      expect(set.size).toBe(added.length);
      expect(added.every((key) => set.has(key))).toBe(true);
      const strange = others.filter((key) => !added.includes(key));
      expect(strange.filter((key) => set.has(key))).toEqual([]);
    }),
  );
});
