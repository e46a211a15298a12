import { describe, expect, test } from "vitest";
import type { Json } from "../../../src/base/canonical-json.ts";
import { formatValue } from "../../../src/cast/format-value.ts";
import { parseScalar } from "../../../src/cast/parse-scalar.ts";
import { columnOf, stored, textColumn } from "../../support/cast-columns.ts";

function parse(json: Json, name: string): string {
  const parsed = parseScalar(json, stored(name));
  return "error" in parsed ? `error: ${parsed.error}` : formatValue(parsed, 0, stored(name), Infinity);
}

describe("parseScalar", () => {
  test("what it reads is what formatValue writes, for path segments of every type", () => {
    const samples = [
      ["bool", "true"],
      ["int8", "-128"],
      ["uint64", "18446744073709551615"],
      ["float64", "1e-7"],
      ["float32", "nan"],
      ["decimal128(38, 2)", "-123456789012345678901234567890.12"],
      ["string", "a b/é"],
      ["date32", "2020-02-29"],
      ["time64[us]", "03:04:05.000006"],
      ["timestamp[ns]", "2020-01-02 03:04:05.123456789"],
      ["timestamp[ms, tz=UTC]", "2020-01-02 03:04:05.123Z"],
      ["timestamp[ms, tz=Europe/Berlin]", "2020-01-02 03:04:05.123+0100"],
      ["uuid", "00112233-4455-6677-8899-aabbccddeeff"],
      ["binary", "00ff"],
      ["fixed_size_binary(2)", "beef"],
      ["json", "[1]"],
    ] as const;
    for (const [name, text] of samples) expect([name, parse(text, name)]).toEqual([name, text]);
  });

  test("JSON numbers, booleans and values are taken by the types that they belong to", () => {
    expect(parse(5, "int64")).toBe("5");
    expect(parse(0.1, "decimal128(5, 2)")).toBe("0.10");
    expect(parse(1.5, "float32")).toBe("1.5");
    expect(parse(false, "bool")).toBe("false");
    expect(parse({ b: 1, a: [null] }, "json")).toBe('{"a":[null],"b":1}');
    expect(parse("+5", "int32")).toBe("5");
    expect(parse("2020-01-02 03:04:05", "timestamp[ms, tz=UTC]")).toBe("2020-01-02 03:04:05.000Z");
  });

  test("what does not fit is an error that says what would", () => {
    expect(parse(300, "int8")).toBe("error: 300 is not an integer of int8 (past ±2^53 it must be a string)");
    expect(parse(2 ** 53, "int64")).toMatch(/^error: .*must be a string/);
    expect(parse(1.005, "decimal128(5, 2)")).toMatch(
      /^error: 1.005 is not a number that decimal128\(5, 2\) holds exactly/,
    );
    expect(parse("yes", "bool")).toBe('error: "yes" is not true or false');
    expect(parse("2021-02-29", "date32")).toBe('error: "2021-02-29" is not a date such as 2026-01-31');
    expect(parse(5, "string")).toBe("error: 5 is not a string");
    expect(parse(null, "int32")).toMatch(/^error: null is not/);
    expect(parse("zz", "binary")).toBe('error: "zz" is not bytes in hexadecimal');
    expect(parse("00", "fixed_size_binary(2)")).toBe('error: "00" has 1 bytes, not 2');
    expect(parse("x", "null")).toMatch(/^error: /);
  });
});

describe("formatValue", () => {
  test("long values end in an ellipsis, and never within a character", () => {
    const column = textColumn(["é".repeat(500), "😀".repeat(100)]);
    expect(formatValue(column, 0, stored("string"))).toBe(`${"é".repeat(120)}…`);
    expect(formatValue(column, 1, stored("string"), 3)).toBe("😀…");
    expect(formatValue(column, 0, stored("string"), Infinity)).toBe("é".repeat(500));
    expect(formatValue(columnOf(["ab".repeat(200)], stored("binary")), 0, stored("binary"), 10)).toBe(
      "ababababab…",
    );
  });

  test("bytes that are not UTF-8, and values too far off for a text, are shown as they are stored", () => {
    expect(formatValue(columnOf(["61ff"], stored("string")), 0, stored("string"))).toBe("61ff");
    expect(formatValue(columnOf(["2147483647"], stored("date32")), 0, stored("date32"))).toBe("2147483647");
    expect(formatValue(columnOf(["-1"], stored("time32[ms]")), 0, stored("time32[ms]"))).toBe("-1");
    const int96 = stored("timestamp[ns]", { physicalType: "INT96" });
    expect(formatValue(columnOf(["01000000000000008c3d2500"], int96), 0, int96)).toBe(
      "1970-01-01 00:00:00.000000001",
    );
  });
});
