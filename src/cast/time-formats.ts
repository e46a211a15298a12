import { ColonnadeError } from "../base/errors.ts";
import { civilFromDays, daysFromCivil, daysInMonth } from "./calendar.ts";

import type { CivilDate } from "./calendar.ts";

/** What a text says, reused from value to value. NaN everywhere: it does not match the format. */
export interface ParsedTime {
  /** Days since 1970-01-01; month and day that the format does not have are the first. */
  day: number;
  /** Since midnight. */
  nanoseconds: number;
  /** East of UTC; NaN when the format or the text has none. */
  offsetSeconds: number;
}

/** A directive by its letter, or a literal character. White space of any length is one blank. */
export type Directive = { readonly letter: string } | { readonly literal: string };

const shorthands: Readonly<Record<string, string>> = {
  T: "%H:%M:%S",
  F: "%Y-%m-%d",
  D: "%m/%d/%y",
  R: "%H:%M",
  h: "%b",
  n: " ",
  t: " ",
};
const letters = new Set("YmdeHIMSfpyBbjzs");
const monthNames = [
  "january",
  "february",
  "march",
  "april",
  "may",
  "june",
  "july",
  "august",
  "september",
  "october",
  "november",
  "december",
];

/**
 * The directives of a strptime format (POSIX, in the C locale): `%Y %m %d %e %H %I %M %S %p %y %b %B %h %j %z %s %T %D %F %R
 * %n %t %%` and, as in Python, `%f` for a fraction (here of one to nine digits). Throws `invalid` `FORMAT_UNKNOWN`.
 */
export function compileFormat(format: string): readonly Directive[] {
  const directives: Directive[] = [];
  for (let i = 0; i < format.length; i += 1) {
    const character = format[i] as string;
    if (character !== "%") {
      const literal = /\s/.test(character) ? " " : character;
      const previous = directives.at(-1);
      const repeats =
        literal === " " && previous !== undefined && "literal" in previous && previous.literal === " ";
      if (!repeats) directives.push({ literal });
      continue;
    }
    i += 1;
    const letter = format[i] ?? "";
    const longhand = shorthands[letter];
    if (longhand !== undefined) directives.push(...compileFormat(longhand));
    else if (letter === "%") directives.push({ literal: "%" });
    else if (letters.has(letter)) directives.push({ letter });
    else {
      throw new ColonnadeError("invalid", "FORMAT_UNKNOWN", "format has a directive that is not known", {
        format,
        directive: `%${letter}`,
      });
    }
  }
  return directives;
}

/** The fields of a text as they come; what is not said stays at its first value. */
interface Fields {
  year: number;
  month: number;
  day: number;
  dayOfYear: number;
  hours: number;
  minutes: number;
  seconds: number;
  nanoseconds: number;
  /** 0 for AM, 12 for PM, NaN when the format has no %p. */
  half: number;
  offsetSeconds: number;
  epochSeconds: number;
}

const fields: Fields = freshFields();

function freshFields(): Fields {
  return {
    year: NaN,
    month: 1,
    day: 1,
    dayOfYear: NaN,
    hours: 0,
    minutes: 0,
    seconds: 0,
    nanoseconds: 0,
    half: NaN,
    offsetSeconds: NaN,
    epochSeconds: NaN,
  };
}

/** Reads one text. A format without a year gives a time of day: `day` is NaN then, `nanoseconds` is not. */
export function parseFormatted(text: string, directives: readonly Directive[], into: ParsedTime): void {
  into.day = NaN;
  into.nanoseconds = NaN;
  into.offsetSeconds = NaN;
  Object.assign(fields, freshFields());
  let position = 0;
  for (const directive of directives) {
    position =
      "literal" in directive
        ? readLiteral(text, position, directive.literal)
        : readDirective(text, position, directive.letter);
    if (position < 0) return;
  }
  if (position !== text.length) return;
  settle(into);
}

