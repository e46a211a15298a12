import { didYouMean } from "../base/nearest.ts";

/**
 * The types of a leaf, spelled as Arrow spells them. Parquet-only annotations that Arrow has no plain type for
 * (`json`, `enum`, `interval`, …) have a name of their own, so that any readable file has a schema.
 *
 * A type is what a value means; how Parquet stores it (a decimal as INT32 or as FIXED_LEN_BYTE_ARRAY, a
 * timestamp as INT64 or as INT96) is the leaf's physical type, which a copied column keeps.
 */
export type LeafType =
  | { readonly kind: "bool" }
  | { readonly kind: "int"; readonly bits: 8 | 16 | 32 | 64; readonly signed: boolean }
  | { readonly kind: "float"; readonly bits: 16 | 32 | 64 }
  /** Precision 1 to 76. Spelled decimal128 up to precision 38, decimal256 above. */
  | { readonly kind: "decimal"; readonly precision: number; readonly scale: number }
  | { readonly kind: "string" }
  | { readonly kind: "binary" }
  | { readonly kind: "fixedBinary"; readonly bytes: number }
  /** Days since 1970-01-01, `date32`. */
  | { readonly kind: "date" }
  | { readonly kind: "time"; readonly unit: TimeUnit; readonly utc: boolean }
  /** `timezone` null: a local date and time. Parquet keeps only whether there is one: isAdjustedToUTC. */
  | { readonly kind: "timestamp"; readonly unit: TimeUnit; readonly timezone: string | null }
  | { readonly kind: "json" }
  | { readonly kind: "bson" }
  | { readonly kind: "enum" }
  | { readonly kind: "uuid" }
  | { readonly kind: "interval" }
  | { readonly kind: "geometry" }
  | { readonly kind: "geography" }
  /** Parquet's UNKNOWN annotation: every value is null. */
  | { readonly kind: "null" };

export type TimeUnit = "ms" | "us" | "ns";

export type PhysicalType =
  | "BOOLEAN"
  | "INT32"
  | "INT64"
  | "INT96"
  | "FLOAT"
  | "DOUBLE"
  | "BYTE_ARRAY"
  | "FIXED_LEN_BYTE_ARRAY";

/** What a reader or writer of one leaf's pages needs to know. */
export interface LeafColumn {
  /** Names of the schema elements from below the root to the leaf. */
  readonly path: readonly string[];
  readonly physicalType: PhysicalType;
  /** Bytes of a FIXED_LEN_BYTE_ARRAY value. */
  readonly typeLength?: number;
  readonly type: LeafType;
  readonly maxDefinitionLevel: number;
  readonly maxRepetitionLevel: number;
}

export type LeafTypeError = { readonly error: string };

const simpleTypes = new Map<string, LeafType>([
  ["bool", { kind: "bool" }],
  ["int8", { kind: "int", bits: 8, signed: true }],
  ["int16", { kind: "int", bits: 16, signed: true }],
  ["int32", { kind: "int", bits: 32, signed: true }],
  ["int64", { kind: "int", bits: 64, signed: true }],
  ["uint8", { kind: "int", bits: 8, signed: false }],
  ["uint16", { kind: "int", bits: 16, signed: false }],
  ["uint32", { kind: "int", bits: 32, signed: false }],
  ["uint64", { kind: "int", bits: 64, signed: false }],
  ["float16", { kind: "float", bits: 16 }],
  ["float32", { kind: "float", bits: 32 }],
  ["float64", { kind: "float", bits: 64 }],
  ["string", { kind: "string" }],
  ["binary", { kind: "binary" }],
  ["date32", { kind: "date" }],
  ["json", { kind: "json" }],
  ["bson", { kind: "bson" }],
  ["enum", { kind: "enum" }],
  ["uuid", { kind: "uuid" }],
  ["interval", { kind: "interval" }],
  ["geometry", { kind: "geometry" }],
  ["geography", { kind: "geography" }],
  ["null", { kind: "null" }],
]);

