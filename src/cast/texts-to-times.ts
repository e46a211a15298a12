import { daysFromCivil, daysFromCommonEra, daysInMonth } from "./calendar.ts";
import { InvalidPositions } from "./invalid-positions.ts";
import { roundsUp } from "./rounding.ts";
import {
  newSplitTimes,
  joinTimestamps,
  storeInstant,
  storeDates,
  storeTimes,
  toUtcTimes,
  unitsPerSecond,
} from "./temporal.ts";
import { compileFormat, parseFormatted } from "./time-formats.ts";
import { asBuffer } from "./texts-to-numbers.ts";
import { findZone } from "./zones.ts";
import { wordsOf } from "./integers.ts";
import { gatherValues } from "../parquet/values/gather-values.ts";

import type { TimeUnit } from "../parquet/leaf-type.ts";
import type { CastResult, CastSpec } from "./cast.ts";
import type { Rounding } from "./rounding.ts";
import type { SplitTimes, TimestampType, TimeType } from "./temporal.ts";
import type { ParsedTime } from "./time-formats.ts";
import type { BytesValues } from "./texts-to-numbers.ts";

const nanosecondsPerDay = 86_400 * 1e9;

/** `YYYY-MM-DD`, or the format of the spec. */
export function parseDates(values: BytesValues, spec: CastSpec): CastResult {
  const { data, offsets } = values;
  const invalid = new InvalidPositions();
  const days = new Float64Array(offsets.length - 1);
  if (spec.format !== undefined) {
    parseAll(values, spec.format, (index, parsed) => {
      days[index] = parsed.day;
    });
  } else {
    for (let i = 0; i < days.length; i += 1) {
      const start = offsets[i] as number;
      days[i] = (offsets[i + 1] as number) - start === 10 ? parseIsoDate(data, start) : NaN;
    }
  }
  return { values: storeDates(days, invalid), invalid: invalid.finish() };
}

/** `HH:MM`, `HH:MM:SS`, `HH:MM:SS.fffffffff`, or the format of the spec. */
export function parseTimes(values: BytesValues, spec: CastSpec, to: TimeType): CastResult {
  const { data, offsets } = values;
  const invalid = new InvalidPositions();
  const times = new Float64Array(offsets.length - 1);
  if (spec.format !== undefined) {
    parseAll(values, spec.format, (index, parsed) => {
      times[index] = parsed.nanoseconds;
    });
  } else {
    for (let i = 0; i < times.length; i += 1) {
      const start = offsets[i] as number;
      const end = offsets[i + 1] as number;
      times[i] = end - start < 5 ? NaN : parseIsoTime(data, start, end);
    }
  }
  for (let i = 0; i < times.length; i += 1)
    times[i] = inUnit(times[i] as number, to.unit, spec.rounding, false);
  return { values: storeTimes(times, to, invalid), invalid: invalid.finish() };
}

/**
 * `YYYY-MM-DD`, or with `T` or a blank a time after it, of hours alone, minutes, seconds or fractions of them; or the format
 * of the spec. A zoned type needs `Z` or an offset at the end, unless the spec has a timezone, which then is that of
 * texts without one; a local type takes none.
 */
export function parseTimestamps(values: BytesValues, spec: CastSpec, to: TimestampType): CastResult {
  const isPlain =
    spec.format === undefined &&
    (to.timezone === null || (spec.timezone !== undefined && findZone(spec.timezone).isUtc));
  return isPlain ? parsePlainTimestamps(values, spec, to) : parseAnyTimestamps(values, spec, to);
}

