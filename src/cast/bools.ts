import { floatsOf, storeFloats } from "./floats.ts";
import { castIntegers, numbersOf32, wordsOf } from "./integers.ts";
import { InvalidPositions } from "./invalid-positions.ts";

import type { Values } from "../parquet/values/values.ts";
import type { CastResult } from "./cast.ts";
import type { FloatType } from "./floats.ts";
import type { IntType } from "./integers.ts";
import type { Rounding } from "./rounding.ts";

type BoolValues = Extract<Values, { kind: "bool" }>;

/** False and true as 0 and 1 in INT32, from where any number is one step. */
export function zerosAndOnes(values: Values): Extract<Values, { kind: "int32" }> {
  return { kind: "int32", data: new Int32Array((values as BoolValues).data) };
}

export function castBoolsToIntegers(values: Values, to: IntType): CastResult {
  return castIntegers(zerosAndOnes(values), { kind: "int", bits: 32, signed: true }, to);
}

export function castBoolsToFloats(values: Values, to: FloatType): CastResult {
  const invalid = new InvalidPositions();
  return {
    values: storeFloats(new Float64Array((values as BoolValues).data), to, invalid),
    invalid: invalid.finish(),
  };
}

/** 0 and 1 are false and true. Any other number is invalid, unless a rounding is allowed: then it is true. */
export function castIntegersToBools(values: Values, from: IntType, rounding: Rounding): CastResult {
  const invalid = new InvalidPositions();
  const words = values.kind === "int64" ? wordsOf(values.data) : undefined;
  const numbers = words ?? numbersOf32((values as Extract<Values, { kind: "int32" }>).data, from);
  const stride = words === undefined ? 1 : 2;
  const data = new Uint8Array(numbers.length / stride);
  for (let i = 0; i < data.length; i += 1) {
    const high = stride === 2 ? (numbers[2 * i + 1] as number) : 0;
    const low = numbers[stride * i] as number;
    data[i] = low === 0 && high === 0 ? 0 : 1;
    if (rounding === "error" && (high !== 0 || (low !== 0 && low !== 1))) invalid.push(i);
  }
  return { values: { kind: "bool", data }, invalid: invalid.finish() };
}

/** As integers; NaN is invalid under every rounding. */
export function castFloatsToBools(values: Values, rounding: Rounding): CastResult {
  const invalid = new InvalidPositions();
  const numbers = floatsOf(values);
  const data = new Uint8Array(numbers.length);
  for (let i = 0; i < data.length; i += 1) {
    const value = numbers[i] as number;
    data[i] = value === 0 ? 0 : 1;
    if (Number.isNaN(value) || (rounding === "error" && value !== 0 && value !== 1)) invalid.push(i);
  }
  return { values: { kind: "bool", data }, invalid: invalid.finish() };
}
