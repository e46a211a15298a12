/** Every type that a stream may have, through casts, as pyarrow writes them and reads them back. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { parseSchemaVersion } from "../../../src/schema/parse-schema-version.ts";
import { migrateStream, type StreamProgress } from "../../../src/stream/migrate-stream.ts";
import { rejectedCode } from "../../support/thrown-code.ts";
import { startPyarrow } from "../../support/pyarrow-service.ts";

const folder = mkdtempSync(join(tmpdir(), "colonnade-types-"));
const pyarrow = startPyarrow();
afterAll(async () => {
  await pyarrow?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

function history(...fields: readonly string[]) {
  const texts = fields.map((lines, i) => `dataset: d\nversion: ${i + 1}\nfields:\n${lines}\n`);
  const versions = texts.map((text, i) => parseSchemaVersion(text, `${i + 1}.yaml`));
  return { dataset: "d", versions };
}

interface Case {
  readonly name: string;
  /** A Python expression for the columns. */
  readonly columns: string;
  readonly from: string;
  readonly to: string;
  readonly expected: readonly string[];
}

async function* bytesOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function migrate(
  bytes: Uint8Array,
  versions: ReturnType<typeof history>,
  from: number | "detect" = 1,
): Promise<{ output: Buffer; progress: StreamProgress }> {
  const output: Uint8Array[] = [];
  const stream = migrateStream(bytesOf(bytes), { history: versions, from, to: 2, day: "2026-01-01" });
  for (;;) {
    const { done, value } = await stream.next();
    if (done === true) return { output: Buffer.concat(output), progress: value };
    output.push(value.slice());
  }
}

async function write(columns: string, compression: "zstd" | "lz4" | null = null): Promise<Uint8Array> {
  const path = join(folder, "in.arrows");
  await pyarrow?.writeColumns(path, columns, compression);
  return readFileSync(path);
}

async function read(output: Uint8Array): Promise<readonly string[] | undefined> {
  const path = join(folder, "out.arrows");
  writeFileSync(path, output);
  return pyarrow?.describeStream(path);
}

const field = (id: number, name: string, type: string, more = ""): string =>
  `  - { id: ${id}, name: ${name}, type: "${type}"${more} }`;

