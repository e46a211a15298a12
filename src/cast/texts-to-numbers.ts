import { powerOfTen, storeChecked } from "./decimals.ts";
import { storeFloats } from "./floats.ts";
import { halfBits, halfNumber } from "./half-floats.ts";
import { two32, wordsOf } from "./integers.ts";
import { InvalidPositions } from "./invalid-positions.ts";
import { divideBigInt } from "./rounding.ts";
import { newUnscaled, setBigInt } from "./unscaled.ts";

import type { Values } from "../parquet/values/values.ts";
import type { CastResult } from "./cast.ts";
import type { StoredDecimal } from "./decimals.ts";
import type { FloatType } from "./floats.ts";
import type { IntType } from "./integers.ts";
import type { Rounding } from "./rounding.ts";

export type BytesValues = Extract<Values, { kind: "bytes" }>;

const minus = 0x2d;
const plus = 0x2b;
const point = 0x2e;

/**
 * Digits with an optional `-` (signed types only), or `0x` and as many hex digits as the type has, which are
 * its bit pattern: Arrow's rules. No white space, no `+`, no fraction, no exponent.
 */
export function parseIntegers(values: BytesValues, to: IntType): CastResult {
  const { data, offsets } = values;
  const count = offsets.length - 1;
  const invalid = new InvalidPositions();
  const wide = to.bits === 64;
  const narrow = new Int32Array(wide ? 0 : count);
  const words64 = new BigInt64Array(wide ? count : 0);
  const words = wordsOf(words64);
  const max = to.signed ? 2 ** (to.bits - 1) - 1 : 2 ** to.bits - 1;
  for (let i = 0; i < count; i += 1) {
    let position = offsets[i] as number;
    const end = offsets[i + 1] as number;
    const negative = to.signed && data[position] === minus && position < end;
    if (negative) position += 1;
    else if (
      end - position > 2 &&
      data[position] === 0x30 &&
      ((data[position + 1] as number) | 0x20) === 0x78
    ) {
      if (!parseHex(data, position + 2, end, to, narrow, words, i)) invalid.push(i);
      continue;
    }
    let high = 0;
    let low = 0;
    let valid = position < end;
    while (position < end && data[position] === 0x30) position += 1;
    if (end - position > 20) valid = false;
    for (; valid && position < end; position += 1) {
      const digit = (data[position] as number) - 48;
      if (digit < 0 || digit > 9) valid = false;
      low = low * 10 + digit;
      const carry = Math.floor(low / two32);
      low -= carry * two32;
      high = high * 10 + carry;
    }
    // The magnitude is exact in two words. One below zero may be one more than the maximum.
    if (!wide) {
      valid &&= high === 0 && low <= (negative ? max + 1 : max);
      narrow[i] = negative ? -low : low;
    } else {
      if (to.signed) valid &&= high < 0x8000_0000 || (negative && high === 0x8000_0000 && low === 0);
      else valid &&= high < two32;
      words[2 * i] = negative ? -low : low;
      words[2 * i + 1] = negative ? (low === 0 ? -high : -high - 1) : high;
    }
    if (!valid) invalid.push(i);
  }
  const cast: Values = wide ? { kind: "int64", data: words64 } : { kind: "int32", data: narrow };
  return { values: cast, invalid: invalid.finish() };
}

function parseHex(
  data: Uint8Array,
  start: number,
  end: number,
  { bits, signed }: IntType,
  narrow: Int32Array,
  words: Uint32Array,
  index: number,
): boolean {
  if (end - start > bits / 4) return false;
  let high = 0;
  let low = 0;
  for (let position = start; position < end; position += 1) {
    const digit = hexDigit(data[position] as number);
    if (digit < 0) return false;
    high = ((high << 4) | (low >>> 28)) >>> 0;
    low = ((low << 4) | digit) >>> 0;
  }
  if (bits === 64) {
    words[2 * index] = low;
    words[2 * index + 1] = high;
  } else {
    // A negative int8 or int16 is stored as an INT32 of that value.
    narrow[index] = signed ? (low << (32 - bits)) >> (32 - bits) : low;
  }
  return true;
}

