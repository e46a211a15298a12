import { describe, expect, test } from "vitest";

import {
  claimKey,
  dataKey,
  fileListKey,
  historyKey,
  manifestKey,
  parseHistoryKey,
  parseOutputKey,
  parseRunKey,
  parseVersionKey,
  pointerKey,
  quarantineKey,
  registrationKey,
  runPrefix,
  shardKey,
  versionPrefix,
} from "../../../src/dataset/layout.ts";

const task = "0123456789abcdef".repeat(4);

test("every key lies where docs/FORMATS.md says", () => {
  expect(pointerKey("current")).toBe("pointers/current.json");
  expect(historyKey("current", 42)).toBe("history/current/00000042.json");
  expect(claimKey(42)).toBe("versions/000042/claim.json");
  expect(manifestKey(42)).toBe("versions/000042/manifest.json");
  expect(fileListKey(42, 0)).toBe("versions/000042/files-0000.jsonl.gz");
  expect(dataKey("day=1", "part-0", task, 0)).toBe(
    "data/day=1/part-0-0123456789abcdef0123456789abcdef.parquet",
  );
  expect(dataKey("", "part-0", task, 0)).toBe("data/part-0-0123456789abcdef0123456789abcdef.parquet");
  expect(quarantineKey("day=1", "part-0", task, 0)).toMatch(/^quarantine\/day=1\/part-0-.*\.parquet$/);
  expect(dataKey("day=1", "part-0", task, 7)).toBe(
    "data/day=1/part-0-0123456789abcdef0123456789abcdef-7.parquet",
  );
  expect(registrationKey("run-1")).toBe("runs/run-1/started.json");
  expect(shardKey("run-1", 7)).toBe("runs/run-1/shards/000007.jsonl.gz");
});

test("numbers read back from keys, and foreign keys have none", () => {
  expect(parseVersionKey(manifestKey(42))).toBe(42);
  expect(parseVersionKey("versions/42/manifest.json")).toBeUndefined();
  expect(parseHistoryKey(historyKey("current", 42))).toBe(42);
  expect(parseHistoryKey("history/current/latest.json")).toBeUndefined();
});

test.each([0, 1, 42, 99_999_999])("the epoch %d reads back from the keys of what a task left", (epoch) => {
  for (const stem of ["part-0", `x-${task.slice(0, 32)}`, "a-1", "ö\n"])
    for (const directory of ["", "day=1", "a=1/b=2"]) {
      expect(parseOutputKey(dataKey(directory, stem, task, epoch))).toBe(epoch);
      expect(parseOutputKey(quarantineKey(directory, stem, task, epoch))).toBe(epoch);
    }
});

test.each([
  "data/part-0.parquet",
  `data/part-0-${task}.parquet`,
  `data/part-0-${task.slice(0, 32)}-0.parquet`,
  `data/part-0-${task.slice(0, 32)}-123456789.parquet`,
  `versions/part-0-${task.slice(0, 32)}.parquet`,
  `data/part-0-${task.slice(0, 32)}.parquet.tmp`,
])("%s was not left by a task", (key) => {
  expect(parseOutputKey(key)).toBeUndefined();
});

test("runs read back from their keys", () => {
  expect(parseRunKey(registrationKey("run-1"))).toBe("run-1");
  expect(parseRunKey(shardKey("run-1", 7))).toBe("run-1");
  expect(parseRunKey("runs/run-1/notes.txt")).toBeUndefined();
});

test.each([0, -1, 1.5, 1_000_000, Number.NaN])("%d is no version", (version) => {
  expect(() => versionPrefix(version)).toThrow(expect.objectContaining({ code: "NUMBER_OUT_OF_RANGE" }));
});

test.each(["", "..", "a/b", ".hidden"])("%j is no run", (run) => {
  expect(() => runPrefix(run)).toThrow(expect.objectContaining({ code: "RUN_INVALID" }));
});

describe("names of output objects", () => {
  test("a long stem is cut between two characters: file systems allow 255 bytes", () => {
    const name = dataKey("", "ö".repeat(200), task, 0).slice("data/".length);
    expect(Buffer.byteLength(name)).toBeLessThanOrEqual(255);
    expect(name).toMatch(/^ö{90}-0123/);
  });

  test("a partition that makes the key too long for a store is refused", () => {
    expect(() => dataKey(`c=${"x".repeat(300)}`, "part-0", task, 0)).toThrow(
      expect.objectContaining({ kind: "data", code: "KEY_TOO_LONG" }),
    );
    const deep = Array.from({ length: 10 }, (_, index) => `c${index}=${"x".repeat(120)}`).join("/");
    expect(() => dataKey(deep, "part-0", task, 0)).toThrow(expect.objectContaining({ code: "KEY_TOO_LONG" }));
  });

  test("a task that is no hash is a bug", () => {
    expect(() => dataKey("", "part-0", "../x", 0)).toThrow(expect.objectContaining({ code: "TASK_INVALID" }));
  });
});
