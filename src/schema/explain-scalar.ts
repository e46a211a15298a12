import type { Json } from "../base/canonical-json.ts";
import type { LeafType } from "../parquet/leaf-type.ts";

/**
 * Why a JSON scalar of a schema file (a default, a bound) is no value of a leaf type, as the end of a sentence that
 * begins with what it is; undefined when it is one.
 */
export function explainScalar(value: Json, leaf: LeafType): string | undefined {
  switch (leaf.kind) {
    case "bool":
      return typeof value === "boolean" ? undefined : "is not true or false";
    case "int":
      return explainInteger(value, leaf.bits, leaf.signed);
    case "float":
      return typeof value === "number" || (typeof value === "string" && isFloat(value))
        ? undefined
        : "is not a number";
    case "decimal":
      return explainDecimal(value, leaf.precision, leaf.scale);
    case "date":
    case "time":
    case "timestamp":
      return typeof value === "string" && isTemporal(value, leaf.kind)
        ? undefined
        : `is not ${leaf.kind === "date" ? "a date such as 2026-01-31" : `a ${leaf.kind} in ISO 8601`}`;
    case "string":
    case "enum":
    case "json":
    case "binary":
      return typeof value === "string" ? undefined : "is not a string (numbers and booleans need quotes)";
    case "uuid":
      return typeof value === "string" && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value)
        ? undefined
        : "is not a UUID";
    case "null":
      return "is not null, the only value of type null";
    case "bson":
    case "fixedBinary":
    case "interval":
    case "geometry":
    case "geography":
      return `is not possible for type ${leaf.kind}`;
  }
}

function explainInteger(value: Json, bits: number, signed: boolean): string | undefined {
  const text = typeof value === "number" ? String(value) : value;
  if (typeof text !== "string" || !/^[+-]?[0-9]{1,40}$/.test(text)) return "is not an integer";
  const integer = BigInt(text);
  const low = signed ? -(1n << BigInt(bits - 1)) : 0n;
  const high = (1n << BigInt(signed ? bits - 1 : bits)) - 1n;
  return integer >= low && integer <= high ? undefined : `is outside ${low} to ${high}`;
}

function isFloat(text: string): boolean {
  return /^(nan|[+-]?inf|[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)(e[+-]?[0-9]+)?)$/i.test(text);
}

function explainDecimal(value: Json, precision: number, scale: number): string | undefined {
  const text = typeof value === "number" ? String(value) : value;
  if (typeof text !== "string" || text.length > 200) return "is not a decimal number";
  const match = /^[+-]?([0-9]*)\.?([0-9]*)(?:e([+-]?[0-9]{1,3}))?$/i.exec(text);
  const [whole, fraction, exponent] = [match?.[1] ?? "", match?.[2] ?? "", Number(match?.[3] ?? 0)];
  const digits = (whole + fraction).replace(/^0+/, "");
  if (match === null || whole + fraction === "") return "is not a decimal number";
  const trimmed = digits.replace(/0+$/, "");
  const fractionDigits = fraction.length - exponent - (digits.length - trimmed.length);
  if (trimmed !== "" && fractionDigits > scale) return `has more than ${scale} digits after the point`;
  const unscaledDigits = trimmed === "" ? 0 : trimmed.length + scale - fractionDigits;
  return unscaledDigits <= precision ? undefined : `has more than ${precision} digits`;
}

function isTemporal(text: string, kind: "date" | "time" | "timestamp"): boolean {
  const date = String.raw`[+-]?\d{4,6}-\d\d-\d\d`;
  const time = String.raw`\d\d:\d\d(:\d\d([.,]\d{1,9})?)?`;
  const zone = String.raw`(Z|[+-]\d\d(:?\d\d)?)?`;
  const pattern = { date, time, timestamp: `${date}([T ]${time}${zone})?` }[kind];
  if (!new RegExp(`^${pattern}$`).test(text)) return false;
  const [year, month, day] =
    kind === "time" ? [2000, 1, 1] : (/^[+-]?(\d+)-(\d\d)-(\d\d)/.exec(text) ?? []).slice(1).map(Number);
  if (year === undefined || month === undefined || day === undefined) return false;
  const lastDay = new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate();
  if (month < 1 || month > 12 || day < 1 || day > lastDay) return false;
  const [hours, minutes, seconds] = (/(\d\d):(\d\d)(?::(\d\d))?/.exec(text) ?? [])
    .slice(1)
    .map((part) => Number(part ?? 0));
  return (hours ?? 0) <= 23 && (minutes ?? 0) <= 59 && (seconds ?? 0) <= 59;
}
