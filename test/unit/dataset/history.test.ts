import { beforeEach, describe, expect, test } from "vitest";

import { readHistory } from "../../../src/dataset/history.ts";
import type { HistoryEntry } from "../../../src/dataset/history.ts";
import { encodeDocument } from "../../../src/dataset/document.ts";
import { historyKey, manifestKey, pointerKey } from "../../../src/dataset/layout.ts";
import { readPointer } from "../../../src/dataset/pointer.ts";
import { publishVersion } from "../../../src/dataset/publish-version.ts";
import type { Publication } from "../../../src/dataset/publish-version.ts";
import { rollback } from "../../../src/dataset/rollback.ts";
import type { RollbackRequest, RollbackResult } from "../../../src/dataset/rollback.ts";
import { createMemoryStore } from "../../../src/store/memory.ts";
import { unconditional } from "../../../src/store/object-store.ts";
import type { ObjectStore } from "../../../src/store/object-store.ts";
import { readServed } from "../../support/check-destination.ts";
import { collect, destinationOf, lineOf, publicationOf, putData } from "../../support/dataset-fixtures.ts";

const days = ["2026-01-01", "2026-01-02", "2026-01-03"].map((day) => lineOf(day));

let store: ObjectStore;
/** Versions 1, 2 and 3 of one, two and three days, each with its model. */
beforeEach(async () => {
  store = createMemoryStore();
  await putData(store, days);
  for (const version of [1, 2, 3])
    await publish(version, { model: { uri: `s3://models/${version}`, version: String(version) } });
});

async function publish(count: number, more: Partial<Publication> = {}): Promise<void> {
  const base = await readPointer(store, more.channel ?? "current");
  await publishVersion(destinationOf(store), publicationOf(base, days.slice(0, count), more));
}

function back(toVersion: number, more: Partial<RollbackRequest> = {}): Promise<RollbackResult> {
  const request = { channel: "current", toVersion, reason: "drift", ...more };
  return rollback(destinationOf(store, "operator"), request);
}

async function history(): Promise<readonly string[]> {
  return (await collect(readHistory(store, "current"))).map(describeEntry);
}

function describeEntry(entry: HistoryEntry): string {
  return entry.kind === "missing"
    ? `${entry.generation}: version ${entry.version}, missing`
    : `${entry.pointer.generation}: version ${entry.pointer.version}, ${entry.pointer.reason}`;
}

/** Writes the current pointer anew, changed: by hand, against the rules. */
async function editPointer(change: object): Promise<void> {
  const read = await readPointer(store, "current");
  await store.put(pointerKey("current"), encodeDocument({ ...read?.pointer, ...change }), unconditional);
}

describe("history", () => {
  test("it shows every generation, newest first, rollbacks included", async () => {
    await back(1);
    expect(await history()).toEqual([
      "4: version 1, rollback: drift",
      "3: version 3, apply",
      "2: version 2, apply",
      "1: version 1, apply",
    ]);
  });

  test("a channel without a commit has none", async () => {
    expect(await collect(readHistory(store, "canary"))).toEqual([]);
  });

  test("it is read as it is consumed", async () => {
    let gets = 0;
    const counted: ObjectStore = {
      ...store,
      get: (key, options) => {
        gets += 1;
        return store.get(key, options);
      },
    };
    for await (const entry of readHistory(counted, "current")) {
      expect(describeEntry(entry)).toBe("3: version 3, apply");
      break;
    }
    expect(gets).toBe(1);
  });

  test("a generation that is not kept is named by the next one, and the older ones follow", async () => {
    await store.delete(historyKey("current", 2));
    expect(await history()).toEqual(["3: version 3, apply", "2: version 2, missing", "1: version 1, apply"]);
  });

  test("without a pointer the kept ones are still there", async () => {
    await store.delete(pointerKey("current"));
    expect(await history()).toEqual(["3: version 3, apply", "2: version 2, apply", "1: version 1, apply"]);
  });

  test("a pointer that names itself as its past ends it", async () => {
    await editPointer({ previous: { generation: 3, version: 3 } });
    expect(await history()).toEqual(["3: version 3, apply"]);
  });
});

describe("rollback", () => {
  test("it takes data, schema and model back together, as a new generation", async () => {
    const result = await back(1);
    expect(result).toMatchObject({ outcome: "committed", manifest: { version: 1 } });
    const served = await readServed(store);
    expect(served?.lines).toEqual(days.slice(0, 1));
    expect(served?.pointer).toMatchObject({
      generation: 4,
      version: 1,
      model: { uri: "s3://models/1", version: "1" },
      previous: { generation: 3, version: 3 },
      reason: "rollback: drift",
    });
  });

  test("and forward again", async () => {
    await back(1);
    await back(3, { reason: "" });
    expect((await readServed(store))?.pointer).toMatchObject({
      generation: 5,
      version: 3,
      reason: "rollback",
    });
  });

  test("the next version gets a number of its own", async () => {
    await back(1);
    await publish(2);
    expect((await readServed(store))?.pointer).toMatchObject({ generation: 5, version: 4 });
  });

  test("to a version that only another channel served: its data and schema, and no model", async () => {
    await publish(1, { channel: "canary", model: { uri: "s3://models/4", version: "4" } });
    expect(await back(4)).toMatchObject({ outcome: "committed" });
    const served = await readServed(store);
    expect(served?.pointer).toMatchObject({ generation: 4, version: 4 });
    expect(served?.pointer.model).toBeUndefined();
  });

  test.each<[string, Partial<RollbackRequest>, string, string]>([
    ["the version it serves", { toVersion: 3 }, "invalid", "VERSION_SERVED"],
    ["a version that is not there", { toVersion: 9 }, "invalid", "VERSION_MISSING"],
    ["a channel without a pointer", { channel: "canary" }, "invalid", "NO_POINTER"],
    ["a channel that has moved on", { expectedGeneration: 2 }, "conflict", "GENERATION_DIFFERS"],
  ])("%s is refused", async (_, request, kind, code) => {
    await expect(back(request.toVersion ?? 1, request)).rejects.toMatchObject({ kind, code });
    expect((await readServed(store))?.pointer.generation).toBe(3);
  });

  test("a version whose manifest is not the one that was served is refused", async () => {
    const body = (await store.get(manifestKey(1)))?.body ?? new Uint8Array();
    await store.put(manifestKey(1), Buffer.from(body).fill(" ", body.length - 1), unconditional);
    await expect(back(1)).rejects.toMatchObject({ kind: "data", code: "DIGEST_MISMATCH" });
  });

  test("a version whose file list is gone is refused", async () => {
    const key = "versions/000001/files-0000.jsonl.gz";
    await store.delete(key);
    await expect(back(1)).rejects.toMatchObject({
      kind: "data",
      code: "FILE_LIST_MISSING",
      details: { key },
    });
  });

  test("a version of another dataset is refused", async () => {
    const { facts } = publicationOf(undefined, []);
    await publish(1, { channel: "weather", facts: { ...facts, dataset: "weather" } });
    await expect(back(4)).rejects.toMatchObject({ kind: "invalid", code: "DATASET_DIFFERS" });
  });

  test("who loses the race is told, and does not try again", async () => {
    const restless: ObjectStore = {
      ...store,
      put: async (key, body, precondition) => {
        if (key === "pointers/current.json") await publish(1);
        return store.put(key, body, precondition);
      },
    };
    const request = { channel: "current", toVersion: 1, reason: "drift" };
    const result = await rollback(destinationOf(restless, "operator"), request);
    expect(result).toMatchObject({ outcome: "lost", current: { pointer: { generation: 4, version: 4 } } });
  });
});