/** -1 for what is not a hexadecimal digit. */
export function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

const floatPattern = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const specialPattern = /^([+-]?)(?:inf(?:inity)?|(nan(?:\([0-9a-z_]*\))?))$/i;

/**
 * Decimal digits with point and exponent, a sign of either kind, and in any case of letters `inf`, `infinity`,
 * `nan`. A finite number too large for the type is invalid, one too small is zero.
 */
export function parseFloats(values: BytesValues, to: FloatType): CastResult {
  const { data, offsets } = values;
  const buffer = asBuffer(data);
  const invalid = new InvalidPositions();
  const numbers = new Float64Array(offsets.length - 1);
  for (let i = 0; i < numbers.length; i += 1) {
    const start = offsets[i] as number;
    const end = offsets[i + 1] as number;
    let number = quickNumber(data, start, end);
    if (number !== number) {
      number = parseFloatText(buffer.toString("latin1", start, end));
      if (number !== number && !isNanText(buffer.toString("latin1", start, end))) invalid.push(i);
    }
    if (to.bits !== 64 && isTie(number, to.bits))
      number = untie(number, buffer.toString("latin1", start, end));
    numbers[i] = number;
  }
  return { values: storeFloats(numbers, to, invalid), invalid: invalid.finish() };
}

/** The same bytes as a Buffer, whose `toString` of a slice is one native call. */
export function asBuffer(data: Uint8Array): Buffer {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}

/** Digits with a point and a sign, 15 digits at most: both operands of the division are exact. Else NaN. */
function quickNumber(data: Uint8Array, start: number, end: number): number {
  let position = start;
  const negative = data[position] === minus && position < end;
  if (negative) position += 1;
  const first = position;
  let number = 0;
  let pointAt = -1;
  for (; position < end; position += 1) {
    const byte = data[position] as number;
    if (byte >= 48 && byte <= 57) number = number * 10 + byte - 48;
    else if (byte === point && pointAt < 0) pointAt = position;
    else return NaN;
  }
  const digits = end - first - (pointAt < 0 ? 0 : 1);
  if (digits === 0 || digits > 15) return NaN;
  if (pointAt >= 0) number /= powerOfTen(end - pointAt - 1);
  return negative ? -number : number;
}

/** NaN for `nan` and for what is no number. */
function parseFloatText(text: string): number {
  if (floatPattern.test(text)) {
    const number = Number(text);
    return Number.isFinite(number) ? number : NaN;
  }
  const special = specialPattern.exec(text);
  if (special === null || special[2] !== undefined) return NaN;
  return special[1] === "-" ? -Infinity : Infinity;
}

function isNanText(text: string): boolean {
  return specialPattern.exec(text)?.[2] !== undefined;
}

/** Whether a double lies exactly between two neighbours of the narrower type, so that the text must decide. */
function isTie(number: number, bits: 16 | 32): boolean {
  const nearest = bits === 32 ? Math.fround(number) : halfNumber(halfBits(number));
  if (nearest === number || number !== number) return false;
  const mirrored = 2 * number - nearest;
  return (bits === 32 ? Math.fround(mirrored) : halfNumber(halfBits(mirrored))) === mirrored;
}

/** A double one step to the side of `tie` on which the number of the text lies; `tie` itself when they are equal. */
function untie(tie: number, text: string): number {
  const parts = decimalParts(text);
  if (parts === undefined) return tie;
  let shift = 0;
  let mantissa = tie;
  for (; !Number.isInteger(mantissa); shift += 1) mantissa *= 2;
  const zeros = 10n ** BigInt(Math.abs(parts.exponent));
  const ofText = (parts.exponent < 0 ? parts.digits : parts.digits * zeros) << BigInt(shift);
  const ofTie = parts.exponent < 0 ? BigInt(mantissa) * zeros : BigInt(mantissa);
  if (ofText === ofTie) return tie;
  return ofText > ofTie === tie > 0 ? tie * (1 + 2 ** -52) : tie * (1 - 2 ** -53);
}

