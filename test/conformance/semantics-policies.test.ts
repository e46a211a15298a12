import { describe, expect, test } from "vitest";
import { castValues } from "../../src/cast/cast-values.ts";
import type { CastSpec } from "../../src/cast/cast.ts";
import { columnOf, rawsOf, rawText, stored } from "../support/cast-columns.ts";
import type { Raw } from "../support/cast-columns.ts";
import { pythonWith, runPython } from "../support/python.ts";
import { randomNumbers, valuesFor } from "./semantics-values.ts";

/** What a field's policy adds to a cast (rounding, timezone, format), against Python's decimal, datetime and pyarrow.compute. */
type Policy = Partial<Pick<CastSpec, "rounding" | "timezone" | "format">>;

const roundings = ["truncate", "floor", "ceil", "half-even", "half-up"] as const;

function castRaws(raws: readonly Raw[], from: string, to: string, policy: Policy): (Raw | null)[] {
  const spec = { from: stored(from), to: stored(to), rounding: "error", ...policy } as const;
  const result = castValues(columnOf(raws, spec.from), spec);
  const ours: (Raw | null)[] = rawsOf(result.values, spec.to);
  for (const position of result.invalid) ours[position] = null;
  return ours;
}

async function askPython(script: string, input: unknown): Promise<unknown> {
  return JSON.parse(
    await runPython(`import json, sys\ninput = json.load(sys.stdin)\n${script}`, JSON.stringify(input)),
  );
}

const decimalScript = `
from decimal import *
modes = {"truncate": ROUND_DOWN, "floor": ROUND_FLOOR, "ceil": ROUND_CEILING, "half-even": ROUND_HALF_EVEN, "half-up": ROUND_HALF_UP}
context = Context(prec=200)
def rescale(raw, shift):
    return str(int(Decimal(raw).scaleb(shift, context).to_integral_value(modes[input["rounding"]], context)))
`;

