import * as fc from "fast-check";
import { expect, test } from "vitest";

import { ColonnadeError } from "../../../src/base/errors.ts";
import { assertKey, assertPrefix, compareKeys, isListed } from "../../../src/store/keys.ts";

const anyText = fc.string({ unit: "binary", maxLength: 12 });

test("keys compare as their UTF-8 bytes do", () => {
  fc.assert(
    fc.property(anyText, anyText, (a, b) => {
      expect(Math.sign(compareKeys(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
    }),
  );
});

test("a key is valid exactly when none of its segments is empty, dotted or reserved", () => {
  const segment = fc.oneof(
    fc.constantFrom("", ".", "..", "...", "a", ".colonnade", ".colonnade2", "é"),
    anyText,
  );
  fc.assert(
    fc.property(fc.array(segment, { minLength: 1, maxLength: 4 }), (parts) => {
      const segments = parts.map((part) => part.replaceAll(/[/\0]/g, ""));
      const bad = segments.some((part) => ["", ".", "..", ".colonnade"].includes(part));
      let thrown: unknown;
      try {
        assertKey(segments.join("/"));
      } catch (error) {
        thrown = error;
      }
      expect(thrown instanceof ColonnadeError && thrown.code === "KEY_INVALID").toBe(bad);
    }),
  );
});

test("the longest key has 1,024 bytes of UTF-8, not characters", () => {
  expect(() => assertKey("é".repeat(512))).not.toThrow();
  expect(() => assertKey("é".repeat(512) + "x")).toThrow("longer than 1024 bytes");
});

test.each(["", "a", "a/", "a/.", "a/..", "a/.col"])("the prefix %j may begin keys", (prefix) => {
  expect(() => assertPrefix(prefix)).not.toThrow();
});

test.each(["/", "//", "a//", "./", "../a", "a/../"])("the prefix %j begins no key", (prefix) => {
  expect(() => assertPrefix(prefix)).toThrow(/^key /);
});

test("what a store keeps for itself is not listed, at any depth", () => {
  expect([".colonnade/tmp/x", "a/.colonnade/x", "a/.colonnade.x", "b"].filter(isListed)).toEqual([
    "a/.colonnade.x",
    "b",
  ]);
});