/** `digits * 10^exponent`, exactly; undefined for what is not a finite number. */
function decimalParts(text: string): { readonly digits: bigint; readonly exponent: number } | undefined {
  if (!floatPattern.test(text)) return undefined;
  const [mantissa = "", exponent = "0"] = text.split(/[eE]/);
  const [whole = "", fraction = ""] = mantissa.split(".");
  const negative = whole.startsWith("-");
  const magnitude = BigInt(`${whole.replace(/^[+-]/, "")}${fraction}`);
  return { digits: negative ? -magnitude : magnitude, exponent: Number(exponent) - fraction.length };
}

/** A million digits would take BigInt minutes: no decimal needs more than these. */
const decimalTextMax = 1000;

/** As floats, but for `inf` and `nan`; digits beyond the scale are invalid unless they are zeros or rounded. */
export function parseDecimals(values: BytesValues, to: StoredDecimal, rounding: Rounding): CastResult {
  const { data, offsets } = values;
  const buffer = asBuffer(data);
  const { scale } = to.type;
  const invalid = new InvalidPositions();
  const unscaled = newUnscaled(offsets.length - 1);
  for (let i = 0; i < unscaled.numbers.length; i += 1) {
    const start = offsets[i] as number;
    const end = offsets[i + 1] as number;
    const quick = quickDecimal(data, start, end, scale);
    if (quick === quick) {
      unscaled.numbers[i] = quick;
      continue;
    }
    const text = end - start > decimalTextMax ? "" : buffer.toString("latin1", start, end);
    const value = scaleText(text, scale, rounding);
    if (value === undefined) invalid.push(i);
    else setBigInt(unscaled, i, value);
  }
  return { values: storeChecked(unscaled, to, invalid), invalid: invalid.finish() };
}

/** The unscaled integer when 15 digits hold it and none is beyond the scale. Else NaN. */
function quickDecimal(data: Uint8Array, start: number, end: number, scale: number): number {
  let position = start;
  const negative = data[position] === minus && position < end;
  if (negative || (data[position] === plus && position < end)) position += 1;
  const first = position;
  let number = 0;
  let pointAt = -1;
  for (; position < end; position += 1) {
    const byte = data[position] as number;
    if (byte >= 48 && byte <= 57) number = number * 10 + byte - 48;
    else if (byte === point && pointAt < 0) pointAt = position;
    else return NaN;
  }
  const fraction = pointAt < 0 ? 0 : end - pointAt - 1;
  const digits = end - first - (pointAt < 0 ? 0 : 1);
  const zeros = scale - fraction;
  if (digits === 0 || zeros < 0 || digits + zeros > 15) return NaN;
  number *= powerOfTen(zeros);
  return negative ? 0 - number : number;
}

/** `text * 10^scale`; undefined when it is no number or would lose digits that `rounding` does not allow to. */
export function scaleText(text: string, scale: number, rounding: Rounding): bigint | undefined {
  const parts = decimalParts(text);
  if (parts === undefined) return undefined;
  if (parts.digits === 0n) return 0n;
  const exponent = parts.exponent + scale;
  // Out of reach of any precision; and an exponent is cheap to write but dear to compute.
  if (exponent > 2 * decimalTextMax) return undefined;
  if (exponent >= 0) return parts.digits * 10n ** BigInt(exponent);
  return divideBigInt(parts.digits, 10n ** BigInt(Math.min(-exponent, 2 * decimalTextMax)), rounding);
}

/** `true` and `false` in any case, `1` and `0`: Arrow's words. */
export function parseBools(values: BytesValues): CastResult {
  const { data, offsets } = values;
  const buffer = asBuffer(data);
  const invalid = new InvalidPositions();
  const bools = new Uint8Array(offsets.length - 1);
  for (let i = 0; i < bools.length; i += 1) {
    const start = offsets[i] as number;
    const length = (offsets[i + 1] as number) - start;
    if (length === 1 && (data[start] === 48 || data[start] === 49)) bools[i] = (data[start] as number) - 48;
    else {
      const word =
        length === 4 || length === 5 ? buffer.toString("latin1", start, start + length).toLowerCase() : "";
      if (word === "true") bools[i] = 1;
      else if (word !== "false") invalid.push(i);
    }
  }
  return { values: { kind: "bool", data: bools }, invalid: invalid.finish() };
}
