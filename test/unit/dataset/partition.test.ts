import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import { ColonnadeError } from "../../../src/base/errors.ts";
import { formatPartition, parsePartition } from "../../../src/dataset/partition.ts";
import type { PartitionedKey, PartitionValue } from "../../../src/dataset/partition.ts";
import { assertKey } from "../../../src/store/keys.ts";

function parse(key: string): PartitionedKey {
  const parsed = parsePartition(key, "hive");
  if (parsed instanceof ColonnadeError) throw parsed;
  return parsed;
}

function problem(key: string): ColonnadeError {
  const parsed = parsePartition(key, "hive");
  if (parsed instanceof ColonnadeError) return parsed;
  throw new Error(`${key} was taken`);
}

describe("a hive dataset", () => {
  test("values come from the folders, outermost first", () => {
    expect(parse("year=2001/month=03/part-0.parquet")).toEqual({
      values: [
        { name: "year", value: "2001" },
        { name: "month", value: "03" },
      ],
      directory: "year=2001/month=03",
      stem: "part-0",
    });
  });

  test("an object beside the partitions has no values", () => {
    expect(parse("part-0.parquet")).toEqual({ values: [], directory: "", stem: "part-0" });
  });

  test.each([
    ["at=2001-03-01 10%3A00%3A00", "2001-03-01 10:00:00"], // Spark
    ["at=2001-03-01%2010%3A00%3A00", "2001-03-01 10:00:00"], // pyarrow
    ["city=K%C3%B6ln", "Köln"], // pyarrow escapes UTF-8
    ["city=Köln", "Köln"], // Spark leaves it
    ["share=50%25", "50%"],
    ["path=a%2Fb", "a/b"],
    ["eq=a=b", "a=b"],
    ["dots=..", ".."],
    ["empty=", ""],
    ["null=__HIVE_DEFAULT_PARTITION__", null],
    ["null=%5F_HIVE_DEFAULT_PARTITION__", "__HIVE_DEFAULT_PARTITION__"],
  ])("%s is %j", (folder, value) => {
    expect(parse(`${folder}/x.parquet`).values.map((each) => each.value)).toEqual([value]);
  });

  test.each([
    ["share=50%", "50%"],
    ["share=%zz", "%zz"],
    ["share=%4", "%4"],
    ["share=%%41", "%A"],
    ["latin=%E9", "é"], // not UTF-8: the character of that code, as Spark reads it
  ])("the malformed escape in %s stays as it is, or as Spark reads it", (folder, value) => {
    expect(parse(`${folder}/x.parquet`).values[0]?.value).toBe(value);
  });

  test.each([
    ["2001/x.parquet", "PARTITION_INVALID"],
    ["year=2001/sub/x.parquet", "PARTITION_INVALID"],
    ["=2001/x.parquet", "PARTITION_INVALID"],
    ["year=2001/year=2002/x.parquet", "PARTITION_INVALID"],
    ["__proto__=1/x.parquet", "PARTITION_INVALID"],
    ["year=2001/../x.parquet", "KEY_INVALID"],
    ["year=2001//x.parquet", "KEY_INVALID"],
    ["year=2001/", "KEY_INVALID"],
    ["/x.parquet", "KEY_INVALID"],
    ["year=2001\n/x.parquet", "KEY_CONTROL_CHARACTER"],
    ["year=2001/\u001b[31mx.parquet", "KEY_CONTROL_CHARACTER"],
    ["year=\ud800/x.parquet", "KEY_NOT_UNICODE"],
  ])("%j is a data error that names it", (key, code) => {
    expect(problem(key)).toMatchObject({ kind: "data", code, details: { key } });
  });

  test("a message never repeats the key, whatever it holds", () => {
    expect(problem("evil\u001b[2J/x.parquet").message).not.toContain("\u001b");
  });
});

describe("a flat dataset", () => {
  test("folders are kept and mean nothing", () => {
    expect(parsePartition("2001/year=3/part-0.parquet", "flat")).toEqual({
      values: [],
      directory: "2001/year=3",
      stem: "part-0",
    });
  });

  test("names without a suffix, or with nothing else, are their own stem", () => {
    expect(parsePartition("export", "flat")).toMatchObject({ stem: "export" });
    expect(parsePartition(".parquet", "flat")).toMatchObject({ stem: ".parquet" });
    expect(parsePartition("part.snappy.PARQUET", "flat")).toMatchObject({ stem: "part.snappy" });
  });
});

describe("formatting", () => {
  test("exactly the characters that Spark escapes are escaped", () => {
    let printable = "";
    for (let code = 32; code < 127; code += 1) printable += String.fromCharCode(code);
    expect(formatPartition([{ name: "c", value: printable }])).toBe(
      "c= !%22%23$%25&%27()%2A+,-.%2F0123456789%3A;<%3D>%3F@ABCDEFGHIJKLMNOPQRSTUVWXYZ%5B%5C%5D%5E_`abcdefghijklmnopqrstuvwxyz%7B|}~",
    );
    expect(formatPartition([{ name: "c", value: "\u0000\t\n\u001f\u007f\u0080ö" }])).toBe(
      "c=%00%09%0A%1F%7F\u0080ö",
    );
  });

  test("a name is escaped as a value is", () => {
    expect(formatPartition([{ name: "a/b=c", value: "1" }])).toBe("a%2Fb%3Dc=1");
  });

  test("what no path can hold is refused", () => {
    for (const value of [
      { name: "", value: "1" },
      { name: "__proto__", value: "1" },
      { name: "c", value: "\ud800" },
    ])
      expect(() => formatPartition([value])).toThrow(
        expect.objectContaining({ kind: "data", code: "PARTITION_VALUE_INVALID" }),
      );
  });

  const name = fc
    .string({ unit: "binary", minLength: 1, maxLength: 12 })
    .filter((text) => text !== "__proto__");
  const value = fc.option(
    fc.oneof(
      fc.string({ unit: "binary", maxLength: 20 }),
      fc.constantFrom("__HIVE_DEFAULT_PARTITION__", ".", "..", "", "%", "%41", "a/b", "=", "%C3%B6"),
    ),
  );
  const values = fc.uniqueArray(fc.record({ name, value }), {
    selector: (each) => each.name,
    maxLength: 4,
  }) as fc.Arbitrary<PartitionValue[]>;

  test("what was formatted reads back, and is a key that every store takes", () => {
    fc.assert(
      fc.property(values, (values) => {
        const directory = formatPartition(values);
        const key = directory === "" ? "x.parquet" : `${directory}/x.parquet`;
        // The C1 controls U+0080… and anything else that Spark leaves alone may stand in a key as they are.
        expect(parse(key)).toEqual({ values, directory, stem: "x" });
        assertKey(key);
      }),
      { numRuns: 2000 },
    );
  });
});
