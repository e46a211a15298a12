import { zerosAndOnes } from "./bools.ts";
import { floatsOf, storeFloats } from "./floats.ts";
import { InvalidPositions } from "./invalid-positions.ts";
import { divideBigInt, roundNumber, roundsUp } from "./rounding.ts";
import {
  bigIntAt,
  newUnscaled,
  readDecimals,
  readIntegers,
  setBigInt,
  storeDecimals,
  storeIntegers,
} from "./unscaled.ts";

import type { LeafType } from "../parquet/leaf-type.ts";
import type { Values } from "../parquet/values/values.ts";
import type { CastResult, Stored } from "./cast.ts";
import type { FloatType } from "./floats.ts";
import type { IntType } from "./integers.ts";
import type { Rounding } from "./rounding.ts";
import type { Unscaled } from "./unscaled.ts";

export type DecimalType = Extract<LeafType, { kind: "decimal" }>;
export type StoredDecimal = Stored & { readonly type: DecimalType };

/** Powers of ten that are exact as doubles. */
const exactPowerMax = 22;
const powers = Array.from({ length: exactPowerMax + 1 }, (_, exponent) => Number(`1e${exponent}`));

export function powerOfTen(exponent: number): number {
  return powers[exponent] as number;
}

/** Decimals to decimals: a lost digit is invalid unless rounded, and so is one too many in front. */
export function castDecimals(
  values: Values,
  from: StoredDecimal,
  to: StoredDecimal,
  rounding: Rounding,
): CastResult {
  const invalid = new InvalidPositions();
  const unscaled = readDecimals(values);
  rescale(unscaled, to.type.scale - from.type.scale, rounding, invalid);
  return { values: storeChecked(unscaled, to, invalid), invalid: invalid.finish() };
}

export function castDecimalsToIntegers(
  values: Values,
  from: DecimalType,
  to: IntType,
  rounding: Rounding,
): CastResult {
  const invalid = new InvalidPositions();
  const unscaled = readDecimals(values);
  rescale(unscaled, -from.scale, rounding, invalid);
  return { values: storeIntegers(unscaled, to, invalid), invalid: invalid.finish() };
}

export function castIntegersToDecimals(
  values: Values,
  from: IntType,
  to: StoredDecimal,
  rounding: Rounding,
): CastResult {
  const invalid = new InvalidPositions();
  const unscaled = readIntegers(values, from);
  rescale(unscaled, to.type.scale, rounding, invalid);
  return { values: storeChecked(unscaled, to, invalid), invalid: invalid.finish() };
}

export function castBoolsToDecimals(values: Values, to: StoredDecimal): CastResult {
  return castIntegersToDecimals(zerosAndOnes(values), { kind: "int", bits: 32, signed: true }, to, "error");
}

/** Zero and one are false and true; anything else is invalid, unless a rounding is allowed: then it is true. */
export function castDecimalsToBools(values: Values, from: DecimalType, rounding: Rounding): CastResult {
  const invalid = new InvalidPositions();
  const { numbers } = readDecimals(values);
  const one = Number(`1e${from.scale}`);
  const data = new Uint8Array(numbers.length);
  for (let i = 0; i < data.length; i += 1) {
    // A large value's slot is NaN. The one that equals 1 at a scale above 15 is looked at below.
    const number = numbers[i] as number;
    data[i] = number === 0 ? 0 : 1;
    if (rounding === "error" && number !== 0 && number !== one) invalid.push(i);
  }
  if (from.scale > 15 && rounding === "error") return largeOnes(values, from, data);
  return { values: { kind: "bool", data }, invalid: invalid.finish() };
}

function largeOnes(values: Values, from: DecimalType, data: Uint8Array): CastResult {
  const invalid = new InvalidPositions();
  const unscaled = readDecimals(values);
  const one = 10n ** BigInt(from.scale);
  for (let i = 0; i < data.length; i += 1) {
    if (data[i] === 1 && bigIntAt(unscaled, i) !== one) invalid.push(i);
  }
  return { values: { kind: "bool", data }, invalid: invalid.finish() };
}

/** Decimals to floats: always the nearest double (then the nearest float), never a power series of it. */
export function castDecimalsToFloats(values: Values, from: DecimalType, to: FloatType): CastResult {
  const invalid = new InvalidPositions();
  const { numbers, large } = readDecimals(values);
  const { scale } = from;
  if (scale >= 0 && scale <= exactPowerMax) {
    // Both operands are exact, so the one division rounds once.
    const divisor = powerOfTen(scale);
    for (let i = 0; i < numbers.length; i += 1) numbers[i] = (numbers[i] as number) / divisor;
  } else {
    for (let i = 0; i < numbers.length; i += 1) numbers[i] = Number(`${numbers[i]}e${-scale}`);
  }
  for (const [i, value] of large) numbers[i] = Number(`${value}e${-scale}`);
  return { values: storeFloats(numbers, to, invalid), invalid: invalid.finish() };
}

/**
 * Floats to decimals: the exact binary value, rounded to the scale; `error` rounds half to even here, since
 * hardly any fraction has an exact decimal. NaN and infinities are invalid.
 */
