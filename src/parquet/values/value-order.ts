import type { LeafColumn } from "../leaf-type.ts";
import type { Values } from "./values.ts";

/**
 * How the values of a column compare, by logical type or else by physical type. `none`: undefined order, so no bounds.
 * Source: parquet.thrift, ColumnOrder.TYPE_ORDER.
 */
export type ValueOrder = "signed" | "unsigned" | "float" | "float16" | "bytes" | "bigEndian" | "none";

const unordered: ReadonlySet<string> = new Set(["interval", "geometry", "geography", "null"]);

export function orderOf(column: LeafColumn): ValueOrder {
  const { type, physicalType } = column;
  if (unordered.has(type.kind)) return "none";
  if (type.kind === "decimal")
    return physicalType === "INT32" || physicalType === "INT64" ? "signed" : "bigEndian";
  if (type.kind === "int") return type.signed ? "signed" : "unsigned";
  if (type.kind === "float" && type.bits === 16) return "float16";
  switch (physicalType) {
    case "INT96":
      return "none";
    case "BYTE_ARRAY":
    case "FIXED_LEN_BYTE_ARRAY":
      return "bytes";
    case "FLOAT":
    case "DOUBLE":
      return "float";
    case "BOOLEAN":
    case "INT32":
    case "INT64":
      return "signed";
  }
}

/**
 * Negative, zero or positive for values a and b of one column (positions). NaN compares as equal to everything: ask
 * {@link isNaNAt} first.
 */
export function compareValues(values: Values, order: ValueOrder, a: number, b: number): number {
  switch (values.kind) {
    case "bool":
      return (values.data[a] as number) - (values.data[b] as number);
    case "int32": {
      const x = values.data[a] as number;
      const y = values.data[b] as number;
      return order === "unsigned" ? (x >>> 0) - (y >>> 0) : x - y;
    }
    case "int64": {
      let x = values.data[a] as bigint;
      let y = values.data[b] as bigint;
      if (order === "unsigned") {
        x = BigInt.asUintN(64, x);
        y = BigInt.asUintN(64, y);
      }
      return x < y ? -1 : x > y ? 1 : 0;
    }
    case "float":
    case "double": {
      const x = values.data[a] as number;
      const y = values.data[b] as number;
      return x < y ? -1 : x > y ? 1 : 0;
    }
    case "fixed": {
      const { data, width } = values;
      if (order === "float16") return float16Key(data, a) - float16Key(data, b);
      if (order === "bigEndian") return compareBigEndian(data, a * width, width, b * width, width);
      return compareBytes(data, a * width, width, b * width, width);
    }
    case "bytes": {
      const { data, offsets } = values;
      const startA = offsets[a] as number;
      const startB = offsets[b] as number;
      const lengthA = (offsets[a + 1] as number) - startA;
      const lengthB = (offsets[b + 1] as number) - startB;
      if (order === "bigEndian") return compareBigEndian(data, startA, lengthA, startB, lengthB);
      return compareBytes(data, startA, lengthA, startB, lengthB);
    }
  }
}

export function isNaNAt(values: Values, order: ValueOrder, position: number): boolean {
  if (values.kind === "float" || values.kind === "double") return Number.isNaN(values.data[position]);
  return values.kind === "fixed" && order === "float16" && Number.isNaN(float16Key(values.data, position));
}

function compareBytes(data: Uint8Array, a: number, lengthA: number, b: number, lengthB: number): number {
  const common = Math.min(lengthA, lengthB);
  for (let i = 0; i < common; i += 1) {
    const difference = (data[a + i] as number) - (data[b + i] as number);
    if (difference !== 0) return difference;
  }
  return lengthA - lengthB;
}

/** Two's complement, most significant byte first, of lengths that may differ: decimals in byte arrays. */
function compareBigEndian(data: Uint8Array, a: number, lengthA: number, b: number, lengthB: number): number {
  const fillA = lengthA > 0 && (data[a] as number) >= 0x80 ? 0xff : 0;
  const fillB = lengthB > 0 && (data[b] as number) >= 0x80 ? 0xff : 0;
  if (fillA !== fillB) return fillA === 0xff ? -1 : 1;
  const length = Math.max(lengthA, lengthB);
  for (let i = 0; i < length; i += 1) {
    const atA = i - (length - lengthA);
    const atB = i - (length - lengthB);
    const difference =
      (atA < 0 ? fillA : (data[a + atA] as number)) - (atB < 0 ? fillB : (data[b + atB] as number));
    if (difference !== 0) return difference;
  }
  return 0;
}

/** A number that orders as the half-precision float does (both zeros are 0), NaN for a NaN. */
function float16Key(data: Uint8Array, position: number): number {
  const bits = (data[position * 2] as number) | ((data[position * 2 + 1] as number) << 8);
  const magnitude = bits & 0x7fff;
  if (magnitude > 0x7c00) return Number.NaN;
  return bits >= 0x8000 ? -magnitude : magnitude;
}
