import { expect, test } from "vitest";
import { compareFileLists } from "../../../src/dataset/compare-versions.ts";
import type { FileLine, Manifest } from "../../../src/dataset/formats.ts";
import { readPointer } from "../../../src/dataset/pointer.ts";
import { publishVersion } from "../../../src/dataset/publish-version.ts";
import { listChannels, resolveVersion } from "../../../src/dataset/resolve-version.ts";
import { rollback } from "../../../src/dataset/rollback.ts";
import { createMemoryStore } from "../../../src/store/memory.ts";
import { unconditional } from "../../../src/store/object-store.ts";
import { collect, destinationOf, lineOf, publicationOf, putData } from "../../support/dataset-fixtures.ts";

const store = createMemoryStore();

async function publish(lines: readonly FileLine[], channel = "current"): Promise<Manifest> {
  await putData(store, lines);
  const base = await readPointer(store, channel);
  const result = await publishVersion(destinationOf(store), publicationOf(base, lines, { channel }));
  expect(result.outcome).toBe("committed");
  return (await resolveVersion(store, channel)).manifest;
}

test("two versions are compared by their sources: shared, made anew, added, removed", async () => {
  const first = await publish([lineOf("2026-01-01"), lineOf("2026-01-02"), lineOf("2026-01-04")]);
  const second = await publish([
    lineOf("2026-01-01"),
    lineOf("2026-01-02", 2),
    lineOf("2026-01-03"),
    lineOf("2026-01-05"),
  ]);
  const differences = await collect(compareFileLists(store, first, second));
  const told = differences.map((one) => [
    one.kind,
    ("to" in one ? one.to : one.from).source.key.slice(4, 14),
  ]);
  expect(told).toEqual([
    ["same", "2026-01-01"],
    ["changed", "2026-01-02"],
    ["added", "2026-01-03"],
    ["removed", "2026-01-04"],
    ["added", "2026-01-05"],
  ]);
  const back = await collect(compareFileLists(store, second, first));
  expect(back.map(({ kind }) => kind)).toEqual(["same", "changed", "removed", "added", "removed"]);
  expect((await collect(compareFileLists(store, second, second))).every(({ kind }) => kind === "same")).toBe(
    true,
  );
});

test("a version is found through the channel, its history, or by its number alone", async () => {
  await rollback(destinationOf(store), { channel: "current", toVersion: 1, reason: "" });
  expect(await resolveVersion(store, "current")).toMatchObject({
    manifest: { version: 1 },
    pointer: { generation: 3 },
  });
  expect(await resolveVersion(store, "current", 1)).toMatchObject({ pointer: { generation: 3 } });
  expect(await resolveVersion(store, "current", 2)).toMatchObject({
    manifest: { version: 2 },
    pointer: { generation: 2 },
  });
  const elsewhere = await publish([lineOf("2026-02-01")], "canary");
  expect(await resolveVersion(store, "current", elsewhere.version)).toMatchObject({
    manifest: { version: 3 },
    pointer: undefined,
  });
  await expect(resolveVersion(store, "current", 9)).rejects.toMatchObject({ code: "VERSION_MISSING" });
  await expect(resolveVersion(store, "shadow")).rejects.toMatchObject({ code: "NO_POINTER" });
});

test("channels are those that have a pointer, foreign keys aside", async () => {
  await store.put("pointers/README.md", Buffer.from("x"), unconditional);
  await store.put("pointers/Upper.json", Buffer.from("x"), unconditional);
  expect(await collect(listChannels(store))).toEqual(["canary", "current"]);
});
