import { DuckDBInstance } from "@duckdb/node-api";
import type { DuckDBConnection } from "@duckdb/node-api";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { castValues } from "../../src/cast/cast-values.ts";
import { columnOf, rawFloat, rawsOf, rawText, stored } from "../support/cast-columns.ts";
import type { Raw } from "../support/cast-columns.ts";
import { valuesFor } from "./semantics-values.ts";

/**
 * A second engine: DuckDB's TRY_CAST, for the pairs that both define alike, and most of all where we left pyarrow's way. What
 * DuckDB does otherwise (it rounds, trims, and reads more spellings) is in docs/SEMANTICS.md.
 */
interface Pair {
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

const pairs: readonly Pair[] = [
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

function sqlType(name: string): string {
  return sqlTypes[name] ?? name.replace("decimal128", "DECIMAL");
}

/** An SQL literal of a raw value. */
function literal(raw: Raw, name: string): string {
  const { type } = stored(name);
  switch (type.kind) {
    case "bool":
      return raw === "1" ? "true" : "false";
    case "float": {
      const column = columnOf([raw], stored(name));
      const number = column.kind === "float" || column.kind === "double" ? column.data[0] : NaN;
      return `'${Object.is(number, -0) ? "-0" : String(number)}'::${sqlType(name)}`;
    }
    case "decimal":
      return `'${plainDecimal(raw, type.scale)}'::${sqlType(name)}`;
    case "string":
      return `decode('${(raw.match(/../g) ?? []).map((byte) => `\\x${byte}`).join("")}'::BLOB)`;
    case "date":
      return `(DATE '1970-01-01' + (${raw})::INTEGER)`;
    case "timestamp":
      return `make_timestamp((${raw})::BIGINT)`;
    case "uuid":
      return `'${raw}'::UUID`;
    default:
      return `(${raw})::${sqlType(name)}`;
  }
}

function plainDecimal(raw: Raw, scale: number): string {
  const digits = raw.replace("-", "").padStart(scale + 1, "0");
  const whole = digits.slice(0, digits.length - scale);
  return `${raw.startsWith("-") ? "-" : ""}${whole}${scale === 0 ? "" : `.${digits.slice(-scale)}`}`;
}

/** The raw form of a value that DuckDB gave as text. */
function rawOfText(text: string, name: string): Raw {
  const { type } = stored(name);
  switch (type.kind) {
    case "float":
      return rawFloat(Number(text.replace("inf", "Infinity")), type.bits === 64 ? 64 : 32);
    case "decimal":
      return String(BigInt(text.replace(".", "")));
    case "string":
      return rawText(text);
    case "uuid":
      return text.replaceAll("-", "");
    default:
      return text;
  }
}

function resultExpression(name: string): string {
  switch (stored(name).type.kind) {
    case "bool":
      return "cast(x::TINYINT as VARCHAR)";
    case "date":
      return "cast(date_diff('day', DATE '1970-01-01', x) as VARCHAR)";
    case "time":
      return "cast(date_diff('microsecond', TIME '00:00:00', x) as VARCHAR)";
    case "timestamp":
      return "cast(epoch_us(x) as VARCHAR)";
    default:
      return "cast(x as VARCHAR)";
  }
}

function valuesOf({ from, only }: Pair): Raw[] {
  const uuids = ["00112233445566778899aabbccddeeff", "ffffffffffffffffffffffffffffffff"];
  const raws = from === "uuid" ? uuids : valuesFor(from);
  return only === undefined ? raws : raws.filter(only);
}

describe("casts against DuckDB", () => {
  let instance: DuckDBInstance;
  let connection: DuckDBConnection;

  beforeAll(async () => {
    instance = await DuckDBInstance.create(":memory:");
    connection = await instance.connect();
  });

  afterAll(() => {
    connection.closeSync();
    instance.closeSync();
  });

  test.each(pairs)("$from to $to gives what TRY_CAST gives, NULL where it is invalid", async (pair) => {
    const { from, to } = pair;
    const raws = valuesOf(pair);
    const rows = raws.map((raw, i) => `(${i}, TRY_CAST(${literal(raw, from)} AS ${sqlType(to)}))`);
    const reader = await connection.runAndReadAll(
      `select ${resultExpression(to)} from (values ${rows.join(", ")}) t(i, x) order by i`,
    );
    const theirs = reader.getRows().map(([text]) => (typeof text === "string" ? rawOfText(text, to) : null));
    const result = castValues(columnOf(raws, stored(from)), {
      from: stored(from),
      to: stored(to),
      rounding: "error",
    });
    const ours: (Raw | null)[] = rawsOf(result.values, stored(to));
    for (const position of result.invalid) ours[position] = null;
    expect(raws.length).toBeGreaterThan(0);
    expect(raws.map((raw, i) => [raw, ours[i]])).toEqual(raws.map((raw, i) => [raw, theirs[i]]));
  });
});
