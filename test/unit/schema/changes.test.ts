import { describe, expect, test } from "vitest";
import { deriveChanges } from "../../../src/schema/changes.ts";
import { describeChange } from "../../../src/schema/describe-change.ts";
import { parseSchemaVersion } from "../../../src/schema/parse-schema-version.ts";
import type { SchemaVersion } from "../../../src/schema/schema-version.ts";

function version(fields: readonly string[], rest = ""): SchemaVersion {
  const lines = ["dataset: d", "version: 1", "fields:", ...fields.map((field) => `  - { ${field} }`), rest];
  return parseSchemaVersion(lines.join("\n"), "1.yaml");
}

function described(from: SchemaVersion, to: SchemaVersion): string[] {
  return deriveChanges(from, to)
    .map(describeChange)
    .map(({ kind, field, path, detail }) => `${kind} ${field} ${path}: ${detail}`);
}

const flights = version(
  [
    "id: 1, name: date, type: 'timestamp[us]'",
    "id: 2, name: delay, type: int64",
    "id: 3, name: origin, type: string",
    "id: 7, name: month, type: string",
  ],
  "partitionBy: [month]",
);

describe("changes", () => {
  test("one field can be renamed, cast and made nullable at once", () => {
    const from = version(["id: 1, name: a, type: int64, nullable: false"]);
    const to = version(["id: 1, name: b, type: float32, cast: { rounding: half-even }"]);
    expect(described(from, to)).toStrictEqual([
      "rename 1 b: a → b",
      "nullability 1 b: not null → nullable",
      "cast 1 b: int64 → float32",
    ]);
    expect(deriveChanges(from, to)[2]).toMatchObject({
      policy: { onInvalid: "fail", rounding: "half-even" },
    });
  });

  test("adds, drops, and reorders of as few fields as explain the new order", () => {
    const from = version(["a", "b", "c", "d"].map((name, i) => `id: ${i + 1}, name: ${name}, type: int8`));
    const to = version(
      [
        [9, "new"],
        [4, "d"],
        [1, "a"],
        [3, "c"],
      ].map(([id, name]) => `id: ${id}, name: ${name}, type: int8, nullable: false, default: 1`),
    );
    expect(described(from, to).filter((text) => !text.startsWith("nullability"))).toStrictEqual([
      "add 9 new: int8, 1 in rows before it",
      "reorder 4 d: position 4 → 2",
      "drop 2 b: int8",
    ]);
  });

  test("nested fields change like others, inside lists and maps too", () => {
    const from = version([
      "id: 1, name: l, type: list, element: { id: 2, type: struct, fields: [{ id: 3, name: x, type: int8 }, { id: 4, name: y, type: int8 }] }",
    ]);
    const to = version([
      "id: 1, name: legs, type: list, element: { id: 2, type: struct, fields: [{ id: 3, name: x, type: int16 }, { id: 5, name: z, type: map, key: { id: 6, type: string }, value: { id: 7, type: int8 } }] }",
    ]);
    expect(described(from, to)).toStrictEqual([
      "rename 1 legs: l → legs",
      "cast 3 legs.element.x: int8 → int16",
      "add 5 legs.element.z: map<string, int8>, null in rows before it",
      "drop 4 l.element.y: int8",
    ]);
  });

  test("partition fields are renamed in the path, stored, and taken from the columns", () => {
    const to = version(
      [
        "id: 1, name: date, type: 'timestamp[us]'",
        "id: 2, name: delay, type: int64",
        "id: 7, name: mon, type: int32",
        "id: 3, name: origin, type: string",
      ],
      "partitionBy: [origin]",
    );
    expect(described(flights, to)).toStrictEqual([
      "partition 7 mon: path → column",
      "rename 7 mon: month → mon",
      "cast 7 mon: string → int32",
      "partition 3 origin: column → path",
    ]);
    const renamed = version(
      [
        "id: 1, name: date, type: 'timestamp[us]'",
        "id: 2, name: delay, type: int64",
        "id: 3, name: origin, type: string",
        "id: 7, name: mon, type: int32",
      ],
      "partitionBy: [mon]",
    );
    expect(described(flights, renamed)).toStrictEqual([
      "partition 7 mon: path month= → mon=",
      "cast 7 mon: string → int32",
    ]);
    expect(deriveChanges(flights, renamed)[1]).toMatchObject({ kind: "cast", inPath: true });
  });

  test("the place of a partition field among the columns means nothing", () => {
    const [month] = flights.fields.slice(-1);
    const elsewhere = {
      ...flights,
      fields: [...(month === undefined ? [] : [month]), ...flights.fields.slice(0, -1)],
    };
    expect(elsewhere.fields[0]?.name).toBe("month");
    expect(deriveChanges(flights, elsewhere)).toStrictEqual([]);
  });

  test("aliases come, change and go", () => {
    const plain = version(["id: 1, name: a, type: int8"]);
    const aliased = version(
      ["id: 1, name: a, type: int8"],
      "aliases: [{ name: b, field: 1, until: 2027-01-01 }]",
    );
    const longer = version(["id: 1, name: a, type: int8"], "aliases: [{ name: b, field: 1 }]");
    expect(described(plain, aliased)).toStrictEqual(["alias 1 a: also readable as b until 2027-01-01"]);
    expect(described(aliased, longer)).toStrictEqual(["alias 1 a: also readable as b"]);
    expect(described(aliased, plain)).toStrictEqual(["alias 1 a: no longer also readable as b"]);
  });

  test("descriptions, defaults and policies alone are no change", () => {
    const from = version(["id: 1, name: a, type: int8"]);
    const to = version([
      "id: 1, name: a, type: int8, default: 3, description: x, cast: { onInvalid: quarantine }",
    ]);
    expect(deriveChanges(from, to)).toStrictEqual([]);
  });

  test.each<[string, SchemaVersion, SchemaVersion, string, string]>([
    [
      "a field that moves to another parent",
      version([
        "id: 1, name: a, type: struct, fields: [{ id: 2, name: x, type: int8 }, { id: 3, name: y, type: int8 }]",
      ]),
      version([
        "id: 1, name: a, type: struct, fields: [{ id: 3, name: y, type: int8 }]",
        "id: 2, name: x, type: int8",
      ]),
      "FIELD_MOVED",
      "field 2 cannot move to another parent (a.x → x): give the one at x a new id",
    ],
    [
      "a struct that becomes a leaf",
      version(["id: 1, name: a, type: struct, fields: [{ id: 2, name: x, type: int8 }]"]),
      version(["id: 1, name: a, type: string"]),
      "KIND_CHANGED",
      "field 1 (a) cannot change its structure (struct → leaf): give it a new id",
    ],
    [
      "an element with another id",
      version(["id: 1, name: a, type: list, element: { id: 2, type: int8 }"]),
      version(["id: 1, name: a, type: list, element: { id: 3, type: int8 }"]),
      "KIND_CHANGED",
      "field 3 (a.element) cannot replace field 2: keep the id, or give a a new one",
    ],
    [
      "a new required field without a default",
      version(["id: 1, name: a, type: int8"]),
      version([
        "id: 1, name: a, type: int8",
        "id: 2, name: s, type: struct, nullable: false, fields: [{ id: 3, name: x, type: int8, nullable: false }]",
      ]),
      "DEFAULT_MISSING",
      "field 2 (s.x) is added, but it is neither nullable nor has it a default",
    ],
  ])("%s is refused", (_, from, to, code, message) => {
    expect(() => deriveChanges(from, to)).toThrow(
      expect.objectContaining({ kind: "invalid", code, message }) as Error,
    );
  });
});
