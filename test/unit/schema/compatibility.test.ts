import { describe, expect, test } from "vitest";
import {
  checkCompatibility,
  compatibilityModes,
  judgeCompatibility,
} from "../../../src/schema/compatibility.ts";
import { parseSchemaVersion } from "../../../src/schema/parse-schema-version.ts";
import type { SchemaVersion } from "../../../src/schema/schema-version.ts";

function version(number: number, fields: string, rest = ""): SchemaVersion {
  const text = `dataset: d\nversion: ${number}\nfields: [${fields}, { id: 99, name: other, type: bool }]\n${rest}`;
  return parseSchemaVersion(text, `${number}.yaml`);
}

/** `backward forward`, as two words of yes and no. */
function judged(from: string, to: string, fromRest = "", toRest = ""): string {
  const { backward, forward } = judgeCompatibility(version(1, from, fromRest), version(2, to, toRest));
  return `${backward ? "yes" : "no"} ${forward ? "yes" : "no"}`;
}

const a = (more: string): string => `{ id: 1, name: a, ${more} }`;

describe("consumers that read by name, backward and forward:", () => {
  test.each<[string, string, string, string]>([
    ["nothing", a("type: int32"), a("type: int32, default: 1"), "yes yes"],
    ["a rename", a("type: int32"), "{ id: 1, name: b, type: int32 }", "no no"],
    [
      "a new nullable column",
      a("type: int32"),
      `${a("type: int32")}, { id: 2, name: b, type: int8 }`,
      "yes yes",
    ],
    [
      "a new required column",
      a("type: int32"),
      `${a("type: int32")}, { id: 2, name: b, type: int8, nullable: false, default: 1 }`,
      "no yes",
    ],
    [
      "a dropped nullable column",
      `${a("type: int32")}, { id: 2, name: b, type: int8 }`,
      a("type: int32"),
      "yes yes",
    ],
    [
      "a dropped required column",
      `${a("type: int32")}, { id: 2, name: b, type: int8, nullable: false }`,
      a("type: int32"),
      "yes no",
    ],
    ["a wider integer", a("type: int32"), a("type: int64"), "yes no"],
    ["a narrower integer", a("type: int32"), a("type: int16"), "no yes"],
    ["an exact float", a("type: int32"), a("type: float64"), "yes no"],
    ["an inexact float", a("type: int64"), a("type: float64"), "no no"],
    ["a wider decimal", a("type: 'decimal128(9, 2)'"), a("type: 'decimal128(18, 2)'"), "yes no"],
    ["a number as text", a("type: int32"), a("type: string"), "no no"],
    ["text as bytes", a("type: string"), a("type: binary"), "yes no"],
    ["null allowed", a("type: int32, nullable: false"), a("type: int32"), "yes no"],
    ["null forbidden", a("type: int32"), a("type: int32, nullable: false"), "no yes"],
    [
      "another order",
      `${a("type: int32")}, { id: 2, name: b, type: int8 }`,
      `{ id: 2, name: b, type: int8 }, ${a("type: int32")}`,
      "yes yes",
    ],
    ["another structure", a("type: int32"), a("type: list, element: { id: 2, type: int32 }"), "no no"],
    [
      "a new required column without default",
      a("type: int32"),
      `${a("type: int32")}, { id: 2, name: b, type: int8, nullable: false }`,
      "no yes",
    ],
    [
      "a member's rename",
      a("type: struct, fields: [{ id: 2, name: x, type: int8 }]"),
      a("type: struct, fields: [{ id: 2, name: y, type: int8 }]"),
      "no no",
    ],
  ])("%s", (_, from, to, expected) => {
    expect(judged(from, to)).toBe(expected);
  });

  test("an alias keeps a rename forward compatible, one that was there before also backward", () => {
    const renamed = "{ id: 1, name: b, type: int32 }";
    expect(judged(a("type: int32"), renamed, "", "aliases: [{ name: a, field: 1 }]")).toBe("no yes");
    expect(
      judged(
        a("type: int32"),
        renamed,
        "aliases: [{ name: b, field: 1 }]",
        "aliases: [{ name: a, field: 1 }]",
      ),
    ).toBe("yes no");
    expect(judged(a("type: int32"), a("type: int32"), "aliases: [{ name: b, field: 1 }]")).toBe("yes no");
  });

  test("a column that moves between path and objects is the same to them, a renamed path is not", () => {
    expect(judged(a("type: int32"), a("type: int32"), "partitionBy: [a]")).toBe("yes yes");
    expect(
      judged(a("type: int32"), "{ id: 1, name: b, type: int32 }", "partitionBy: [a]", "partitionBy: [b]"),
    ).toBe("no no");
  });
});