function settle(into: ParsedTime): void {
  const { year, month, day, dayOfYear, half, epochSeconds } = fields;
  if (!Number.isNaN(epochSeconds)) {
    into.day = Math.floor(epochSeconds / 86_400);
    into.nanoseconds = (epochSeconds - into.day * 86_400) * 1e9 + fields.nanoseconds;
    into.offsetSeconds = 0;
    return;
  }
  const hours = Number.isNaN(half) ? fields.hours : (fields.hours % 12) + half;
  if (!Number.isNaN(dayOfYear)) {
    const daysInYear = daysFromCivil(year + 1, 1, 1) - daysFromCivil(year, 1, 1);
    into.day = dayOfYear <= daysInYear ? daysFromCivil(year, 1, 1) + dayOfYear - 1 : NaN;
  } else if (day <= daysInMonth(Number.isNaN(year) ? 2000 : year, month)) {
    into.day = daysFromCivil(year, month, day);
  } else return;
  into.nanoseconds = (hours * 3600 + fields.minutes * 60 + fields.seconds) * 1e9 + fields.nanoseconds;
  into.offsetSeconds = fields.offsetSeconds;
}

function readLiteral(text: string, start: number, literal: string): number {
  if (literal !== " ") return text[start] === literal ? start + 1 : -1;
  let position = start;
  while (position < text.length && /\s/.test(text[position] as string)) position += 1;
  return position;
}

/** The position after the directive's text, or -1 when it does not match. */
function readDirective(text: string, start: number, letter: string): number {
  switch (letter) {
    case "Y":
      return readDigits(text, start, 4, 4, 0, 9999, "year");
    case "m":
      return readDigits(text, start, 1, 2, 1, 12, "month");
    case "d":
      return readDigits(text, start, 1, 2, 1, 31, "day");
    case "e":
      return readDigits(text, text[start] === " " ? start + 1 : start, 1, 2, 1, 31, "day");
    case "H":
      return readDigits(text, start, 1, 2, 0, 23, "hours");
    case "I":
      return readDigits(text, start, 1, 2, 1, 12, "hours");
    case "M":
      return readDigits(text, start, 1, 2, 0, 59, "minutes");
    case "S":
      return readDigits(text, start, 1, 2, 0, 59, "seconds");
    case "j":
      return readDigits(text, start, 1, 3, 1, 366, "dayOfYear");
    case "y": {
      const end = readDigits(text, start, 2, 2, 0, 99, "year");
      fields.year += fields.year < 69 ? 2000 : 1900; // POSIX strptime
      return end;
    }
    case "f": {
      const end = readDigits(text, start, 1, 9, 0, Infinity, "nanoseconds");
      if (end > 0) fields.nanoseconds = Number(text.slice(start, end).padEnd(9, "0"));
      return end;
    }
    case "p":
      return readHalf(text, start);
    case "b":
    case "B":
      return readMonthName(text, start);
    case "z":
      return readOffset(text, start);
    default:
      return readEpochSeconds(text, start);
  }
}

function readDigits(
  text: string,
  start: number,
  digitsMin: number,
  digitsMax: number,
  min: number,
  max: number,
  field: keyof Fields,
): number {
  let position = start;
  let value = 0;
  for (; position < text.length && position - start < digitsMax; position += 1) {
    const digit = text.charCodeAt(position) - 48;
    if (digit < 0 || digit > 9) break;
    value = value * 10 + digit;
  }
  if (position - start < digitsMin || value < min || value > max) return -1;
  fields[field] = value;
  return position;
}

function readHalf(text: string, start: number): number {
  const word = text.slice(start, start + 2).toUpperCase();
  if (word !== "AM" && word !== "PM") return -1;
  fields.half = word === "PM" ? 12 : 0;
  return start + 2;
}

function readMonthName(text: string, start: number): number {
  const rest = text.slice(start, start + 9).toLowerCase();
  const index = monthNames.findIndex((name) => rest.startsWith(name.slice(0, 3)));
  if (index < 0) return -1;
  fields.month = index + 1;
  const name = monthNames[index] as string;
  return start + (rest.startsWith(name) ? name.length : 3);
}

