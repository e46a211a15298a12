import { expect, test } from "vitest";
import { castability, castLossWords } from "../../../src/cast/castability.ts";
import { stored } from "../../support/cast-columns.ts";

const judge = (from: string, to: string): unknown => castability(stored(from), stored(to));

test("what keeps its bytes is relabelled, not cast", () => {
  const pairs = [
    ["int8", "int32"],
    ["uint8", "int16"],
    ["uint16", "uint32"],
    ["string", "binary"],
    ["json", "string"],
    ["enum", "string"],
    ["decimal128(5, 2)", "decimal128(9, 2)"],
    ["timestamp[us, tz=UTC]", "timestamp[us, tz=Asia/Tokyo]"],
    ["int64", "timestamp[ms]"],
    ["uuid", "fixed_size_binary(16)"],
  ] as const;
  for (const [from, to] of pairs)
    expect([from, to, judge(from, to)]).toEqual([from, to, { kind: "relabel" }]);
  expect(judge("binary", "string")).toEqual({ kind: "relabel", check: "utf8" });
});

test("a relabel needs one storage: a wider decimal that grows into INT64 is an exact cast", () => {
  expect(judge("decimal128(9, 2)", "decimal128(10, 2)")).toEqual({ kind: "cast", loss: "never" });
  const fixed = { physicalType: "FIXED_LEN_BYTE_ARRAY", typeLength: 16 } as const;
  expect(castability(stored("decimal128(9, 2)", fixed), stored("decimal128(38, 2)", fixed))).toEqual({
    kind: "relabel",
  });
  expect(castability(stored("decimal128(9, 2)", fixed), stored("decimal128(9, 2)"))).toEqual({
    kind: "cast",
    loss: "never",
  });
});

test("a type that its storage cannot hold is impossible, so that no relabel writes a malformed footer", () => {
  const int32 = { physicalType: "INT32" } as const;
  expect(castability(stored("decimal128(9, 2)"), stored("decimal128(10, 2)", int32))).toEqual({
    kind: "none",
    reason: "INT32 cannot hold decimal128(10, 2)",
  });
  expect(castability(stored("int32"), stored("int64", int32))).toMatchObject({ kind: "none" });
});

test("local and zoned timestamps have the same bytes through UTC, and are cast through any other zone", () => {
  const from = stored("timestamp[us]");
  const to = stored("timestamp[us, tz=Europe/Berlin]");
  expect(castability(from, to)).toEqual({ kind: "relabel" });
  expect(castability(from, to, { timezone: "UTC" })).toEqual({ kind: "relabel" });
  expect(castability(from, to, { timezone: "Europe/Berlin" })).toMatchObject({
    kind: "cast",
    loss: "checked",
  });
});

test("INT96 is read and never written", () => {
  const int96 = stored("timestamp[ns]", { physicalType: "INT96" });
  expect(castability(int96, int96)).toEqual({ kind: "same" });
  expect(castability(int96, stored("timestamp[us]"))).toMatchObject({ kind: "cast", loss: "checked" });
  expect(castability(stored("timestamp[us]"), int96)).toMatchObject({ kind: "none" });
});

test("plans say in a few words what a cast may do", () => {
  expect(castLossWords(stored("int32"), stored("int32"))).toBe("same");
  expect(castLossWords(stored("int32"), stored("int64"))).toBe("exact");
  expect(castLossWords(stored("int64"), stored("int32"))).toBe("checked: overflow");
  expect(castLossWords(stored("string"), stored("date32"))).toBe("checked: parse");
  expect(castLossWords(stored("bool"), stored("date32"))).toBe("impossible: a bool has no meaning as date");
});
