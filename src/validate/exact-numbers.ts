import type { Rounding } from "../schema/schema-version.ts";

/** A number without any rounding: `numerator / denominator`, the denominator above zero. */
export interface Exact {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

/** The quotient as an integer by the named rule; undefined where `error` forbids to drop digits. */
export function toInteger({ numerator, denominator }: Exact, rounding: Rounding): bigint | undefined {
  const towardZero = numerator / denominator;
  const rest = numerator % denominator;
  if (rest === 0n) return towardZero;
  const away = numerator < 0n ? towardZero - 1n : towardZero + 1n;
  const [floor, ceil] = numerator < 0n ? [away, towardZero] : [towardZero, away];
  const twice = (rest < 0n ? -rest : rest) * 2n;
  switch (rounding) {
    case "error":
      return undefined;
    case "truncate":
      return towardZero;
    case "floor":
      return floor;
    case "ceil":
      return ceil;
    case "half-even":
      if (twice === denominator) return floor % 2n === 0n ? floor : ceil;
      return twice > denominator ? away : towardZero;
    case "half-up":
      return twice >= denominator ? away : towardZero;
  }
}

/** A finite double exactly: it is a multiple of 2^-1074. */
export function exactOf(value: number): Exact {
  let denominator = 1n;
  let scaled = value;
  while (!Number.isInteger(scaled)) {
    scaled *= 2;
    denominator *= 2n;
  }
  return { numerator: BigInt(scaled), denominator };
}

/** Digits of the significand and the exponent of the last of them, for the smallest and for the largest number. */
const formats = {
  16: { digits: 11, last: -24, largest: 65_504 },
  32: { digits: 24, last: -149, largest: 3.402_823_466_385_288_6e38 },
  64: { digits: 53, last: -1074, largest: Number.MAX_VALUE },
} as const;

/** The float nearest to an exact number, ties to even (IEEE 754, 4.3.1); infinite where it is too large. */
export function nearestFloat({ numerator, denominator }: Exact, bits: 16 | 32 | 64): number {
  const { digits, last, largest } = formats[bits];
  const negative = numerator < 0n;
  const magnitude = negative ? -numerator : numerator;
  // 2^exponent is the weight of the last digit that the float has here.
  let exponent = Math.max(last, bitLength(magnitude) - bitLength(denominator) - digits);
  let significand = roundedQuotient(magnitude, denominator, exponent);
  if (bitLength(significand) > digits) {
    exponent += 1;
    significand = roundedQuotient(magnitude, denominator, exponent);
  }
  const value = scaleByPowerOfTwo(Number(significand), exponent);
  const bounded = value > largest ? Infinity : value;
  return negative ? -bounded : bounded;
}

function roundedQuotient(numerator: bigint, denominator: bigint, exponent: number): bigint {
  const shifted =
    exponent >= 0
      ? { numerator, denominator: denominator << BigInt(exponent) }
      : { numerator: numerator << BigInt(-exponent), denominator };
  return toInteger(shifted, "half-even") ?? 0n;
}

/** In two steps, since neither 2^-1074 times a large number nor 2^1023 times a small one may over- or underflow on the way. */
function scaleByPowerOfTwo(value: number, exponent: number): number {
  const half = Math.trunc(exponent / 2);
  return value * 2 ** half * 2 ** (exponent - half);
}

function bitLength(value: bigint): number {
  return value === 0n ? 0 : value.toString(2).length;
}

const numberPattern = /^([+-]?)(?:(\d+)(?:\.(\d*))?|\.(\d+))(?:[eE]([+-]?\d+))?$/;

/** Longer texts and larger exponents would take minutes: nobody judges them here. */
const charactersMax = 1000;
const exponentMax = 2000;

export type ParsedNumber =
  | { readonly kind: "number"; readonly exact: Exact; readonly negative: boolean }
  | { readonly kind: "invalid" }
  | { readonly kind: "unjudged" };

/** Digits with an optional sign, point and exponent, exactly. */
export function parseNumber(text: string): ParsedNumber {
  const match = numberPattern.exec(text);
  if (match === null) return { kind: "invalid" };
  if (text.length > charactersMax) return { kind: "unjudged" };
  const [, sign = "", whole = "", fraction = "", bareFraction = "", exponentText = "0"] = match;
  const behind = fraction + bareFraction;
  const magnitude = BigInt(`0${whole}${behind}`);
  const negative = sign === "-";
  const exponent = Number(exponentText) - behind.length;
  if (magnitude !== 0n && Math.abs(exponent) > exponentMax) return { kind: "unjudged" };
  const numerator = negative ? -magnitude : magnitude;
  const power = magnitude === 0n ? 1n : 10n ** BigInt(Math.abs(exponent));
  const exact =
    exponent >= 0 ? { numerator: numerator * power, denominator: 1n } : { numerator, denominator: power };
  return { kind: "number", exact, negative };
}