const cases: readonly Case[] = [
  {
    name: "small integers, signed and unsigned",
    columns: `{"a": pa.array([-128, None, 127], pa.int8()), "b": pa.array([0, 255, None], pa.uint8()), "c": pa.array([-32768, 32767, 1], pa.int16()), "d": pa.array([65535, 0, None], pa.uint16()), "e": pa.array([4294967295, 0, None], pa.uint32()), "f": pa.array([18446744073709551615, None, 0], pa.uint64())}`,
    from: [
      field(1, "a", "int8"),
      field(2, "b", "uint8"),
      field(3, "c", "int16"),
      field(4, "d", "uint16"),
      field(5, "e", "uint32"),
      field(6, "f", "uint64"),
    ].join("\n"),
    to: [
      field(1, "a", "int16"),
      field(2, "b", "int32"),
      field(3, "c", "string"),
      field(4, "d", "uint16"),
      field(5, "e", "int64"),
      field(6, "f", "string"),
    ].join("\n"),
    expected: [
      "a int16 [-128, None, 127]",
      "b int32 [0, 255, None]",
      "c string ['-32768', '32767', '1']",
      "d uint16 [65535, 0, None]",
      "e int64 [4294967295, 0, None]",
      "f string ['18446744073709551615', None, '0']",
    ],
  },
  {
    name: "numbers to small integers",
    columns: `{"a": pa.array([1.0, None, -128.0]), "b": pa.array(["7", "255", None])}`,
    from: [field(1, "a", "float64"), field(2, "b", "string")].join("\n"),
    to: [field(1, "a", "int8"), field(2, "b", "uint8")].join("\n"),
    expected: ["a int8 [1, None, -128]", "b uint8 [7, 255, None]"],
  },
  {
    name: "floats of all widths, and booleans",
    columns: `{"a": pa.array(np.array([1.5, -2.0, 65504.0], np.float16)), "b": pa.array([0.5, None, 3.0], pa.float32()), "c": pa.array([True, None, False, True, True, False, None, True, True][:3]), "d": pa.array([1, 0, None])}`,
    from: [
      field(1, "a", "float16"),
      field(2, "b", "float32"),
      field(3, "c", "bool"),
      field(4, "d", "int64"),
    ].join("\n"),
    to: [
      field(1, "a", "float64"),
      field(2, "b", "float16"),
      field(3, "c", "int8"),
      field(4, "d", "bool"),
    ].join("\n"),
    expected: [
      "a double [1.5, -2.0, 65504.0]",
      "b halffloat [0.5, None, 3.0]",
      "c int8 [1, None, 0]",
      "d bool [True, False, None]",
    ],
  },
  {
    name: "decimals of every width",
    columns: `{"a": pa.array([D("-1.50"), None, D("99.99")], pa.decimal128(4, 2)), "b": pa.array([D("-12345678901234567890.5"), None, D("0.1")], pa.decimal128(30, 1)), "c": pa.array([D(-10)**70, None, D(7)], pa.decimal256(76, 0)), "d": pa.array([D("1.25"), D("-0.01"), None], pa.decimal32(5, 2)), "e": pa.array([D("1.25"), D("-9999999999.01"), None], pa.decimal64(15, 2))}`,
    from: [
      field(1, "a", "decimal128(4, 2)"),
      field(2, "b", "decimal128(30, 1)"),
      field(3, "c", "decimal256(76, 0)"),
      field(4, "d", "decimal(5, 2)"),
      field(5, "e", "decimal(15, 2)"),
    ].join("\n"),
    to: [
      field(1, "a", "decimal128(20, 3)"),
      field(2, "b", "string"),
      field(3, "c", "decimal256(75, 0)"),
      field(4, "d", "decimal128(5, 2)"),
      field(5, "e", "decimal128(40, 2)".replace("128", "256")),
    ].join("\n"),
    expected: [
      "a decimal128(20, 3) [Decimal('-1.500'), None, Decimal('99.990')]",
      "b string ['-12345678901234567890.5', None, '0.1']",
      `c decimal256(75, 0) [Decimal('1${"0".repeat(70)}'), None, Decimal('7')]`,
      "d decimal32(5, 2) [Decimal('1.25'), Decimal('-0.01'), None]",
      "e decimal256(40, 2) [Decimal('1.25'), Decimal('-9999999999.01'), None]",
    ],
  },
  {
    name: "dates, times and timestamps",
    columns: `{"a": pa.array([datetime.date(2026, 1, 31), None]), "b": pa.array([datetime.time(12, 30, 1, 5), None], pa.time64("us")), "c": pa.array([datetime.datetime(2026, 1, 31, 12), None], pa.timestamp("ms", "Europe/Berlin")), "d": pa.array([datetime.time(1, 2, 3), None], pa.time32("ms")), "e": pa.array([datetime.datetime(1969, 12, 31, 23, 59, 59, 999999), None], pa.timestamp("us"))}`,
    from: [
      field(1, "a", "date32"),
      field(2, "b", "time64[us]"),
      field(3, "c", "timestamp[ms, tz=UTC]"),
      field(4, "d", "time32[ms]"),
      field(5, "e", "timestamp[us]"),
    ].join("\n"),
    to: [
      field(1, "a", "timestamp[us]"),
      field(2, "b", "string"),
      field(3, "c", "timestamp[ms, tz=UTC]"),
      field(4, "d", "time64[us]"),
      field(5, "e", "string"),
    ].join("\n"),
    expected: [
      "a timestamp[us] [datetime.datetime(2026, 1, 31, 0, 0), None]",
      "b string ['12:30:01.000005', None]",
      "c timestamp[ms, tz=Europe/Berlin] [datetime.datetime(2026, 1, 31, 13, 0, tzinfo=zoneinfo.ZoneInfo(key='Europe/Berlin')), None]",
      "d time64[us] [datetime.time(1, 2, 3), None]",
      "e string ['1969-12-31 23:59:59.999999', None]",
    ],
  },
  {
    name: "texts and bytes in their long, view and fixed forms",
    columns: `{"a": pa.array(["1", None, "-7"], pa.large_string()), "b": pa.array(["2026-01-31 12:00:00.000001", None, "2026-01-31"], pa.string_view()), "c": pa.array([b"x", None, b"a longer one than fits a view"], pa.binary_view()), "d": pa.array([uuid.UUID(int=1).bytes, None, uuid.UUID(int=2**127).bytes], pa.binary(16)), "e": pa.array([b"x", None, b""], pa.large_binary()), "f": pa.array(["{}", None, "[1]"])}`,
    from: [
      field(1, "a", "string"),
      field(2, "b", "string"),
      field(3, "c", "binary"),
      field(4, "d", "uuid"),
      field(5, "e", "binary"),
      field(6, "f", "json"),
    ].join("\n"),
    to: [
      field(1, "a", "int32"),
      field(2, "b", "timestamp[us]"),
      field(3, "c", "string"),
      field(4, "d", "string"),
      field(5, "e", "binary"),
      field(6, "f", "string"),
    ].join("\n"),
    expected: [
      "a int32 [1, None, -7]",
      "b timestamp[us] [datetime.datetime(2026, 1, 31, 12, 0, 0, 1), None, datetime.datetime(2026, 1, 31, 0, 0)]",
      "c string ['x', None, 'a longer one than fits a view']",
      "d string ['00000000-0000-0000-0000-000000000001', None, '80000000-0000-0000-0000-000000000000']",
      "e large_binary [b'x', None, b'']",
      "f string ['{}', None, '[1]']",
    ],
  },
  {
    name: "lists of a fixed size, and nulls among nulls",
    columns: `{"a": pa.array([[1, 2], None, [3, None]], pa.list_(pa.int32(), 2)), "b": pa.nulls(3), "c": pa.array([[["1"], None], [], None], pa.large_list(pa.list_(pa.string())))}`,
    from: [
      `  - { id: 1, name: a, type: list, element: { id: 2, type: int32 } }`,
      field(3, "b", "null"),
      `  - { id: 4, name: c, type: list, element: { id: 5, type: list, element: { id: 6, type: string } } }`,
    ].join("\n"),
    to: [
      `  - { id: 1, name: a, type: list, element: { id: 2, type: string } }`,
      field(3, "b", "int64"),
      `  - { id: 4, name: c, type: list, element: { id: 5, type: list, element: { id: 6, type: int8 } } }`,
    ].join("\n"),
    expected: [
      "a fixed_size_list<item: string>[2] [['1', '2'], None, ['3', None]]",
      "b int64 [None, None, None]",
      "c large_list<item: list<item: int8>> [[[1], None], [], None]",
    ],
  },
];