export function castFloatsToDecimals(values: Values, to: StoredDecimal, rounding: Rounding): CastResult {
  const invalid = new InvalidPositions();
  const floats = floatsOf(values);
  const { scale } = to.type;
  const rule = rounding === "error" ? "half-even" : rounding;
  const factor = scale >= 0 && scale <= exactPowerMax ? powerOfTen(scale) : NaN;
  // Where the rule changes its mind: at the halves, or at the integers.
  const boundary = rule === "half-even" || rule === "half-up" ? 0.5 : 0;
  const unscaled = newUnscaled(floats.length);
  for (let i = 0; i < floats.length; i += 1) {
    const value = floats[i] as number;
    const product = value * factor;
    const magnitude = Math.abs(product);
    const place = magnitude + boundary;
    const toBoundary = Math.abs(place - Math.round(place));
    // The product is off by half a unit in its last place at most, which only matters next to a boundary.
    if (magnitude < 2 ** 50 && (toBoundary > 2 ** -51 * place || isExactProduct(value, factor, product))) {
      unscaled.numbers[i] = roundNumber(product, rule);
    } else if (Number.isFinite(value)) setBigInt(unscaled, i, scaleExactly(value, scale, rule));
    else invalid.push(i);
  }
  return { values: storeChecked(unscaled, to, invalid), invalid: invalid.finish() };
}

/** Whether a product below 2^50 has no rounding error, by Dekker's splitting ("A floating-point technique", 1971). */
function isExactProduct(a: number, b: number, product: number): boolean {
  if (product === 0) return a === 0;
  const splitA = 134_217_729 * a;
  const highA = splitA - (splitA - a);
  const lowA = a - highA;
  const splitB = 134_217_729 * b;
  const highB = splitB - (splitB - b);
  const lowB = b - highB;
  return lowA * lowB - (product - highA * highB - lowA * highB - highA * lowB) === 0;
}

/** `value * 10^scale` as an integer, from the exact binary value. */
function scaleExactly(value: number, scale: number, rounding: Rounding): bigint {
  let shift = 0;
  let mantissa = value;
  // Doubles are multiples of 2^-1074; doubling is exact.
  while (!Number.isInteger(mantissa)) {
    mantissa *= 2;
    shift += 1;
  }
  const numerator = scale >= 0 ? BigInt(mantissa) * 10n ** BigInt(scale) : BigInt(mantissa);
  const denominator = (scale >= 0 ? 1n : 10n ** BigInt(-scale)) << BigInt(shift);
  return divideBigInt(numerator, denominator, rounding) ?? 0n;
}

/** Multiplies by ten to the power of `digits` (divides, when negative), in place. */
export function rescale(
  unscaled: Unscaled,
  digits: number,
  rounding: Rounding,
  invalid: InvalidPositions,
): void {
  if (digits === 0) return;
  const { numbers, large } = unscaled;
  const before = [...large];
  large.clear();
  if (digits > 0) multiply(unscaled, digits);
  else divide(numbers, -digits, rounding, invalid);
  for (const [i, value] of before) {
    const factor = 10n ** BigInt(Math.abs(digits));
    const scaled = digits > 0 ? value * factor : divideBigInt(value, factor, rounding);
    if (scaled === undefined) invalid.push(i);
    setBigInt(unscaled, i, scaled ?? 0n);
  }
}

function multiply(unscaled: Unscaled, digits: number): void {
  const { numbers } = unscaled;
  const factor = digits <= exactPowerMax ? powerOfTen(digits) : Infinity;
  const limit = Number.MAX_SAFE_INTEGER / factor;
  for (let i = 0; i < numbers.length; i += 1) {
    const number = numbers[i] as number;
    if (number >= -limit && number <= limit) numbers[i] = number === 0 ? 0 : number * factor;
    else if (!Number.isNaN(number)) setBigInt(unscaled, i, BigInt(number) * 10n ** BigInt(digits));
  }
}

function divide(numbers: Float64Array, digits: number, rounding: Rounding, invalid: InvalidPositions): void {
  // Every safe integer is less than a tenth of 10^22, and so of any larger divisor.
  const divisor = powerOfTen(Math.min(digits, exactPowerMax));
  for (let i = 0; i < numbers.length; i += 1) {
    const number = numbers[i] as number;
    const remainder = number % divisor; // exact, with the sign of the number
    const towardZero = (number - remainder) / divisor;
    numbers[i] = towardZero;
    if (remainder === 0 || Number.isNaN(number)) continue;
    if (rounding === "error") {
      invalid.push(i);
      continue;
    }
    const negative = number < 0;
    const floor = negative ? towardZero - 1 : towardZero;
    const twice = Math.abs(remainder) * 2;
    // Quarters of the way from the floor to the next integer.
    const place = twice === divisor ? 2 : twice > divisor === negative ? 1 : 3;
    numbers[i] = roundsUp(rounding, negative, floor % 2 !== 0, place, 4) ? floor + 1 : floor;
  }
}

/** Stores decimals; a value of more digits than the precision is invalid. */
export function storeChecked(unscaled: Unscaled, to: StoredDecimal, invalid: InvalidPositions): Values {
  const { numbers, large } = unscaled;
  const limit = Number(`1e${to.type.precision}`);
  for (let i = 0; i < numbers.length; i += 1) {
    const number = numbers[i] as number;
    if (number >= limit || number <= -limit) {
      invalid.push(i);
      numbers[i] = 0; // So that no storage has to hold it.
    }
  }
  const limitLarge = 10n ** BigInt(to.type.precision);
  for (const [i, value] of large) {
    if (value < limitLarge && value > -limitLarge) continue;
    invalid.push(i);
    setBigInt(unscaled, i, 0n);
  }
  return storeDecimals(unscaled, to);
}
