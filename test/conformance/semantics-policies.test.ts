import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { castValues } from "../../src/cast/cast-values.ts";
import type { CastSpec } from "../../src/cast/cast.ts";
import { columnOf, rawsOf, rawText, stored } from "../support/cast-columns.ts";
import type { Raw } from "../support/cast-columns.ts";
import { pythonWith, runPython } from "../support/python.ts";
import { randomNumbers, valuesFor } from "./semantics-values.ts";

/** What a field's policy adds to a cast (rounding, timezone, format), against Python's decimal and datetime, and pyarrow.compute. */
type Policy = Partial<Pick<CastSpec, "rounding" | "timezone" | "format">>;

const script = readFileSync(join(import.meta.dirname, "semantics-policies.py"), "utf8");

const roundings = ["truncate", "floor", "ceil", "half-even", "half-up"] as const;

function castRaws(raws: readonly Raw[], from: string, to: string, policy: Policy): (Raw | null)[] {
  const spec = { from: stored(from), to: stored(to), rounding: "error", ...policy } as const;
  const result = castValues(columnOf(raws, spec.from), spec);
  const ours: (Raw | null)[] = rawsOf(result.values, spec.to);
  for (const position of result.invalid) ours[position] = null;
  return ours;
}

function someFloats(): number[] {
  const random = randomNumbers(7);
  const numbers = [
    0.5,
    1.5,
    2.5,
    -0.5,
    -1.5,
    -2.5,
    0.1,
    -0.1,
    1e-300,
    -1e-300,
    2 ** 52 + 0.5,
    0.285,
    1.005,
    4.35,
  ];
  for (let i = 0; i < 500; i += 1) {
    numbers.push(((random() % 2_000_001) - 1_000_000) / 64, (random() / 2 ** 32 - 0.5) * 1e6);
    numbers.push((random() % 100_000) / 1000, (random() % 100_000) / 200);
  }
  return numbers;
}

const zones = [
  "America/New_York",
  "Europe/Berlin",
  "Asia/Kolkata",
  "Australia/Lord_Howe",
  "Africa/Casablanca",
  "Pacific/Apia",
  "America/Sao_Paulo",
];

/** Microseconds from 1975 to 2020 (what is not settled differs between releases of tzdata), half of them on the half hour. */
function localTimes(): Raw[] {
  const random = randomNumbers(11);
  const raws = Array.from({ length: 2000 }, (_, i) => {
    const minutes = 2_630_000 + (random() % 23_670_000);
    return String((i % 2 === 0 ? minutes : Math.floor(minutes / 30) * 30) * 60_000_000);
  });
  // Every half hour of two times forty days that hold a clock change of each hemisphere.
  for (const start of [1_552_000_000, 1_571_000_000]) {
    for (let step = 0; step < 48 * 40; step += 1) raws.push(String((start + step * 1800) * 1_000_000));
  }
  return raws;
}

/** Milliseconds from 1906 to 2020. */
function instants(): Raw[] {
  const random = randomNumbers(13);
  return Array.from({ length: 2000 }, () =>
    String((-2_000_000_000 + (random() % 3_577_000_000)) * 1000 + (random() % 1000)),
  );
}

// Where Python's way is an accident (day 366 of any year, literals in either case) is left out.
const formatted: readonly (readonly [string, string])[] = [
  ["%d.%m.%Y %H:%M:%S", "31.12.1999 23:59:59"],
  ["%Y-%m-%dT%H:%M:%S.%f", "2020-02-29T01:02:03.456"],
  ["%d/%b/%Y:%H:%M:%S %z", "10/Oct/2000:13:55:36 -0700"],
  ["%m/%d/%y %I:%M %p", "1/2/69 12:05 AM"],
  ["%B %d, %Y", "February 29, 2020"],
  ["%Y%m%d", "20200229"],
  ["%j %Y", "166 2020"],
];

const readings = formatted.flatMap(([format, text]) =>
  [
    text,
    ` ${text}`,
    `${text} `,
    text.replace("2", "9"),
    text.replace("29", "30"),
    text.replace(/(?<=[A-Z])[a-z]+/g, (letters) => letters.toUpperCase()),
    text.replaceAll("0", "1"),
    "",
    "garbage",
  ].map((variant) => ({ format, text: variant })),
);

