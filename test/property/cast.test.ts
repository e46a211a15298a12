import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { castValues } from "../../src/cast/cast-values.ts";
import { castability } from "../../src/cast/castability.ts";
import type { CastSpec, Stored } from "../../src/cast/cast.ts";
import type { Rounding } from "../../src/cast/rounding.ts";
import type { LeafType } from "../../src/parquet/leaf-type.ts";
import { formatLeafType } from "../../src/parquet/leaf-type.ts";
import type { Storage } from "../../src/parquet/footer/storage.ts";
import { columnOf, rawFloat, rawsOf, rawText, stored } from "../support/cast-columns.ts";
import type { Raw } from "../support/cast-columns.ts";
import { valueCount } from "../../src/parquet/values/values.ts";

const typeNames = [
  "null",
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
  "decimal128(3, 0)",
  "decimal128(9, 2)",
  "decimal128(15, 6)",
  "decimal128(18, 18)",
  "decimal128(30, 4)",
  "decimal256(76, 40)",
  "string",
  "binary",
  "fixed_size_binary(3)",
  "fixed_size_binary(16)",
  "date32",
  "time32[ms]",
  "time64[us]",
  "time64[ns]",
  "timestamp[ms]",
  "timestamp[us]",
  "timestamp[ns]",
  "timestamp[ns, tz=UTC]",
  "timestamp[us, tz=Europe/Berlin]",
  "json",
  "enum",
  "uuid",
  "bson",
  "interval",
  "geometry",
];

const roundings: readonly Rounding[] = ["error", "truncate", "floor", "ceil", "half-even", "half-up"];

/** Decimals in every storage that can hold them, the others as newly written. */
const columns: readonly Stored[] = typeNames.flatMap((name) => {
  const usual = stored(name);
  if (usual.type.kind !== "decimal") return [usual];
  const { precision } = usual.type;
  const storages: Storage[] = [
    { physicalType: "BYTE_ARRAY" },
    { physicalType: "FIXED_LEN_BYTE_ARRAY", typeLength: 33 },
  ];
  if (precision <= 9) storages.push({ physicalType: "INT32" });
  if (precision <= 18) storages.push({ physicalType: "INT64" });
  return storages.map((storage) => stored(name, storage));
});

const integerIn = (min: bigint, max: bigint): fc.Arbitrary<Raw> =>
  fc
    .oneof(fc.bigInt({ min, max }), fc.bigInt({ min: min / 1_000_000_007n, max: max / 1_000_000_007n }))
    .map(String);

