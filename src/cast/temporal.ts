import { two32, wordsOf } from "./integers.ts";
import { InvalidPositions } from "./invalid-positions.ts";
import { roundsUp } from "./rounding.ts";
import { findZone } from "./zones.ts";

import type { LeafType, TimeUnit } from "../parquet/leaf-type.ts";
import type { Values } from "../parquet/values/values.ts";
import type { CastResult, CastSpec } from "./cast.ts";
import type { Rounding } from "./rounding.ts";
import type { Zone } from "./zones.ts";

export type TimestampType = Extract<LeafType, { kind: "timestamp" }>;
export type TimeType = Extract<LeafType, { kind: "time" }>;

export const unitsPerSecond: Readonly<Record<TimeUnit, number>> = { ms: 1e3, us: 1e6, ns: 1e9 };
const secondsPerDay = 86_400;
/** Beyond, 273 million years from now, the seconds are no exact double. */
const farDays = 1e11;
/** Julian day of 1970-01-01, which INT96 timestamps count from. */
const julianEpoch = 2_440_588;

/**
 * Instants as whole days since 1970-01-01 and the time within the day (0 up to a day, in the unit): both are exact
 * doubles for every timestamp there can be. An invalid one has NaN days.
 */
export interface SplitTimes {
  readonly days: Float64Array;
  readonly times: Float64Array;
}

export function newSplitTimes(count: number): SplitTimes {
  return { days: new Float64Array(count), times: new Float64Array(count) };
}

/** Splits timestamps of INT64, or of INT96, which are always nanoseconds. */
export function splitTimestamps(values: Values, unit: TimeUnit): SplitTimes {
  if (values.kind === "fixed") return splitInt96(values.data);
  const { data } = values as Extract<Values, { kind: "int64" }>;
  const words = wordsOf(data);
  const split = newSplitTimes(data.length);
  // Units of a day as a product: the first factor is below 2^21, so that its remainder times 2^32 is an exact
  // double, and leaves a quotient that is one too.
  const first = unit === "ms" ? 1_080_000 : 1_000_000;
  const second = (unitsPerSecond[unit] * secondsPerDay) / first;
  for (let i = 0; i < data.length; i += 1) {
    const high = (words[2 * i + 1] as number) | 0;
    const highQuotient = Math.floor(high / first);
    const low = (high - highQuotient * first) * two32 + (words[2 * i] as number);
    const lowQuotient = Math.floor(low / first);
    const remainder = low - lowQuotient * first;
    const quotient = highQuotient * two32 + lowQuotient;
    const days = Math.floor(quotient / second);
    split.days[i] = days;
    split.times[i] = (quotient - days * second) * first + remainder;
  }
  return split;
}

function splitInt96(bytes: Uint8Array): SplitTimes {
  const count = bytes.length / 12;
  const split = newSplitTimes(count);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const perDay = secondsPerDay * 1e9;
  for (let i = 0; i < count; i += 1) {
    const nanoseconds = view.getInt32(i * 12 + 4, true) * two32 + view.getUint32(i * 12, true);
    // Writers are known to leave more than a day here; beyond 2^53 it is no time any more.
    const carry = Math.floor(nanoseconds / perDay);
    split.days[i] = Number.isSafeInteger(nanoseconds)
      ? view.getInt32(i * 12 + 8, true) - julianEpoch + carry
      : NaN;
    split.times[i] = nanoseconds - carry * perDay;
  }
  return split;
}

/** Timestamps as INT64; what does not fit 64 bits, and NaN, is invalid. A time may be a whole day (rounded up). */
export function joinTimestamps(split: SplitTimes, unit: TimeUnit, invalid: InvalidPositions): Values {
  const { days, times } = split;
  const data = new BigInt64Array(days.length);
  const words = wordsOf(data);
  const perSecond = unitsPerSecond[unit];
  for (let i = 0; i < data.length; i += 1) {
    const time = times[i] as number;
    const day = days[i] as number;
    if (Math.abs(day) > farDays) {
      joinFar(day, time, perSecond, data, i, invalid);
      continue;
    }
    const wholeSeconds = Math.floor(time / perSecond);
    const seconds = day * secondsPerDay + wholeSeconds;
    if (!storeInstant(words, i, seconds, time - wholeSeconds * perSecond, perSecond)) invalid.push(i);
  }
  return { kind: "int64", data };
}

