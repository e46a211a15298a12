import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { castValues } from "../../src/cast/cast-values.ts";
import { castability } from "../../src/cast/castability.ts";
import { columnOf, rawsOf, stored } from "../support/cast-columns.ts";
import type { Raw } from "../support/cast-columns.ts";
import { pythonWith, runPython } from "../support/python.ts";
import { differenceOf, differences, unsupported } from "./semantics-differences.ts";
import { typeNames, valuesFor } from "./semantics-values.ts";

/**
 * Every pair of types, value by value, invalid ones included, against pyarrow's `cast(safe=True)`. Where the two do not agree it
 * must be a difference that docs/SEMANTICS.md tells of.
 */
const script = readFileSync(join(import.meta.dirname, "semantics-pyarrow.py"), "utf8");
const document = readFileSync(join(import.meta.dirname, "../../docs/SEMANTICS.md"), "utf8");

interface Case {
  readonly from: string;
  readonly to: string;
  readonly via?: string;
  readonly raws: readonly Raw[];
}

const cases: readonly Case[] = typeNames.flatMap((from) =>
  typeNames
    .filter((to) => to !== from)
    .map((to) => {
      const via = unsupported.find((pair) => pair.from.test(from) && pair.to.test(to))?.via;
      return { from, to, raws: valuesFor(from), ...(via === undefined ? {} : { via }) };
    }),
);

type Answer = readonly (Raw | null)[] | { readonly unsupported: string };

function castOurs({ from, to, raws }: Case): (Raw | null)[] {
  const result = castValues(columnOf(raws, stored(from)), {
    from: stored(from),
    to: stored(to),
    rounding: "error",
  });
  const ours: (Raw | null)[] = rawsOf(result.values, stored(to));
  for (const position of result.invalid) ours[position] = null;
  return ours;
}

describe.skipIf(pythonWith(["pyarrow"]) === undefined)("casts against pyarrow", () => {
  const answers: Answer[] = [];
  const seen = new Set<string>();

  beforeAll(async () => {
    answers.push(...(JSON.parse(await runPython(script, JSON.stringify(cases))) as Answer[]));
  });

  /** What cannot be explained, one line for each value or pair. */
  function complaints(one: Case, theirs: Answer): string[] {
    const { from, to, raws } = one;
    if (castability(stored(from), stored(to)).kind === "none") {
      return "unsupported" in theirs ? [] : [`${from} to ${to} is impossible here alone`];
    }
    if ("unsupported" in theirs) {
      const known = unsupported.find((pair) => pair.from.test(from) && pair.to.test(to));
      return known?.how === undefined ? [`${from} to ${to}: ${theirs.unsupported}`] : [];
    }
    return castOurs(one).flatMap((ours, i) => {
      const raw = raws[i] as Raw;
      const their = theirs[i] ?? null;
      if (ours === their) return [];
      const id = differenceOf(from, to, raw, their, ours);
      if (id !== undefined) seen.add(id);
      return id === undefined ? [`${from} to ${to}: ${raw} is ${their} in pyarrow and ${ours} here`] : [];
    });
  }

  test.each(typeNames)(
    "%s to every other type gives what pyarrow gives, or a documented difference",
    (from) => {
      const unexplained = cases.flatMap((one, i) =>
        one.from === from ? complaints(one, answers[i] as Answer) : [],
      );
      expect(unexplained).toEqual([]);
    },
  );

  test("every documented difference is really there", () => {
    expect(differences.map(({ id }) => id).filter((id) => !seen.has(id))).toEqual([]);
  });
});

test("docs/SEMANTICS.md has a heading for every difference, and for no other", () => {
  const headings = [...document.matchAll(/^### `([a-z0-9-]+)`/gm)].map((match) => match[1]);
  expect(new Set(headings)).toEqual(new Set(differences.map(({ id }) => id)));
});
