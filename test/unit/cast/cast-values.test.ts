import { describe, expect, test } from "vitest";
import { castValues } from "../../../src/cast/cast-values.ts";
import type { CastSpec } from "../../../src/cast/cast.ts";
import { formatValue } from "../../../src/cast/format-value.ts";
import { columnOf, rawsOf, stored, textColumn } from "../../support/cast-columns.ts";

type Policy = Partial<Pick<CastSpec, "rounding" | "timezone" | "format">>;

/** Casts texts and gives each result as text, or null where it is invalid. */
function read(texts: readonly string[], to: string, policy: Policy = {}): (string | null)[] {
  const spec: CastSpec = { from: stored("string"), to: stored(to), rounding: "error", ...policy };
  const { values, invalid } = castValues(textColumn(texts), spec);
  return texts.map((_, i) => (invalid.includes(i) ? null : formatValue(values, i, spec.to)));
}

function spec(from: string, to: string, policy: Policy): CastSpec {
  return { from: stored(from), to: stored(to), rounding: "error", ...policy };
}

test("dictionary entries are cast as any other values: views into a larger buffer keep their offsets", () => {
  const whole = textColumn(["skip", "12", "345", "skip"]);
  if (whole.kind !== "bytes") throw new Error("not bytes");
  const part = { kind: "bytes", offsets: whole.offsets.subarray(1, 4), data: whole.data } as const;
  const result = castValues(part, { from: stored("string"), to: stored("int32"), rounding: "error" });
  expect(result.values).toEqual({ kind: "int32", data: Int32Array.of(12, 345) });
  const integers = { kind: "int64", data: BigInt64Array.of(0n, -1n, 2n ** 40n).subarray(1) } as const;
  const narrow = castValues(integers, { from: stored("int64"), to: stored("int32"), rounding: "error" });
  expect([rawsOf(narrow.values, stored("int32"))[0], [...narrow.invalid]]).toEqual(["-1", [1]]);
});

test("a value is not UTF-8 when its bytes are only so together with its neighbour's", () => {
  const data = Buffer.from("é!");
  const values = { kind: "bytes", offsets: Int32Array.of(0, 1, 2, 3), data: new Uint8Array(data) } as const;
  const { invalid } = castValues(values, { from: stored("binary"), to: stored("string"), rounding: "error" });
  expect([...invalid]).toEqual([0, 1]);
});

test("an impossible cast, an unknown zone and an unknown directive are the job's mistakes", () => {
  expect(() => castValues(columnOf(["1"], stored("bool")), spec("bool", "date32", {}))).toThrow(
    expect.objectContaining({ kind: "invalid", code: "CAST_IMPOSSIBLE" }),
  );
  expect(() =>
    castValues(
      columnOf(["1"], stored("timestamp[us]")),
      spec("timestamp[us]", "timestamp[us, tz=UTC]", { timezone: "Mars/Base" }),
    ),
  ).toThrow(expect.objectContaining({ kind: "invalid", code: "TIMEZONE_UNKNOWN" }));
  expect(() => castValues(textColumn(["1"]), spec("string", "date32", { format: "%Q" }))).toThrow(
    expect.objectContaining({ kind: "invalid", code: "FORMAT_UNKNOWN" }),
  );
});

