/** The table that everybody migrates: forty columns, and what becomes of them, in everybody's words. */

export interface Column {
  readonly name: string;
  /** What follows the name in a schema version, without the braces. `@` stands for the column's number times 100: ids inside. */
  readonly yaml: string;
  /** The value of row `i`, in DuckDB's SQL; `h` is a hash of the row and the column. */
  readonly sql: string;
}

/** Another type for a column: as Colonnade, SQL, pyarrow and polars say it. */
export interface Cast {
  readonly yaml: string;
  readonly sql: string;
  readonly pyarrow: string;
  readonly polars: string;
  /** Spark's SQL, where its names differ. */
  readonly spark?: string;
}

const moment = "make_timestamp(1600000000000000 + (h % 100000000)::BIGINT * 1000000)";

function several(count: number, name: string, type: string, sql: string): Column[] {
  return Array.from({ length: count }, (_, i) => ({ name: `${name}_${i}`, yaml: `type: "${type}"`, sql }));
}

export const columns: readonly Column[] = [
  { name: "id", yaml: "type: int64", sql: "i" },
  ...several(2, "i8", "int8", "(h % 100)::TINYINT"),
  ...several(2, "i16", "int16", "(h % 30000)::SMALLINT"),
  ...several(4, "i32", "int32", "(h % 2000000000)::INTEGER"),
  ...several(5, "i64", "int64", "(h % 4000000000000)::BIGINT"),
  ...several(2, "u32", "uint32", "(h % 4000000000)::UINTEGER"),
  ...several(3, "f32", "float32", "((h % 1000000) / 997.0)::FLOAT"),
  ...several(4, "f64", "float64", "(h % 100000000) / 9973.0"),
  ...several(2, "dec", "decimal128(12, 2)", "((h % 1000000000) / 100)::DECIMAL(12, 2)"),
  ...several(1, "wide", "decimal128(30, 4)", "((h % 1000000000000) / 100)::DECIMAL(30, 4)"),
  ...several(4, "cat", "string", "'category ' || (h % 50)"),
  ...several(1, "code", "string", "(h % 500)::VARCHAR"),
  ...several(1, "txt", "string", "md5(h::VARCHAR)[:12]"),
  ...several(1, "when", "string", `strftime(${moment}, '%Y-%m-%d %H:%M:%S')`),
  ...several(2, "ts", "timestamp[us]", moment),
  ...several(2, "nul", "int32", "CASE WHEN h % 3 = 0 THEN NULL ELSE (h % 5000)::INTEGER END"),
  {
    name: "scores",
    yaml: `type: list, element: { id: @1, type: int32 }`,
    sql: "CASE WHEN h % 7 = 0 THEN NULL ELSE list_transform(range((h % 4)::BIGINT), lambda x: ((h >> 8) % 100000)::INTEGER + x::INTEGER) END",
  },
  {
    name: "event",
    yaml: `type: struct, fields: [{ id: @1, name: a, type: int64 }, { id: @2, name: b, type: string }, { id: @3, name: c, type: float64 }]`,
    sql: "CASE WHEN h % 11 = 0 THEN NULL ELSE {'a': (h % 1000000000)::BIGINT, 'b': (h % 100)::VARCHAR, 'c': (h % 1000) / 8.0} END",
  },
  {
    name: "items",
    yaml: `type: list, element: { id: @1, type: struct, fields: [{ id: @2, name: sku, type: string }, { id: @3, name: count, type: int32 }] }`,
    sql: "list_transform(range((h % 3)::BIGINT), lambda x: {'sku': 'sku ' || (h % 1000 + x), 'count': ((h >> 8) % 10)::INTEGER})",
  },
];

const number = (yaml: string, sql: string, pyarrow: string, polars: string, spark?: string): Cast => ({
  yaml: `type: "${yaml}"`,
  sql,
  pyarrow: `pa.${pyarrow}`,
  polars: `pl.${polars}`,
  ...(spark === undefined ? {} : { spark }),
});
const float64 = number("float64", "DOUBLE", "float64()", "Float64");
const int64 = number("int64", "BIGINT", "int64()", "Int64");
const int32 = number("int32", "INTEGER", "int32()", "Int32", "INT");
const timestamp = number("timestamp[us]", "TIMESTAMP", 'timestamp("us")', 'Datetime("us")', "TIMESTAMP_NTZ");
const decimal = number("decimal128(18, 4)", "DECIMAL(18, 4)", "decimal128(18, 4)", "Decimal(18, 4)");

export const casts = {
  randomNumbersAndTexts: { i64_0: float64, when_0: timestamp },
  dictionary: { code_0: int32 },
  nested: {
    scores: {
      yaml: "type: list, element: { id: @1, type: float64 }",
      sql: "DOUBLE[]",
      pyarrow: "pa.list_(pa.float64())",
      polars: "pl.List(pl.Float64)",
      spark: "ARRAY<DOUBLE>",
    },
    event: {
      yaml: `type: struct, fields: [{ id: @1, name: a, type: float64 }, { id: @2, name: b, type: int32 }, { id: @3, name: c, type: float64 }]`,
      sql: "STRUCT(a DOUBLE, b INTEGER, c DOUBLE)",
      pyarrow: 'pa.struct([("a", pa.float64()), ("b", pa.int32()), ("c", pa.float64())])',
      polars: 'pl.Struct({"a": pl.Float64, "b": pl.Int32, "c": pl.Float64})',
      spark: "STRUCT<a: DOUBLE, b: INT, c: DOUBLE>",
    },
    items: {
      yaml: `type: list, element: { id: @1, type: struct, fields: [{ id: @2, name: sku, type: string }, { id: @3, name: count, type: int64 }] }`,
      sql: "STRUCT(sku VARCHAR, count BIGINT)[]",
      pyarrow: 'pa.list_(pa.struct([("sku", pa.string()), ("count", pa.int64())]))',
      polars: 'pl.List(pl.Struct({"sku": pl.String, "count": pl.Int64}))',
      spark: "ARRAY<STRUCT<sku: STRING, count: BIGINT>>",
    },
  },
} satisfies Record<string, Readonly<Record<string, Cast>>>;

function alike(names: readonly string[], cast: Cast): Record<string, Cast> {
  return Object.fromEntries(names.map((name) => [name, cast]));
}

/** Twenty-four of the forty. */
export const mostColumns: Readonly<Record<string, Cast>> = {
  ...alike(["i8_0", "i8_1", "i16_0", "i16_1"], int32),
  ...alike(["i32_0", "i32_1", "i32_2", "i32_3", "u32_0", "u32_1", "nul_0", "nul_1"], int64),
  ...alike(["i64_0", "i64_1", "f32_0", "f32_1", "f32_2"], float64),
  ...alike(["dec_0", "dec_1"], decimal),
  ...casts.dictionary,
  when_0: timestamp,
  ...casts.nested,
};
