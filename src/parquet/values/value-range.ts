import type { Dictionary } from "./column-data.ts";
import type { ValueOrder } from "./value-order.ts";
import { compareValues, isNaNAt } from "./value-order.ts";
import type { Values } from "./values.ts";
import { valueCount } from "./values.ts";

/** Positions of a smallest and a largest value (-1: none, for want of values other than NaN), and how many are NaN. */
export interface ValueRange {
  readonly min: number;
  readonly max: number;
  readonly nans: number;
}

const none: ValueRange = { min: -1, max: -1, nans: 0 };

/** The range of values `[from, to)`. */
export function rangeOf(values: Values, order: ValueOrder, from: number, to: number): ValueRange {
  if (order === "none" || from === to) return none;
  switch (values.kind) {
    case "int32":
      return rangeOfNumbers(order === "unsigned" ? unsigned32(values.data) : values.data, from, to);
    case "int64":
      return rangeOfPairs(values.data, order, from, to);
    case "float":
    case "double":
      return rangeOfFloats(values.data, from, to);
    case "bool":
    case "fixed":
    case "bytes":
      return rangeByComparison(values, order, from, to);
  }
}

/** The range of `[from, to)` of a dictionary's indices, as positions in its entries. Each entry is looked at once a page. */
export function rangeOfIndices(
  dictionary: Dictionary,
  order: ValueOrder,
  from: number,
  to: number,
  seen: SeenEntries,
): ValueRange {
  if (order === "none" || from === to) return none;
  const { entries, indices } = dictionary;
  seen.page += 1;
  let min = -1;
  let max = -1;
  let nans = 0;
  const floats = order === "float" || order === "float16";
  for (let i = from; i < to; i += 1) {
    const index = indices[i] as number;
    if (floats && isNaNAt(entries, order, index)) {
      nans += 1;
      continue;
    }
    if (seen.pages[index] === seen.page) continue;
    seen.pages[index] = seen.page;
    if (min === -1) {
      min = index;
      max = index;
    } else if (compareValues(entries, order, index, min) < 0) min = index;
    else if (compareValues(entries, order, index, max) > 0) max = index;
  }
  return { min, max, nans };
}

/** What {@link rangeOfIndices} remembers between pages. */
export interface SeenEntries {
  readonly pages: Int32Array;
  page: number;
}

export function seenEntries(dictionary: { readonly entries: Values }): SeenEntries {
  return { pages: new Int32Array(valueCount(dictionary.entries)), page: 0 };
}

/** The range of two neighbouring stretches of the same values. */
export function joinRanges(values: Values, order: ValueOrder, a: ValueRange, b: ValueRange): ValueRange {
  const nans = a.nans + b.nans;
  if (a.min === -1) return { ...b, nans };
  if (b.min === -1) return { ...a, nans };
  return {
    min: compareValues(values, order, b.min, a.min) < 0 ? b.min : a.min,
    max: compareValues(values, order, b.max, a.max) > 0 ? b.max : a.max,
    nans,
  };
}

function unsigned32(data: Int32Array): Uint32Array {
  return new Uint32Array(data.buffer, data.byteOffset, data.length);
}

function rangeOfNumbers(data: Int32Array | Uint32Array, from: number, to: number): ValueRange {
  let min = from;
  let max = from;
  let low = data[from] as number;
  let high = low;
  for (let i = from + 1; i < to; i += 1) {
    const value = data[i] as number;
    if (value < low) {
      low = value;
      min = i;
    } else if (value > high) {
      high = value;
      max = i;
    }
  }
  return { min, max, nans: 0 };
}

/** Compared as high and low halves: a BigInt is an allocation each. */
function rangeOfPairs(data: BigInt64Array, order: ValueOrder, from: number, to: number): ValueRange {
  const low = new Uint32Array(data.buffer, data.byteOffset, data.length * 2);
  // The sign of the high half is the number's; without it both halves are plain.
  const high = order === "unsigned" ? low : new Int32Array(data.buffer, data.byteOffset, data.length * 2);
  let min = from;
  let max = from;
  let minHigh = high[2 * from + 1] as number;
  let minLow = low[2 * from] as number;
  let maxHigh = minHigh;
  let maxLow = minLow;
  for (let i = from + 1; i < to; i += 1) {
    const top = high[2 * i + 1] as number;
    if (top <= minHigh) {
      const bottom = low[2 * i] as number;
      if (top < minHigh || bottom < minLow) {
        min = i;
        minHigh = top;
        minLow = bottom;
      }
    }
    if (top >= maxHigh) {
      const bottom = low[2 * i] as number;
      if (top > maxHigh || bottom > maxLow) {
        max = i;
        maxHigh = top;
        maxLow = bottom;
      }
    }
  }
  return { min, max, nans: 0 };
}

function rangeOfFloats(data: Float32Array | Float64Array, from: number, to: number): ValueRange {
  let min = -1;
  let max = -1;
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  let nans = 0;
  for (let i = from; i < to; i += 1) {
    const value = data[i] as number;
    if (value <= low && (value < low || min === -1)) {
      low = value;
      min = i;
    }
    if (value >= high && (value > high || max === -1)) {
      high = value;
      max = i;
    }
    if (Number.isNaN(value)) nans += 1;
  }
  return { min, max, nans };
}

function rangeByComparison(values: Values, order: ValueOrder, from: number, to: number): ValueRange {
  let min = -1;
  let max = -1;
  let nans = 0;
  for (let i = from; i < to; i += 1) {
    if (order === "float16" && isNaNAt(values, order, i)) nans += 1;
    else if (min === -1) {
      min = i;
      max = i;
    } else if (compareValues(values, order, i, min) < 0) min = i;
    else if (compareValues(values, order, i, max) > 0) max = i;
  }
  return { min, max, nans };
}
