import { describe, expect, test } from "vitest";
import { formatLeafType, parseLeafType } from "../../../src/parquet/leaf-type.ts";

const canonical = [
  "bool",
  "int8",
  "int16",
  "int32",
  "int64",
  "uint8",
  "uint16",
  "uint32",
  "uint64",
  "float16",
  "float32",
  "float64",
  "string",
  "binary",
  "date32",
  "json",
  "bson",
  "enum",
  "uuid",
  "interval",
  "geometry",
  "geography",
  "null",
  "decimal128(18, 4)",
  "decimal128(38, 0)",
  "decimal256(76, 76)",
  "fixed_size_binary(16)",
  "time32[ms]",
  "time64[us]",
  "time64[ns]",
  "time32[ms, utc]",
  "time64[ns, utc]",
  "timestamp[ms]",
  "timestamp[us]",
  "timestamp[ns, tz=UTC]",
  "timestamp[us, tz=Europe/Berlin]",
];

test.each(canonical)("%s is read and written back as it is", (text) => {
  const type = parseLeafType(text);
  expect("error" in type ? type.error : formatLeafType(type)).toBe(text);
});

test.each([
  ["  Int64 ", "int64"],
  ["boolean", "bool"],
  ["halffloat", "float16"],
  ["float", "float32"],
  ["double", "float64"],
  ["utf8", "string"],
  ["large_string", "string"],
  ["large_binary", "binary"],
  ["date", "date32"],
  ["decimal(10,2)", "decimal128(10, 2)"],
  ["decimal128(5)", "decimal128(5, 0)"],
  ["decimal256(10, 2)", "decimal128(10, 2)"],
  ["decimal(39, 1)", "decimal256(39, 1)"],
  ["time64[us, local]", "time64[us]"],
  ["time[ms]", "time32[ms]"],
  ["timestamp[us,tz = UTC]", "timestamp[us, tz=UTC]"],
])("%s is another spelling of %s", (given, meant) => {
  const type = parseLeafType(given);
  expect("error" in type ? type.error : formatLeafType(type)).toBe(meant);
});

describe("what is no type says what to write instead", () => {
  test.each([
    ["strng", /did you mean "string"/],
    ["unit64", /did you mean "uint64"/],
    ["varchar", /use string/],
    ["datetime", /use timestamp\[us\]/],
    ["duration[us]", /int64 \(Parquet has no durations\)/],
    ["date64", /date32/],
    ["timestamp[s]", /use timestamp\[ms\]/],
    ["timestamp", /timestamp\[us, tz=UTC\]/],
    ["timestamp[us, UTC]", /timestamp\[us, tz=UTC\]/],
    ["time32[s]", /use time32\[ms\]/],
    ["time32[us]", /use time64\[us\]/],
    ["time64[ms]", /use time32\[ms\]/],
    ["time64[us, zulu]", /"utc"/],
    ["decimal128(39, 2)", /use decimal256/],
    ["decimal(77, 2)", /1 to 76/],
    ["decimal(0, 0)", /1 to 76/],
    ["decimal(4, 5)", /at most its precision/],
    ["decimal128(4, -2)", /0 or more/],
    ["decimal", /a precision and a scale/],
    ["fixed_size_binary(0)", /1 or more/],
    ["fixed_size_binary", /a length/],
    ["int64(3)", /takes no parameters/],
    ["int 64", /not the name of a type/],
    ["", /not the name of a type/],
    ["list<int64>", /not the name of a type/],
  ])("%s", (text, message) => {
    const type = parseLeafType(text);
    expect("error" in type ? type.error : "").toMatch(message);
  });
});
