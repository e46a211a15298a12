import type { LeafType } from "../../src/parquet/leaf-type.ts";
import { rawFloat, rawText, stored } from "../support/cast-columns.ts";
import type { Raw } from "../support/cast-columns.ts";

/** One of every family, and of every width that has code of its own. */
export const typeNames = [
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
  "decimal128(5, 2)",
  "decimal128(9, 0)",
  "decimal128(18, 4)",
  "decimal128(38, 10)",
  "decimal256(76, 30)",
  "string",
  "binary",
  "fixed_size_binary(4)",
  "date32",
  "time32[ms]",
  "time64[us]",
  "time64[ns]",
  "timestamp[ms]",
  "timestamp[us]",
  "timestamp[ns]",
  "timestamp[us, tz=UTC]",
  "timestamp[ms, tz=America/New_York]",
] as const;

/** A generator of 32-bit numbers, the same ones in every run (xorshift32, Marsaglia 2003). */
export function randomNumbers(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

/** Edges of the type and of the types that it is cast to, then random values of all magnitudes. */
export function valuesFor(name: string, count = 150): Raw[] {
  const { type } = stored(name);
  const random = randomNumbers(name.length * 7919 + name.charCodeAt(0));
  switch (type.kind) {
    case "bool":
      return ["0", "1"];
    case "int":
      return integers(random, count, type.signed ? -(1n << BigInt(type.bits - 1)) : 0n, maxOf(type));
    case "float":
      return floats(random, count, type.bits);
    case "decimal": {
      const max = 10n ** BigInt(type.precision) - 1n;
      const one = 10n ** BigInt(type.scale);
      const wholes = integers(random, count, -max / one, max / one).map((raw) => String(BigInt(raw) * one));
      const halves = wholes.slice(0, 30).map((raw) => String(BigInt(raw) / 2n));
      return [...wholes, ...halves, ...integers(random, count, -max, max)];
    }
    case "string":
      return texts(random).map(rawText);
    case "binary":
      return [...texts(random).map(rawText), "ff", "c080", "eda080", "f4908080", "e282", "00", "61ff61"];
    case "fixedBinary":
      return ["61626364", "00000000", "ffffffff", "f09f9880", "31322e35", "74727565"];
    case "date":
      return [
        ...dates,
        ...integers(random, count, -(2n ** 31n), 2n ** 31n - 1n),
        ...integers(random, count, -800_000n, 3_000_000n),
      ];
    case "time": {
      const perDay = 86_400n * perSecond(type.unit);
      return integers(random, count, 0n, perDay - 1n);
    }
    case "timestamp":
      return timestamps(random, count, perSecond(type.unit));
    default:
      return [];
  }
}

function perSecond(unit: "ms" | "us" | "ns"): bigint {
  return { ms: 1000n, us: 1_000_000n, ns: 1_000_000_000n }[unit];
}

function maxOf({ bits, signed }: Extract<LeafType, { kind: "int" }>): bigint {
  return (1n << BigInt(signed ? bits - 1 : bits)) - 1n;
}

/** Powers of two and ten with their neighbours, as far as they are within the bounds, and random values of any length. */
function integers(random: () => number, count: number, min: bigint, max: bigint): Raw[] {
  const found = new Set<bigint>([min, max, min + 1n, max - 1n, 0n, 1n, -1n, 2n]);
  for (const exponent of [7n, 8n, 11n, 15n, 16n, 24n, 31n, 32n, 53n, 63n, 64n]) {
    for (const near of [-2n, -1n, 0n, 1n, 2n])
      found.add((1n << exponent) + near).add(-(1n << exponent) + near);
  }
  for (let exponent = 1n; exponent < 40n; exponent += 3n)
    found.add(10n ** exponent).add(-(10n ** exponent) + 1n);
  for (let i = 0; i < count; i += 1) {
    let value = 0n;
    for (let word = 0; word < 8; word += 1) value = (value << 32n) | BigInt(random());
    found.add(BigInt.asIntN(2 + (random() % 254), value));
    found.add(min + ((value < 0n ? -value : value) % (max - min + 1n)));
  }
  return [...found].filter((value) => value >= min && value <= max).map(String);
}

function floats(random: () => number, count: number, bits: 16 | 32 | 64): Raw[] {
  if (bits === 16) {
    const edges = [0, 0x8000, 1, 0x3c00, 0xbc00, 0x3e00, 0x7bff, 0xfbff, 0x7c00, 0xfc00, 0x5bf8, 0x57f0];
    return ["nan", ...edges.map(String), ...Array.from({ length: count }, () => String(random() % 0x7c00))];
  }
  const numbers = [
    0,
    -0,
    NaN,
    Infinity,
    -Infinity,
    0.1,
    0.5,
    1.5,
    2.5,
    -0.5,
    1e10,
    1e-6,
    1e-7,
    1e-5,
    1e15,
    1e16,
    1e21,
    1e22,
    1e23,
    100,
    123_456_789.123,
    999.994,
    999.995,
    1.005,
    1.235,
    1.245,
    65_504,
    65_519,
    65_520,
    2 ** 24,
    2 ** 24 + 1,
    3.4028235677973366e38,
    3.4028235677973362e38,
    1e300,
    -1e300,
    5e-324,
    1.7976931348623157e308,
  ];
  for (const exponent of [7, 8, 15, 16, 31, 32, 53, 63, 64]) {
    for (const near of [-1, -0.5, 0, 0.5, 1]) numbers.push(2 ** exponent + near, -(2 ** exponent) + near);
  }
  for (let i = 0; i < count; i += 1) {
    const magnitude = 10 ** ((random() % 40) - 20);
    numbers.push(
      (random() / 2 ** 31 - 1) * magnitude,
      Math.round((random() / 2 ** 31 - 1) * magnitude),
      (random() % 2_000_000) / 1000 - 1000,
    );
  }
  return numbers.map((value) => rawFloat(value, bits));
}

const dates = [
  "0",
  "-1",
  "18262",
  "2932896",
  "2932897",
  "-719162",
  "-719163",
  "-719528",
  "-719529",
  "106751",
  "106752",
  "-106751",
  "-106752",
  "11248737",
  "11248738",
  "-12687428",
  "-12687429",
];

function timestamps(random: () => number, count: number, ticks: bigint): Raw[] {
  const day = 86_400n * ticks;
  const spread = [
    -719_162n,
    -719_529n,
    -1n,
    0n,
    1n,
    18_262n,
    18_329n,
    18_567n,
    2_932_896n,
    2_932_897n,
  ].flatMap((days) =>
    [-1n, 0n, 1n, ticks, 1000n, 1_000_000n, 3600n * ticks].map((ticks) => days * day + ticks),
  );
  // Where a finer unit leaves 64 bits.
  for (const factor of [1000n, 1_000_000n]) {
    const limit = 2n ** 63n / factor;
    for (const value of [-1n, 0n, 1n]) spread.push(limit + value, -limit + value);
  }
  const near = integers(random, count, -60_000n * day, 60_000n * day);
  const all = integers(random, count, -(2n ** 63n), 2n ** 63n - 1n);
  const whole = near.map((raw) => String((BigInt(raw) / ticks) * ticks));
  return [
    ...spread.filter((value) => BigInt.asIntN(64, value) === value).map(String),
    ...near,
    ...whole,
    ...all,
  ];
}

function texts(random: () => number): string[] {
  const numbers = [
    "0",
    "-0",
    "1",
    "-1",
    "+1",
    "007",
    "127",
    "128",
    "-128",
    "-129",
    "255",
    "256",
    "32767",
    "32768",
    "65535",
    "65536",
    "2147483647",
    "2147483648",
    "-2147483648",
    "-2147483649",
    "4294967295",
    "4294967296",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "-9223372036854775809",
    "18446744073709551615",
    "18446744073709551616",
    "00000000000000000000000001",
    "123456789012345678",
    "0x1F",
    "0X1f",
    "0xff",
    "0xFFFF",
    "0xFFFFFFFF",
    "0xFFFFFFFFFFFFFFFF",
    "0x",
    "0x0FF",
    "-0x1",
    "1_000",
    "- 1",
    "１",
    "1e3",
    "1E3",
    "1e+3",
    "1e-3",
    "1e",
    "e1",
    ".",
    "-",
    "+",
    ".5",
    "5.",
    "-.5",
    "+.5",
    "1.e1",
    "1.5",
    "-1.5",
    "1.50",
    "2.5",
    "0.05",
    "1.23",
    "1.235",
    "123.45",
    "1234.5",
    "999.99",
    "1.2.3",
    "--1",
    "1e37",
    "0e100",
    "1e-60",
    "0.0e-70",
    "1e38",
    "1e45",
    "1e400",
    "-1e400",
    "1e-400",
    "3.4e38",
    "3.5e38",
    "65504",
    "65519.9",
    "65520",
    "16777217",
    "0.1",
    "1.00000005960464477540",
    "1.000000059604644775390625",
    "1.00000005960464477539062499",
    "9007199254740993",
    "123456789012345678901234567890.123",
    "0x1p3",
    "1d",
    "1f",
    "1,5",
    "1" + "0".repeat(80),
    "0." + "1".repeat(40),
  ];
  const words = [
    "",
    " ",
    "true",
    "false",
    "True",
    "FALSE",
    "tRuE",
    "t",
    "f",
    "yes",
    "no",
    "on",
    "off",
    "nan",
    "NaN",
    "-nan",
    "nan(1)",
    "nan()",
    "inf",
    "-inf",
    "+inf",
    "Infinity",
    "-INFINITY",
    "infin",
    "abc",
    "é",
    "null",
    "None",
    " 1",
    "1 ",
    "\t1\n",
    " 1.5",
    " true",
    "\u00a01",
  ];
  const times = [
    "2020-01-02",
    " 2020-01-02",
    "2020-1-2",
    "20200102",
    "2020-02-30",
    "2020-02-29",
    "2021-02-29",
    "1900-02-29",
    "2000-02-29",
    "0000-01-01",
    "0001-01-01",
    "9999-12-31",
    "10000-01-01",
    "-0001-01-01",
    "2020-13-01",
    "2020-00-01",
    "2020-01-00",
    "2020/01/02",
    "2020-01-02T",
    "2020-01-02 03",
    "2020-01-02T03:04",
    "2020-01-02 03:04:05",
    "2020-01-02t03:04:05",
    "2020-01-02 03:04:05.1",
    "2020-01-02 03:04:05.12",
    "2020-01-02 03:04:05.123",
    "2020-01-02 03:04:05.1234",
    "2020-01-02 03:04:05.123456",
    "2020-01-02 03:04:05.1234567",
    "2020-01-02 03:04:05.123456789",
    "2020-01-02 03:04:05.1234567890",
    "2020-01-02 03:04:05.",
    "2020-01-02 03:04:05,5",
    "2020-01-02 03:04:60",
    "2016-12-31 23:59:60",
    "2020-01-02 24:00:00",
    "2020-01-02 23:60:00",
    "2020-01-02 03:04:05 ",
    "2020-01-02T0304",
    "2020-01-02  03:04",
    "2020-01-02Z",
    "2020-01-02T03Z",
    "2020-01-02T03:04Z",
    "2020-01-02T03:04:05Z",
    "2020-01-02T03:04:05z",
    "2020-01-02T03:04:05.123456Z",
    "2020-01-02T03:04:05+01:00",
    "2020-01-02T03:04:05+0130",
    "2020-01-02T03:04:05-05",
    "2020-01-02T03:04:05+23:59",
    "2020-01-02T03:04:05+24:00",
    "2020-01-02T03:04:05+1:00",
    "2020-01-02T03:04:05 +01:00",
    "2020-01-02T03:04:05-00:00",
    "2020-01-02T03:04:05+01:60",
    "2020-01-02 03:04:05.1234560",
    "1677-09-21 00:12:43.145224192",
    "1677-09-21 00:12:43.145224191",
    "1677-09-21 00:12:44",
    "2262-04-11 23:47:16.854775807",
    "2262-04-11 23:47:16.854775808",
    "03:04",
    "03:04:05",
    "03:04:05.5",
    "23:59:60",
    "24:00:00",
    "3:04",
    "03:04:05.1234567",
    "0x:00",
    "00112233-4455-6677-8899-aabbccddeeff",
  ];
  const generated = Array.from({ length: 100 }, () => {
    const whole = String(random() % 10 ** (1 + (random() % 9)));
    const fraction = random() % 2 === 0 ? `.${random() % 100_000}` : "";
    const exponent = random() % 5 === 0 ? `e${(random() % 60) - 30}` : "";
    return `${random() % 3 === 0 ? "-" : ""}${whole}${fraction}${exponent}`;
  });
  return [...numbers, ...words, ...times, ...generated];
}
