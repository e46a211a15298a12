import type { LeafColumn, LeafType } from "../parquet/leaf-type.ts";

/** A value as Parquet stores it: BOOLEAN, INT32 and floats, INT64, and bytes (INT96 as its twelve). */
export type Raw = boolean | number | bigint | Uint8Array;

/**
 * A value as its leaf type means it: integers, unscaled decimals, days, times and timestamps in their unit as bigint; floats as numbers;
 * texts and bytes as bytes.
 */
export type Logical = boolean | number | bigint | Uint8Array;

/** How the stored form of a column is understood (LogicalTypes.md). Undefined for a form that nobody here understands. */
export function logicalReader(
  column: Pick<LeafColumn, "type" | "physicalType">,
): ((raw: Raw) => Logical | undefined) | undefined {
  const { type, physicalType } = column;
  if (physicalType === "INT96") return (raw) => readInt96(raw as Uint8Array);
  switch (type.kind) {
    case "int":
      return integerReader(type);
    case "float":
      return type.bits === 16 ? (raw) => readHalf(raw as Uint8Array) : (raw) => raw;
    case "decimal":
      return physicalType === "INT32" || physicalType === "INT64"
        ? (raw) => BigInt(raw as number | bigint)
        : (raw) => readBigEndian(raw as Uint8Array);
    case "date":
    case "time":
    case "timestamp":
      return (raw) => BigInt(raw as number | bigint);
    case "null":
      return undefined;
    default:
      return (raw) => raw;
  }
}

function integerReader(type: Extract<LeafType, { kind: "int" }>): (raw: Raw) => bigint {
  const { bits, signed } = type;
  // Narrow types are stored in INT32, unsigned ones as bit patterns.
  if (signed) return (raw) => BigInt(raw as number | bigint);
  return bits === 64
    ? (raw) => BigInt.asUintN(64, raw as bigint)
    : (raw) => BigInt.asUintN(32, BigInt(raw as number));
}

/** Two's complement, most significant byte first; no bytes are zero. */
function readBigEndian(bytes: Uint8Array): bigint {
  if (bytes.length === 0) return 0n;
  const value = BigInt(`0x${Buffer.from(bytes).toString("hex")}`);
  return BigInt.asIntN(bytes.length * 8, value);
}

/** IEEE 754 binary16, little endian. */
function readHalf(bytes: Uint8Array): number {
  const bits = (bytes[0] as number) + 256 * (bytes[1] as number);
  const sign = bits >>> 15 === 0 ? 1 : -1;
  const exponent = (bits >>> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
}

const nanosecondsPerDay = 86_400_000_000_000n;
const julianDayOf1970 = 2_440_588;

/** Nanoseconds since 1970-01-01; undefined when those of the day are far more than any day has. */
function readInt96(bytes: Uint8Array): bigint | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, 12);
  const nanoseconds = view.getBigInt64(0, true);
  if (!Number.isSafeInteger(Number(nanoseconds))) return undefined;
  return BigInt(view.getInt32(8, true) - julianDayOf1970) * nanosecondsPerDay + nanoseconds;
}

/** The same value: floats by what they are (zeros apart, all NaN alike), bytes by their content. */
export function sameLogical(a: Logical, b: Logical): boolean {
  if (a instanceof Uint8Array) return b instanceof Uint8Array && Buffer.compare(a, b) === 0;
  return Object.is(a, b);
}

/** For findings: short, and never more than a person wants to see. */
export function showLogical(value: Logical | null, type: LeafType): string {
  if (value === null) return "null";
  if (!(value instanceof Uint8Array)) return Object.is(value, -0) ? "-0" : String(value);
  const bytes = Buffer.from(value.subarray(0, 60));
  const isText = type.kind === "string" || type.kind === "enum" || type.kind === "json";
  const shown = isText ? JSON.stringify(bytes.toString("utf8")) : bytes.toString("hex");
  return value.length > 60 ? `${shown}…` : shown;
}
