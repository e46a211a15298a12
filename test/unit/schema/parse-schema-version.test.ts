import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { ColonnadeError } from "../../../src/base/errors.ts";
import { canonicalContent, schemaVersionFromContent } from "../../../src/schema/fingerprint.ts";
import { formatSchemaVersion, parseSchemaVersion } from "../../../src/schema/parse-schema-version.ts";
import type { SchemaVersion } from "../../../src/schema/schema-version.ts";

function parse(...lines: string[]): SchemaVersion {
  return parseSchemaVersion(lines.join("\n"), "flights/1.yaml");
}

function refusal(...lines: string[]): ColonnadeError {
  try {
    parse(...lines);
  } catch (error) {
    if (error instanceof ColonnadeError && error.code === "SCHEMA_INVALID") return error;
    throw error;
  }
  throw new Error("the schema version was accepted");
}

const head = ["dataset: flights", "version: 1"];

describe("a schema version", () => {
  test("is read from the flights example", () => {
    const text = readFileSync(new URL("../../../schemas/flights/2.yaml", import.meta.url), "utf8");
    const version = parseSchemaVersion(text, "2.yaml");
    expect(version).toMatchObject({ dataset: "flights", version: 2 });
    expect(version.fields[1]).toStrictEqual({
      id: 2,
      name: "delay_minutes",
      nullable: true,
      type: { kind: "leaf", leaf: { kind: "float", bits: 32 } },
      cast: { onInvalid: "fail", rounding: "error" },
    });
    expect(version.fields.find((field) => field.name === "carrier_group")).toMatchObject({
      nullable: false,
      default: "unknown",
    });
    expect(version.aliases).toHaveLength(1);
    expect(version.fingerprint).toMatch(/^[0-9a-f]{64}$/);
  });

  test("has structs, lists and maps at any depth, whose part names are implied", () => {
    const version = parse(
      ...head,
      "fields:",
      "  - id: 1",
      "    name: legs",
      "    type: list",
      "    element:",
      "      id: 2",
      "      type: struct",
      "      nullable: false",
      "      fields:",
      "        - { id: 3, name: tags, type: map, key: { id: 4, type: string }, value: { id: 5, type: int8 } }",
    );
    expect(version.fields[0]).toMatchObject({
      name: "legs",
      type: {
        kind: "list",
        element: {
          name: "element",
          nullable: false,
          type: {
            fields: [
              {
                nullable: true,
                type: { key: { name: "key", nullable: false }, value: { name: "value", nullable: true } },
              },
            ],
          },
        },
      },
    });
  });

  test("names partition fields, aliases and constraints by name or by id", () => {
    const version = parse(
      ...head,
      "fields: [{ id: 1, name: a, type: int64 }, { id: 2, name: day, type: date32 }]",
      "partitionBy: [day]",
      "aliases: [{ name: old_a, field: a, until: 2027-03-31 }]",
      "constraints: [{ field: 1, min: 0, max: 9223372036854775807 }]",
    );
    expect(version.partitionBy).toStrictEqual([2]);
    expect(version.aliases).toStrictEqual([{ name: "old_a", field: 1, until: "2027-03-31" }]);
    expect(version.constraints).toStrictEqual([{ field: 1, min: 0, max: "9223372036854775807" }]);
  });

  test("onInvalid: null means the policy, although YAML reads it as the null value", () => {
    const version = parse(...head, "fields: [{ id: 1, name: a, type: int8, cast: { onInvalid: null } }]");
    expect(version.fields[0]?.cast).toStrictEqual({ onInvalid: "null", rounding: "error" });
  });

  test("keeps integers beyond 2^53 and long decimal fractions digit for digit", () => {
    const version = parse(
      ...head,
      "fields:",
      "  - { id: 1, name: a, type: int64, default: -9223372036854775808 }",
      '  - { id: 2, name: b, type: "decimal128(38, 18)", default: 12345678901234567.123456789 }',
      "  - { id: 3, name: c, type: float64, default: 3.141592653589793 }",
    );
    expect(version.fields.map((field) => field.default)).toStrictEqual([
      "-9223372036854775808",
      "12345678901234567.123456789",
      3.141592653589793,
    ]);
  });

  test("survives being written as YAML and as the content of a manifest", () => {
    const text = `dataset: d
version: 7
description: "two\\nlines: and a # sign"
fields:
  - { id: 1, name: "a: b", type: "decimal128(18, 4)", default: 1.5, cast: { rounding: half-even, onInvalid: null } }
  - id: 2
    name: "null"
    type: list
    element: { id: 3, type: struct, fields: [{ id: 4, name: "yes", type: "timestamp[us, tz=Europe/Berlin]" }] }
  - { id: 5, name: m, type: map, key: { id: 6, type: string }, value: { id: 7, type: int32, nullable: false }, nullable: false }
  - { id: 8, name: day, type: date32, description: The day. }
partitionBy: [day]
aliases: [{ name: c, field: 1 }]
constraints: [{ field: 4, notNull: true }]
`;
    const version = parseSchemaVersion(text, "7.yaml");
    const written = formatSchemaVersion(version, "../formats/x.json");
    expect(written.split("\n")[0]).toBe("# yaml-language-server: $schema=../formats/x.json");
    expect(parseSchemaVersion(written, "7.yaml")).toStrictEqual(version);
    const content: unknown = JSON.parse(JSON.stringify(canonicalContent(version)));
    const back = schemaVersionFromContent(content);
    expect(back.fingerprint).toBe(version.fingerprint);
    expect(canonicalContent(back)).toStrictEqual(canonicalContent(version));
  });

  test("is written one line a flat field", () => {
    const version = parse(...head, "fields: [{ id: 1, name: a, type: int8, cast: { rounding: floor } }]");
    expect(formatSchemaVersion(version).split("\n").slice(1)).toStrictEqual([
      "",
      "dataset: flights",
      "version: 1",
      "fields:",
      "  - { id: 1, name: a, type: int8, cast: { rounding: floor } }",
      "",
    ]);
  });
});

