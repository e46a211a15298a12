import { numbersOf32, two32, wordsOf } from "./integers.ts";

import type { Values } from "../parquet/values/values.ts";
import type { Stored } from "./cast.ts";
import type { IntType } from "./integers.ts";
import type { InvalidPositions } from "./invalid-positions.ts";

/**
 * Integers of any size, the common ground of decimals and integers: doubles as long as they are exact, and a
 * BigInt beside for the few that are not (their slot holds NaN). Real decimals rarely pass 2^53, whatever
 * their declared precision, so that nearly all work stays in Float64 arithmetic.
 */
export interface Unscaled {
  readonly numbers: Float64Array;
  readonly large: Map<number, bigint>;
}

const numberMax = Number.MAX_SAFE_INTEGER;

export function newUnscaled(count: number): Unscaled {
  return { numbers: new Float64Array(count), large: new Map() };
}

export function setBigInt(unscaled: Unscaled, index: number, value: bigint): void {
  const number = Number(value);
  if (Number.isSafeInteger(number)) {
    unscaled.numbers[index] = number;
    unscaled.large.delete(index);
  } else {
    unscaled.numbers[index] = NaN;
    unscaled.large.set(index, value);
  }
}

export function bigIntAt(unscaled: Unscaled, index: number): bigint {
  return unscaled.large.get(index) ?? BigInt(unscaled.numbers[index] as number);
}

/** Integers of an int type. */
export function readIntegers(values: Values, type: IntType): Unscaled {
  if (values.kind === "int32") {
    return { numbers: new Float64Array(numbersOf32(values.data, type)), large: new Map() };
  }
  const { data } = values as Extract<Values, { kind: "int64" }>;
  const words = wordsOf(data);
  const unscaled = newUnscaled(data.length);
  for (let i = 0; i < data.length; i += 1) {
    const word = words[2 * i + 1] as number;
    const high = type.signed ? word | 0 : word;
    const number = high * two32 + (words[2 * i] as number);
    if (number >= -numberMax && number <= numberMax) unscaled.numbers[i] = number;
    else {
      const value = data[i] as bigint;
      setBigInt(unscaled, i, type.signed ? value : BigInt.asUintN(64, value));
    }
  }
  return unscaled;
}

/** The unscaled integers of a decimal, whichever way it is stored (big-endian two's complement in bytes). */
export function readDecimals(values: Values): Unscaled {
  switch (values.kind) {
    case "int32":
    case "int64":
      return readIntegers(values, { kind: "int", bits: values.kind === "int32" ? 32 : 64, signed: true });
    case "fixed": {
      const { data, width } = values;
      const unscaled = newUnscaled(width === 0 ? 0 : data.length / width);
      for (let i = 0; i < unscaled.numbers.length; i += 1) {
        readBigEndian(data, i * width, i * width + width, unscaled, i);
      }
      return unscaled;
    }
    case "bytes": {
      const { data, offsets } = values;
      const unscaled = newUnscaled(offsets.length - 1);
      for (let i = 0; i < unscaled.numbers.length; i += 1) {
        readBigEndian(data, offsets[i] as number, offsets[i + 1] as number, unscaled, i);
      }
      return unscaled;
    }
    default:
      return newUnscaled(0);
  }
}

function readBigEndian(bytes: Uint8Array, start: number, end: number, into: Unscaled, index: number): void {
  if (start >= end) return; // No bytes at all: zero, as other readers have it.
  const sign = (bytes[start] as number) >= 0x80 ? 0xff : 0;
  let position = start;
  while (position < end && bytes[position] === sign) position += 1;
  if (end - position <= 6) {
    // As two's complement of the bytes left: for a negative number the ones in front weigh -256^n.
    let number = sign === 0 ? 0 : -1;
    for (; position < end; position += 1) number = number * 256 + (bytes[position] as number);
    into.numbers[index] = number;
    return;
  }
  let value = sign === 0 ? 0n : -1n;
  for (; position < end; position += 1) value = value * 256n + BigInt(bytes[position] as number);
  setBigInt(into, index, value);
}

