import type { LeafType, TimeUnit } from "../parquet/leaf-type.ts";
import type { Rounding } from "../schema/schema-version.ts";
import { type Expected, expected, invalid, type Meaning, type MeaningPolicy, unjudged } from "./expected.ts";
import { toInteger } from "./exact-numbers.ts";
import type { Logical } from "./logical-values.ts";

const perSecond: Readonly<Record<TimeUnit, bigint>> = { ms: 1000n, us: 1_000_000n, ns: 1_000_000_000n };
const fractionDigits: Readonly<Record<TimeUnit, number>> = { ms: 3, us: 6, ns: 9 };
const secondsPerDay = 86_400n;

/**
 * Dates, times and timestamps among each other, and to and from ISO 8601 texts and integers. Undefined where a zone other than UTC
 * or a format takes part: whoever says it a second time would only repeat the same tables.
 */
export function meaningOfTimes(from: LeafType, to: LeafType, policy: MeaningPolicy): Meaning | undefined {
  const { rounding } = policy;
  if (!isTemporal(from) && !isTemporal(to)) return undefined;
  const isPlain = policy.format === undefined && (policy.timezone === undefined || policy.timezone === "UTC");
  const meaning = isTemporal(from) ? fromTime(from, to, rounding) : toTime(from, to, policy);
  return isPlain || isZoneless(from, to) ? meaning : undefined;
}

function isTemporal({ kind }: LeafType): boolean {
  return kind === "date" || kind === "time" || kind === "timestamp";
}

/** Pairs that neither a zone nor a format has a say in. */
function isZoneless(from: LeafType, to: LeafType): boolean {
  if (from.kind === "int" || to.kind === "int") return true;
  if (from.kind === "time") return to.kind === "time";
  if (from.kind === "timestamp" && to.kind === "timestamp") {
    return (from.timezone === null) === (to.timezone === null);
  }
  return false;
}

function fromTime(from: LeafType, to: LeafType, rounding: Rounding): Meaning | undefined {
  if (to.kind === "int") return expected;
  switch (from.kind) {
    case "date":
      if (to.kind === "timestamp") {
        return (days) => within64((days as bigint) * secondsPerDay * perSecond[to.unit]);
      }
      return to.kind === "string" ? (days) => textOfDay(days as bigint, "") : undefined;
    case "time":
      if (to.kind === "time") return (time) => timeOfDay(time as bigint, from.unit, to.unit, rounding);
      return to.kind === "string" ? (time) => textOfTime(time as bigint, from.unit) : undefined;
    case "timestamp":
      return fromTimestamp(from.unit, from.timezone !== null, to, rounding);
    default:
      return undefined;
  }
}

function fromTimestamp(
  unit: TimeUnit,
  isZoned: boolean,
  to: LeafType,
  rounding: Rounding,
): Meaning | undefined {
  const perDay = secondsPerDay * perSecond[unit];
  switch (to.kind) {
    case "timestamp":
      return (value) => {
        const scaled = toInteger(
          { numerator: (value as bigint) * perSecond[to.unit], denominator: perSecond[unit] },
          rounding,
        );
        return scaled === undefined ? invalid : within64(scaled);
      };
    case "date":
      return (value) => {
        const day = floorDivide(value as bigint, perDay);
        return BigInt.asIntN(32, day) === day ? expected(day) : invalid;
      };
    case "time":
      return (value) => {
        const instant = value as bigint;
        return timeOfDay(instant - floorDivide(instant, perDay) * perDay, unit, to.unit, rounding);
      };
    case "string":
      return (value) => {
        const day = floorDivide(value as bigint, perDay);
        const time = textOfTime((value as bigint) - day * perDay, unit);
        const rest = time.kind === "value" ? Buffer.from(time.value as Uint8Array).toString() : "";
        return textOfDay(day, ` ${rest}${isZoned ? "Z" : ""}`);
      };
    default:
      return undefined;
  }
}

function floorDivide(value: bigint, divisor: bigint): bigint {
  return toInteger({ numerator: value, denominator: divisor }, "floor") ?? 0n;
}

function within64(value: bigint): Expected {
  return BigInt.asIntN(64, value) === value ? expected(value) : invalid;
}

function timeOfDay(time: bigint, from: TimeUnit, to: TimeUnit, rounding: Rounding): Expected {
  const scaled = toInteger({ numerator: time * perSecond[to], denominator: perSecond[from] }, rounding);
  if (scaled === undefined || scaled < 0n || scaled >= secondsPerDay * perSecond[to]) return invalid;
  return expected(scaled);
}

