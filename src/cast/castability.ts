import { unreachable } from "../base/errors.ts";
import { formatLeafType, sameLeafType } from "../parquet/leaf-type.ts";
import type { LeafType } from "../parquet/leaf-type.ts";
import { canStore } from "../parquet/footer/storage.ts";
import type { Stored } from "./cast.ts";

/**
 * What a cast can do to the values of a leaf, whatever they are.
 * - `same`: nothing to do.
 * - `relabel`: the stored bytes stay, their meaning in the footer changes.
 * - `cast`, `never`: every value that its own type allows has an exact image, and is found again on the way back.
 * - `cast`, `checked`: some value may have none; `check` says which in a few words.
 * - `none`: the pair has no meaning.
 */
export type Castability =
  | { readonly kind: "same" }
  | { readonly kind: "relabel"; readonly check?: "utf8" }
  | { readonly kind: "cast"; readonly loss: "never" }
  | { readonly kind: "cast"; readonly loss: "checked"; readonly check: string }
  | { readonly kind: "none"; readonly reason: string };

/** What of a field's policy the table depends on. */
export interface CastabilityOptions {
  readonly timezone?: string;
  readonly format?: string;
}

type Of<K extends LeafType["kind"]> = Extract<LeafType, { kind: K }>;

const relabel: Castability = { kind: "relabel" };
const exact: Castability = { kind: "cast", loss: "never" };
const checked = (check: string): Castability => ({ kind: "cast", loss: "checked", check });
const none = (reason: string): Castability => ({ kind: "none", reason });
const exactIf = (condition: boolean, check: string): Castability => (condition ? exact : checked(check));

/**
 * The from×to table: what becomes of values of one stored type as another. `options.timezone` is the policy's: with
 * none, or UTC, local and zoned timestamps have the same bytes.
 */
export function castability(from: Stored, to: Stored, options: CastabilityOptions = {}): Castability {
  const sameStorage = from.physicalType === to.physicalType && from.typeLength === to.typeLength;
  const sameType = sameLeafType(from.type, to.type);
  if (sameType && sameStorage) return { kind: "same" };
  if (to.physicalType === "INT96") return none("INT96 is deprecated and never written");
  // A wider decimal may have outgrown the storage that it would share.
  if (!canStore(to, to.type)) return none(`${to.physicalType} cannot hold ${formatLeafType(to.type)}`);
  if (sameType) return restorage(from);
  const judged = judge(from, to, options);
  // A relabel needs the same bytes; where storage differs the same values are written anew.
  return judged.kind === "relabel" && !sameStorage
    ? judged.check === undefined
      ? exact
      : checked("utf-8")
    : judged;
}

/** The same type, stored otherwise: decimals have four ways, timestamps had INT96. */
function restorage(from: Stored): Castability {
  if (from.physicalType === "INT96") return checked("overflow");
  return from.type.kind === "decimal" ? exact : none(`${from.physicalType} is no storage of this type`);
}

function judge(from: Stored, to: Stored, options: CastabilityOptions): Castability {
  const source = from.type;
  const target = to.type;
  switch (source.kind) {
    case "bool":
      return fromBool(target);
    case "int":
      return fromInt(source, target);
    case "float":
      return fromFloat(source, target);
    case "decimal":
      return fromDecimal(source, target);
    case "string":
    case "enum":
      return fromText(target);
    case "binary":
      return fromBinary(target);
    case "fixedBinary":
      return fromFixed(source.bytes, target);
    case "date":
      return fromDate(target, options);
    case "time":
      return fromTime(source, target, options);
    case "timestamp":
      return fromTimestamp(source, target, from.physicalType === "INT96", options);
    case "json":
    case "bson":
    case "uuid":
    case "interval":
    case "geometry":
    case "geography":
      return fromAnnotated(source, target);
    case "null":
      return exact; // There are no values.
    default:
      return unreachable(source);
  }
}

function fromBool(to: LeafType): Castability {
  switch (to.kind) {
    case "int":
    case "float":
    case "string":
      return exact;
    case "decimal":
      return exactIf(to.precision > to.scale, "overflow");
    default:
      return unrelated("bool", to);
  }
}