describe.runIf(pyarrow !== undefined)("types", () => {
  test.each(cases)("$name", async ({ columns, from, to, expected }) => {
    const versions = history(from, to);
    for (const compression of [null, "zstd", "lz4"] as const) {
      const { output } = await migrate(await write(columns, compression), versions);
      expect(await read(output)).toEqual(expected);
    }
  });

  test.each([
    ["timestamps in seconds", `{"a": pa.array([1], pa.timestamp("s"))}`, "timestamp[ms]"],
    ["durations", `{"a": pa.array([1], pa.duration("s"))}`, "int64"],
    ["dates in milliseconds", `{"a": pa.array([86400000], pa.date64())}`, "date32"],
    ["unions", `{"a": pa.UnionArray.from_sparse(pa.array([0], pa.int8()), [pa.array([1])])}`, "int64"],
  ])("%s are refused by the name of their column and type", async (_, columns, type) => {
    const versions = history(field(1, "a", type), field(1, "a", type));
    const error = await migrate(await write(columns), versions).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ kind: "data", code: "STREAM_UNSUPPORTED", details: { column: "a" } });
  });
});

describe.runIf(pyarrow !== undefined)("what does not fit", () => {
  const versions = history(field(1, "a", "int64"), field(1, "b", "int32"));

  test.each([
    ["another type", `{"a": pa.array(["x"])}`, "column a is string, the schema version says int64"],
    [
      "another name",
      `{"A": pa.array([1])}`,
      "column a is missing, but A is there (names are case-sensitive)",
    ],
    [
      "a column too many",
      `{"a": pa.array([1]), "z": pa.array([1])}`,
      "column z is not in the schema version",
    ],
  ])("%s is refused before anything is given out", async (_, columns, difference) => {
    const given: Uint8Array[] = [];
    const stream = migrateStream(bytesOf(await write(columns)), {
      history: versions,
      from: 1,
      to: 2,
      day: "2026-01-01",
    });
    const error = await (async () => {
      for await (const bytes of stream) given.push(bytes);
    })().catch((thrown: unknown) => thrown);
    expect(given).toEqual([]);
    expect(error).toMatchObject({ kind: "data", code: "SCHEMA_DIFFERS" });
    expect((error as { details: { differences: string[] } }).details.differences).toContain(difference);
  });

  test("an invalid value is named by its row in the stream, its column and what it is", async () => {
    const bytes = await write(`{"a": pa.chunked_array([pa.array([1, 2]), pa.array([3, 3000000000])])}`);
    await expect(migrate(bytes, versions)).rejects.toMatchObject({
      kind: "data",
      code: "CAST_INVALID",
      details: { column: "a", row: 3, value: "3000000000" },
    });
  });

  test("a version that may put rows aside needs a place for them, before the first batch", async () => {
    const aside = history(
      field(1, "a", "int64"),
      field(1, "b", "int32", `, cast: { onInvalid: quarantine }`),
    );
    const bytes = await write(`{"a": pa.array([1])}`);
    await expect(migrate(bytes, aside)).rejects.toMatchObject({
      kind: "invalid",
      code: "QUARANTINE_MISSING",
    });
  });

  test("without a declared version, the one that fits is found", async () => {
    const { output } = await migrate(await write(`{"b": pa.array([1], pa.int32())}`), versions, "detect");
    expect(await read(output)).toEqual(["b int32 [1]"]);
  });
});