describe("texts", () => {
  test("a float32 is the one nearest to the whole text, also where the nearest double is a tie", () => {
    const texts = [
      "1.000000059604644775390624",
      "1.000000059604644775390625",
      "1.000000059604644775390626",
      "-1.000000059604644775390626",
    ];
    expect(read(texts, "float32")).toEqual(["1", "1", "1.0000001", "-1.0000001"]);
    expect(
      read(["2049", "2049.0000000000000000000000001", "2050.9999999999999999999999999", "2051"], "float16"),
    ).toEqual(["2048", "2050", "2050", "2052"]);
  });

  test("a text of a million digits, or with a huge exponent, is answered at once", () => {
    const long = "9".repeat(1_000_000);
    expect(
      read([long, `0.${long}`, "1e999999999", "1e-999999999", "0e999999999"], "decimal128(38, 2)"),
    ).toEqual([null, null, null, null, "0.00"]);
    expect(read([long, "1e-999999999"], "float64")).toEqual([null, "0"]);
    expect(read([long], "int64")).toEqual([null]);
  });

  test("roundings decide on digits beyond the scale and the unit", () => {
    expect(read(["1.005", "-1.005", "1e-60"], "decimal128(9, 2)", { rounding: "half-up" })).toEqual([
      "1.01",
      "-1.01",
      "0.00",
    ]);
    expect(read(["1.005", "-1.005", "1e-60"], "decimal128(9, 2)", { rounding: "ceil" })).toEqual([
      "1.01",
      "-1.00",
      "0.01",
    ]);
    expect(read(["1969-12-31 23:59:59.9996"], "timestamp[ms]", { rounding: "ceil" })).toEqual([
      "1970-01-01 00:00:00.000",
    ]);
    expect(read(["23:59:59.9996", "12:00:00.0004"], "time32[ms]", { rounding: "half-even" })).toEqual([
      null,
      "12:00:00.000",
    ]);
  });

  test("a zoned timestamp takes its own offset, or else the policy's timezone, and without either is invalid", () => {
    const texts = ["2020-07-01 12:00:00+02:00", "2020-07-01 12:00:00", "2020-07-01"];
    expect(read(texts, "timestamp[ms, tz=UTC]")).toEqual(["2020-07-01 10:00:00.000Z", null, null]);
    expect(read(texts, "timestamp[ms, tz=UTC]", { timezone: "America/New_York" })).toEqual([
      "2020-07-01 10:00:00.000Z",
      "2020-07-01 16:00:00.000Z",
      "2020-07-01 04:00:00.000Z",
    ]);
  });

  test("times of a format without %z are in the policy's timezone, or UTC", () => {
    const policy = { format: "%d.%m.%Y %H:%M" };
    expect(read(["01.07.2020 12:00"], "timestamp[ms, tz=UTC]", policy)).toEqual(["2020-07-01 12:00:00.000Z"]);
    expect(
      read(["01.07.2020 12:00"], "timestamp[ms, tz=UTC]", { ...policy, timezone: "Europe/Berlin" }),
    ).toEqual(["2020-07-01 10:00:00.000Z"]);
    expect(
      read(["12:30 PM", "12:30 AM", "1:05 pm", "13:00 PM"], "time32[ms]", { format: "%I:%M %p" }),
    ).toEqual(["12:30:00.000", "00:30:00.000", "13:05:00.000", null]);
    expect(read(["1577934245", "-1"], "timestamp[ms]", { format: "%s" })).toEqual([null, null]);
    expect(read(["1577934245", "-1"], "timestamp[ms, tz=UTC]", { format: "%s" })).toEqual([
      "2020-01-02 03:04:05.000Z",
      "1969-12-31 23:59:59.000Z",
    ]);
  });

  test("JSON is what JSON.parse reads, and nothing after it", () => {
    expect(read(['{"a":1}', "1", '"x"', "{", "1 2", "", "nan"], "json")).toEqual([
      '{"a":1}',
      "1",
      '"x"',
      null,
      null,
      null,
      null,
    ]);
  });

  test("UUIDs have their hyphens in place", () => {
    expect(
      read(
        [
          "00112233-4455-6677-8899-AABBCCDDEEFF",
          "00112233445566778899aabbccddeeff",
          "00112233-4455-6677-8899-aabbccddeefg",
          "0011223-34455-6677-8899-aabbccddeeff",
        ],
        "uuid",
      ),
    ).toEqual(["00112233-4455-6677-8899-aabbccddeeff", null, null, null]);
  });
});

test("midnight of a date is midnight in the policy's timezone", () => {
  const spec: CastSpec = {
    from: stored("date32"),
    to: stored("timestamp[ms, tz=UTC]"),
    rounding: "error",
    timezone: "Asia/Kolkata",
  };
  expect(rawsOf(castValues(columnOf(["0", "18262"], spec.from), spec).values, spec.to)).toEqual([
    String(-5.5 * 3_600_000),
    String(18_262 * 86_400_000 - 5.5 * 3_600_000),
  ]);
});

test("INT96 nanoseconds of more than a day carry into the day", () => {
  const bytes = Buffer.alloc(12);
  bytes.writeBigUInt64LE(86_400_000_000_001n + 999n, 0);
  bytes.writeInt32LE(2_440_588, 8);
  const spec: CastSpec = {
    from: stored("timestamp[ns]", { physicalType: "INT96" }),
    to: stored("timestamp[us]"),
    rounding: "error",
  };
  const { values } = castValues({ kind: "fixed", width: 12, data: new Uint8Array(bytes) }, spec);
  expect(rawsOf(values, spec.to)).toEqual(["86400000001"]);
});
