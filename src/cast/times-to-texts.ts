import { ByteBuilder } from "./byte-builder.ts";
import { civilFromDays } from "./calendar.ts";
import { InvalidPositions } from "./invalid-positions.ts";
import { splitTimestamps, timesOf, unitsPerSecond, zoneSeen } from "./temporal.ts";
import { compileFormat, formatOffset, formatWith, formatYear } from "./time-formats.ts";

import type { TimeUnit } from "../parquet/leaf-type.ts";
import type { Values } from "../parquet/values/values.ts";
import type { CivilDate } from "./calendar.ts";
import type { CastResult, CastSpec } from "./cast.ts";
import type { TimestampType, TimeType } from "./temporal.ts";

/** Arrow's calendar (that of C++20) ends at these years; a text of more digits nobody would read back. */
const yearMax = 32_767;
const dash = 0x2d;
const colon = 0x3a;

const civil: CivilDate = { year: 0, month: 0, day: 0 };

const fractionDigits: Readonly<Record<TimeUnit, number>> = { ms: 3, us: 6, ns: 9 };

/** `YYYY-MM-DD`, or the format of the spec. */
export function formatDates(values: Values, spec: CastSpec): CastResult {
  const { data } = values as Extract<Values, { kind: "int32" }>;
  const directives = spec.format === undefined ? undefined : compileFormat(spec.format);
  const invalid = new InvalidPositions();
  const texts = new ByteBuilder(data.length, 10);
  for (let i = 0; i < data.length; i += 1) {
    const day = data[i] as number;
    if (!findDate(day)) invalid.push(i);
    else if (directives === undefined) appendDate(texts);
    else texts.text(formatWith(directives, day, 0, 0, 0));
    texts.endValue();
  }
  return { values: texts.finish(), invalid: invalid.finish() };
}

/** `HH:MM:SS.fff` with all the digits of the unit, or the format of the spec. */
export function formatTimes(values: Values, spec: CastSpec, from: TimeType): CastResult {
  const times = timesOf(values);
  const directives = spec.format === undefined ? undefined : compileFormat(spec.format);
  const invalid = new InvalidPositions();
  const texts = new ByteBuilder(times.length, 12);
  const digits = fractionDigits[from.unit];
  const perSecond = unitsPerSecond[from.unit];
  for (let i = 0; i < times.length; i += 1) {
    const time = times[i] as number;
    if (!(time >= 0 && time < 86_400 * perSecond)) invalid.push(i);
    else if (directives === undefined) appendTime(texts, time, perSecond, digits);
    else texts.text(formatWith(directives, 0, time * (1e9 / perSecond), 0, digits));
    texts.endValue();
  }
  return { values: texts.finish(), invalid: invalid.finish() };
}

/**
 * `YYYY-MM-DD HH:MM:SS.fff` with all the digits of the unit; a zoned one in its zone, with `Z` for UTC and else `+hhmm`
 * after it; or the format of the spec.
 */
export function formatTimestamps(values: Values, spec: CastSpec, from: TimestampType): CastResult {
  const unit = values.kind === "fixed" ? "ns" : from.unit;
  const split = splitTimestamps(values, unit);
  const zone = zoneSeen(spec, from);
  const directives = spec.format === undefined ? undefined : compileFormat(spec.format);
  const invalid = new InvalidPositions();
  const count = split.days.length;
  const texts = new ByteBuilder(count, 24);
  const perSecond = unitsPerSecond[unit];
  const perDay = perSecond * 86_400;
  for (let i = 0; i < count; i += 1) {
    const utcDay = split.days[i] as number;
    const utcTime = split.times[i] as number;
    const offset = zone.isUtc ? 0 : zone.offsetAt(utcDay * 86_400 + Math.floor(utcTime / perSecond));
    const shifted = utcTime + offset * perSecond;
    const carry = Math.floor(shifted / perDay);
    const day = utcDay + carry;
    const time = shifted - carry * perDay;
    // Local mean times, before there were time zones, have seconds in their offset, for which `+hhmm` has no place.
    if (!findDate(day) || (directives === undefined && offset % 60 !== 0)) invalid.push(i);
    else if (directives === undefined) {
      appendDate(texts);
      texts.byte(0x20);
      appendTime(texts, time, perSecond, fractionDigits[unit]);
      if (from.timezone !== null) texts.ascii(zone.isUtc ? "Z" : formatOffset(offset));
    } else texts.text(formatWith(directives, day, time * (1e9 / perSecond), offset, fractionDigits[unit]));
    texts.endValue();
  }
  return { values: texts.finish(), invalid: invalid.finish() };
}

/** Puts the date of a day into `civil`; false when its year is out of reach. */
function findDate(day: number): boolean {
  if (!(Math.abs(day) < 2e7)) return false;
  civilFromDays(day, civil);
  return civil.year <= yearMax && civil.year >= -yearMax;
}

function appendDate(texts: ByteBuilder): void {
  if (civil.year >= 0 && civil.year <= 9999) texts.digits(civil.year, 4);
  else texts.ascii(formatYear(civil.year));
  texts.byte(dash);
  texts.digits(civil.month, 2);
  texts.byte(dash);
  texts.digits(civil.day, 2);
}

function appendTime(texts: ByteBuilder, time: number, perSecond: number, digits: number): void {
  const seconds = Math.floor(time / perSecond);
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  texts.digits(hours, 2);
  texts.byte(colon);
  texts.digits(minutes - hours * 60, 2);
  texts.byte(colon);
  texts.digits(seconds - minutes * 60, 2);
  texts.byte(0x2e);
  texts.digits(time - seconds * perSecond, digits);
}