describe.runIf(pyarrow !== undefined)("damage", () => {
  const versions = history(
    [
      field(1, "a", "int64"),
      field(2, "s", "string"),
      `  - { id: 3, name: l, type: list, element: { id: 4, type: string } }`,
    ].join("\n"),
    [
      field(1, "a", "string"),
      field(2, "s", "int32", `, cast: { onInvalid: "null" }`),
      `  - { id: 3, name: l, type: list, element: { id: 4, type: binary } }`,
    ].join("\n"),
  );
  const columns = `{"a": pa.array([1, None, 3]), "s": pa.array(["1", "x", None]), "l": pa.array([["p", "q"], None, ["r"]])}`;

  test.each([null, "zstd", "lz4"] as const)(
    "a stream cut anywhere, or with any bit flipped, is an error with a code or a stream that ends (%s)",
    async (compression) => {
      const bytes = await write(columns, compression);
      const codes = new Set<string>();
      for (let end = 0; end < bytes.length; end += 7) {
        codes.add(await rejectedCode(migrate(bytes.subarray(0, end), versions)));
      }
      expect(codes).toContain("STREAM_TRUNCATED");
      for (let bit = 0; bit < bytes.length * 8; bit += 5) {
        const damaged = Uint8Array.from(bytes);
        damaged[bit >>> 3] = (damaged[bit >>> 3] as number) ^ (1 << (bit & 7));
        codes.add(await rejectedCode(migrate(damaged, versions)));
      }
      const known = /^(STREAM_|SCHEMA_|CAST_|NULL_|CHUNK_TOO_LARGE|none)/;
      expect(Array.from(codes).filter((code) => !known.test(code))).toEqual([]);
    },
    120_000,
  );

  test.each([
    ["an Arrow file", Buffer.from("ARROW1\0\0"), "STREAM_UNSUPPORTED"],
    ["a Parquet file", Buffer.from("PAR1"), "STREAM_UNSUPPORTED"],
    ["nothing", new Uint8Array(0), "STREAM_MALFORMED"],
    ["text", Buffer.from("hello, world, this is no stream"), "STREAM_MALFORMED"],
  ])("%s is refused", async (_, bytes, code) => {
    await expect(migrate(bytes, versions)).rejects.toMatchObject({ kind: "data", code });
  });
});
