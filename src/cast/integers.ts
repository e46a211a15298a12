import { InvalidPositions } from "./invalid-positions.ts";

import type { LeafType } from "../parquet/leaf-type.ts";
import type { Values } from "../parquet/values/values.ts";
import type { CastResult } from "./cast.ts";

export type IntType = Extract<LeafType, { kind: "int" }>;

export const two32 = 2 ** 32;

/** The numbers of INT32 values: unsigned types are stored as bit patterns. No copy. */
export function numbersOf32(data: Int32Array, type: IntType): Int32Array | Uint32Array {
  return type.signed ? data : new Uint32Array(data.buffer, data.byteOffset, data.length);
}

/** Low and high halves of INT64 values, value i at 2i and 2i + 1 (little endian). No copy. */
export function wordsOf(data: BigInt64Array): Uint32Array {
  return new Uint32Array(data.buffer, data.byteOffset, data.length * 2);
}

/** Smallest and largest value; the bounds of 64-bit types are rounded to the nearest double. */
export function rangeOf(type: IntType): { readonly min: number; readonly max: number } {
  if (!type.signed) return { min: 0, max: 2 ** type.bits - 1 };
  return { min: -(2 ** (type.bits - 1)), max: 2 ** (type.bits - 1) - 1 };
}

/** Integers of any width and sign to any other; a value outside the new range is invalid. */
export function castIntegers(values: Values, from: IntType, to: IntType): CastResult {
  const invalid = new InvalidPositions();
  if (values.kind === "int32") {
    const numbers = numbersOf32(values.data, from);
    const cast = to.bits === 64 ? widen(numbers, to, invalid) : within32(numbers, to, invalid);
    return { values: cast, invalid: invalid.finish() };
  }
  const { data } = values as Extract<Values, { kind: "int64" }>;
  if (to.bits === 64) {
    if (from.signed !== to.signed) pushNegative(data, invalid);
    return { values, invalid: invalid.finish() };
  }
  return { values: narrow(data, from, to, invalid), invalid: invalid.finish() };
}

function within32(numbers: Int32Array | Uint32Array, to: IntType, invalid: InvalidPositions): Values {
  const { min, max } = rangeOf(to);
  for (let i = 0; i < numbers.length; i += 1) {
    const value = numbers[i] as number;
    if (value < min || value > max) invalid.push(i);
  }
  return { kind: "int32", data: new Int32Array(numbers.buffer, numbers.byteOffset, numbers.length) };
}

function widen(numbers: Int32Array | Uint32Array, to: IntType, invalid: InvalidPositions): Values {
  const data = new BigInt64Array(numbers.length);
  const words = wordsOf(data);
  for (let i = 0; i < numbers.length; i += 1) {
    const value = numbers[i] as number;
    words[2 * i] = value;
    if (value < 0) {
      words[2 * i + 1] = -1;
      if (!to.signed) invalid.push(i);
    }
  }
  return { kind: "int64", data };
}

function narrow(source: BigInt64Array, from: IntType, to: IntType, invalid: InvalidPositions): Values {
  const words = wordsOf(source);
  const data = new Int32Array(source.length);
  const { min, max } = rangeOf(to);
  for (let i = 0; i < data.length; i += 1) {
    const low = words[2 * i] as number;
    const high = words[2 * i + 1] as number;
    const value = from.signed && high >= 0x8000_0000 ? (high - two32) * two32 + low : high * two32 + low;
    data[i] = low;
    if (value < min || value > max) invalid.push(i);
  }
  return { kind: "int32", data };
}

/** Between int64 and uint64 the bit pattern stays; only the half with the top bit set has no equivalent. */
function pushNegative(data: BigInt64Array, invalid: InvalidPositions): void {
  const words = wordsOf(data);
  for (let i = 0; i < data.length; i += 1) if ((words[2 * i + 1] as number) >= 0x8000_0000) invalid.push(i);
}
