import type { LeafType } from "../parquet/leaf-type.ts";
import type { Rounding } from "../schema/schema-version.ts";
import { type Expected, expected, invalid, type Meaning, unjudged } from "./expected.ts";
import { type Exact, exactOf, nearestFloat, parseNumber, toInteger } from "./exact-numbers.ts";
import type { Logical } from "./logical-values.ts";

type Of<K extends LeafType["kind"]> = Extract<LeafType, { kind: K }>;

/** A source value as a number: exact, or one of those that are none. */
type Amount = Exact | "nan" | "inf" | "-inf" | "-0" | "invalid" | "unjudged";

/** Bools, integers, floats and decimals among each other, and to and from texts. */
export function meaningOfNumbers(from: LeafType, to: LeafType, rounding: Rounding): Meaning | undefined {
  if (isText(from)) return fromText(to, rounding);
  const amount = amountReader(from);
  if (amount === undefined) return undefined;
  switch (to.kind) {
    case "bool":
      return (value) => toBool(amount(value), rounding);
    case "int":
      return (value) => toInt(amount(value), to, rounding);
    case "float":
      if (from.kind === "int" && rounding === "error") return exactlyToFloat(to);
      return (value) => toFloat(amount(value), to, from.kind === "decimal");
    case "decimal":
      return (value) =>
        toDecimal(amount(value), to, from.kind === "float" && rounding === "error" ? "half-even" : rounding);
    case "string":
      return writeNumber(from);
    default:
      return undefined;
  }
}

function isText({ kind }: LeafType): boolean {
  return kind === "string" || kind === "enum" || kind === "binary";
}

function amountReader(from: LeafType): ((value: Logical) => Amount) | undefined {
  switch (from.kind) {
    case "bool":
      return (value) => whole(value === true ? 1n : 0n);
    case "int":
      return (value) => whole(value as bigint);
    case "decimal": {
      const denominator = 10n ** BigInt(from.scale);
      return (value) => ({ numerator: value as bigint, denominator });
    }
    case "float":
      return (value) => amountOf(value as number);
    default:
      return undefined;
  }
}

function whole(numerator: bigint): Exact {
  return { numerator, denominator: 1n };
}

function amountOf(value: number): Amount {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  return Object.is(value, -0) ? "-0" : exactOf(value);
}

/** -0 is zero wherever zeros have no sign. */
function unsignedZero(amount: Amount): Amount {
  return amount === "-0" ? whole(0n) : amount;
}

function toBool(given: Amount, rounding: Rounding): Expected {
  const amount = unsignedZero(given);
  if (amount === "unjudged") return unjudged;
  if (typeof amount === "string") {
    return rounding !== "error" && amount.endsWith("inf") ? expected(true) : invalid;
  }
  const { numerator, denominator } = amount;
  if (numerator === 0n) return expected(false);
  return numerator === denominator || rounding !== "error" ? expected(true) : invalid;
}

function toInt(given: Amount, { bits, signed }: Of<"int">, rounding: Rounding): Expected {
  const amount = unsignedZero(given);
  if (amount === "unjudged") return unjudged;
  if (typeof amount === "string") return invalid;
  const value = toInteger(amount, rounding);
  if (value === undefined) return invalid;
  const fits = signed ? BigInt.asIntN(bits, value) === value : BigInt.asUintN(bits, value) === value;
  return fits ? expected(value) : invalid;
}

/** Integers below the first that would share its float with a neighbour. */
function exactlyToFloat({ bits }: Of<"float">): Meaning {
  const max = { 16: 2n ** 11n, 32: 2n ** 24n, 64: 2n ** 53n }[bits];
  return (value) => {
    const integer = value as bigint;
    return integer <= max && integer >= -max ? expected(Number(integer)) : invalid;
  };
}

/** `throughDouble`: decimals become the nearest float64 first (docs/SEMANTICS.md). */
function toFloat(amount: Amount, { bits }: Of<"float">, throughDouble: boolean): Expected {
  switch (amount) {
    case "unjudged":
      return unjudged;
    case "invalid":
      return invalid;
    case "nan":
      return expected(NaN);
    case "inf":
      return expected(Infinity);
    case "-inf":
      return expected(-Infinity);
    case "-0":
      return expected(-0);
    default: {
      const start = throughDouble && bits !== 64 ? exactOf(nearestFloat(amount, 64)) : amount;
      const nearest = nearestFloat(start, bits);
      if (!Number.isFinite(nearest)) return invalid;
      return expected(nearest === 0 && amount.numerator === 0n ? 0 : nearest);
    }
  }
}

