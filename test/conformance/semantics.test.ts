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
  expect(ours).toHaveLength(raws.length);
  for (const position of result.invalid) ours[position] = null;
  return ours;
}

describe.skipIf(pythonWith(["pyarrow"]) === undefined)("casts against pyarrow", () => {
  const answers: Answer[] = [];
  const seen = new Set<string>();

  beforeAll(async () => {
    answers.push(...(JSON.parse(await runPython(script, JSON.stringify(cases))) as Answer[]));
  });

  test.each(typeNames)(
    "%s to every other type gives what pyarrow gives, or a documented difference",
    (from) => {
      for (const [index, one] of cases.entries()) {
        if (one.from !== from) continue;
        const theirs = answers[index] as Answer;
        if (castability(stored(from), stored(one.to)).kind === "none") {
          expect(theirs, `${from} to ${one.to} is impossible here`).toHaveProperty("unsupported");
          continue;
        }
        if ("unsupported" in theirs) {
          const known = unsupported.find((pair) => pair.from.test(from) && pair.to.test(one.to));
          expect(known?.how, `${from} to ${one.to}: ${theirs.unsupported}`).toBeDefined();
          continue;
        }
        const unexplained = castOurs(one).flatMap((ours, i) => {
          const their = theirs[i] ?? null;
          if (ours === their) return [];
          const id = differenceOf(from, one.to, one.raws[i] as Raw, their, ours);
          if (id !== undefined) seen.add(id);
          return id === undefined ? [{ to: one.to, raw: one.raws[i], theirs: their, ours }] : [];
        });
        expect(unexplained).toEqual([]);
      }
    },
  );

  test("every documented difference is really there", () => {
    expect(differences.map(({ id }) => id).filter((id) => !seen.has(id))).toEqual([]);
  });
});

test("docs/SEMANTICS.md has a heading for every difference, and for no other", () => {
  const headings = [...document.matchAll(/^### `([a-z0-9-]+)`/gm)].map((match) => match[1]);
  expect(headings.toSorted()).toEqual(differences.map(({ id }) => id).toSorted());
});
