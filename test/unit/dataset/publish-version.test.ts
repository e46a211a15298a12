import { beforeEach, describe, expect, test } from "vitest";

import { readFileList } from "../../../src/dataset/file-list.ts";
import type { FileLine } from "../../../src/dataset/formats.ts";
import {
  claimVersion,
  findManifest,
  listVersions,
  readManifest,
  writeManifest,
} from "../../../src/dataset/manifest.ts";
import { readPointer } from "../../../src/dataset/pointer.ts";
import { isSameContent, publishVersion } from "../../../src/dataset/publish-version.ts";
import type { Publication, PublishResult } from "../../../src/dataset/publish-version.ts";
import { createMemoryStore } from "../../../src/store/memory.ts";
import { unconditional } from "../../../src/store/object-store.ts";
import type { ObjectStore } from "../../../src/store/object-store.ts";
import { readGenerations, readServed } from "../../support/check-destination.ts";
import { collect, destinationOf, lineOf, publicationOf, putData } from "../../support/dataset-fixtures.ts";

let store: ObjectStore;
beforeEach(async () => {
  store = createMemoryStore();
  await putData(store, lines);
});

const lines = [lineOf("2026-01-01"), lineOf("2026-01-02"), lineOf("2026-01-03")];

async function publish(
  more: Partial<Publication> = {},
  of: readonly FileLine[] = lines,
): Promise<PublishResult> {
  const base = await readPointer(store, "current");
  return publishVersion(destinationOf(store), publicationOf(base, of, more));
}

test("a version is complete and its pointer names it", async () => {
  const result = await publish({ reason: "apply flights", model: { uri: "s3://models/7", version: "7" } });
  expect(result).toMatchObject({ outcome: "committed", rebases: 0 });
  const served = await readServed(store);
  expect(served?.lines).toEqual(lines);
  expect(served?.pointer).toMatchObject({
    dataset: "flights",
    version: 1,
    reason: "apply flights",
    model: { uri: "s3://models/7", version: "7" },
    schema: { version: 2, fingerprint: served?.manifest.schema.fingerprint },
  });
  expect(served?.manifest).toMatchObject({ version: 1, base: null, totals: { objects: 3 } });
});

test("the second version names the first as its base", async () => {
  await publish();
  await publish({}, lines.slice(1));
  expect((await readServed(store))?.manifest).toMatchObject({ version: 2, base: 1 });
  expect(await collect(listVersions(store))).toEqual([1, 2]);
});

test("the summary is asked for once all lines have gone by", async () => {
  let seen = 0;
  async function* counted(): AsyncIterable<FileLine> {
    for (const line of lines) {
      seen += 1;
      yield line;
    }
  }
  const summary = publicationOf(undefined, lines).summarise();
  await publish({
    lines: counted(),
    summarise: () => ({ ...summary, totals: { ...summary.totals, objects: seen } }),
  });
  expect((await readServed(store))?.manifest.totals.objects).toBe(3);
});

async function loseAgainst(
  winnerLines: readonly FileLine[],
  more: Partial<Publication>,
): Promise<PublishResult> {
  const base = await readPointer(store, "current");
  await publishVersion(destinationOf(store, "winner"), publicationOf(base, winnerLines));
  return publishVersion(destinationOf(store, "loser"), publicationOf(base, lines, more));
}

describe("a lost race", () => {
  test("a loser that rebases follows the winner, in the next generation", async () => {
    await publish();
    const result = await loseAgainst(lines.slice(1), { reason: "loser" });
    expect(result).toMatchObject({
      outcome: "committed",
      rebases: 1,
      pointer: { generation: 3, version: 3, previous: { generation: 2, version: 2 } },
    });
    expect(await readGenerations(store)).toHaveLength(3);
  });

  test("a loser that has to be planned again stops, and is told by whom", async () => {
    const result = await loseAgainst(lines.slice(1), { onLost: () => "conflict" });
    expect(result).toMatchObject({ outcome: "conflict", current: { pointer: { version: 1 } } });
    expect(await readGenerations(store)).toHaveLength(1);
  });

  test("a loser can see that the winner serves the same, and leave it at that", async () => {
    const result = await loseAgainst(lines, {
      onLost: async ({ current, manifest }) => {
        const theirs = await readManifest(store, current.pointer.manifest);
        return isSameContent(theirs, manifest) ? "accept" : "conflict";
      },
    });
    expect(result).toMatchObject({ outcome: "accepted", current: { pointer: { generation: 1 } } });
    expect(await readGenerations(store)).toHaveLength(1);
  });

  test("other lines are other content", async () => {
    const one = await publish();
    const two = await publish({}, lines.slice(1));
    expect(isSameContent(one.manifest, two.manifest)).toBe(false);
  });

  test("who loses a hundred times in a row stops with a conflict", async () => {
    await publish();
    const restless: ObjectStore = {
      ...store,
      put: async (key, body, precondition) => {
        if (key === "pointers/current.json") await publish({}, lines.slice(1));
        return store.put(key, body, precondition);
      },
    };
    const base = await readPointer(store, "current");
    const result = await publishVersion(destinationOf(restless, "slow"), publicationOf(base, lines));
    expect(result).toMatchObject({ outcome: "conflict", current: { pointer: { generation: 102 } } });
  });
});

