import { ByteBuilder } from "./byte-builder.ts";
import { floatsOf } from "./floats.ts";
import { numbersOf32, two32, wordsOf } from "./integers.ts";
import { readDecimals } from "./unscaled.ts";

import type { Values } from "../parquet/values/values.ts";
import type { DecimalType } from "./decimals.ts";
import type { FloatType } from "./floats.ts";
import type { IntType } from "./integers.ts";

const minus = 0x2d;

export function formatBools(values: Values): Values {
  const { data } = values as Extract<Values, { kind: "bool" }>;
  const texts = new ByteBuilder(data.length, 5);
  for (let i = 0; i < data.length; i += 1) {
    texts.ascii(data[i] === 0 ? "false" : "true");
    texts.endValue();
  }
  return texts.finish();
}

export function formatIntegers(values: Values, from: IntType): Values {
  if (values.kind === "int32") {
    const numbers = numbersOf32(values.data, from);
    const texts = new ByteBuilder(numbers.length, 8);
    for (let i = 0; i < numbers.length; i += 1) {
      appendInteger(texts, numbers[i] as number);
      texts.endValue();
    }
    return texts.finish();
  }
  const { data } = values as Extract<Values, { kind: "int64" }>;
  const words = wordsOf(data);
  const texts = new ByteBuilder(data.length, 12);
  for (let i = 0; i < data.length; i += 1) {
    const word = words[2 * i + 1] as number;
    const number = (from.signed ? word | 0 : word) * two32 + (words[2 * i] as number);
    if (Number.isSafeInteger(number)) appendInteger(texts, number);
    else texts.ascii(String(from.signed ? data[i] : BigInt.asUintN(64, data[i] as bigint)));
    texts.endValue();
  }
  return texts.finish();
}

/** A safe integer. */
export function appendInteger(texts: ByteBuilder, value: number): void {
  if (value < 0) texts.byte(minus);
  const magnitude = Math.abs(value);
  let width = 1;
  for (let limit = 10; magnitude >= limit; limit *= 10) width += 1;
  texts.digits(magnitude, width);
}

/**
 * The shortest digits that read back as the same float, as Arrow writes them: `1`, `0.1`, `-0`, `1e+10`, `1e-7`, `nan`,
 * `inf`. Half floats are written with the digits of the equal double, as Arrow does.
 */
export function formatFloats(values: Values, from: FloatType): Values {
  const numbers = floatsOf(values);
  const texts = new ByteBuilder(numbers.length, 12);
  for (let i = 0; i < numbers.length; i += 1) {
    const value = numbers[i] as number;
    texts.ascii(from.bits === 32 ? formatFloat32(value) : formatDouble(value));
    texts.endValue();
  }
  return texts.finish();
}

export function formatDouble(value: number): string {
  const magnitude = Math.abs(value);
  if (magnitude < 1e10 && magnitude >= 1e-6) return String(value);
  if (value === 0) return Object.is(value, -0) ? "-0" : "0";
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "nan" : value < 0 ? "-inf" : "inf";
  return value.toExponential();
}

export function formatFloat32(value: number): string {
  if (!Number.isFinite(value) || (Number.isInteger(value) && Math.abs(value) < 2 ** 24))
    return formatDouble(value);
  return formatDouble(shortestFloat32(value));
}

/**
 * The double of the fewest digits that rounds to this float: printing it prints those digits. Of two that are equally near the
 * one with an even last digit, as the double-conversion library has it.
 */
export function shortestFloat32(value: number): number {
  const quick = quickShortest(value);
  if (!Number.isNaN(quick)) return quick;
  // Six digits survive a float32 (FLT_DIG), so fewer are found by six; subnormals have fewer bits.
  for (let precision = Math.abs(value) < 2 ** -126 ? 1 : 6; precision < 9; precision += 1) {
    const candidate = Number(value.toPrecision(precision));
    if (Math.fround(candidate) === value) return evenOfTwo(value, candidate, precision);
  }
  return Number(value.toPrecision(9));
}

/**
 * The same by arithmetic, for the sizes that numbers of everyday life have: 24 bits times a power of ten up to 10^14 is so near to
 * the exact product that it only must not be a tie, and the quotient of two exact integers is the double that the text would be.
 */
function quickShortest(value: number): number {
  const magnitude = Math.abs(value);
  if (!(magnitude >= 1e-6 && magnitude < 1e6)) return NaN;
  let scale = 1e11;
  for (let limit = 1e-5; limit <= magnitude; limit *= 10) scale /= 10;
  // Six digits at first, or seven next to a power of ten, where the limits are not exact.
  for (let attempt = 0; attempt < 4; attempt += 1, scale *= 10) {
    const product = magnitude * scale;
    const integer = Math.round(product);
    if (Math.abs(integer - product) > 0.499_999) return NaN;
    const candidate = integer / scale;
    if (Math.fround(candidate) === magnitude) return value < 0 ? -candidate : candidate;
  }
  return NaN;
}

/** `toPrecision` rounds ties away from zero: where it did so to an odd digit, the number on the other side. */
function evenOfTwo(value: number, candidate: number, precision: number): number {
  const longer = value.toExponential(precision);
  const [mantissa = "", exponent = ""] = longer.split("e");
  if (!mantissa.endsWith("5") || Number(longer) !== value || candidate === value) return candidate;
  const below = mantissa.slice(0, -1);
  return Number(below.at(-1)) % 2 === 0 ? Number(`${below}e${exponent}`) : candidate;
}

/** As many decimals as the scale; Arrow goes over to an exponent where more than five zeros would follow the point. */
export function formatDecimals(values: Values, from: DecimalType): Values {
  const { numbers, large } = readDecimals(values);
  const { scale } = from;
  const divisor = 10 ** scale;
  // An adjusted exponent below -6 (see formatDecimal), or no number: the slow way.
  const quickMin = scale > 15 || scale < 0 ? Infinity : 10 ** (scale - 6);
  const texts = new ByteBuilder(numbers.length, 12);
  for (let i = 0; i < numbers.length; i += 1) {
    const number = numbers[i] as number;
    const magnitude = Math.abs(number);
    if (!(magnitude >= quickMin)) {
      texts.ascii(formatDecimal(large.get(i) ?? BigInt(number), scale));
    } else {
      if (number < 0) texts.byte(minus);
      const fraction = magnitude % divisor;
      appendInteger(texts, (magnitude - fraction) / divisor);
      if (scale > 0) {
        texts.byte(0x2e);
        texts.digits(fraction, scale);
      }
    }
    texts.endValue();
  }
  return texts.finish();
}

/** After the "to-scientific-string" of the General Decimal Arithmetic Specification, as Arrow has it. */
export function formatDecimal(unscaled: bigint, scale: number): string {
  const negative = unscaled < 0n;
  const digits = (negative ? -unscaled : unscaled).toString();
  const sign = negative ? "-" : "";
  const adjusted = digits.length - 1 - scale;
  if (scale < 0 || adjusted < -6) {
    const point = digits.length > 1 ? `${digits[0]}.${digits.slice(1)}` : digits;
    return `${sign}${point}E${adjusted < 0 ? "-" : "+"}${Math.abs(adjusted)}`;
  }
  if (scale === 0) return sign + digits;
  const padded = digits.padStart(scale + 1, "0");
  return `${sign}${padded.slice(0, -scale)}.${padded.slice(-scale)}`;
}