/** The form that nearly all texts have (see {@link parsePlainDay}) at once; the others go the long way. */
function parsePlainTimestamps(values: BytesValues, spec: CastSpec, to: TimestampType): CastResult {
  const { data, offsets } = values;
  const count = offsets.length - 1;
  const invalid = new InvalidPositions();
  const instants = new BigInt64Array(count);
  const words = wordsOf(instants);
  const perSecond = unitsPerSecond[to.unit];
  let others: Int32Array | undefined;
  let otherCount = 0;
  for (let i = 0; i < count; i += 1) {
    const start = offsets[i] as number;
    const end = offsets[i + 1] as number;
    const length = end - start;
    const day = length >= 19 ? parsePlainDay(data, start) : noDay;
    const clock = day === noDay ? -1 : parsePlainClock(data, start + 11);
    const nanoseconds = length === 19 ? 0 : parseFraction(data, start + 19, end);
    if (clock < 0 || nanoseconds < 0) {
      others ??= new Int32Array(count);
      others[otherCount] = i;
      otherCount += 1;
      continue;
    }
    const rest = nanoseconds === 0 ? 0 : inUnit(nanoseconds, to.unit, spec.rounding, day < 0);
    if (!storeInstant(words, i, day * 86_400 + clock, rest, perSecond)) invalid.push(i);
  }
  if (others !== undefined) {
    const rows = others.subarray(0, otherCount);
    const slow = parseAnyTimestamps(gatherValues(values, rows) as BytesValues, spec, to);
    const parsed = (slow.values as Extract<typeof slow.values, { kind: "int64" }>).data;
    for (let i = 0; i < rows.length; i += 1) instants[rows[i] as number] = parsed[i] as bigint;
    for (const position of slow.invalid) invalid.push(rows[position] as number);
  }
  return { values: { kind: "int64", data: instants }, invalid: invalid.finish() };
}

function parseAnyTimestamps(values: BytesValues, spec: CastSpec, to: TimestampType): CastResult {
  const count = values.offsets.length - 1;
  const invalid = new InvalidPositions();
  const split = newSplitTimes(count); // in nanoseconds
  const offsetSeconds = new Float64Array(count); // NaN: the text has none
  if (spec.format !== undefined) {
    parseAll(values, spec.format, (index, parsed) => {
      split.days[index] = parsed.day;
      split.times[index] = parsed.nanoseconds;
      offsetSeconds[index] = parsed.offsetSeconds;
    });
  } else {
    for (let i = 0; i < count; i += 1) {
      parseIsoTimestamp(
        values.data,
        values.offsets[i] as number,
        values.offsets[i + 1] as number,
        split,
        offsetSeconds,
        i,
      );
    }
  }
  applyOffsets(split, offsetSeconds, spec, to, invalid);
  for (let i = 0; i < count; i += 1) {
    split.times[i] = inUnit(split.times[i] as number, to.unit, spec.rounding, (split.days[i] as number) < 0);
    if (Number.isNaN(split.times[i])) split.days[i] = NaN;
  }
  return { values: joinTimestamps(split, to.unit, invalid), invalid: invalid.finish() };
}

/** No day: a small integer like the days themselves, which a function returns without an allocation. */
const noDay = -(2 ** 30);

/** Days since 1970 of the first eleven bytes, `YYYY-MM-DD` and a blank or `T`, of the years from 1 on; else {@link noDay}. */
function parsePlainDay(data: Uint8Array, start: number): number {
  const y1 = (data[start] as number) - 48;
  const y2 = (data[start + 1] as number) - 48;
  const y3 = (data[start + 2] as number) - 48;
  const y4 = (data[start + 3] as number) - 48;
  const m1 = (data[start + 5] as number) - 48;
  const m2 = (data[start + 6] as number) - 48;
  const d1 = (data[start + 8] as number) - 48;
  const d2 = (data[start + 9] as number) - 48;
  // Negative as soon as one is below 0 or above 9.
  const low = y1 | y2 | y3 | y4 | m1 | m2 | d1 | d2;
  const high = (9 - y1) | (9 - y2) | (9 - y3) | (9 - y4) | (9 - m1) | (9 - m2) | (9 - d1) | (9 - d2);
  if ((low | high) < 0 || data[start + 4] !== 0x2d || data[start + 7] !== 0x2d) return noDay;
  const separator = data[start + 10];
  if (separator !== 0x20 && separator !== 0x54) return noDay;
  const year = y1 * 1000 + y2 * 100 + y3 * 10 + y4;
  const month = m1 * 10 + m2;
  const day = d1 * 10 + d2;
  if (year < 1 || month < 1 || month > 12 || day < 1) return noDay;
  if (day > 28 && day > daysInMonth(year, month)) return noDay;
  return daysFromCommonEra(year, month, day);
}

