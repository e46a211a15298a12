import { describe, expect, test } from "vitest";
import { ColonnadeError } from "../../../src/base/errors.ts";
import { parseYaml } from "../../../src/schema/parse-yaml.ts";

const parse = (text: string): unknown => parseYaml(text, "a.yaml", "JOB_INVALID").value;

function complaint(text: string): string {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof ColonnadeError && error.code === "JOB_INVALID") return error.message;
    throw error;
  }
  throw new Error("the text was accepted");
}

describe("YAML", () => {
  test("gives JSON's values by the core schema: no is a word, a date a string", () => {
    expect(parse("a: no\nb: 2026-01-01\nc: 0x10\nd: ~\ne: true\nf: 1.5e3\ng: .inf\nh: 012")).toStrictEqual({
      a: "no",
      b: "2026-01-01",
      c: 16,
      d: null,
      e: true,
      f: 1500,
      g: "inf",
      h: 12,
    });
  });

  test("keeps what a double cannot spell as text", () => {
    expect(
      parse("[9007199254740991, 9007199254740993, 0.1, 0.10000000000000000001, 1e999, 1.10]"),
    ).toStrictEqual([9007199254740991, "9007199254740993", 0.1, "0.10000000000000000001", "1e999", 1.1]);
  });

  test("knows where every key and value is, CRLF included", () => {
    const document = parseYaml("a:\r\n  - b: 1\r\n    c: [x, y]\r\n", "a.yaml", "JOB_INVALID");
    expect(document.position(["a", 0, "c", 1])).toStrictEqual({ line: 3, column: 12 });
    expect(document.position(["a", 0, "c"], "key")).toStrictEqual({ line: 3, column: 5 });
    expect(document.position(["a", 0, "missing"])).toStrictEqual({ line: 2, column: 5 });
  });

  test("resolves aliases to the last anchor before them", () => {
    expect(parse("a: &x [1]\nb: *x\nc: &x 2\nd: *x")).toStrictEqual({ a: [1], b: [1], c: 2, d: 2 });
  });

  test("a 1.1 directive changes nothing", () => {
    expect(parse("%YAML 1.1\n---\na: yes\nb: 0o7")).toStrictEqual({ a: "yes", b: 7 });
  });
});

describe("hostile YAML is refused in bounded time:", () => {
  const bomb = ["a: &a [x, x, x, x, x, x, x, x, x, x]"];
  for (const [index, name] of ["b", "c", "d", "e", "f", "g", "h"].entries()) {
    const before = "abcdefg".charAt(index);
    bomb.push(`${name}: &${name} [${Array.from({ length: 10 }, () => `*${before}`).join(", ")}]`);
  }
  test.each<[string, string, string]>([
    ["an alias bomb", bomb.join("\n"), "too many values"],
    ["an alias of itself", "a: &a [*a]", "nested too deeply"],
    ["an alias of nothing", "a: *b", "a.yaml:1:4:"],
    ["deep flow nesting", "[".repeat(100_000), "nested too deeply"],
    ["deep block nesting", "- ".repeat(50_000), "nested too deeply"],
    ["nesting a little too deep", `${"[".repeat(70)}${"]".repeat(70)}`, "nested too deeply"],
    ["a key twice", "a: 1\nb: 2\na: 3", 'a.yaml:3:1: key "a" appears twice'],
    ["a prototype", "__proto__: { polluted: true }", 'key "__proto__" is not allowed'],
    ["a known tag", "a: !!binary aGk=", "a.yaml:1:4:"],
    ["a tag of its own", "a: !js/function x", "a.yaml:1:4:"],
    ["two documents", "a: 1\n---\nb: 2", "a.yaml:2:1:"],
    ["a mapping as a key", "? { a: 1 }\n: 2", "a.yaml:1:3:"],
    ["tabs as indentation", "a:\n\tb: 1", "a.yaml:2:1:"],
    ["an open quote", 'a: "b', "a.yaml:1:"],
    ["more than 4 MiB", `# ${"x".repeat(4 * 1024 * 1024)}`, "larger than"],
  ])("%s", (_, text, expected) => {
    const started = performance.now();
    expect(complaint(text)).toContain(expected);
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  test("many keys in one mapping are read in linear time", () => {
    const text = Array.from({ length: 50_000 }, (_, i) => `k${i}: 1`).join("\n");
    const started = performance.now();
    expect(Object.keys(parse(text) as object)).toHaveLength(50_000);
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});