const writing = {
  format: "%d.%m.%Y|%y|%H:%M:%S.%f|%I %p|%j|%b %B|%F %T|100%%",
  raws: [
    "0",
    "951782400123456",
    "1582934399999999",
    "-62135596799999999",
    "253402300799999999",
    "946684799000000",
  ],
};

type Column = readonly (Raw | null)[];
interface Answers {
  readonly roundings: Readonly<
    Record<
      (typeof roundings)[number],
      Readonly<Record<"decimal" | "whole" | "integer" | "cents" | "timestamp", Column>>
    >
  >;
  readonly zones: Readonly<
    Record<string, Readonly<Record<"strict" | "earlier" | "later" | "local", Column>>>
  >;
  readonly readings: Column;
  readonly writing: readonly string[];
}

describe.skipIf(pythonWith(["pyarrow"]) === undefined)("policies against Python", () => {
  const decimals = valuesFor("decimal256(76, 30)");
  const smallDecimals = valuesFor("decimal128(18, 4)");
  const timestamps = valuesFor("timestamp[ns]");
  const floats = someFloats();
  let answers: Answers;

  beforeAll(async () => {
    const input = {
      decimals,
      smallDecimals,
      timestamps,
      floats,
      roundings,
      zones,
      localTimes: localTimes(),
      instants: instants(),
      readings,
      writing,
    };
    answers = JSON.parse(await runPython(script, JSON.stringify(input))) as Answers;
  });

  test.each(roundings)("decimals are rescaled by %s as Python's decimal does", (rounding) => {
    const theirs = answers.roundings[rounding];
    expect(castRaws(decimals, "decimal256(76, 30)", "decimal256(76, 2)", { rounding })).toEqual(
      theirs.decimal,
    );
    expect(castRaws(smallDecimals, "decimal128(18, 4)", "int64", { rounding })).toEqual(theirs.whole);
  });

  test.each(roundings)(
    "floats become integers and decimals by %s of their exact binary value",
    (rounding) => {
      const theirs = answers.roundings[rounding];
      const raws = rawsOf({ kind: "double", data: Float64Array.from(floats) }, stored("float64"));
      expect(castRaws(raws, "float64", "int64", { rounding })).toEqual(theirs.integer);
      expect(castRaws(raws, "float64", "decimal128(30, 2)", { rounding })).toEqual(theirs.cents);
    },
  );

  test.each(roundings)("timestamps become coarser by %s", (rounding) => {
    const ours = castRaws(timestamps, "timestamp[ns]", "timestamp[ms]", { rounding });
    expect(ours).toEqual(answers.roundings[rounding].timestamp);
  });

  test.each(zones)(
    "local times of %s become instants as assume_timezone says, ambiguous and missing ones invalid",
    (timezone) => {
      const theirs = answers.zones[timezone];
      const to = `timestamp[us, tz=${timezone}]`;
      const cast = (rounding: CastSpec["rounding"]): Column =>
        castRaws(localTimes(), "timestamp[us]", to, { timezone, rounding });
      expect(cast("error")).toEqual(theirs?.strict);
      expect(cast("floor")).toEqual(theirs?.earlier);
      expect(cast("half-up")).toEqual(theirs?.later);
    },
  );

  test.each(zones)("instants become local times of %s as local_timestamp says", (timezone) => {
    const ours = castRaws(instants(), "timestamp[ms, tz=UTC]", "timestamp[ms]", { timezone });
    expect(ours).toEqual(answers.zones[timezone]?.local);
  });

  test("texts are read by a format as Python's strptime reads them", () => {
    const ours = readings.map(
      ({ format, text }) => castRaws([rawText(text)], "string", "timestamp[us, tz=UTC]", { format })[0],
    );
    expect(readings.map((reading, i) => [reading, ours[i]])).toEqual(
      readings.map((reading, i) => [reading, answers.readings[i]]),
    );
  });

  test("times are written by a format as Python's strftime writes them", () => {
    const ours = castRaws(writing.raws, "timestamp[us]", "string", { format: writing.format });
    expect(ours.map((raw) => Buffer.from(raw ?? "", "hex").toString())).toEqual(answers.writing);
  });
});
