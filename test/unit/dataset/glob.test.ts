import { matchesGlob } from "node:path/posix";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compileGlobs, explainGlob, matchesInclude } from "../../../src/dataset/glob.ts";

describe("include and exclude patterns", () => {
  test.each<[string, string, boolean]>([
    ["**/*.parquet", "a.parquet", true],
    ["**/*.parquet", "day=1/hour=2/a.parquet", true],
    ["**/*.parquet", "a.parquet/b.csv", false],
    ["*.parquet", "day=1/a.parquet", false],
    ["day=*/*.parquet", "day=1/a.parquet", true],
    ["year=2026/**", "year=2026/month=1/a.parquet", true],
    ["a/**/b", "a/b", true],
    ["a/**/b", "a/x/b/y/b", true],
    ["a/**/b", "a/x/y/c", false],
    ["part-????.parquet", "part-0001.parquet", true],
    ["part-?.parquet", "part-🙂.parquet", true],
    ["a\\*b", "a*b", true],
    ["a\\*b", "axb", false],
    ["a\\[1\\]", "a[1]", true],
    ["*", ".hidden", true],
  ])("%s on %s", (pattern, key, expected) => {
    expect(explainGlob(pattern)).toBeUndefined();
    expect(matchesInclude(key, [pattern], [])).toBe(expected);
  });

  test("exclude wins over include", () => {
    const matches = compileGlobs(["**/*.parquet"], ["tmp/**"]);
    expect(["a.parquet", "tmp/a.parquet"].map(matches)).toStrictEqual([true, false]);
  });

  test.each(["", "/a", "a//b", "a/../b", "a**", "**b/c", "{a,b}", "[ab]", "a\\", "x".repeat(2000)])(
    "%j is refused with a reason",
    (pattern) => {
      expect(explainGlob(pattern)).toMatch(/^(is|has|begins|ends) /);
    },
  );

  test("agree with node's own globs on plain patterns", () => {
    const segment = fc.string({ unit: fc.constantFrom("a", "b", "*", "?"), minLength: 1, maxLength: 4 });
    const pattern = fc
      .array(fc.oneof(fc.constant("**"), segment), { minLength: 1, maxLength: 5 })
      .map((s) => s.join("/"));
    const key = fc
      .array(fc.string({ unit: fc.constantFrom("a", "b"), minLength: 1, maxLength: 3 }), {
        minLength: 1,
        maxLength: 5,
      })
      .map((s) => s.join("/"));
    fc.assert(
      fc.property(pattern, key, (glob, name) => {
        fc.pre(explainGlob(glob) === undefined);
        // Ours reads `a/**` as "a and all below"; a key is never a folder, so the difference is of no use.
        fc.pre(!glob.endsWith("**"));
        expect(matchesInclude(name, [glob], [])).toBe(matchesGlob(name, glob));
      }),
      { numRuns: 2000 },
    );
  });

  test("a pattern made for catastrophic backtracking takes no time", () => {
    const started = performance.now();
    expect(matchesInclude("a".repeat(900), [`${"*a".repeat(400)}b`], [])).toBe(false);
    expect(matchesInclude("a/".repeat(400), [`${"**/a/".repeat(150)}b`], [])).toBe(false);
    expect(performance.now() - started).toBeLessThan(1000);
  });
});
