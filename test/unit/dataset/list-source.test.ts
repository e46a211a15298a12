import { describe, expect, test } from "vitest";

import type { ColonnadeError } from "../../../src/base/errors.ts";
import { isHidden, listSource } from "../../../src/dataset/list-source.ts";
import type { SourceRules } from "../../../src/dataset/list-source.ts";
import { createMemoryStore } from "../../../src/store/memory.ts";
import { unconditional } from "../../../src/store/object-store.ts";
import type { ObjectStore } from "../../../src/store/object-store.ts";
import { collect } from "../../support/dataset-fixtures.ts";

const hive: SourceRules = { partitioning: "hive", matches: (key) => key.endsWith(".parquet") };

async function storeWith(...keys: readonly string[]): Promise<ObjectStore> {
  const store = createMemoryStore();
  for (const key of keys) await store.put(key, Buffer.from(key), unconditional);
  return store;
}

async function keysOf(store: ObjectStore, rules: SourceRules): Promise<readonly string[]> {
  return (await collect(listSource(store, rules))).map(({ key }) => key);
}

test("objects come in the order of their keys, with what a task needs to know", async () => {
  const store = await storeWith("day=2/b.parquet", "day=2/a.parquet", "day=1/c.parquet");
  const objects = await collect(listSource(store, hive));
  expect(objects.map(({ key }) => key)).toEqual(["day=1/c.parquet", "day=2/a.parquet", "day=2/b.parquet"]);
  expect(objects[0]).toEqual({
    key: "day=1/c.parquet",
    etag: (await store.head("day=1/c.parquet"))?.etag,
    bytes: 15,
    partition: { values: [{ name: "day", value: "1" }], directory: "day=1", stem: "c" },
  });
});

test("what the job does not include is left out, and what Spark hides", async () => {
  const store = await storeWith(
    "day=1/a.parquet",
    "day=1/notes.txt",
    "day=1/.a.parquet.crc",
    "day=1/a.parquet.crc",
    "_SUCCESS",
    "_metadata",
    "_temporary/0/day=1/a.parquet",
    "day=1/.staging/a.parquet",
    "day=1/a.parquet._COPYING_",
  );
  expect(await keysOf(store, { ...hive, matches: (key) => !key.endsWith(".txt") })).toEqual([
    "day=1/a.parquet",
  ]);
});

test("a partition column may begin with an underscore, and a value may end like a checksum", () => {
  expect(isHidden("_day=1/a.parquet")).toBe(false);
  expect(isHidden("name=x.crc/a.parquet")).toBe(false);
});

describe("objects that do not fit", () => {
  test("a folder that is no partition is an error that names the key", async () => {
    const store = await storeWith("day=1/a.parquet", "misc/b.parquet");
    await expect(keysOf(store, hive)).rejects.toMatchObject({
      kind: "data",
      code: "PARTITION_INVALID",
      details: { key: "misc/b.parquet", segment: "misc" },
    });
  });

  test("other partition columns than the first object's are an error that names both", async () => {
    const store = await storeWith("day=1/a.parquet", "day=1/hour=2/b.parquet");
    await expect(keysOf(store, hive)).rejects.toMatchObject({
      code: "PARTITION_COLUMNS_DIFFER",
      details: { key: "day=1/hour=2/b.parquet", columns: "day/hour", firstKey: "day=1/a.parquet" },
    });
  });

  test("all of them are reported when somebody collects them, and the rest is listed", async () => {
    const store = await storeWith("day=1/a.parquet", "day=2/x\ny.parquet", "misc/b.parquet", "z.parquet");
    const errors: ColonnadeError[] = [];
    expect(await keysOf(store, { ...hive, onInvalid: (error) => errors.push(error) })).toEqual([
      "day=1/a.parquet",
    ]);
    expect(errors.map(({ code }) => code)).toEqual([
      "KEY_CONTROL_CHARACTER",
      "PARTITION_INVALID",
      "PARTITION_COLUMNS_DIFFER",
    ]);
  });

  test("in a flat dataset every folder fits", async () => {
    const store = await storeWith("a.parquet", "day=1/b.parquet", "misc/c.parquet");
    expect(await keysOf(store, { ...hive, partitioning: "flat" })).toHaveLength(3);
  });
});
