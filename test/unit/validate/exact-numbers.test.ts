import * as fc from "fast-check";
import { expect, test } from "vitest";
import { exactOf, nearestFloat, parseNumber, toInteger } from "../../../src/validate/exact-numbers.ts";

const finite = fc.double({ noNaN: true, noDefaultInfinity: true });

test("property: the nearest float32 of a double is the runtime's, and the nearest double is itself", () => {
  fc.assert(
    fc.property(finite, (value) => {
      const unsigned = value === 0 ? 0 : value;
      expect(nearestFloat(exactOf(value), 64)).toBe(unsigned);
      expect(nearestFloat(exactOf(value), 32)).toBe(Math.fround(unsigned));
    }),
  );
});

test("property: the nearest double of a text is what the runtime reads", () => {
  const texts = fc
    .tuple(fc.bigInt({ min: 1n, max: 10n ** 40n }), fc.integer({ min: -340, max: 330 }))
    .map(([digits, exponent]) => `${digits}e${exponent}`);
  fc.assert(
    fc.property(texts, (text) => {
      const parsed = parseNumber(text);
      expect(parsed.kind === "number" ? nearestFloat(parsed.exact, 64) : parsed).toBe(Number(text));
    }),
  );
});

test.each([
  [65_519.999, 65_504],
  [65_520, Infinity],
  [-65_520, -Infinity],
  [2 ** -25, 0],
  [2 ** -25 * 1.001, 2 ** -24],
  [2049, 2048],
  [2051, 2052],
])("the nearest float16 of %f is %f", (value, nearest) => {
  expect(nearestFloat(exactOf(value), 16)).toBe(nearest);
});

test.each([
  ["truncate", -1n, 1n],
  ["floor", -2n, 1n],
  ["ceil", -1n, 2n],
  ["half-even", -2n, 2n],
  ["half-up", -2n, 2n],
  ["error", undefined, undefined],
] as const)("%s takes -1.5 to %s and 1.5 to %s", (rounding, negative, positive) => {
  expect(toInteger({ numerator: -3n, denominator: 2n }, rounding)).toBe(negative);
  expect(toInteger({ numerator: 3n, denominator: 2n }, rounding)).toBe(positive);
});

test("ties go to the even neighbour or away from zero, and the rest to the nearest", () => {
  const halves = (numerator: bigint): unknown[] =>
    (["half-even", "half-up"] as const).map((rounding) =>
      toInteger({ numerator, denominator: 2n }, rounding),
    );
  expect([5n, -5n, 1n, -1n].map(halves)).toEqual([
    [2n, 3n],
    [-2n, -3n],
    [0n, 1n],
    [0n, -1n],
  ]);
  expect(toInteger({ numerator: -7n, denominator: 4n }, "half-even")).toBe(-2n);
});

test.each(["", ".", "+", "1e", "1 ", " 1", "0x1", "1_0", "--1", "1e1.5"])("%j is no number", (text) => {
  expect(parseNumber(text).kind).toBe("invalid");
});