function fromInt(from: Of<"int">, to: LeafType): Castability {
  switch (to.kind) {
    case "bool":
      return checked("other than 0 and 1");
    case "int":
      return intToInt(from, to);
    case "float": {
      const exactBits = to.bits === 64 ? 53 : to.bits === 32 ? 24 : 11;
      return exactIf(from.bits - (from.signed ? 1 : 0) <= exactBits, `beyond ±2^${exactBits}`);
    }
    case "decimal":
      return exactIf(to.precision - to.scale >= digitsOf(from), "overflow");
    case "string":
      return exact;
    case "date":
      return from.bits === 32 && from.signed ? relabel : none("only int32 counts days as date32 does");
    case "time":
      return from.bits === (to.unit === "ms" ? 32 : 64) && from.signed
        ? checked("outside a day")
        : none("only a signed integer of the same width counts as a time does");
    case "timestamp":
      return from.bits === 64 && from.signed ? relabel : none("only int64 counts as a timestamp does");
    default:
      return unrelated("integer", to);
  }
}

function intToInt(from: Of<"int">, to: Of<"int">): Castability {
  const fits = from.signed
    ? to.signed && to.bits >= from.bits
    : to.bits > from.bits || (!to.signed && to.bits === from.bits);
  if (!fits) return checked("overflow");
  // 8, 16 and 32 bits are all stored as INT32, and no bit of an allowed value changes.
  return from.bits < 64 && to.bits === 64 ? exact : relabel;
}

/** Decimal digits of the largest value. */
function digitsOf({ bits, signed }: Of<"int">): number {
  return { 8: 3, 16: 5, 32: 10, 64: signed ? 19 : 20 }[bits];
}

function fromFloat(from: Of<"float">, to: LeafType): Castability {
  switch (to.kind) {
    case "bool":
      return checked("other than 0 and 1");
    case "int":
      return checked("fraction, NaN, overflow");
    case "float":
      return exactIf(to.bits > from.bits, "rounds; overflow");
    case "decimal":
      return checked("rounds; NaN, overflow");
    case "string":
      return exact;
    default:
      return unrelated("float", to);
  }
}

function fromDecimal(from: Of<"decimal">, to: LeafType): Castability {
  switch (to.kind) {
    case "bool":
      return checked("other than 0 and 1");
    case "int":
      if (from.scale > 0) return checked("fraction, overflow");
      return exactIf(from.precision - from.scale < digitsOf(to) && to.signed, "overflow");
    case "float":
      // 15, 6 and 3 digits survive the way to a double, float or half float and back.
      return exactIf(
        from.precision <= (to.bits === 64 ? 15 : 0),
        to.bits === 64 ? "rounds" : "rounds; overflow",
      );
    case "decimal":
      return decimalToDecimal(from, to);
    case "string":
      return exact;
    default:
      return unrelated("decimal", to);
  }
}

function decimalToDecimal(from: Of<"decimal">, to: Of<"decimal">): Castability {
  const wholeFits = to.precision - to.scale >= from.precision - from.scale;
  if (to.scale < from.scale) return checked(wholeFits ? "fraction" : "fraction, overflow");
  if (!wholeFits) return checked("overflow");
  return to.scale === from.scale ? relabel : exact;
}

function fromText(to: LeafType): Castability {
  switch (to.kind) {
    case "bool":
    case "int":
    case "float":
    case "decimal":
    case "date":
    case "time":
    case "timestamp":
    case "uuid":
    case "json":
      return checked("parse");
    case "string":
    case "enum":
    case "binary":
      return relabel;
    case "fixedBinary":
      return checked("length");
    default:
      return unrelated("string", to);
  }
}

function fromBinary(to: LeafType): Castability {
  switch (to.kind) {
    case "string":
    case "enum":
      return { kind: "relabel", check: "utf8" };
    case "bool":
    case "int":
    case "float":
    case "decimal":
    case "json":
      return checked("parse");
    case "fixedBinary":
      return checked("length");
    default:
      return unrelated("binary", to);
  }
}

function fromFixed(bytes: number, to: LeafType): Castability {
  switch (to.kind) {
    case "binary":
      return exact;
    case "string":
    case "enum":
      return checked("utf-8");
    case "uuid":
      return bytes === 16 ? relabel : none("a UUID has 16 bytes");
    case "fixedBinary":
      return none("bytes of a fixed width are neither padded nor cut");
    default:
      return unrelated("fixed-size binary", to);
  }
}