describe("the fingerprint", () => {
  const plain = parse(...head, "fields: [{ id: 1, name: a, type: int8 }, { id: 2, name: b, type: int8 }]");
  test("ignores comments, the order of keys, descriptions, synonyms and members at their default", () => {
    const other = parse(
      "# a comment",
      "version: 1",
      "description: something",
      "fields:",
      "  - { nullable: true, type: INT8, name: a, id: 1, cast: { onInvalid: fail } } # another",
      "  - { id: 2, name: b, type: int8, description: b }",
      "dataset: flights",
      "aliases: []",
    );
    expect(other.fingerprint).toBe(plain.fingerprint);
  });

  test("sees the order of fields, names, types, ids and policies", () => {
    const fingerprints = [
      "{ id: 2, name: b, type: int8 }, { id: 1, name: a, type: int8 }",
      "{ id: 1, name: a, type: int8 }, { id: 2, name: c, type: int8 }",
      "{ id: 1, name: a, type: int8 }, { id: 2, name: b, type: int16 }",
      "{ id: 1, name: a, type: int8 }, { id: 3, name: b, type: int8 }",
      "{ id: 1, name: a, type: int8 }, { id: 2, name: b, type: int8, nullable: false }",
      "{ id: 1, name: a, type: int8 }, { id: 2, name: b, type: int8, cast: { onInvalid: quarantine } }",
    ].map((fields) => parse(...head, `fields: [${fields}]`).fingerprint);
    expect(new Set([...fingerprints, plain.fingerprint]).size).toBe(7);
  });
});

