import { describe, expect, test } from "vitest";
import { detectVersion, matchTree } from "../../../src/schema/match.ts";
import { parseSchemaVersion } from "../../../src/schema/parse-schema-version.ts";
import type { SchemaVersion } from "../../../src/schema/schema-version.ts";
import { flatTree } from "./trees.ts";

function version(number: number, fields: readonly string[], rest = ""): SchemaVersion {
  const lines = [
    "dataset: d",
    `version: ${number}`,
    "fields:",
    ...fields.map((field) => `  - { ${field} }`),
    rest,
  ];
  return parseSchemaVersion(lines.join("\n"), `${number}.yaml`);
}

const one = version(
  1,
  ["id: 1, name: a, type: int64", "id: 2, name: b, type: string", "id: 3, name: day, type: date32"],
  "partitionBy: [day]",
);

describe("a footer", () => {
  test("matches by names and types, whatever the order, and required where null would be allowed", () => {
    const tree = flatTree(["b", "string", "required"], ["a", "int64"]);
    const match = matchTree(tree, one);
    expect(match).toMatchObject({ kind: "match", notes: [] });
    expect(match.kind === "match" && match.nodes.get(1)?.name).toBe("a");
    expect(match.kind === "match" && match.nodes.size).toBe(2);
  });

  test("that differs is told in what", () => {
    const strict = version(1, [
      "id: 1, name: a, type: int64, nullable: false",
      "id: 2, name: b, type: string",
      "id: 3, name: c, type: list, element: { id: 4, type: int8 }",
    ]);
    expect(
      matchTree(
        flatTree(["a", "int32"], ["B", "string"], ["c", "int8"], ["d", "int8"], ["d", "int8"]),
        strict,
      ),
    ).toStrictEqual({
      kind: "mismatch",
      differences: [
        "column d appears twice",
        "column a may be null, the schema version says it is not",
        "column a is int32, the schema version says int64",
        "column b is missing, but B is there (names are case-sensitive)",
        "column c is int8, the schema version says a list",
        "column B is not in the schema version",
        "column d is not in the schema version",
      ],
    });
  });

  test("may have columns of aliases and of partition fields, which are noted", () => {
    const aliased = version(
      1,
      ["id: 1, name: a, type: int64", "id: 3, name: day, type: date32"],
      "partitionBy: [day]\naliases: [{ name: old, field: 1 }]",
    );
    expect(matchTree(flatTree(["a", "int64"], ["old", "int64"], ["day", "string"]), aliased)).toMatchObject({
      kind: "match",
      notes: [
        "column old is an alias of a",
        "column day is a partition field that is stored in the object as well",
      ],
    });
  });

  test("cannot tell one time zone from another, but from none", () => {
    const berlin = version(1, ["id: 1, name: t, type: 'timestamp[us, tz=Europe/Berlin]'"]);
    expect(matchTree(flatTree(["t", "timestamp[us, tz=UTC]"]), berlin).kind).toBe("match");
    expect(matchTree(flatTree(["t", "timestamp[us]"]), berlin).kind).toBe("mismatch");
  });
});

describe("the version of an object", () => {
  const two = version(
    2,
    ["id: 1, name: x, type: int64", "id: 2, name: b, type: string", "id: 3, name: day, type: date32"],
    "partitionBy: [day]",
  );

  test("is the only one that matches", () => {
    const detection = detectVersion(flatTree(["a", "int64"], ["b", "string"]), [one, two]);
    expect(detection).toMatchObject({ kind: "detected", version: { version: 1 } });
  });

  test("is the highest when several mean the same", () => {
    const same = version(
      3,
      ["id: 2, name: b, type: string", "id: 1, name: x, type: int64", "id: 3, name: day, type: date32"],
      "partitionBy: [day]",
    );
    expect(detectVersion(flatTree(["x", "int64"], ["b", "string"]), [one, two, same])).toMatchObject({
      kind: "detected",
      version: { version: 3 },
      notes: ["schema version 2 would match as well"],
    });
  });

  test("is not guessed when one name stands for two fields, unless the object says which", () => {
    const swapped = version(2, ["id: 2, name: a, type: string", "id: 1, name: b, type: string"]);
    const straight = version(1, ["id: 1, name: a, type: string", "id: 2, name: b, type: string"]);
    const tree = flatTree(["a", "string"], ["b", "string"]);
    expect(detectVersion(tree, [straight, swapped])).toStrictEqual({ kind: "ambiguous", versions: [1, 2] });
    const hint = { version: 1, fingerprint: straight.fingerprint };
    expect(detectVersion(tree, [straight, swapped], hint)).toMatchObject({
      kind: "detected",
      version: { version: 1 },
    });
    const edited = { version: 1, fingerprint: "0".repeat(64) };
    expect(detectVersion(tree, [straight, swapped], edited).kind).toBe("ambiguous");
  });

  test("a hint that the object contradicts counts for nothing", () => {
    const hint = { version: 1, fingerprint: one.fingerprint };
    expect(detectVersion(flatTree(["x", "int64"], ["b", "string"]), [one, two], hint)).toMatchObject({
      version: { version: 2 },
    });
  });

  test("is none when all differ, and the closest is named", () => {
    expect(detectVersion(flatTree(["x", "int64"], ["b", "string"], ["c", "int8"]), [one, two])).toMatchObject(
      {
        kind: "none",
        closest: { version: 2 },
        differences: ["column c is not in the schema version"],
      },
    );
  });
});