/** Stores `seconds * perSecond + rest` as INT64 number `index`; false when 64 bits do not hold it, or for NaN. */
export function storeInstant(
  words: Uint32Array,
  index: number,
  seconds: number,
  rest: number,
  perSecond: number,
): boolean {
  // In 16-bit steps: seconds stay below 2^54 / 1000 whenever the result fits.
  const upper = Math.floor(seconds / 65_536);
  const low = (seconds - upper * 65_536) * perSecond + rest;
  const lowQuotient = Math.floor(low / 65_536);
  const middle = upper * perSecond + lowQuotient;
  const high = Math.floor(middle / 65_536);
  // Not by `%`, which is a function call on doubles.
  words[2 * index] = (middle - high * 65_536) * 65_536 + (low - lowQuotient * 65_536);
  words[2 * index + 1] = high;
  return high >= -0x8000_0000 && high < 0x8000_0000;
}

function joinFar(
  day: number,
  time: number,
  perSecond: number,
  data: BigInt64Array,
  index: number,
  invalid: InvalidPositions,
): void {
  const value = BigInt(day) * BigInt(secondsPerDay * perSecond) + BigInt(time);
  data[index] = value;
  if (data[index] !== value) invalid.push(index);
}

/** Times of day from one unit to another, in place; digits lost are invalid or rounded, up to a whole day. */
export function convertTimes(
  times: Float64Array,
  from: TimeUnit,
  to: TimeUnit,
  rounding: Rounding,
  invalid: InvalidPositions,
): void {
  if (from === to) return;
  const factor = unitsPerSecond[to] / unitsPerSecond[from];
  if (factor > 1) {
    for (let i = 0; i < times.length; i += 1) times[i] = (times[i] as number) * factor;
    return;
  }
  const divisor = unitsPerSecond[from] / unitsPerSecond[to];
  for (let i = 0; i < times.length; i += 1) {
    const time = times[i] as number;
    const quotient = Math.floor(time / divisor);
    const remainder = time - quotient * divisor;
    times[i] = quotient;
    if (remainder === 0 || Number.isNaN(time)) continue;
    if (rounding === "error") invalid.push(i);
    // Truncation of a timestamp is toward 1970 only in whole: the caller says so by `floor` or `ceil`.
    else if (roundsUp(rounding, false, quotient % 2 !== 0, remainder, divisor)) times[i] = quotient + 1;
  }
}

/** UTC instants to the local time of a zone, in place. */
export function toLocalTimes(split: SplitTimes, unit: TimeUnit, zone: Zone): void {
  if (zone.isUtc) return;
  const perSecond = unitsPerSecond[unit];
  for (let i = 0; i < split.days.length; i += 1) {
    const days = split.days[i] as number;
    const time = split.times[i] as number;
    const offset = zone.offsetAt(days * secondsPerDay + Math.floor(time / perSecond));
    shift(split, i, offset, perSecond);
  }
}

/** Local times of a zone to UTC instants, in place; a time that is ambiguous or does not exist is invalid or rounded. */
export function toUtcTimes(
  split: SplitTimes,
  unit: TimeUnit,
  zone: Zone,
  rounding: Rounding,
  invalid: InvalidPositions,
): void {
  if (zone.isUtc) return;
  const perSecond = unitsPerSecond[unit];
  const choice =
    rounding === "error" ? "none" : rounding === "floor" || rounding === "truncate" ? "earlier" : "later";
  for (let i = 0; i < split.days.length; i += 1) {
    const days = split.days[i] as number;
    if (Number.isNaN(days)) continue;
    const seconds = days * secondsPerDay + Math.floor((split.times[i] as number) / perSecond);
    const instant = zone.toUtc(seconds, choice);
    if (Number.isNaN(instant)) invalid.push(i);
    else shift(split, i, instant - seconds, perSecond);
  }
}

function shift(split: SplitTimes, index: number, seconds: number, perSecond: number): void {
  const perDay = perSecond * secondsPerDay;
  const time = (split.times[index] as number) + seconds * perSecond;
  const carry = Math.floor(time / perDay);
  split.days[index] = (split.days[index] as number) + carry;
  split.times[index] = time - carry * perDay;
}