/** The runtime's calendar ends 273,790 years from 1970; texts end at the year 32,767. */
function textOfDay(day: bigint, after: string): Expected {
  const milliseconds = Number(day) * 86_400_000;
  if (Math.abs(milliseconds) > 8.64e15) return invalid;
  const date = new Date(milliseconds);
  const year = date.getUTCFullYear();
  if (Math.abs(year) > 32_767) return invalid;
  if (year < 0 || year > 9999) return unjudged;
  return expected(Buffer.from(date.toISOString().slice(0, 10) + after));
}

function textOfTime(time: bigint, unit: TimeUnit): Expected {
  if (time < 0n || time >= secondsPerDay * perSecond[unit]) return invalid;
  const seconds = Number(time / perSecond[unit]);
  const clock = new Date(seconds * 1000).toISOString().slice(11, 19);
  const fraction = String(time % perSecond[unit]).padStart(fractionDigits[unit], "0");
  return expected(Buffer.from(`${clock}.${fraction}`));
}

function toTime(from: LeafType, to: LeafType, policy: MeaningPolicy): Meaning | undefined {
  if (from.kind === "int") {
    if (to.kind !== "time") return expected;
    return (value) => timeOfDay(value as bigint, to.unit, to.unit, "error");
  }
  if (from.kind !== "string" && from.kind !== "enum") return undefined;
  switch (to.kind) {
    case "date":
      return (value) => orInvalid(readDay(textOf(value)));
    case "time":
      return (value) => {
        const text = textOf(value);
        const nanoseconds = text.length < 5 ? undefined : readTime(text);
        return nanoseconds === undefined ? invalid : timeOfDay(nanoseconds, "ns", to.unit, policy.rounding);
      };
    case "timestamp": {
      const needsOffset = to.timezone !== null && policy.timezone === undefined;
      return (value) => readTimestamp(textOf(value), to, needsOffset, policy.rounding);
    }
    default:
      return undefined;
  }
}

function textOf(value: Logical): string {
  return Buffer.from(value as Uint8Array).toString("latin1");
}

function orInvalid(value: bigint | undefined): Expected {
  return value === undefined ? invalid : expected(value);
}

/** Days since 1970; the runtime reads the text, and must write the same one. */
function readDay(text: string): bigint | undefined {
  if (!/^\d{4}-\d\d-\d\d$/.test(text)) return undefined;
  const milliseconds = Date.parse(`${text}T00:00:00Z`);
  if (Number.isNaN(milliseconds) || !new Date(milliseconds).toISOString().startsWith(text)) return undefined;
  return BigInt(milliseconds / 86_400_000);
}

/** Nanoseconds since midnight. */
function readTime(text: string): bigint | undefined {
  const match = /^([01]\d|2[0-3])(?::([0-5]\d)(?::([0-5]\d)(?:\.(\d{1,9}))?)?)?$/.exec(text);
  if (match === null) return undefined;
  const [, hours = "0", minutes = "0", seconds = "0", fraction = ""] = match;
  const whole = (BigInt(hours) * 60n + BigInt(minutes)) * 60n + BigInt(seconds);
  return whole * perSecond.ns + BigInt(fraction.padEnd(9, "0"));
}

function readTimestamp(
  text: string,
  { unit, timezone }: Extract<LeafType, { kind: "timestamp" }>,
  needsOffset: boolean,
  rounding: Rounding,
): Expected {
  const match = /^(.{10})(?:[ T]([\d:.]*)(Z|[+-].*)?)?$/.exec(text);
  const day = readDay(match?.[1] ?? "");
  const time = match?.[2] === undefined ? 0n : readTime(match[2]);
  const offset = match?.[3] === undefined ? undefined : readOffset(match[3]);
  if (day === undefined || time === undefined || (match?.[3] !== undefined && offset === undefined))
    return invalid;
  if (timezone === null ? offset !== undefined : needsOffset && offset === undefined) return invalid;
  const nanoseconds = (day * secondsPerDay - (offset ?? 0n)) * perSecond.ns + time;
  const scaled = toInteger({ numerator: nanoseconds * perSecond[unit], denominator: perSecond.ns }, rounding);
  return scaled === undefined ? invalid : within64(scaled);
}

/** Seconds east of UTC. */
function readOffset(text: string): bigint | undefined {
  if (text === "Z") return 0n;
  const match = /^([+-])([01]\d|2[0-3])(?::?([0-5]\d))?$/.exec(text);
  if (match === null) return undefined;
  const seconds = (BigInt(match[2] ?? "0") * 60n + BigInt(match[3] ?? "0")) * 60n;
  return match[1] === "-" ? -seconds : seconds;
}