describe("cancelling", () => {
  test.each([0, 1, 2])("after line %d nothing is served, and the rerun succeeds", async (at) => {
    const controller = new AbortController();
    async function* cancelling(): AsyncIterable<FileLine> {
      for (const [index, line] of lines.entries()) {
        if (index === at) controller.abort();
        yield line;
      }
    }
    const cancelled = publish({ lines: cancelling(), signal: controller.signal });
    await expect(cancelled).rejects.toMatchObject({ kind: "cancelled" });
    expect(await readPointer(store, "current")).toBeUndefined();
    expect(await publish()).toMatchObject({ outcome: "committed", pointer: { generation: 1, version: 2 } });
  });
});

async function* failing(): AsyncIterable<FileLine> {
  yield lines[0] as FileLine;
  throw new Error("the run failed");
}

test("an error of the lines ends the publication, and nothing is served", async () => {
  await expect(publish({ lines: failing() })).rejects.toThrow("the run failed");
  expect(await readPointer(store, "current")).toBeUndefined();
});

test("a channel never changes its dataset", async () => {
  await publish();
  const { facts } = publicationOf(undefined, []);
  await expect(publish({ facts: { ...facts, dataset: "weather" } })).rejects.toMatchObject({
    kind: "invalid",
    code: "DATASET_DIFFERS",
    details: { channel: "current", dataset: "weather", servedDataset: "flights" },
  });
});

describe("version numbers", () => {
  test("a claim without a manifest is a number that is gone, and no version", async () => {
    await claimVersion(destinationOf(store, "dead"), "run-dead", 0);
    await publish();
    expect(await collect(listVersions(store))).toEqual([2]);
    expect(await findManifest(store, 1)).toBeUndefined();
  });

  test("twenty writers claim twenty numbers", async () => {
    const claims = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        claimVersion(destinationOf(store, `w${index}`), `run-${index}`, 0),
      ),
    );
    const versions = claims.map(({ version }) => version).toSorted((a, b) => a - b);
    expect(versions).toEqual(Array.from(versions, (_, index) => index + 1));
  });

  test("foreign objects under versions/ do not disturb the numbers", async () => {
    await store.put("versions/README.md", Buffer.from("hello"), unconditional);
    await store.put("versions/9999999/x", Buffer.from("hello"), unconditional);
    expect(await publish()).toMatchObject({ outcome: "committed", pointer: { version: 1 } });
  });

  test("numbers that others left behind the base are not used again", async () => {
    await publish();
    await store.put("versions/000007/manifest.json", Buffer.from("{}"), unconditional);
    expect((await publish({}, lines.slice(1))).manifest.version).toBe(8);
  });

  test("a manifest is never overwritten, and writing the same again is no error", async () => {
    const { manifest } = await publish();
    const reference = await writeManifest(destinationOf(store), manifest);
    expect(reference).toEqual((await readPointer(store, "current"))?.pointer.manifest);
    await expect(writeManifest(destinationOf(store), { ...manifest, run: "other" })).rejects.toMatchObject({
      kind: "conflict",
      code: "VERSION_TAKEN",
    });
  });
});

describe("reading a manifest", () => {
  test("another object under its key is a data error", async () => {
    const { manifest } = await publish();
    const pointer = (await readPointer(store, "current"))?.pointer;
    if (pointer === undefined) throw new Error("nothing was published");
    const key = pointer.manifest.key;
    const body = (await store.get(key))?.body ?? new Uint8Array();
    await store.put(key, Buffer.from(Buffer.from(body).toString().replace("run-1", "run-2")), unconditional);
    await expect(readManifest(store, pointer.manifest)).rejects.toMatchObject({
      kind: "data",
      code: "DIGEST_MISMATCH",
      details: { key },
    });
    await store.delete(key);
    await expect(readManifest(store, pointer.manifest)).rejects.toMatchObject({ code: "MANIFEST_MISSING" });
    expect(await collect(readFileList(store, manifest.parts))).toEqual(lines);
  });

  test("a manifest of a newer format is invalid, not damaged", async () => {
    await store.put(
      "versions/000003/manifest.json",
      Buffer.from('{"format":"colonnade/manifest/2"}'),
      unconditional,
    );
    await expect(findManifest(store, 3)).rejects.toMatchObject({ kind: "invalid", code: "FORMAT_NEWER" });
  });
});