describe("a wrong schema version is refused with a position and a reason:", () => {
  const field = (text: string): string[] => [...head, "fields:", `  - ${text}`];
  test.each<[string, string[], string]>([
    [
      "a mistyped key",
      field("{ id: 1, name: a, type: int8, nulable: true }"),
      '4:35: unknown key "nulable", did you mean "nullable"?',
    ],
    [
      "a mistyped required key",
      field("{ id: 1, nam: a, type: int8 }"),
      '4:14: unknown key "nam", did you mean "name"?',
    ],
    ["a missing key", field("{ id: 1, name: a }"), "4:5: fields[0].type is missing"],
    [
      "a key of the wrong type",
      field("{ id: one, name: a, type: int8 }"),
      "4:11: fields[0].id is not a number",
    ],
    ["a fractional id", field("{ id: 1.5, name: a, type: int8 }"), "4:11: fields[0].id is not an integer"],
    [
      "a wrong word",
      field("{ id: 1, name: a, type: int8, cast: { rounding: up } }"),
      "4:53: fields[0].cast.rounding is none of error, truncate, floor, ceil, half-even, half-up",
    ],
    [
      "an unknown type",
      field("{ id: 1, name: a, type: flot32 }"),
      '4:29: unknown type "flot32", did you mean "float32"?',
    ],
    [
      "a mistyped structure",
      field("{ id: 1, name: a, type: strukt }"),
      '4:29: unknown type "strukt", did you mean "struct"?',
    ],
    [
      "a struct without fields",
      field("{ id: 1, name: a, type: struct }"),
      '4:29: type struct needs "fields"',
    ],
    [
      "fields of a leaf",
      field("{ id: 1, name: a, type: int8, fields: [] }"),
      '"fields" does not belong to type "int8"',
    ],
    [
      "a name on a list's element",
      field("{ id: 1, name: a, type: list, element: { id: 2, name: x, type: int8 } }"),
      'unknown key "name"',
    ],
    ["an empty name", field('{ id: 1, name: "", type: int8 }'), "name is empty"],
    ["a control character", field('{ id: 1, name: "a\\tb", type: int8 }'), "name has a control character"],
    [
      "a nullable map key",
      field(
        "{ id: 1, name: a, type: map, key: { id: 2, type: int8, nullable: true }, value: { id: 3, type: int8 } }",
      ),
      "a map's key cannot be nullable",
    ],
    [
      "an id twice",
      field("{ id: 1, name: a, type: list, element: { id: 1, type: int8 } }"),
      "id 1 appears twice",
    ],
    [
      "a default of the wrong type",
      field("{ id: 1, name: a, type: int8, default: x }"),
      '4:44: default "x" is not an integer of int8',
    ],
    [
      "a default out of range",
      field("{ id: 1, name: a, type: int8, default: 128 }"),
      "default 128 is not an integer of int8",
    ],
    [
      "a decimal default with too many digits",
      field('{ id: 1, name: a, type: "decimal128(4, 2)", default: 100.5 }'),
      "default 100.5 is not a number that decimal128(4, 2) holds exactly",
    ],
    [
      "a date that is none",
      field("{ id: 1, name: a, type: date32, default: 2026-02-30 }"),
      'default "2026-02-30" is not a date',
    ],
    [
      "a null default of a required field",
      field("{ id: 1, name: a, type: int8, nullable: false, default: null }"),
      "default is null",
    ],
    [
      "a policy without its default",
      field("{ id: 1, name: a, type: int8, cast: { onInvalid: default } }"),
      "onInvalid is default, but the field has no default",
    ],
    [
      "a null policy of a required field",
      field("{ id: 1, name: a, type: int8, nullable: false, cast: { onInvalid: null } }"),
      "onInvalid is null, but the field is not nullable",
    ],
    [
      "an unknown time zone",
      field("{ id: 1, name: a, type: int8, cast: { timezone: Mars/Olympus } }"),
      'timezone "Mars/Olympus" is not known',
    ],
    [
      "names that differ only in case",
      [...head, "fields: [{ id: 1, name: a, type: int8 }, { id: 2, name: A, type: int8 }]"],
      'name "A" differs from "a" only in case',
    ],
    [
      "a partition field that is not there",
      [...head, "fields: [{ id: 1, name: month, type: int8 }]", "partitionBy: [mont]"],
      'field "mont" does not exist, did you mean "month"?',
    ],
    [
      "nothing but partition fields",
      [...head, "fields: [{ id: 1, name: month, type: int8 }]", "partitionBy: [month]"],
      "every field is a partition field",
    ],
    [
      "an alias that collides",
      [...head, "fields: [{ id: 1, name: a, type: int8 }]", "aliases: [{ name: A, field: 1 }]"],
      'alias "A" collides with "a"',
    ],
    [
      "an alias of a struct",
      [
        ...head,
        "fields: [{ id: 1, name: a, type: list, element: { id: 2, type: int8 } }]",
        "aliases: [{ name: b, field: 1 }]",
      ],
      "needs a leaf at the top level",
    ],
    [
      "a day that is none",
      [
        ...head,
        "fields: [{ id: 1, name: a, type: int8 }]",
        "aliases: [{ name: b, field: 1, until: 2027-02-29 }]",
      ],
      "aliases[0].until",
    ],
    [
      "a bound of a type without order",
      [...head, "fields: [{ id: 1, name: a, type: bool }]", "constraints: [{ field: 1, min: 1 }]"],
      "min needs a field whose values have an order",
    ],
    [
      "bounds the wrong way round",
      [...head, "fields: [{ id: 1, name: a, type: int8 }]", "constraints: [{ field: 1, min: 2, max: 1 }]"],
      "min is greater than max",
    ],
    [
      "a version of 0",
      ["dataset: flights", "version: 0", "fields: [{ id: 1, name: a, type: int8 }]"],
      "2:10: version: too small",
    ],
    ["no mapping at all", ["- 1"], "1:1: the document is not a mapping"],
    ["an empty text", [""], "1:1: the document is not a mapping"],
  ])("%s", (_, lines, expected) => {
    expect(refusal(...lines).message).toContain(expected);
  });

  test("all problems at once, in the order of the text", () => {
    const error = refusal(
      ...head,
      "fields:",
      "  - { id: 1, name: a, type: x }",
      "  - { id: 1, name: a, type: int8 }",
    );
    expect(error.kind).toBe("invalid");
    expect(error.details).toStrictEqual({
      file: "flights/1.yaml",
      line: 4,
      column: 29,
      more: ["5:11: id 1 appears twice", '5:20: name "a" appears twice'],
    });
  });
});