describe("undoing", () => {
  test.each<[string, string, string, string]>([
    ["a rename", a("type: int32"), "{ id: 1, name: b, type: int32 }", "free"],
    ["a drop", `${a("type: int32")}, { id: 2, name: b, type: int8 }`, a("type: int32"), "needsSource"],
    ["an add", a("type: int32"), `${a("type: int32")}, { id: 2, name: b, type: int8 }`, "free"],
    ["an exact cast", a("type: int32"), a("type: float64"), "free"],
    ["a relabel", a("type: binary"), a("type: string"), "free"],
    ["a strict cast", a("type: int64"), a("type: int32"), "needsSource"],
    ["a lenient cast", a("type: int64"), a("type: int32, cast: { onInvalid: null }"), "losesValues"],
    ["a rounding cast", a("type: float64"), a("type: int32, cast: { rounding: floor }"), "losesValues"],
    [
      "a cast with quarantine",
      a("type: int64"),
      a("type: int32, cast: { onInvalid: quarantine }"),
      "needsSource",
    ],
    ["null forbidden", a("type: int32"), a("type: int32, nullable: false"), "free"],
    [
      "null replaced",
      a("type: int32"),
      a("type: int32, nullable: false, default: 0, cast: { onInvalid: default }"),
      "losesValues",
    ],
  ])("%s is %s", (_, from, to, expected) => {
    const { judgements } = judgeCompatibility(version(1, from), version(2, to));
    expect(judgements.map(({ reversal }) => reversal.kind)).toStrictEqual([expected]);
    expect(judgements[0]?.reversal.words).not.toBe("");
  });
});

describe("a history", () => {
  // 1 → 2 narrows a, 2 → 3 only adds.
  const history = {
    dataset: "d",
    versions: [
      version(1, a("type: int64")),
      version(2, a("type: int32")),
      version(3, `${a("type: int32")}, { id: 2, name: b, type: int8 }`),
    ],
  };

  test("is judged against the last version, or against all for the transitive modes", () => {
    const compatible = compatibilityModes.filter((mode) => checkCompatibility(history, mode).compatible);
    expect(compatible).toStrictEqual(["NONE", "BACKWARD", "FORWARD", "FORWARD_TRANSITIVE", "FULL"]);
    expect(checkCompatibility(history, "FULL_TRANSITIVE").findings).toStrictEqual([
      {
        from: 1,
        to: 3,
        direction: "backward",
        field: 1,
        path: "a",
        message: "cast a (int64 → int32): old values are not read as the new type",
      },
    ]);
  });

  test("of one version is compatible with everything", () => {
    const first = { dataset: "d", versions: history.versions.slice(0, 1) };
    expect(compatibilityModes.every((mode) => checkCompatibility(first, mode).compatible)).toBe(true);
  });

  test("with an impossible change is compatible with nothing", () => {
    const broken = {
      dataset: "d",
      versions: [version(1, a("type: int64")), version(2, a("type: list, element: { id: 2, type: int64 }"))],
    };
    const { compatible, findings } = checkCompatibility(broken, "FORWARD");
    expect(compatible).toBe(false);
    expect(findings).toMatchObject([{ direction: "both", field: 1, path: "a" }]);
  });
});