/** Seconds since midnight of eight bytes `HH:MM:SS`; -1 when they are no time. */
function parsePlainClock(data: Uint8Array, start: number): number {
  const h1 = (data[start] as number) - 48;
  const h2 = (data[start + 1] as number) - 48;
  const m1 = (data[start + 3] as number) - 48;
  const m2 = (data[start + 4] as number) - 48;
  const s1 = (data[start + 6] as number) - 48;
  const s2 = (data[start + 7] as number) - 48;
  const low = h1 | h2 | m1 | m2 | s1 | s2;
  const high = (9 - h1) | (9 - h2) | (5 - m1) | (9 - m2) | (5 - s1) | (9 - s2);
  if ((low | high) < 0 || data[start + 2] !== 0x3a || data[start + 5] !== 0x3a) return -1;
  const hours = h1 * 10 + h2;
  return hours > 23 ? -1 : hours * 3600 + m1 * 600 + m2 * 60 + s1 * 10 + s2;
}

/** Nanoseconds of `.f` with one to nine digits; -1 for anything else. */
function parseFraction(data: Uint8Array, start: number, end: number): number {
  if (end - start < 2 || end - start > 10 || data[start] !== 0x2e) return -1;
  let fraction = 0;
  for (let position = start + 1; position < start + 10; position += 1) {
    const digit = position < end ? (data[position] as number) - 48 : 0;
    if (digit < 0 || digit > 9) return -1;
    fraction = fraction * 10 + digit;
  }
  return fraction;
}

function applyOffsets(
  split: SplitTimes,
  offsetSeconds: Float64Array,
  spec: CastSpec,
  to: TimestampType,
  invalid: InvalidPositions,
): void {
  // A format without %z has no way to say the zone: then the times are of the spec's zone, or UTC.
  const zoneless = spec.format !== undefined && !/%z/i.test(spec.format);
  const zoneName = spec.timezone ?? (zoneless ? "UTC" : undefined);
  const zone = findZone(zoneName ?? "UTC");
  const one = newSplitTimes(1);
  for (let i = 0; i < offsetSeconds.length; i += 1) {
    const offset = offsetSeconds[i] as number;
    if (to.timezone === null) {
      if (!Number.isNaN(offset)) split.days[i] = NaN;
    } else if (!Number.isNaN(offset)) {
      const time = (split.times[i] as number) - offset * 1e9;
      const carry = Math.floor(time / nanosecondsPerDay);
      split.days[i] = (split.days[i] as number) + carry;
      split.times[i] = time - carry * nanosecondsPerDay;
    } else if (zoneName === undefined) split.days[i] = NaN;
    else if (!zone.isUtc) {
      one.days[0] = split.days[i] as number;
      one.times[0] = split.times[i] as number;
      const before = invalid.length;
      toUtcTimes(one, "ns", zone, spec.rounding, invalid);
      split.days[i] = invalid.length > before ? NaN : one.days[0];
      split.times[i] = one.times[0];
    }
  }
}

/** Nanoseconds of the day in another unit; NaN when digits would be lost and may not be. */
function inUnit(nanoseconds: number, unit: TimeUnit, rounding: Rounding, negative: boolean): number {
  const divisor = 1e9 / unitsPerSecond[unit];
  const quotient = Math.floor(nanoseconds / divisor);
  const remainder = nanoseconds - quotient * divisor;
  if (remainder === 0) return quotient;
  if (rounding === "error") return NaN;
  return roundsUp(rounding, negative, quotient % 2 !== 0, remainder, divisor) ? quotient + 1 : quotient;
}

function twoDigits(data: Uint8Array, position: number): number {
  const tens = (data[position] as number) - 48;
  const ones = (data[position + 1] as number) - 48;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : NaN;
}

/** Days since 1970 of ten bytes `YYYY-MM-DD`; NaN when they are no date of the calendar. */
function parseIsoDate(data: Uint8Array, start: number): number {
  const year = twoDigits(data, start) * 100 + twoDigits(data, start + 2);
  const month = twoDigits(data, start + 5);
  const day = twoDigits(data, start + 8);
  if (data[start + 4] !== 0x2d || data[start + 7] !== 0x2d) return NaN;
  if (!(year >= 0 && month >= 1 && day >= 1 && day <= daysInMonth(year, month))) return NaN;
  return daysFromCivil(year, month, day);
}