const hexOf = (bytes: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Raw> =>
  bytes.map((value) => Buffer.from(value).toString("hex"));

function valueOf(type: LeafType): fc.Arbitrary<Raw> {
  switch (type.kind) {
    case "bool":
      return fc.constantFrom("0", "1");
    case "int":
      return integerIn(
        type.signed ? -(1n << BigInt(type.bits - 1)) : 0n,
        (1n << BigInt(type.signed ? type.bits - 1 : type.bits)) - 1n,
      );
    case "float":
      if (type.bits === 16)
        return fc
          .oneof(fc.integer({ min: 0, max: 0x7c00 }), fc.integer({ min: 0x8000, max: 0xfc00 }))
          .map(String);
      return type.bits === 32
        ? fc.float().map((value) => rawFloat(value, 32))
        : fc.double().map((value) => rawFloat(value, 64));
    case "decimal":
      return integerIn(1n - 10n ** BigInt(type.precision), 10n ** BigInt(type.precision) - 1n);
    case "string":
    case "enum":
      return fc
        .oneof(
          fc.string(),
          fc.integer().map(String),
          fc.double().map(String),
          fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
        )
        .map(rawText);
    case "json":
      return fc.json().map(rawText);
    case "fixedBinary":
      return hexOf(fc.uint8Array({ minLength: type.bytes, maxLength: type.bytes }));
    case "uuid":
      return hexOf(fc.uint8Array({ minLength: 16, maxLength: 16 }));
    case "interval":
      return hexOf(fc.uint8Array({ minLength: 12, maxLength: 12 }));
    case "date":
      return integerIn(-(2n ** 31n), 2n ** 31n - 1n);
    case "time":
      return integerIn(0n, 86_400n * { ms: 1000n, us: 1_000_000n, ns: 1_000_000_000n }[type.unit] - 1n);
    case "timestamp":
      return integerIn(-(2n ** 63n), 2n ** 63n - 1n);
    default:
      return hexOf(fc.uint8Array({ maxLength: 20 }));
  }
}

const columnOfValues = (from: Stored): fc.Arbitrary<Raw[]> =>
  from.type.kind === "null" ? fc.constant([]) : fc.array(valueOf(from.type), { maxLength: 30 });

function specOf(from: Stored, to: Stored, rounding: Rounding = "error"): CastSpec {
  return { from, to, rounding };
}

const possiblePairs = columns.flatMap((from) =>
  columns
    .filter((to) => castability(from, to).kind !== "none")
    .map((to): readonly [Stored, Stored] => [from, to]),
);

const labelOf = ({ type, physicalType }: Stored): string => `${formatLeafType(type)} as ${physicalType}`;

describe("every pair of the table", () => {
  test.each(columns.map((from) => ({ from, name: labelOf(from) })))(
    "$name: as many values as before, invalid positions ascending and in range, nothing thrown, under any rounding",
    ({ from }) => {
      const targets = possiblePairs.filter(([one]) => one === from).map(([, to]) => to);
      fc.assert(
        fc.property(
          columnOfValues(from),
          fc.constantFrom(...targets),
          fc.constantFrom(...roundings),
          (raws, to, rounding) => {
            const { values, invalid } = castValues(columnOf(raws, from), specOf(from, to, rounding));
            expect(valueCount(values)).toBe(raws.length);
            const inRange = [...new Set(invalid)].filter((position) => position < raws.length);
            expect([...invalid]).toEqual(inRange.toSorted((a, b) => a - b));
          },
        ),
        { numRuns: 300 },
      );
    },
  );

  const exactPairs = possiblePairs.filter(([from, to]) => {
    const there = castability(from, to);
    return (
      (there.kind === "relabel"
        ? there.check === undefined
        : there.kind === "cast" && there.loss === "never") && castability(to, from).kind !== "none"
    );
  });

  test("a cast that loses nothing has no invalid values, and comes back as it was", () => {
    expect(exactPairs.length).toBeGreaterThan(200);
    const one = fc
      .constantFrom(...exactPairs)
      .chain(([from, to]) => fc.tuple(fc.constant(from), fc.constant(to), columnOfValues(from)));
    fc.assert(
      fc.property(one, ([from, to, raws]) => {
        const there = castValues(columnOf(raws, from), specOf(from, to));
        const back = castValues(there.values, specOf(to, from));
        expect([...there.invalid, ...back.invalid]).toEqual([]);
        expect(rawsOf(back.values, from)).toEqual(raws.map((raw) => (raw === "nan" ? "nan" : raw)));
      }),
      { numRuns: 5000 },
    );
  });
});

function rangeOf({ type }: Stored): readonly [bigint, bigint] {
  if (type.kind === "decimal")
    return [1n - 10n ** BigInt(type.precision), 10n ** BigInt(type.precision) - 1n];
  if (type.kind !== "int") return [0n, 0n];
  return type.signed
    ? [-(1n << BigInt(type.bits - 1)), (1n << BigInt(type.bits - 1)) - 1n]
    : [0n, (1n << BigInt(type.bits)) - 1n];
}

function divideRounded(value: bigint, divisor: bigint, rounding: Rounding): bigint | undefined {
  const floor = (value - (((value % divisor) + divisor) % divisor)) / divisor;
  const rest = value - floor * divisor;
  if (rest === 0n) return floor;
  const nearest =
    rest * 2n > divisor ||
    (rest * 2n === divisor && (rounding === "half-up" ? value > 0n : floor % 2n !== 0n));
  const choices: Record<Rounding, bigint | undefined> = {
    error: undefined,
    floor,
    ceil: floor + 1n,
    truncate: value < 0n ? floor + 1n : floor,
    "half-even": nearest ? floor + 1n : floor,
    "half-up": nearest ? floor + 1n : floor,
  };
  return choices[rounding];
}

function ticks({ type }: Stored): bigint {
  return type.kind === "timestamp" ? { ms: 1000n, us: 1_000_000n, ns: 1_000_000_000n }[type.unit] : 1n;
}

describe("against BigInt arithmetic", () => {
  const integers = columns.filter(
    ({ type }) => type.kind === "int" || (type.kind === "decimal" && type.scale === 0),
  );

  test("integers and whole decimals keep their value, or are invalid exactly when they are out of range", () => {
    const one = fc
      .tuple(fc.constantFrom(...integers), fc.constantFrom(...integers))
      .chain(([from, to]) => fc.tuple(fc.constant(from), fc.constant(to), columnOfValues(from)));
    fc.assert(
      fc.property(one, ([from, to, raws]) => {
        const { values, invalid } = castValues(columnOf(raws, from), specOf(from, to));
        const [min, max] = rangeOf(to);
        const outside = raws.flatMap((raw, i) => (BigInt(raw) < min || BigInt(raw) > max ? [i] : []));
        expect([...invalid]).toEqual(outside);
        const cast = rawsOf(values, to);
        expect(raws.filter((raw, i) => !outside.includes(i) && cast[i] !== raw)).toEqual([]);
      }),
      { numRuns: 2000 },
    );
  });

  test("decimals are rescaled as BigInt division rounds, and are invalid when digits or precision are missing", () => {
    const decimals = columns.filter(({ type }) => type.kind === "decimal");
    const one = fc
      .tuple(fc.constantFrom(...decimals), fc.constantFrom(...decimals), fc.constantFrom(...roundings))
      .chain(([from, to, rounding]) =>
        fc.tuple(fc.constant(from), fc.constant(to), fc.constant(rounding), columnOfValues(from)),
      );
    fc.assert(
      fc.property(one, ([from, to, rounding, raws]) => {
        const { values, invalid } = castValues(columnOf(raws, from), specOf(from, to, rounding));
        const cast = rawsOf(values, to);
        const shift =
          (to.type.kind === "decimal" ? to.type.scale : 0) -
          (from.type.kind === "decimal" ? from.type.scale : 0);
        const [min, max] = rangeOf(to);
        const expected = raws.map((raw) => {
          const value =
            shift >= 0
              ? BigInt(raw) * 10n ** BigInt(shift)
              : divideRounded(BigInt(raw), 10n ** BigInt(-shift), rounding);
          return value === undefined || value < min || value > max ? null : String(value);
        });
        expect(cast.map((raw, i) => (invalid.includes(i) ? null : raw))).toEqual(expected);
      }),
      { numRuns: 3000 },
    );
  });

  test("timestamps change their unit as BigInt division rounds, and are invalid when they leave 64 bits", () => {
    const timestamps = columns.filter(({ type }) => type.kind === "timestamp" && type.timezone === null);
    const one = fc
      .tuple(fc.constantFrom(...timestamps), fc.constantFrom(...timestamps), fc.constantFrom(...roundings))
      .chain(([from, to, rounding]) =>
        fc.tuple(fc.constant(from), fc.constant(to), fc.constant(rounding), columnOfValues(from)),
      );
    fc.assert(
      fc.property(one, ([from, to, rounding, raws]) => {
        const { values, invalid } = castValues(columnOf(raws, from), specOf(from, to, rounding));
        const cast = rawsOf(values, to);
        const expected = raws.map((raw) => {
          const value = divideRounded(BigInt(raw) * ticks(to), ticks(from), rounding);
          return value === undefined || BigInt.asIntN(64, value) !== value ? null : String(value);
        });
        expect(cast.map((raw, i) => (invalid.includes(i) ? null : raw))).toEqual(expected);
      }),
      { numRuns: 2000 },
    );
  });

  test("timestamps split into days and times of day as BigInt division does, over all 64 bits", () => {
    for (const unit of ["ms", "us", "ns"] as const) {
      const perDay = 86_400n * { ms: 1000n, us: 1_000_000n, ns: 1_000_000_000n }[unit];
      const from = stored(`timestamp[${unit}]`);
      const time = stored(unit === "ms" ? "time32[ms]" : `time64[${unit}]`);
      fc.assert(
        fc.property(columnOfValues(from), (raws) => {
          const times = castValues(columnOf(raws, from), specOf(from, time));
          const dates = castValues(columnOf(raws, from), specOf(from, stored("date32")));
          const parts = raws.map((raw) => {
            const rest = ((BigInt(raw) % perDay) + perDay) % perDay;
            return { day: (BigInt(raw) - rest) / perDay, rest };
          });
          expect(rawsOf(times.values, time)).toEqual(parts.map(({ rest }) => String(rest)));
          const days = rawsOf(dates.values, stored("date32"));
          expect(days.map((day, i) => (dates.invalid.includes(i) ? null : day))).toEqual(
            parts.map(({ day }) => (BigInt.asIntN(32, day) === day ? String(day) : null)),
          );
        }),
        { numRuns: 500 },
      );
    }
  });

  test("INT96 timestamps are days and nanoseconds, over all that int64 microseconds reach", () => {
    const from = stored("timestamp[ns]", { physicalType: "INT96" });
    const one = fc.record({
      day: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
      nanoseconds: fc.bigInt({ min: 0n, max: 86_400_000_000_000n }),
    });
    fc.assert(
      fc.property(fc.array(one, { maxLength: 30 }), fc.constantFrom("ms", "us", "ns"), (moments, unit) => {
        const bytes = Buffer.alloc(moments.length * 12);
        moments.forEach(({ day, nanoseconds }, i) => {
          bytes.writeBigUInt64LE(nanoseconds, i * 12);
          bytes.writeInt32LE(day, i * 12 + 8);
        });
        const to = stored(`timestamp[${unit}]`);
        const { values, invalid } = castValues(
          { kind: "fixed", width: 12, data: new Uint8Array(bytes) },
          specOf(from, to, "floor"),
        );
        const ticks = { ms: 1000n, us: 1_000_000n, ns: 1_000_000_000n }[unit];
        const expected = moments.map(({ day, nanoseconds }) => {
          const value = (BigInt(day) - 2_440_588n) * 86_400n * ticks + nanoseconds / (1_000_000_000n / ticks);
          return BigInt.asIntN(64, value) === value ? String(value) : null;
        });
        expect(rawsOf(values, to).map((raw, i) => (invalid.includes(i) ? null : raw))).toEqual(expected);
      }),
    );
  });
});
