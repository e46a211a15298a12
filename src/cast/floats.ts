import { decodeHalfFloats, encodeHalfFloats } from "./half-floats.ts";
import { numbersOf32, rangeOf, two32, wordsOf } from "./integers.ts";
import { InvalidPositions } from "./invalid-positions.ts";
import { roundNumber } from "./rounding.ts";

import type { LeafType } from "../parquet/leaf-type.ts";
import type { Values } from "../parquet/values/values.ts";
import type { CastResult } from "./cast.ts";
import type { IntType } from "./integers.ts";
import type { Rounding } from "./rounding.ts";

export type FloatType = Extract<LeafType, { kind: "float" }>;

/** Numbers of float values of any width; only half floats are copied. */
export function floatsOf(values: Values): Float32Array | Float64Array {
  if (values.kind === "fixed") return decodeHalfFloats(values.data);
  return (values as Extract<Values, { kind: "float" | "double" }>).data;
}

/** The largest integer up to which a float holds every integer. */
export function exactIntegerMax(bits: FloatType["bits"]): number {
  return bits === 64 ? 2 ** 53 : bits === 32 ? 2 ** 24 : 2 ** 11;
}

/** Values of a float type from doubles, nearest, ties to even. A finite number that would become infinite is invalid. */
export function storeFloats(numbers: Float64Array, to: FloatType, invalid: InvalidPositions): Values {
  if (to.bits === 64) return { kind: "double", data: numbers };
  // The first double that rounds to infinity.
  const limit = to.bits === 32 ? 2 ** 128 - 2 ** 103 : 65_520;
  for (let i = 0; i < numbers.length; i += 1) {
    const magnitude = Math.abs(numbers[i] as number);
    if (magnitude >= limit && magnitude !== Infinity) invalid.push(i);
  }
  if (to.bits === 32) return { kind: "float", data: new Float32Array(numbers) };
  return { kind: "fixed", width: 2, data: encodeHalfFloats(numbers) };
}

export function castFloats(values: Values, to: FloatType): CastResult {
  const invalid = new InvalidPositions();
  const numbers = floatsOf(values);
  const doubles = numbers instanceof Float64Array ? numbers : new Float64Array(numbers);
  return { values: storeFloats(doubles, to, invalid), invalid: invalid.finish() };
}

/**
 * Integers to floats. Beyond ±2^53 (2^24 for float32, 2^11 for float16) not every integer has a float of its own, so
 * that neighbours would collapse: invalid, unless a rounding is allowed, and then the nearest float.
 */
export function castIntegersToFloats(
  values: Values,
  from: IntType,
  to: FloatType,
  rounding: Rounding,
): CastResult {
  const invalid = new InvalidPositions();
  const max = exactIntegerMax(to.bits);
  const numbers =
    values.kind === "int32"
      ? new Float64Array(numbersOf32(values.data, from))
      : doublesOf64(values as Extract<Values, { kind: "int64" }>, from, to.bits !== 64);
  if (rounding === "error") {
    const words = values.kind === "int64" ? wordsOf(values.data) : undefined;
    for (let i = 0; i < numbers.length; i += 1) {
      const magnitude = Math.abs(numbers[i] as number);
      // ±(2^53 + 1) is rounded to ±2^53: it must not pass for exact.
      if (magnitude > max || (magnitude === 2 ** 53 && words?.[2 * i] !== 0)) invalid.push(i);
    }
  }
  return { values: storeFloats(numbers, to, invalid), invalid: invalid.finish() };
}

/**
 * `isStep`: the doubles are rounded once more. Beyond 2^53 the bits that a double has no room for are then folded into its
 * last one (round to odd), or a number just above a tie would become the tie and the second rounding go astray.
 */
function doublesOf64(
  values: Extract<Values, { kind: "int64" }>,
  from: IntType,
  isStep: boolean,
): Float64Array {
  const words = wordsOf(values.data);
  const numbers = new Float64Array(values.data.length);
  for (let i = 0; i < numbers.length; i += 1) {
    let low = words[2 * i] as number;
    const high = from.signed ? (words[2 * i + 1] as number) | 0 : (words[2 * i + 1] as number);
    if (isStep && (high >= 2 ** 21 || high < -(2 ** 21)) && (low & 0x7ff) !== 0)
      low = ((low & ~0x7ff) | 0x800) >>> 0;
    numbers[i] = high * two32 + low;
  }
  return numbers;
}

/** Floats to integers: NaN, infinities and what is out of range are invalid; a fraction is, unless rounded. */
export function castFloatsToIntegers(values: Values, to: IntType, rounding: Rounding): CastResult {
  const invalid = new InvalidPositions();
  const numbers = floatsOf(values);
  const count = numbers.length;
  // The maximum of 64-bit types is rounded up to a power of two, which is itself out of range.
  const { min } = rangeOf(to);
  const end = min < 0 ? -min : 2 ** to.bits;
  const narrow = to.bits === 64 ? undefined : new Int32Array(count);
  const wide = to.bits === 64 ? new BigInt64Array(count) : new BigInt64Array(0);
  const words = wordsOf(wide);
  for (let i = 0; i < count; i += 1) {
    let value = numbers[i] as number;
    if (rounding !== "error") value = roundNumber(value, rounding);
    if (!(value >= min && value < end) || Math.floor(value) !== value) {
      invalid.push(i);
    } else if (narrow !== undefined) {
      narrow[i] = value; // modulo 2^32, which is the bit pattern of unsigned values
    } else {
      const high = Math.floor(value / two32);
      words[2 * i] = value - high * two32;
      words[2 * i + 1] = high;
    }
  }
  const cast: Values = narrow === undefined ? { kind: "int64", data: wide } : { kind: "int32", data: narrow };
  return { values: cast, invalid: invalid.finish() };
}