/** Nanoseconds since midnight of `HH`, `HH:MM`, `HH:MM:SS` and up to nine digits of a fraction; NaN when they are no time. */
function parseIsoTime(data: Uint8Array, start: number, end: number): number {
  const length = end - start;
  if (length !== 2 && length !== 5 && length !== 8 && (length < 10 || length > 18)) return NaN;
  const hours = twoDigits(data, start);
  const minutes = length >= 5 ? twoDigits(data, start + 3) : 0;
  const seconds = length >= 8 ? twoDigits(data, start + 6) : 0;
  if (!(hours <= 23 && minutes <= 59 && seconds <= 59)) return NaN;
  if (length >= 5 && data[start + 2] !== 0x3a) return NaN;
  if (length >= 8 && data[start + 5] !== 0x3a) return NaN;
  let fraction = 0;
  if (length > 8) {
    if (data[start + 8] !== 0x2e) return NaN;
    let weight = 1e8;
    for (let position = start + 9; position < end; position += 1, weight /= 10) {
      const digit = (data[position] as number) - 48;
      if (!(digit >= 0 && digit <= 9)) return NaN;
      fraction += digit * weight;
    }
  }
  return (hours * 3600 + minutes * 60 + seconds) * 1e9 + fraction;
}

function parseIsoTimestamp(
  data: Uint8Array,
  start: number,
  end: number,
  split: SplitTimes,
  offsetSeconds: Float64Array,
  index: number,
): void {
  split.days[index] = NaN;
  offsetSeconds[index] = NaN;
  if (end - start < 10) return;
  const day = parseIsoDate(data, start);
  if (end - start === 10) {
    split.days[index] = day;
    return;
  }
  const separator = data[start + 10];
  if (separator !== 0x20 && separator !== 0x54) return;
  const timeStart = start + 11;
  let timeEnd = timeStart;
  while (timeEnd < end && !startsOffset(data[timeEnd] as number)) timeEnd += 1;
  if (timeEnd < end) {
    offsetSeconds[index] = parseIsoOffset(data, timeEnd, end);
    if (Number.isNaN(offsetSeconds[index])) return;
  }
  const time = parseIsoTime(data, timeStart, timeEnd);
  if (Number.isNaN(time)) return;
  split.days[index] = day;
  split.times[index] = time;
}

function startsOffset(byte: number): boolean {
  return byte === 0x5a || byte === 0x2b || byte === 0x2d; // Z + -
}

/** Seconds of `Z`, `+HH`, `+HHMM` or `+HH:MM`; else NaN. */
function parseIsoOffset(data: Uint8Array, start: number, end: number): number {
  const length = end - start;
  if (data[start] === 0x5a) return length === 1 ? 0 : NaN;
  if (length !== 3 && length !== 5 && length !== 6) return NaN;
  if (length === 6 && data[start + 3] !== 0x3a) return NaN;
  const hours = twoDigits(data, start + 1);
  const minutes = length === 3 ? 0 : twoDigits(data, end - 2);
  if (!(hours <= 23 && minutes <= 59)) return NaN;
  const seconds = hours * 3600 + minutes * 60;
  return data[start] === 0x2d ? 0 - seconds : seconds;
}

/** Formats are the slow way: text by text. A text that does not match is given NaN. */
function parseAll(
  values: BytesValues,
  format: string,
  keep: (index: number, parsed: ParsedTime) => void,
): void {
  const directives = compileFormat(format);
  const buffer = asBuffer(values.data);
  const { offsets } = values;
  const parsed: ParsedTime = { day: NaN, nanoseconds: NaN, offsetSeconds: NaN };
  for (let i = 0; i + 1 < offsets.length; i += 1) {
    parseFormatted(buffer.toString("utf8", offsets[i], offsets[i + 1]), directives, parsed);
    keep(i, parsed);
  }
}
