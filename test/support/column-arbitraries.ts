import * as fc from "fast-check";
import type { ChunkExtras, ChunkLayout, ColumnData } from "../../src/parquet/values/column-data.ts";
import type { LeafColumn, LeafType, PhysicalType } from "../../src/parquet/leaf-type.ts";
import { columnOfRows, leafColumn, type Row, type Shape, type Value } from "./column-rows.ts";

export interface StoredType {
  readonly type: LeafType;
  readonly physicalType: PhysicalType;
  readonly typeLength?: number;
  readonly value: fc.Arbitrary<Value>;
}

const text = fc.string({ unit: "grapheme", maxLength: 90 }).map((value) => new TextEncoder().encode(value));
const bytes = fc.uint8Array({ maxLength: 100 });
const fixed = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length });
const int32 = (min = -(2 ** 31), max = 2 ** 31 - 1): fc.Arbitrary<number> => fc.integer({ min, max });
const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const float = fc.float({ noDefaultInfinity: false, noNaN: false });
const double = fc.double({ noDefaultInfinity: false, noNaN: false });

/** Types without a meaning beyond their bytes, which every reader gives back as they are. */
export const physicalTypes: readonly StoredType[] = [
  { type: { kind: "bool" }, physicalType: "BOOLEAN", value: fc.boolean() },
  { type: { kind: "int", bits: 32, signed: true }, physicalType: "INT32", value: int32() },
  { type: { kind: "int", bits: 64, signed: true }, physicalType: "INT64", value: int64 },
  { type: { kind: "float", bits: 32 }, physicalType: "FLOAT", value: float },
  { type: { kind: "float", bits: 64 }, physicalType: "DOUBLE", value: double },
  { type: { kind: "binary" }, physicalType: "BYTE_ARRAY", value: bytes },
  {
    type: { kind: "fixedBinary", bytes: 5 },
    physicalType: "FIXED_LEN_BYTE_ARRAY",
    typeLength: 5,
    value: fixed(5),
  },
];

/** Types whose order is not simply that of their storage. */
export const annotatedTypes: readonly StoredType[] = [
  { type: { kind: "int", bits: 8, signed: true }, physicalType: "INT32", value: int32(-128, 127) },
  { type: { kind: "int", bits: 16, signed: false }, physicalType: "INT32", value: int32(0, 65535) },
  { type: { kind: "int", bits: 32, signed: false }, physicalType: "INT32", value: int32() },
  { type: { kind: "int", bits: 64, signed: false }, physicalType: "INT64", value: int64 },
  { type: { kind: "string" }, physicalType: "BYTE_ARRAY", value: text },
  { type: { kind: "date" }, physicalType: "INT32", value: int32(-700_000, 2_900_000) },
  {
    type: { kind: "timestamp", unit: "us", timezone: null },
    physicalType: "INT64",
    value: fc.bigInt({ min: -(2n ** 55n), max: 2n ** 55n }),
  },
  {
    type: { kind: "decimal", precision: 9, scale: 2 },
    physicalType: "INT32",
    value: int32(-999_999_999, 999_999_999),
  },
  {
    type: { kind: "decimal", precision: 18, scale: 4 },
    physicalType: "INT64",
    value: fc.bigInt({ min: -(10n ** 18n) + 1n, max: 10n ** 18n - 1n }),
  },
  {
    type: { kind: "decimal", precision: 28, scale: 3 },
    physicalType: "FIXED_LEN_BYTE_ARRAY",
    typeLength: 12,
    value: fc.bigInt({ min: -(10n ** 28n) + 1n, max: 10n ** 28n - 1n }).map((value) => bigEndian(value, 12)),
  },
];

function bigEndian(value: bigint, length: number): Uint8Array {
  const out = new Uint8Array(length);
  for (let i = length - 1, rest = BigInt.asUintN(length * 8, value); i >= 0; i -= 1, rest >>= 8n) {
    out[i] = Number(rest & 0xffn);
  }
  return out;
}

export const layouts: fc.Arbitrary<ChunkLayout> = fc.record({
  codec: fc.constantFrom("UNCOMPRESSED", "SNAPPY", "GZIP", "BROTLI", "ZSTD", "LZ4_RAW"),
  dataPageVersion: fc.constantFrom(1, 2),
  dictionary: fc.constantFrom("all", "none"),
  pageChecksums: fc.boolean(),
});

export const extras: fc.Arbitrary<ChunkExtras> = fc.record({
  statistics: fc.boolean(),
  pageIndex: fc.boolean(),
  bloomFilter: fc.boolean(),
  sizeStatistics: fc.boolean(),
});

export interface GeneratedColumn {
  readonly column: LeafColumn;
  readonly rows: readonly Row[];
  readonly data: ColumnData;
}

const shapes: readonly Shape[] = ["required", "optional", "repeated", "list"];

/** Columns of the given types in every shape, of few distinct values or many, in pages of a few rows or by default. */
export function columns(
  types: readonly StoredType[],
  among: readonly Shape[] = shapes,
): fc.Arbitrary<GeneratedColumn> {
  return fc
    .tuple(fc.constantFrom(...types), fc.constantFrom(...among), fc.boolean())
    .chain(([stored, shape, repetitive]) => {
      const column = leafColumn(shape, stored.type, stored.physicalType, stored.typeLength);
      const some = repetitive
        ? fc
            .array(stored.value, { minLength: 1, maxLength: 3 })
            .chain((few) => rowsOf(fc.constantFrom(...few), shape))
        : rowsOf(stored.value, shape);
      return fc
        .tuple(some, layouts, fc.array(fc.integer({ min: 1, max: 9 })))
        .map(([rows, layout, cuts]) => ({
          column,
          rows,
          data: columnOfRows(rows, column, layout, pagesOf(rows, cuts)),
        }));
    });
}

function rowsOf(value: fc.Arbitrary<Value>, shape: Shape): fc.Arbitrary<Row[]> {
  const nullable = fc.option(value, { freq: 4 });
  const row: Readonly<Record<Shape, fc.Arbitrary<Row>>> = {
    required: value,
    optional: nullable,
    repeated: fc.array(value, { maxLength: 4 }),
    list: fc.option(fc.array(nullable, { maxLength: 4 }), { freq: 4 }),
  };
  return fc.array(row[shape], { maxLength: 70, size: "max" });
}

function pagesOf(rows: readonly Row[], cuts: readonly number[]): ColumnData["pages"] {
  const pages: { rows: number; entries: number }[] = [];
  let row = 0;
  const take = (count: number): void => {
    const page = rows.slice(row, row + count);
    const entries = page.reduce<number>((sum, r) => sum + (Array.isArray(r) ? Math.max(1, r.length) : 1), 0);
    pages.push({ rows: page.length, entries });
    row += page.length;
  };
  for (const cut of cuts) if (row < rows.length) take(cut);
  if (row < rows.length) take(rows.length);
  return pages;
}
