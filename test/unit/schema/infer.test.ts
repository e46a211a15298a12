import { describe, expect, test } from "vitest";
import { formatLeafType } from "../../../src/parquet/leaf-type.ts";
import type { SchemaNode } from "../../../src/parquet/footer/schema-tree.ts";
import { inferSchemaVersion } from "../../../src/schema/infer.ts";
import { matchTree } from "../../../src/schema/match.ts";
import { formatSchemaVersion, parseSchemaVersion } from "../../../src/schema/parse-schema-version.ts";
import { corpusFiles } from "../../support/corpus.ts";
import { flatTree, readTree } from "./trees.ts";

describe("a version inferred from objects", () => {
  test("has their columns in order, nullable where one object says so, and the path's fields last", () => {
    const { version, conflicts, notes } = inferSchemaVersion(
      [
        { key: "a", tree: flatTree(["x", "int64", "required"], ["y", "string", "required"]) },
        { key: "b", tree: flatTree(["y", "string"], ["x", "int64", "required"]) },
      ],
      "d",
      [
        { name: "year", values: ["2026", "1999"] },
        { name: "month", values: ["07", "11"] },
        { name: "day", values: ["2026-01-01", null] },
        { name: "big", values: ["3000000000"] },
        { name: "any", values: [null] },
      ],
    );
    expect(conflicts).toStrictEqual([]);
    expect(notes[0]).toBe("column y is required in some objects and nullable in others: nullable");
    const told = version.fields.map(({ id, name, nullable, type }) => [
      id,
      name,
      nullable,
      type.kind === "leaf" && formatLeafType(type.leaf),
    ]);
    expect(told).toStrictEqual([
      [1, "x", false, "int64"],
      [2, "y", true, "string"],
      [3, "year", true, "int32"],
      [4, "month", true, "string"],
      [5, "day", true, "date32"],
      [6, "big", true, "int64"],
      [7, "any", true, "string"],
    ]);
    expect(version.partitionBy).toStrictEqual([3, 4, 5, 6, 7]);
  });

  test("follows the majority and names the objects that differ", () => {
    const usual = flatTree(["x", "int64"], ["y", "string"]);
    const { version, conflicts } = inferSchemaVersion(
      [
        { key: "old", tree: flatTree(["x", "int32"]) },
        { key: "new", tree: usual },
        { key: "newer", tree: usual },
      ],
      "d",
    );
    expect(version.fields[0]?.type).toMatchObject({ leaf: { bits: 64 } });
    expect(conflicts).toStrictEqual([
      { path: "x", detail: "is int32 instead of int64", objects: ["old"] },
      { path: "y", detail: "is missing", objects: ["old"] },
    ]);
  });
});

const readable = corpusFiles("data").flatMap(({ name, path }): [string, SchemaNode][] => {
  try {
    return [[name, readTree(path)]];
  } catch {
    return []; // encrypted, or no Parquet that we read: the footer's own tests say which
  }
});

describe.skipIf(readable.length === 0)("of every file in the corpus", () => {
  test("most footers are read here", () => {
    expect(readable.length).toBeGreaterThan(60);
  });

  test.each(readable)("%s: a version is inferred, written, read, and matches the file", (name, tree) => {
    const { version, conflicts } = inferSchemaVersion([{ key: name, tree }], "corpus");
    expect(conflicts).toStrictEqual([]);
    expect(matchTree(tree, version)).toMatchObject({ kind: "match", notes: [] });
    const again = parseSchemaVersion(formatSchemaVersion(version), "1.yaml");
    expect(again).toStrictEqual(version);
  });
});
