import { DuckDBInstance } from "@duckdb/node-api";
import type { DuckDBConnection } from "@duckdb/node-api";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { castValues } from "../../src/cast/cast-values.ts";
import { type AlikePair, alikePairs, sqlType } from "./duckdb-pairs.ts";
import { columnOf, rawFloat, rawsOf, rawText, stored } from "../support/cast-columns.ts";
import type { Raw } from "../support/cast-columns.ts";
import { valuesFor } from "./semantics-values.ts";

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

function valuesOf({ from, only }: AlikePair): Raw[] {
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

  test.each(alikePairs)("$from to $to gives what TRY_CAST gives, NULL where it is invalid", async (pair) => {
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