/** Other spellings that mean exactly one of ours: Arrow's C++ and Python names, and views and large variants. */
const synonyms = new Map<string, string>([
  ["boolean", "bool"],
  ["halffloat", "float16"],
  ["half_float", "float16"],
  ["float", "float32"],
  ["double", "float64"],
  ["utf8", "string"],
  ["large_string", "string"],
  ["large_utf8", "string"],
  ["string_view", "string"],
  ["large_binary", "binary"],
  ["binary_view", "binary"],
  ["date", "date32"],
]);

/** Names of other systems, for the error's suggestion only: what they mean differs in places. */
const foreignNames = new Map<string, string>([
  ["tinyint", "int8"],
  ["smallint", "int16"],
  ["int", "int32"],
  ["integer", "int32"],
  ["long", "int64"],
  ["bigint", "int64"],
  ["number", "float64"],
  ["real", "float32"],
  ["numeric", "decimal128(18, 2)"],
  ["text", "string"],
  ["str", "string"],
  ["varchar", "string"],
  ["char", "string"],
  ["bytes", "binary"],
  ["blob", "binary"],
  ["datetime", "timestamp[us]"],
  ["timestamptz", "timestamp[us, tz=UTC]"],
  ["date64", "date32 (Parquet stores days) or timestamp[ms]"],
  ["duration", "int64 (Parquet has no durations)"],
]);

const parametricNames = ["decimal128", "decimal256", "fixed_size_binary", "time32", "time64", "timestamp"];

/**
 * A leaf type from its name as Arrow spells it: `int64`, `decimal128(18, 4)`, `timestamp[us, tz=UTC]`,
 * `time64[us]`, `fixed_size_binary(16)`. White space and the case of names do not matter. Arrow has one time of day;
 * Parquet's UTC-adjusted one is `time64[us, utc]` (the bare form is local, as Arrow's writers now store it).
 * What is not a type is a value with a message for people, a suggestion included.
 */
export function parseLeafType(text: string): LeafType | LeafTypeError {
  const match = /^\s*([A-Za-z_][A-Za-z0-9_]*)\s*(?:\(([^()]*)\)|\[([^[\]]*)\])?\s*$/.exec(text);
  if (match === null) return { error: `${JSON.stringify(text)} is not the name of a type` };
  const given = (match[1] as string).toLowerCase();
  const name = synonyms.get(given) ?? given;
  const parameters = (match[2] ?? match[3])?.split(",").map((parameter) => parameter.trim()) ?? [];
  const simple = simpleTypes.get(name);
  if (simple !== undefined) {
    return parameters.length === 0
      ? simple
      : { error: `${name} takes no parameters: ${JSON.stringify(text)}` };
  }
  switch (name) {
    case "decimal":
    case "decimal32":
    case "decimal64":
    case "decimal128":
    case "decimal256":
      return parseDecimal(name, parameters);
    case "fixed_size_binary":
      return parseFixedBinary(parameters);
    case "time32":
    case "time64":
    case "time":
      return parseTime(name, parameters);
    case "timestamp":
      return parseTimestamp(parameters);
    default:
      return { error: `unknown type ${JSON.stringify(text.trim())}${suggestion(given)}` };
  }
}

/** The name of a type in its one canonical spelling, which {@link parseLeafType} reads back. */
export function formatLeafType(type: LeafType): string {
  switch (type.kind) {
    case "int":
      return `${type.signed ? "int" : "uint"}${type.bits}`;
    case "float":
      return `float${type.bits}`;
    case "decimal":
      return `${type.precision <= 38 ? "decimal128" : "decimal256"}(${type.precision}, ${type.scale})`;
    case "fixedBinary":
      return `fixed_size_binary(${type.bytes})`;
    case "date":
      return "date32";
    case "time":
      return `${type.unit === "ms" ? "time32" : "time64"}[${type.unit}${type.utc ? ", utc" : ""}]`;
    case "timestamp":
      return `timestamp[${type.unit}${type.timezone === null ? "" : `, tz=${type.timezone}`}]`;
    case "bool":
    case "string":
    case "binary":
    case "json":
    case "bson":
    case "enum":
    case "uuid":
    case "interval":
    case "geometry":
    case "geography":
    case "null":
      return type.kind;
  }
}