/** The zone that a cast between local and zoned times goes through: of the spec, or UTC. */
export function zoneBetween(spec: CastSpec): Zone {
  return findZone(spec.timezone ?? "UTC");
}

/** The zone in which a zoned timestamp is seen as date, time or text: of the spec, or the type's own. */
export function zoneSeen(spec: CastSpec, type: TimestampType): Zone {
  return findZone(type.timezone === null ? "UTC" : (spec.timezone ?? type.timezone));
}

/** Units, INT96, and local to zoned or back. */
export function castTimestamps(
  values: Values,
  spec: CastSpec,
  from: TimestampType,
  to: TimestampType,
): CastResult {
  const invalid = new InvalidPositions();
  const changesZone = (from.timezone === null) !== (to.timezone === null);
  const zone = zoneBetween(spec);
  if (values.kind === "int64" && (!changesZone || zone.isUtc)) {
    const scaled = scaleInt64(
      values.data,
      unitsPerSecond[to.unit] / unitsPerSecond[from.unit],
      spec.rounding,
      invalid,
    );
    return { values: { kind: "int64", data: scaled }, invalid: invalid.finish() };
  }
  const unit = values.kind === "fixed" ? "ns" : from.unit;
  const split = splitTimestamps(values, unit);
  if (changesZone && from.timezone === null) toUtcTimes(split, unit, zone, spec.rounding, invalid);
  else if (changesZone) toLocalTimes(split, unit, zone);
  convertInstants(split, unit, to.unit, spec.rounding, invalid);
  return { values: joinTimestamps(split, to.unit, invalid), invalid: invalid.finish() };
}

/** As {@link convertTimes}, with truncation toward 1970, as for any other number. */
function convertInstants(
  split: SplitTimes,
  from: TimeUnit,
  to: TimeUnit,
  rounding: Rounding,
  invalid: InvalidPositions,
): void {
  const divisor = unitsPerSecond[from] / unitsPerSecond[to];
  const { days, times } = split;
  if (divisor <= 1 || rounding === "error" || rounding === "floor" || rounding === "ceil") {
    convertTimes(times, from, to, rounding, invalid);
    return;
  }
  for (let i = 0; i < times.length; i += 1) {
    const quotient = Math.floor((times[i] as number) / divisor);
    const remainder = (times[i] as number) - quotient * divisor;
    // A day has an even number of units, so the parity of the time within it is that of the instant.
    const up =
      remainder > 0 && roundsUp(rounding, (days[i] as number) < 0, quotient % 2 !== 0, remainder, divisor);
    times[i] = up ? quotient + 1 : quotient;
  }
}

/** Multiplies (factor above 1) or divides (below 1) by a power of ten up to 10^6, exactly, on pairs of 32-bit words. */
function scaleInt64(
  data: BigInt64Array,
  factor: number,
  rounding: Rounding,
  invalid: InvalidPositions,
): BigInt64Array {
  if (factor === 1) return data;
  const source = wordsOf(data);
  const scaled = new BigInt64Array(data.length);
  const words = wordsOf(scaled);
  const divisor = Math.round(1 / factor);
  for (let i = 0; i < data.length; i += 1) {
    const low = source[2 * i] as number;
    const high = (source[2 * i + 1] as number) | 0;
    if (factor > 1) {
      const product = low * factor;
      const carry = Math.floor(product / two32);
      const upper = high * factor + carry;
      words[2 * i] = product - carry * two32;
      words[2 * i + 1] = upper;
      if (upper < -0x8000_0000 || upper >= 0x8000_0000) invalid.push(i);
      continue;
    }
    const upper = Math.floor(high / divisor);
    const rest = (high - upper * divisor) * two32 + low;
    const lower = Math.floor(rest / divisor);
    const remainder = rest - lower * divisor;
    let up = 0;
    if (remainder !== 0) {
      if (rounding === "error") invalid.push(i);
      else if (roundsUp(rounding, high < 0, lower % 2 !== 0, remainder, divisor)) up = 1;
    }
    // Adding one may carry into the high word; a quotient by 1000 or more leaves it room.
    const sum = lower + up;
    words[2 * i] = sum;
    words[2 * i + 1] = sum === two32 ? upper + 1 : upper;
  }
  return scaled;
}

