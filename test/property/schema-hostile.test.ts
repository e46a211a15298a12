import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ColonnadeError } from "../../src/base/errors.ts";
import { parseJob } from "../../src/dataset/job.ts";
import type { EmbeddedMapping } from "../../src/schema/embedded/mapping.ts";
import { rewriteKeyValueMetadata } from "../../src/schema/embedded/rewrite.ts";
import { parseSchemaVersion } from "../../src/schema/parse-schema-version.ts";
import { propertyRuns, recordFigures } from "../support/long-runs.ts";

const read = (path: string): string => readFileSync(join(import.meta.dirname, "../..", path), "utf8");

/** A text with some of its characters replaced, removed and doubled, by pieces that mean something to YAML. */
function damaged(text: string): fc.Arbitrary<string> {
  const piece = fc.constantFrom(
    ...Array.from("{}[]:,-?&*!|>'\"%@`#\n \t0~"),
    "&a",
    "*a",
    "<<: ",
    "!!int ",
    "\r\n",
    "---\n",
    "1e999",
    ".nan",
  );
  const edit = fc.record({
    at: fc.nat(text.length),
    remove: fc.nat(8),
    insert: fc.oneof(piece, fc.string({ maxLength: 4 })),
  });
  return fc.array(edit, { minLength: 1, maxLength: 6 }).map((edits) => {
    let result = text;
    for (const { at, remove, insert } of edits)
      result = result.slice(0, at) + insert + result.slice(at + remove);
    return result;
  });
}

/** The message of the refusal, `read` when there is a value; anything but a refusal for people is thrown on. */
function outcome(parse: () => unknown, code: string): string {
  try {
    parse();
    return "read";
  } catch (error) {
    if (error instanceof ColonnadeError && error.kind === "invalid" && error.code === code)
      return error.message;
    throw error;
  }
}

const runs = propertyRuns(1500);

describe("damaged YAML is read or refused with a place, never anything else", () => {
  test.each([
    [
      "a schema version",
      "schemas/flights/2.yaml",
      "SCHEMA_INVALID",
      (text: string) => parseSchemaVersion(text, "a.yaml"),
    ],
    ["a job", "jobs/flights.yaml", "JOB_INVALID", (text: string) => parseJob(text, "a.yaml", {})],
  ] as const)(
    "%s",
    (_, path, code, parse) => {
      fc.assert(
        fc.property(damaged(read(path)), (text) => {
          expect(outcome(() => parse(text), code)).toMatch(/^(read$|a\.yaml:\d+:\d+: \S)/);
        }),
        { numRuns: Math.ceil(runs / 4) },
      );
      recordFigures("damaged YAML", { cases: Math.ceil(runs / 4) });
    },
    120_000 + 10 * runs,
  );

  test("any text at all", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 60 }), (text) => {
        expect(outcome(() => parseSchemaVersion(text, "a.yaml"), "SCHEMA_INVALID")).toMatch(
          /^a\.yaml:\d+:\d+: \S/,
        );
      }),
      { numRuns: 400 },
    );
  });
});

describe("a damaged Arrow schema is rewritten or removed, in bounded time", () => {
  // What pyarrow writes for `a: dictionary<string>` and `b: list<struct<x: int8>>`.
  const intact = Buffer.from(
    "/////yABAAAQAAAAAAAKAAwABgAFAAgACgAAAAABBAAEAAAAKP///wQAAAACAAAAqAAAAAQAAACs////AAABDBQAAAAYAAAABAAAAAEAAAAQAAAAAQAAAGIAAAA8////1P///wAAAQ0UAAAAHAAAAAQAAAABAAAAJAAAAAQAAABpdGVtAAAAAGj///8QABQACAAGAAcADAAAABAAEAAAAAAAAQIQAAAAFAAAAAQAAAAAAAAAAQAAAHgAAACw////AAAAAQgAAAAQABgACAAGAAcADAAQABQAEAAAAAAAAQUUAAAAQAAAABwAAAAEAAAAAAAAAAEAAABhAAAACAAIAAAABAAIAAAADAAAAAgADAAIAAcACAAAAAAAAAEgAAAABAAEAAQAAAA=",
    "base64",
  );
  const mapping: EmbeddedMapping = {
    fields: [
      {
        name: "renamed",
        nullable: true,
        type: { kind: "leaf", leaf: { kind: "string" } },
        source: { path: ["a"] },
        retyped: false,
      },
    ],
  };

  test("the intact one is rewritten", () => {
    const { pairs, warnings } = rewriteKeyValueMetadata(
      [["ARROW:schema", intact.toString("base64")]],
      mapping,
    );
    expect(warnings).toStrictEqual([]);
    expect(Buffer.from(pairs[0]?.[1] ?? "", "base64").toString("latin1")).toContain("renamed");
  });

  test(
    "whatever bytes are changed",
    () => {
      const changes = fc.array(fc.tuple(fc.nat(intact.length - 1), fc.nat(255)), { maxLength: 12 });
      fc.assert(
        fc.property(changes, fc.nat(intact.length), (edits, cut) => {
          const bytes = Buffer.from(edits.length % 3 === 2 ? intact.subarray(0, cut) : intact);
          for (const [at, value] of edits) if (at < bytes.length) bytes[at] = value;
          const started = performance.now();
          const { pairs, warnings } = rewriteKeyValueMetadata(
            [["ARROW:schema", bytes.toString("base64")]],
            mapping,
          );
          expect(pairs.length + warnings.length).toBe(1);
          expect(performance.now() - started).toBeLessThan(5000);
        }),
        { numRuns: runs },
      );
      recordFigures("damaged Arrow schemas", { cases: runs });
    },
    120_000 + 10 * runs,
  );
});