function toDecimal(given: Amount, { precision, scale }: Of<"decimal">, rounding: Rounding): Expected {
  const amount = unsignedZero(given);
  if (amount === "unjudged") return unjudged;
  if (typeof amount === "string") return invalid;
  const { numerator, denominator } = amount;
  const unscaled = toInteger({ numerator: numerator * 10n ** BigInt(scale), denominator }, rounding);
  const limit = 10n ** BigInt(precision);
  return unscaled === undefined || unscaled >= limit || unscaled <= -limit ? invalid : expected(unscaled);
}

function textOf(value: Logical): string {
  return Buffer.from(value as Uint8Array).toString("latin1");
}

function fromText(to: LeafType, rounding: Rounding): Meaning | undefined {
  switch (to.kind) {
    case "bool":
      return (value) => {
        const word = textOf(value).toLowerCase();
        if (word === "true" || word === "1") return expected(true);
        return word === "false" || word === "0" ? expected(false) : invalid;
      };
    case "int":
      return (value) => readInteger(textOf(value), to);
    case "float":
      return (value) => toFloat(readFloat(textOf(value)), to, false);
    case "decimal":
      return (value) => toDecimal(amountOfText(textOf(value)), to, rounding);
    default:
      return undefined;
  }
}

function readInteger(text: string, to: Of<"int">): Expected {
  const hex = /^0x([0-9a-f]+)$/i.exec(text)?.[1];
  if (hex !== undefined) {
    if (hex.length > to.bits / 4) return invalid;
    const pattern = BigInt(`0x${hex}`);
    return expected(to.signed ? BigInt.asIntN(to.bits, pattern) : pattern);
  }
  const digits = (to.signed ? /^-?\d+$/ : /^\d+$/).exec(text)?.[0];
  if (digits === undefined) return invalid;
  // More digits than any integer has, zeros in front aside.
  if (digits.replace(/^-?0*/, "").length > 20) return invalid;
  return toInt(whole(BigInt(digits.replace("-", "")) * (digits.startsWith("-") ? -1n : 1n)), to, "error");
}

function readFloat(text: string): Amount {
  const special = /^([+-]?)(inf(?:inity)?|nan(?:\(\w*\))?)$/i.exec(text);
  if (special === null) return amountOfText(text);
  if (special[2]?.toLowerCase().startsWith("nan") === true) return "nan";
  return special[1] === "-" ? "-inf" : "inf";
}

function amountOfText(text: string): Amount {
  const parsed = parseNumber(text);
  if (parsed.kind !== "number") return parsed.kind;
  return parsed.exact.numerator === 0n && parsed.negative ? "-0" : parsed.exact;
}

function writeNumber(from: LeafType): Meaning | undefined {
  switch (from.kind) {
    case "bool":
    case "int":
      return (value) => expected(Buffer.from(String(value)));
    case "float":
      return (value) => {
        const number = value as number;
        // Which digits is not said; that they read back as the same float is.
        const accepts = (text: string): boolean =>
          /^-?(?:\d+(?:\.\d+)?(?:e[+-]\d+)?|inf)$|^nan$/.test(text) &&
          sameFloat(toFloat(readFloat(text), { kind: "float", bits: from.bits }, false), number);
        return { kind: "text", shown: String(number), accepts };
      };
    case "decimal":
      return (value) => {
        const unscaled = value as bigint;
        const accepts = (text: string): boolean => {
          const parsed = toDecimal(amountOfText(text), { ...from, precision: 76 }, "error");
          const digits = /^-?\d+(?:\.(\d+))?(?:E[+-]\d+)?$/.exec(text);
          const isComplete = text.includes("E") || (digits?.[1] ?? "").length === from.scale;
          return digits !== null && isComplete && parsed.kind === "value" && parsed.value === unscaled;
        };
        return { kind: "text", shown: `${unscaled}e-${from.scale}`, accepts };
      };
    default:
      return undefined;
  }
}

function sameFloat(read: Expected, number: number): boolean {
  return read.kind === "value" && Object.is(read.value, number);
}
