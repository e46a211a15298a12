import * as fc from "fast-check";
import { expect, test } from "vitest";
import { castValues } from "../../../src/cast/cast-values.ts";
import { stored } from "../../support/cast-columns.ts";

/** The nearest float32 of an integer, ties to even, by comparing exact distances. */
function nearestFloat32(value: bigint): number {
  const guess = Math.fround(Number(value));
  const bits = new Uint32Array(Float32Array.of(guess).buffer)[0] as number;
  const candidates = [bits - 1, bits, bits + 1].map(
    (b) => new Float32Array(Uint32Array.of(b).buffer)[0] as number,
  );
  const distance = (float: number): bigint => {
    const difference = BigInt(float) - value;
    return difference < 0n ? -difference : difference;
  };
  const isEven = (float: number): boolean =>
    ((new Uint32Array(Float32Array.of(float).buffer)[0] as number) & 1) === 0;
  return candidates.reduce((best, float) => {
    const [a, b] = [distance(best), distance(float)];
    return b < a || (b === a && isEven(float)) ? float : best;
  });
}

test("under a rounding, int64 becomes the nearest float32, not the nearest of the nearest double", () => {
  const edges = [
    2n ** 60n + 2n ** 36n + 1n,
    -(2n ** 60n + 2n ** 36n + 1n),
    2n ** 60n + 2n ** 36n - 1n,
    2n ** 62n + 2n ** 38n,
  ];
  const spec = { from: stored("int64"), to: stored("float32"), rounding: "half-even" } as const;
  const check = (value: bigint): void => {
    const { values, invalid } = castValues({ kind: "int64", data: BigInt64Array.of(value) }, spec);
    expect([values.data[0], invalid.length]).toEqual([nearestFloat32(value), 0]);
  };
  edges.forEach(check);
  fc.assert(
    fc.property(
      fc.integer({ min: 30, max: 61 }),
      fc.integer({ min: 2, max: 24 }),
      fc.bigInt({ min: -3n, max: 3n }),
      (high, gap, near) => check(2n ** BigInt(high) + 2n ** BigInt(high - gap) + near),
    ),
  );
});
