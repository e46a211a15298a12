import type { Raw } from "../support/cast-columns.ts";

/**
 * A second engine: DuckDB's TRY_CAST, for the pairs that both define alike, and most of all where we left pyarrow's way. What
 * DuckDB does otherwise (it rounds, trims, and reads more spellings) is in docs/SEMANTICS.md.
 */
export interface AlikePair {
  readonly from: string;
  readonly to: string;
  /** Only values that both engines have an opinion on. */
  readonly only?: (raw: Raw) => boolean;
}

const integers = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"];
const decimals = ["decimal128(5, 2)", "decimal128(9, 0)", "decimal128(18, 4)", "decimal128(38, 10)"];
/** DuckDB has no timestamps further away, and two that are infinities. */
const within = (raw: Raw): boolean => Math.abs(Number(raw)) < 9.2e18;
const textOf = (raw: Raw): string => Buffer.from(raw, "hex").toString();
const timePattern = /^\d\d:\d\d(:\d\d(\.\d{1,6})?)?$/;

export const alikePairs: readonly AlikePair[] = [
  ...integers.flatMap((from) => integers.filter((to) => to !== from).map((to) => ({ from, to }))),
  ...integers.flatMap((from) => decimals.map((to) => ({ from, to }))),
  ...integers.map((from) => ({ from, to: "string" })),
  ...["int8", "int64", "float32", "float64", "string"].map((to) => ({ from: "bool", to })),
  { from: "float32", to: "float64" },
  { from: "float64", to: "float32" },
  { from: "decimal128(5, 2)", to: "decimal128(18, 4)" },
  { from: "decimal128(18, 4)", to: "decimal128(38, 10)" },
  { from: "decimal128(9, 0)", to: "decimal128(5, 2)" },
  { from: "decimal128(5, 2)", to: "string" },
  // Six digits: DuckDB's decimals become doubles by a division of doubles, which is exact for few digits only.
  { from: "decimal128(5, 2)", to: "float64" },
  { from: "date32", to: "timestamp[us]", only: (raw) => Math.abs(Number(raw)) < 106_000_000 },
  { from: "timestamp[us]", to: "date32", only: within },
  { from: "timestamp[us]", to: "time64[us]", only: within },
  // 24:00:00 is a time for DuckDB.
  {
    from: "string",
    to: "time64[us]",
    only: (raw) => timePattern.test(textOf(raw)) && !textOf(raw).startsWith("24"),
  },
  { from: "string", to: "date32", only: (raw) => /^\d{4}-\d\d-\d\d$/.test(textOf(raw)) },
  {
    from: "string",
    to: "timestamp[us]",
    only: (raw) =>
      /^\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d{1,6})?$/.test(textOf(raw)) && !textOf(raw).includes(" 24"),
  },
  { from: "uuid", to: "string" },
  { from: "string", to: "uuid", only: (raw) => textOf(raw).length === 36 },
];

const sqlTypes: Readonly<Record<string, string>> = {
  int8: "TINYINT",
  int16: "SMALLINT",
  int32: "INTEGER",
  int64: "BIGINT",
  uint8: "UTINYINT",
  uint16: "USMALLINT",
  uint32: "UINTEGER",
  uint64: "UBIGINT",
  float32: "FLOAT",
  float64: "DOUBLE",
  bool: "BOOLEAN",
  string: "VARCHAR",
  uuid: "UUID",
  date32: "DATE",
  "time64[us]": "TIME",
  "timestamp[us]": "TIMESTAMP",
};

/** DuckDB's name of a type. */
export function sqlType(name: string): string {
  return sqlTypes[name] ?? name.replace("decimal128", "DECIMAL");
}