describe.skipIf(pythonWith(["pyarrow"]) === undefined)("policies against Python", () => {
  test.each(roundings)("decimals are rescaled by %s as Python's decimal does", async (rounding) => {
    const raws = valuesFor("decimal256(76, 30)");
    const theirs = await askPython(
      `${decimalScript}\njson.dump([rescale(raw, -28) for raw in input["raws"]], sys.stdout)`,
      { raws, rounding },
    );
    expect(castRaws(raws, "decimal256(76, 30)", "decimal256(76, 2)", { rounding })).toEqual(theirs);
    const small = valuesFor("decimal128(18, 4)");
    const whole = await askPython(
      `${decimalScript}\njson.dump([rescale(raw, -4) for raw in input["raws"]], sys.stdout)`,
      { raws: small, rounding },
    );
    expect(castRaws(small, "decimal128(18, 4)", "int64", { rounding })).toEqual(whole);
  });

  test.each(roundings)(
    "floats become integers and decimals by %s of their exact binary value",
    async (rounding) => {
      const random = randomNumbers(7);
      const numbers = [0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 0.1, -0.1, 1e-300, -1e-300, 2 ** 52 + 0.5];
      for (let i = 0; i < 500; i += 1)
        numbers.push(((random() % 2_000_001) - 1_000_000) / 64, (random() / 2 ** 32 - 0.5) * 1e6);
      for (let i = 0; i < 200; i += 1) numbers.push((random() % 100_000) / 1000, (random() % 100_000) / 200);
      const theirs = await askPython(
        `${decimalScript}
json.dump({"wholes": [rescale(x, 0) for x in map(float, input["numbers"])], "cents": [rescale(x, 2) for x in map(float, input["numbers"])]}, sys.stdout)`,
        { numbers, rounding },
      );
      const raws = rawsOf({ kind: "double", data: Float64Array.from(numbers) }, stored("float64"));
      expect({
        wholes: castRaws(raws, "float64", "int64", { rounding }),
        cents: castRaws(raws, "float64", "decimal128(30, 2)", { rounding }),
      }).toEqual(theirs);
    },
  );

  test.each(roundings)("timestamps become coarser by %s", async (rounding) => {
    const raws = valuesFor("timestamp[ns]");
    const theirs = await askPython(
      `${decimalScript}\njson.dump([rescale(raw, -6) for raw in input["raws"]], sys.stdout)`,
      { raws, rounding },
    );
    expect(castRaws(raws, "timestamp[ns]", "timestamp[ms]", { rounding })).toEqual(theirs);
  });

  const zones = [
    "America/New_York",
    "Europe/Berlin",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "Pacific/Apia",
    "America/Sao_Paulo",
  ];

  test.each(zones)(
    "local times of %s become instants as assume_timezone says, ambiguous and missing ones invalid",
    async (timezone) => {
      const random = randomNumbers(timezone.length);
      // 1975 to 2020 (what is not settled history differs between releases of tzdata), half of it on the half hour, so that many fall into the hours of a clock change.
      const raws = Array.from({ length: 3000 }, (_, i) => {
        const minutes = 2_630_000 + (random() % 23_670_000);
        return String((i % 2 === 0 ? minutes : Math.floor(minutes / 30) * 30) * 60_000_000);
      });
      for (let hour = 0; hour < 24 * 2 * 60; hour += 1)
        raws.push(String((1_583_000_000 + hour * 1800) * 1_000_000));
      const theirs = await askPython(
        `
import pyarrow as pa, pyarrow.compute as pc
def assume(array, ambiguous, nonexistent):
    try:
        return [str(value) for value in pc.assume_timezone(array, input["timezone"], ambiguous=ambiguous, nonexistent=nonexistent).cast(pa.int64()).to_pylist()]
    except pa.ArrowInvalid:
        if len(array) == 1:
            return [None]
        half = len(array) // 2
        return assume(array[:half], ambiguous, nonexistent) + assume(array[half:], ambiguous, nonexistent)
array = pa.array([int(raw) for raw in input["raws"]]).cast(pa.timestamp("us"))
json.dump({"strict": assume(array, "raise", "raise"), "earlier": assume(array, "earliest", "latest"), "later": assume(array, "latest", "latest")}, sys.stdout)`,
        { raws, timezone },
      );
      const to = `timestamp[us, tz=${timezone}]`;
      expect({
        strict: castRaws(raws, "timestamp[us]", to, { timezone }),
        earlier: castRaws(raws, "timestamp[us]", to, { timezone, rounding: "floor" }),
        later: castRaws(raws, "timestamp[us]", to, { timezone, rounding: "half-up" }),
      }).toEqual(theirs);
    },
  );

  test.each(zones)("instants become local times of %s as local_timestamp says", async (timezone) => {
    const random = randomNumbers(timezone.length + 1);
    const raws = Array.from({ length: 3000 }, () =>
      String((-2_000_000_000 + (random() % 3_577_000_000)) * 1000 + (random() % 1000)),
    );
    const theirs = await askPython(
      `
import pyarrow as pa, pyarrow.compute as pc
array = pa.array([int(raw) for raw in input["raws"]]).cast(pa.timestamp("ms", input["timezone"]))
json.dump([str(value) for value in pc.local_timestamp(array).cast(pa.int64()).to_pylist()], sys.stdout)`,
      { raws, timezone },
    );
    expect(castRaws(raws, "timestamp[ms, tz=UTC]", "timestamp[ms]", { timezone })).toEqual(theirs);
  });

  // Where Python's way is an accident (day 366 of any year, literals of either case) is left out.
  const formats = [
    ["%d.%m.%Y %H:%M:%S", "31.12.1999 23:59:59"],
    ["%Y-%m-%dT%H:%M:%S.%f", "2020-02-29T01:02:03.456"],
    ["%d/%b/%Y:%H:%M:%S %z", "10/Oct/2000:13:55:36 -0700"],
    ["%m/%d/%y %I:%M %p", "1/2/69 12:05 AM"],
    ["%B %d, %Y", "February 29, 2020"],
    ["%Y%m%d", "20200229"],
    ["%j %Y", "166 2020"],
    ["%a", undefined],
  ] as const;

  test("texts are read by a format as Python's strptime reads them", async () => {
    const samples = formats.flatMap(([format, text]) => {
      if (text === undefined) return [];
      const variants = [
        text,
        ` ${text}`,
        `${text} `,
        text.replace("2", "9"),
        text.replace("29", "30"),
        text.replace(/(?<=[A-Z])[A-Z]+$|(?<=[A-Z])[a-z]+/g, (letters) => letters.toUpperCase()),
        text.replaceAll("0", "1"),
        "",
        "garbage",
      ];
      return variants.map((variant) => ({ format, text: variant }));
    });
    const theirs = await askPython(
      `
from datetime import datetime, timezone
def read(format, text):
    try:
        value = datetime.strptime(text, format)
    except ValueError:
        return None
    value = value if value.tzinfo else value.replace(tzinfo=timezone.utc)
    delta = value - datetime(1970, 1, 1, tzinfo=timezone.utc)
    return str((delta.days * 86400 + delta.seconds) * 1000000 + delta.microseconds)
json.dump([read(**sample) for sample in input], sys.stdout)`,
      samples,
    );
    const ours = samples.map(
      ({ format, text }) => castRaws([rawText(text)], "string", "timestamp[us, tz=UTC]", { format })[0],
    );
    expect(samples.map((sample, i) => [sample, ours[i]])).toEqual(
      samples.map((sample, i) => [sample, (theirs as unknown[])[i]]),
    );
  });

  test("times are written by a format as Python's strftime writes them", async () => {
    const raws = [
      "0",
      "951782400123456",
      "1582934399999999",
      "-62135596799999999",
      "253402300799999999",
      "946684799000000",
    ];
    const format = "%d.%m.%Y|%y|%H:%M:%S.%f|%I %p|%j|%b %B|%F %T|100%%";
    const theirs = await askPython(
      `
from datetime import datetime, timedelta
def write(raw):
    value = datetime(1970, 1, 1) + timedelta(microseconds=int(raw))
    return value.strftime(input["format"].replace("%Y", "@").replace("%F", "@-%m-%d")).replace("@", f"{value.year:04}")
json.dump([write(raw) for raw in input["raws"]], sys.stdout)`,
      { raws, format },
    );
    const ours = castRaws(raws, "timestamp[us]", "string", { format });
    expect(ours.map((raw) => Buffer.from(raw ?? "", "hex").toString())).toEqual(theirs);
  });
});