export function castDatesToTimestamps(values: Values, spec: CastSpec, to: TimestampType): CastResult {
  const invalid = new InvalidPositions();
  const { data } = values as Extract<Values, { kind: "int32" }>;
  const split: SplitTimes = { days: new Float64Array(data), times: new Float64Array(data.length) };
  if (to.timezone !== null) toUtcTimes(split, to.unit, zoneBetween(spec), spec.rounding, invalid);
  return { values: joinTimestamps(split, to.unit, invalid), invalid: invalid.finish() };
}

/** The calendar day on which the instant falls. */
export function castTimestampsToDates(values: Values, spec: CastSpec, from: TimestampType): CastResult {
  const invalid = new InvalidPositions();
  const unit = values.kind === "fixed" ? "ns" : from.unit;
  const split = splitTimestamps(values, unit);
  toLocalTimes(split, unit, zoneSeen(spec, from));
  return { values: storeDates(split.days, invalid), invalid: invalid.finish() };
}

export function storeDates(days: Float64Array, invalid: InvalidPositions): Values {
  const data = new Int32Array(days.length);
  for (let i = 0; i < data.length; i += 1) {
    const day = days[i] as number;
    data[i] = day;
    if (!(day >= -0x8000_0000 && day < 0x8000_0000)) invalid.push(i);
  }
  return { kind: "int32", data };
}

/** The time of day at which the instant falls. */
export function castTimestampsToTimes(
  values: Values,
  spec: CastSpec,
  from: TimestampType,
  to: TimeType,
): CastResult {
  const invalid = new InvalidPositions();
  const unit = values.kind === "fixed" ? "ns" : from.unit;
  const split = splitTimestamps(values, unit);
  toLocalTimes(split, unit, zoneSeen(spec, from));
  for (let i = 0; i < split.days.length; i += 1) if (Number.isNaN(split.days[i])) invalid.push(i);
  convertTimes(split.times, unit, to.unit, spec.rounding, invalid);
  return { values: storeTimes(split.times, to, invalid), invalid: invalid.finish() };
}

export function castTimes(values: Values, from: TimeType, to: TimeType, rounding: Rounding): CastResult {
  const invalid = new InvalidPositions();
  const times = timesOf(values);
  convertTimes(times, from.unit, to.unit, rounding, invalid);
  return { values: storeTimes(times, to, invalid), invalid: invalid.finish() };
}

/** Times of day as doubles; nothing outside a day is near 2^53, so rounding there does no harm. */
export function timesOf(values: Values): Float64Array {
  if (values.kind === "int32") return new Float64Array(values.data);
  const { data } = values as Extract<Values, { kind: "int64" }>;
  const words = wordsOf(data);
  const times = new Float64Array(data.length);
  for (let i = 0; i < times.length; i += 1) {
    times[i] = ((words[2 * i + 1] as number) | 0) * two32 + (words[2 * i] as number);
  }
  return times;
}

/** What is not within a day is no time of day: invalid. */
export function storeTimes(times: Float64Array, to: TimeType, invalid: InvalidPositions): Values {
  const perDay = unitsPerSecond[to.unit] * secondsPerDay;
  const narrow = new Int32Array(to.unit === "ms" ? times.length : 0);
  const wide = new BigInt64Array(to.unit === "ms" ? 0 : times.length);
  const words = wordsOf(wide);
  for (let i = 0; i < times.length; i += 1) {
    const time = times[i] as number;
    if (!(time >= 0 && time < perDay)) invalid.push(i);
    else if (to.unit === "ms") narrow[i] = time;
    else {
      const high = Math.floor(time / two32);
      words[2 * i] = time - high * two32;
      words[2 * i + 1] = high;
    }
  }
  return to.unit === "ms" ? { kind: "int32", data: narrow } : { kind: "int64", data: wide };
}

/** Integers of the same width as times: the bytes stay, what is not within a day is invalid. */
export function checkTimes(values: Values, to: TimeType): CastResult {
  const invalid = new InvalidPositions();
  storeTimes(timesOf(values), to, invalid);
  return { values, invalid: invalid.finish() };
}