/** Stores integers of an int type; what is out of its range is invalid. */
export function storeIntegers(unscaled: Unscaled, to: IntType, invalid: InvalidPositions): Values {
  const { numbers, large } = unscaled;
  if (to.bits < 64) {
    const min = to.signed ? -(2 ** (to.bits - 1)) : 0;
    const max = min + 2 ** to.bits - 1;
    const data = new Int32Array(numbers.length);
    for (let i = 0; i < numbers.length; i += 1) {
      const number = numbers[i] as number;
      if (number >= min && number <= max) data[i] = number;
      else invalid.push(i);
    }
    return { kind: "int32", data };
  }
  const data = new BigInt64Array(numbers.length);
  const words = wordsOf(data);
  for (let i = 0; i < numbers.length; i += 1) {
    const number = numbers[i] as number;
    if (number < 0 && !to.signed) invalid.push(i);
    const high = Math.floor(number / two32);
    words[2 * i] = number - high * two32;
    words[2 * i + 1] = high;
  }
  const min = to.signed ? -(2n ** 63n) : 0n;
  const max = to.signed ? 2n ** 63n - 1n : 2n ** 64n - 1n;
  for (const [i, value] of large) {
    if (value < min || value > max) invalid.push(i);
    else data[i] = BigInt.asIntN(64, value);
  }
  return { kind: "int64", data };
}

/** Stores the unscaled integers of a decimal the way `to` says. The caller has checked the precision. */
export function storeDecimals(unscaled: Unscaled, to: Stored): Values {
  const { numbers, large } = unscaled;
  const count = numbers.length;
  switch (to.physicalType) {
    case "INT32":
      return { kind: "int32", data: new Int32Array(numbers) };
    case "INT64": {
      const data = new BigInt64Array(count);
      const words = wordsOf(data);
      for (let i = 0; i < count; i += 1) {
        const number = numbers[i] as number;
        const high = Math.floor(number / two32);
        words[2 * i] = number - high * two32;
        words[2 * i + 1] = high;
      }
      for (const [i, value] of large) data[i] = BigInt.asIntN(64, value);
      return { kind: "int64", data };
    }
    case "FIXED_LEN_BYTE_ARRAY": {
      const width = to.typeLength ?? 0;
      const data = new Uint8Array(count * width);
      for (let i = 0; i < count; i += 1) {
        if (!Number.isNaN(numbers[i])) writeNumber(numbers[i] as number, data, i * width, i * width + width);
      }
      for (const [i, value] of large) writeBigInt(value, data, i * width, i * width + width);
      return { kind: "fixed", width, data };
    }
    default:
      return storeVariable(unscaled);
  }
}

/** As many bytes as the number needs, one at least. */
function storeVariable({ numbers, large }: Unscaled): Values {
  const offsets = new Int32Array(numbers.length + 1);
  for (let i = 0; i < numbers.length; i += 1) {
    const number = numbers[i] as number;
    const value = large.get(i);
    offsets[i + 1] =
      (offsets[i] as number) + (value === undefined ? bytesOfNumber(number) : bytesOfBigInt(value));
  }
  const data = new Uint8Array(offsets[numbers.length] as number);
  for (let i = 0; i < numbers.length; i += 1) {
    const value = large.get(i);
    const start = offsets[i] as number;
    const end = offsets[i + 1] as number;
    if (value === undefined) writeNumber(numbers[i] as number, data, start, end);
    else writeBigInt(value, data, start, end);
  }
  return { kind: "bytes", offsets, data };
}

function bytesOfNumber(number: number): number {
  let bytes = 1;
  for (let limit = 128; number >= limit || number < -limit; limit *= 256) bytes += 1;
  return bytes;
}

function bytesOfBigInt(value: bigint): number {
  let bytes = 1;
  for (let limit = 128n; value >= limit || value < -limit; limit *= 256n) bytes += 1;
  return bytes;
}

function writeNumber(number: number, data: Uint8Array, start: number, end: number): void {
  let rest = number;
  for (let position = end - 1; position >= start; position -= 1) {
    const quotient = Math.floor(rest / 256);
    data[position] = rest - quotient * 256;
    rest = quotient;
  }
}

function writeBigInt(value: bigint, data: Uint8Array, start: number, end: number): void {
  let rest = value;
  for (let position = end - 1; position >= start; position -= 1) {
    data[position] = Number(BigInt.asUintN(8, rest));
    rest >>= 8n;
  }
}
