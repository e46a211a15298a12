import type { LeafType } from "../../src/parquet/leaf-type.ts";
import { stored } from "../support/cast-columns.ts";
import type { Raw } from "../support/cast-columns.ts";

/** One value of one pair on which Colonnade and pyarrow do not agree; null is invalid. */
export interface Disagreement {
  readonly from: LeafType;
  readonly to: LeafType;
  readonly raw: Raw;
  readonly theirs: Raw | null;
  readonly ours: Raw | null;
}

/** A deliberate difference from pyarrow: `id` is its heading in docs/SEMANTICS.md, where the reason is. */
export interface Difference {
  readonly id: string;
  readonly explains: (disagreement: Disagreement) => boolean;
}

const daysOf2037 = 24_837n;

export const differences: readonly Difference[] = [
  {
    id: "finite-stays-finite",
    explains: ({ to, theirs, ours }) => to.kind === "float" && ours === null && isInfinite(theirs, to.bits),
  },
  {
    id: "float16-integers",
    explains: ({ from, to, raw, ours }) =>
      from.kind === "int" && to.kind === "float" && to.bits === 16 && ours === null && abs(raw) > 2048n,
  },
  {
    id: "bools-are-0-and-1",
    explains: ({ to, theirs, ours }) => to.kind === "bool" && theirs === "1" && ours === null,
  },
  {
    id: "int-to-decimal-by-value",
    explains: ({ from, to, raw, theirs, ours }) =>
      from.kind === "int" &&
      to.kind === "decimal" &&
      theirs === null &&
      ours === String(BigInt(raw) * 10n ** BigInt(to.scale)),
  },
  {
    id: "times-within-a-day",
    explains: ({ from, to, raw, theirs, ours }) =>
      from.kind === "int" && to.kind === "time" && theirs === raw && ours === null,
  },
  {
    id: "decimal-to-nearest-float",
    explains: ({ from, to, theirs, ours }) =>
      from.kind === "decimal" &&
      to.kind === "float" &&
      theirs !== null &&
      ours !== null &&
      // Bit patterns of neighbours are neighbours.
      abs(String(BigInt(theirs) - BigInt(ours))) < 64n,
  },
  {
    id: "decimal-exponents",
    explains: ({ from, to, raw, theirs, ours }) => {
      if (!isText(from) || to.kind !== "decimal") return false;
      const text = Buffer.from(raw, "hex").toString();
      if (!/e/i.test(text)) return false;
      // Overflow that wraps around, digits that vanish, and zeros that are refused.
      return ours === null ? theirs !== null : ours === "0" && theirs === null && text.startsWith("0");
    },
  },
  {
    id: "zeros-beyond-the-unit",
    explains: ({ from, to, raw, theirs, ours }) =>
      isText(from) &&
      to.kind === "timestamp" &&
      theirs === null &&
      ours !== null &&
      Buffer.from(raw, "hex").toString().endsWith("0"),
  },
  {
    id: "first-second-of-nanoseconds",
    explains: ({ from, to, theirs, ours }) =>
      isText(from) &&
      to.kind === "timestamp" &&
      to.unit === "ns" &&
      theirs === null &&
      ours !== null &&
      BigInt(ours) < -(2n ** 63n) + 1_000_000_000n,
  },
  {
    id: "far-years",
    explains: ({ from, to, raw, theirs, ours }) =>
      to.kind === "string" && ours === null && theirs !== null && Math.abs(yearOf(from, raw)) > 32_767,
  },
  {
    id: "local-mean-time",
    explains: ({ from, to, raw, theirs, ours }) =>
      from.kind === "timestamp" &&
      from.timezone === "America/New_York" &&
      to.kind === "string" &&
      ours === null &&
      theirs !== null &&
      yearOf(from, raw) < 1884,
  },
  {
    id: "timestamps-do-not-wrap",
    explains: ({ from, to, raw, theirs, ours }) =>
      from.kind === "timestamp" &&
      (to.kind === "date" || to.kind === "time") &&
      theirs !== ours &&
      Math.abs(yearOf(from, raw)) > 250_000,
  },
  {
    id: "summer-time-goes-on",
    explains: ({ from, raw, theirs, ours }) =>
      from.kind === "timestamp" &&
      from.timezone === "America/New_York" &&
      ours !== null &&
      theirs !== null &&
      BigInt(raw) > daysOf2037 * 86_400_000n,
  },
];

/** Pairs that pyarrow has no cast for, each with the way around that gives the same in two of its casts, if there is one. */
export const unsupported: readonly { from: RegExp; to: RegExp; via?: string; how?: string }[] = [
  { from: /^bool$/, to: /^float16$/, via: "float32" },
  { from: /^bool$/, to: /^decimal/, via: "int8" },
  { from: /^float16$/, to: /^decimal/, via: "float32" },
  { from: /^float16$/, to: /^bool$/, via: "float32" },
  { from: /^decimal/, to: /^bool$/, via: "float64" },
  { from: /^decimal/, to: /^float16$/, via: "float64" },
  { from: /^string$/, to: /^time/, how: "semantics-duckdb.test.ts" },
];

function isText(type: LeafType): boolean {
  return type.kind === "string" || type.kind === "binary";
}

function isInfinite(raw: Raw | null, bits: 16 | 32 | 64): boolean {
  if (raw === null || raw === "nan") return false;
  const infinity = { 16: 0x7c00n, 32: 0x7f80_0000n, 64: 0x7ff0n << 48n }[bits];
  return BigInt.asUintN(bits - 1, BigInt(raw)) === infinity;
}

function abs(raw: Raw): bigint {
  const value = BigInt(raw);
  return value < 0n ? -value : value;
}

/** About the year: of a day of 365.2425. */
function yearOf(type: LeafType, raw: Raw): number {
  const perDay = type.kind === "timestamp" ? 86_400 * { ms: 1e3, us: 1e6, ns: 1e9 }[type.unit] : 1;
  return 1970 + Number(raw) / perDay / 365.2425;
}

export function differenceOf(
  from: string,
  to: string,
  raw: Raw,
  theirs: Raw | null,
  ours: Raw | null,
): string | undefined {
  const disagreement = { from: stored(from).type, to: stored(to).type, raw, theirs, ours };
  return differences.find(({ explains }) => explains(disagreement))?.id;
}