function fromDate(to: LeafType, options: CastabilityOptions): Castability {
  switch (to.kind) {
    case "timestamp":
      if (to.timezone !== null && !isUtc(options)) return checked("clock changes, overflow");
      // Milliseconds have room for every day.
      return exactIf(to.unit === "ms", "overflow");
    case "string":
      return checked(options.format === undefined ? "far years" : "as the format says");
    case "int":
      return to.bits === 32 && to.signed ? relabel : none("days are counted in int32");
    default:
      return unrelated("date", to);
  }
}

function fromTime(from: Of<"time">, to: LeafType, { format }: CastabilityOptions): Castability {
  switch (to.kind) {
    case "time":
      if (from.unit === to.unit) return relabel;
      return exactIf(rank(to.unit) > rank(from.unit), "fraction");
    case "string":
      return exactIf(format === undefined, "as the format says");
    case "int":
      return to.signed && to.bits === (from.unit === "ms" ? 32 : 64)
        ? relabel
        : none("a time is counted in a signed integer of the same width");
    default:
      return unrelated("time", to);
  }
}

function fromTimestamp(
  from: Of<"timestamp">,
  to: LeafType,
  isInt96: boolean,
  options: CastabilityOptions,
): Castability {
  switch (to.kind) {
    case "timestamp": {
      const changesZone = (from.timezone === null) !== (to.timezone === null);
      if (changesZone && !isUtc(options)) {
        return checked(rank(to.unit) < rank(from.unit) ? "clock changes, fraction" : "clock changes");
      }
      if (isInt96) return checked("overflow");
      if (from.unit === to.unit) return relabel;
      return checked(rank(to.unit) > rank(from.unit) ? "overflow" : "fraction");
    }
    case "date":
      return checked("drops the time of day");
    case "time":
      return checked(
        rank(to.unit) < rank(from.unit) || isInt96 ? "drops the date; fraction" : "drops the date",
      );
    case "string":
      if (options.format !== undefined) return checked("as the format says");
      if (from.timezone !== null && (options.timezone ?? from.timezone) !== "UTC") {
        return checked("far years, local mean time");
      }
      return exactIf(from.unit === "ns" && !isInt96, "far years");
    case "int":
      if (isInt96) return none("INT96 does not count in one integer");
      return to.bits === 64 && to.signed ? relabel : none("timestamps are counted in int64");
    default:
      return unrelated("timestamp", to);
  }
}

/** Annotations of bytes: the bytes themselves are always there to have. */
function fromAnnotated(
  from: Of<"json" | "bson" | "uuid" | "interval" | "geometry" | "geography">,
  to: LeafType,
): Castability {
  switch (from.kind) {
    case "json":
      if (to.kind === "string" || to.kind === "binary" || to.kind === "enum") return relabel;
      break;
    case "uuid":
      if (to.kind === "string") return exact;
      if (to.kind === "binary") return exact;
      if (to.kind === "fixedBinary" && to.bytes === 16) return relabel;
      break;
    case "interval":
      if (to.kind === "fixedBinary" && to.bytes === 12) return relabel;
      if (to.kind === "binary") return exact;
      break;
    case "bson":
    case "geometry":
    case "geography":
      if (to.kind === "binary") return relabel;
      break;
    default:
      return unreachable(from);
  }
  return unrelated(from.kind, to);
}

function unrelated(from: string, to: LeafType): Castability {
  if (to.kind === "null") return none("a column of nulls alone cannot hold values");
  if (to.kind === "bson" || to.kind === "geometry" || to.kind === "geography" || to.kind === "interval") {
    return none(`nothing here checks that values are ${to.kind}`);
  }
  return none(`a ${from} has no meaning as ${to.kind}`);
}

/** Through UTC, which is also what no timezone means, local and zoned times have the same numbers. */
function isUtc({ timezone }: CastabilityOptions): boolean {
  return timezone === undefined || timezone === "UTC";
}

function rank(unit: "ms" | "us" | "ns"): number {
  return unit === "ms" ? 0 : unit === "us" ? 1 : 2;
}

/** A few words for plans and tables: `same`, `exact`, `checked: overflow`, `impossible: …`. */
export function castLossWords(from: Stored, to: Stored, options: CastabilityOptions = {}): string {
  const judged = castability(from, to, options);
  switch (judged.kind) {
    case "same":
      return "same";
    case "relabel":
      return judged.check === undefined ? "exact" : "checked: utf-8";
    case "cast":
      return judged.loss === "never" ? "exact" : `checked: ${judged.check}`;
    case "none":
      return `impossible: ${judged.reason}`;
    default:
      return unreachable(judged);
  }
}