export function sameLeafType(a: LeafType, b: LeafType): boolean {
  return formatLeafType(a) === formatLeafType(b);
}

function suggestion(name: string): string {
  const foreign = foreignNames.get(name);
  if (foreign !== undefined) return `, use ${foreign}`;
  return didYouMean(name, [...simpleTypes.keys(), ...synonyms.keys(), ...parametricNames]);
}

/** Digits that fit Arrow's fixed widths (https://arrow.apache.org/docs/format/Columnar.html, Decimal). */
const digitsMax = { decimal: 76, decimal32: 9, decimal64: 18, decimal128: 38, decimal256: 76 };

function parseDecimal(name: keyof typeof digitsMax, parameters: readonly string[]): LeafType | LeafTypeError {
  const [precision, scale] = parameters.map(parseCount);
  if (parameters.length === 0 || parameters.length > 2 || precision === undefined) {
    return { error: `${name} takes a precision and a scale: ${name}(18, 4)` };
  }
  if (parameters.length === 2 && scale === undefined) {
    return { error: `the scale of ${name} is a number of digits, 0 or more, in Parquet: ${parameters[1]}` };
  }
  const digits = digitsMax[name];
  if (precision < 1 || precision > digits) {
    const hint = precision > digits && precision <= 76 ? ", use decimal256" : "";
    return { error: `the precision of ${name} is 1 to ${digits}: ${precision}${hint}` };
  }
  if ((scale ?? 0) > precision) {
    return {
      error: `the scale of a Parquet decimal is at most its precision: ${name}(${precision}, ${scale})`,
    };
  }
  return { kind: "decimal", precision, scale: scale ?? 0 };
}

function parseFixedBinary(parameters: readonly string[]): LeafType | LeafTypeError {
  const bytes = parameters.length === 1 ? parseCount(parameters[0] as string) : undefined;
  if (bytes === undefined || bytes < 1 || bytes > 0x7fff_ffff) {
    return { error: "fixed_size_binary takes a length in bytes, 1 or more: fixed_size_binary(16)" };
  }
  return { kind: "fixedBinary", bytes };
}

function parseTime(
  name: "time" | "time32" | "time64",
  parameters: readonly string[],
): LeafType | LeafTypeError {
  const [unit, zone] = parameters;
  if (unit === "s") return { error: `Parquet has no ${name}[s], use time32[ms]` };
  const units: readonly string[] =
    name === "time32" ? ["ms"] : name === "time64" ? ["us", "ns"] : ["ms", "us", "ns"];
  if (unit === undefined || !units.includes(unit) || parameters.length > 2) {
    const other =
      unit === "ms" ? ", use time32[ms]" : unit === "us" || unit === "ns" ? `, use time64[${unit}]` : "";
    return { error: `${name} takes a unit, ${units.join(" or ")}: ${name}[${units[0]}]${other}` };
  }
  if (zone !== undefined && zone !== "utc" && zone !== "local") {
    return {
      error: `after its unit, ${name} takes "utc" (adjusted to UTC) or "local": ${JSON.stringify(zone)}`,
    };
  }
  return { kind: "time", unit: unit as TimeUnit, utc: zone === "utc" };
}

function parseTimestamp(parameters: readonly string[]): LeafType | LeafTypeError {
  const [unit, zone] = parameters;
  if (unit === "s") return { error: "Parquet has no timestamp[s], use timestamp[ms]" };
  if ((unit !== "ms" && unit !== "us" && unit !== "ns") || parameters.length > 2) {
    return { error: "timestamp takes a unit, ms, us or ns, and may take a zone: timestamp[us, tz=UTC]" };
  }
  if (zone === undefined) return { kind: "timestamp", unit, timezone: null };
  const timezone = /^tz\s*=\s*(\S.*)$/.exec(zone)?.[1];
  if (timezone === undefined) {
    return {
      error: `the zone of a timestamp is written as timestamp[${unit}, tz=UTC]: ${JSON.stringify(zone)}`,
    };
  }
  return { kind: "timestamp", unit, timezone };
}

function parseCount(text: string): number | undefined {
  return /^\d{1,10}$/.test(text) ? Number(text) : undefined;
}