function readOffset(text: string, start: number): number {
  const match = /^(?:Z|([+-])(\d{2}):?([0-5]\d))/.exec(text.slice(start, start + 6));
  if (match === null) return -1;
  const [all, sign, hours, minutes] = match;
  const magnitude = sign === undefined ? 0 : Number(hours) * 3600 + Number(minutes) * 60;
  if (magnitude >= 86_400) return -1;
  fields.offsetSeconds = sign === "-" ? 0 - magnitude : magnitude;
  return start + all.length;
}

function readEpochSeconds(text: string, start: number): number {
  const match = /^-?\d{1,15}/.exec(text.slice(start, start + 16));
  if (match === null) return -1;
  fields.epochSeconds = Number(match[0]);
  return start + match[0].length;
}

const civil: CivilDate = { year: 0, month: 0, day: 0 };

/** A time as text, strftime's way. `%f` has the nine digits of nanoseconds cut to `fractionDigits`. */
export function formatWith(
  directives: readonly Directive[],
  day: number,
  nanoseconds: number,
  offsetSeconds: number,
  fractionDigits: number,
): string {
  civilFromDays(day, civil);
  const seconds = Math.floor(nanoseconds / 1e9);
  const parts: TextParts = {
    ...civil,
    dayNumber: day,
    seconds,
    nanoseconds: nanoseconds - seconds * 1e9,
    offsetSeconds,
    fractionDigits,
  };
  let text = "";
  for (const directive of directives) {
    text += "literal" in directive ? directive.literal : formatDirective(directive.letter, parts);
  }
  return text;
}

interface TextParts extends CivilDate {
  readonly dayNumber: number;
  readonly seconds: number;
  readonly nanoseconds: number;
  readonly offsetSeconds: number;
  readonly fractionDigits: number;
}

function formatDirective(letter: string, parts: TextParts): string {
  const hours = Math.floor(parts.seconds / 3600);
  switch (letter) {
    case "Y":
      return formatYear(parts.year);
    case "y":
      return pad(((parts.year % 100) + 100) % 100);
    case "m":
      return pad(parts.month);
    case "d":
      return pad(parts.day);
    case "e":
      return String(parts.day).padStart(2);
    case "H":
      return pad(hours);
    case "I":
      return pad(hours % 12 === 0 ? 12 : hours % 12);
    case "p":
      return hours < 12 ? "AM" : "PM";
    case "M":
      return pad(Math.floor(parts.seconds / 60) % 60);
    case "S":
      return pad(parts.seconds % 60);
    case "f":
      return String(parts.nanoseconds).padStart(9, "0").slice(0, parts.fractionDigits);
    case "j":
      return String(parts.dayNumber - daysFromCivil(parts.year, 1, 1) + 1).padStart(3, "0");
    case "b":
      return capitalised(parts.month).slice(0, 3);
    case "B":
      return capitalised(parts.month);
    case "z":
      return formatOffset(parts.offsetSeconds);
    default:
      return String(parts.dayNumber * 86_400 + parts.seconds - parts.offsetSeconds);
  }
}

/** Four digits at least, after the sign. */
export function formatYear(year: number): string {
  return `${year < 0 ? "-" : ""}${String(Math.abs(year)).padStart(4, "0")}`;
}

/** `+hhmm`; seconds, which only local mean times have, are left out. */
export function formatOffset(offsetSeconds: number): string {
  const minutes = Math.floor(Math.abs(offsetSeconds) / 60);
  return `${offsetSeconds < 0 ? "-" : "+"}${pad(Math.floor(minutes / 60))}${pad(minutes % 60)}`;
}

function pad(value: number): string {
  return String(value).padStart(2, "0");
}

function capitalised(month: number): string {
  const name = monthNames[month - 1] ?? "";
  return name.slice(0, 1).toUpperCase() + name.slice(1);
}
