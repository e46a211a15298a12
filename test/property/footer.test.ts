import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ColonnadeError } from "../../src/base/errors.ts";
import { chunkByteRange } from "../../src/parquet/footer/chunk-range.ts";
import { locateFooter, scanFooter } from "../../src/parquet/footer/footer.ts";
import { rewriteFooter } from "../../src/parquet/footer/rewrite-footer.ts";
import { corpusFiles } from "../support/corpus.ts";
import { thrownCode } from "../support/thrown-code.ts";
import { identityRowGroups, identityTarget, readFileFooter } from "../support/corpus-footer.ts";
import { propertyRuns, recordFigures } from "../support/long-runs.ts";

const footers = corpusFiles("data")
  .filter(({ name }) => !name.endsWith(".encrypted"))
  .map((file) => readFileFooter(file).footer.bytes)
  .filter((bytes) => bytes.length < 20_000);

/** Everything that reads a footer, as far as it gets. Returns the code of the error that stopped it. */
function useFooter(bytes: Uint8Array): string {
  try {
    const footer = scanFooter(bytes);
    for (const rowGroup of footer.rowGroups.keys()) {
      for (const column of footer.leaves.keys()) {
        const facts = footer.chunkFacts(rowGroup, column);
        facts.statistics();
        expect(facts.path.length).toBeGreaterThanOrEqual(0);
        chunkByteRange(facts, 1_000_000);
      }
    }
    const rewritten = rewriteFooter(footer, identityTarget(footer), identityRowGroups(footer));
    expect(scanFooter(rewritten).rows).toBe(footer.rows);
    return "none";
  } catch (error) {
    // Damaged input is never a bug of ours, and never an error of another class.
    if (error instanceof ColonnadeError && error.kind === "data") return error.code;
    throw error;
  }
}

const mutation = fc.oneof(
  fc.record({ kind: fc.constant("flip" as const), at: fc.nat(), bit: fc.nat({ max: 7 }) }),
  fc.record({ kind: fc.constant("set" as const), at: fc.nat(), byte: fc.nat({ max: 255 }) }),
  fc.record({ kind: fc.constant("cut" as const), at: fc.nat() }),
  fc.record({ kind: fc.constant("remove" as const), at: fc.nat(), length: fc.nat({ max: 30 }) }),
  fc.record({ kind: fc.constant("insert" as const), at: fc.nat(), bytes: fc.uint8Array({ maxLength: 30 }) }),
);

type Mutation = typeof mutation extends fc.Arbitrary<infer M> ? M : never;

function mutate(bytes: Uint8Array, change: Mutation): Uint8Array {
  const at = bytes.length === 0 ? 0 : change.at % bytes.length;
  switch (change.kind) {
    case "flip":
      return bytes.with(at, (bytes[at] ?? 0) ^ (1 << change.bit));
    case "set":
      return bytes.with(at, change.byte);
    case "cut":
      return bytes.slice(0, at);
    case "remove":
      return Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(at + change.length)]);
    case "insert":
      return Uint8Array.from([...bytes.subarray(0, at), ...change.bytes, ...bytes.subarray(at)]);
  }
}

const runs = propertyRuns(3000);

describe.skipIf(footers.length === 0)("damaged footers", () => {
  test(
    "end in a data error or in a footer that can be rewritten",
    () => {
      let refused = 0;
      fc.assert(
        fc.property(
          fc.constantFrom(...footers),
          fc.array(mutation, { minLength: 1, maxLength: 4 }),
          (footer, changes) => {
            let bytes: Uint8Array = footer;
            for (const change of changes) if (bytes.length > 0) bytes = mutate(bytes, change);
            if (useFooter(bytes) !== "none") refused += 1;
          },
        ),
        { numRuns: runs },
      );
      recordFigures("damaged footers of the corpus", { cases: runs, refused });
      expect(refused).toBeGreaterThan(runs / 6);
    },
    120_000 + 10 * runs,
  );

  test("of every file, with every bit of the first 200 bytes flipped in turn", () => {
    const [smallest] = footers.toSorted((a, b) => a.length - b.length);
    const codes = new Set<string>();
    for (let bit = 0; bit < 8 * Math.min(200, smallest?.length ?? 0); bit += 1) {
      codes.add(
        useFooter(mutate(smallest ?? new Uint8Array(), { kind: "flip", at: bit >> 3, bit: bit & 7 })),
      );
    }
    expect(codes.size).toBeGreaterThan(3);
  });
});

test("random bytes are never a footer that lies about its size", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      expect(useFooter(bytes)).toMatch(/^[A-Z_]+$|^none$/);
    }),
    { numRuns: 2000 },
  );
});

test("random tails are located inside the object or refused", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 8, maxLength: 12 }),
      fc.nat(),
      fc.boolean(),
      (bytes, objectBytes, magic) => {
        if (magic) bytes.set([0x50, 0x41, 0x52, 0x31], bytes.length - 4);
        let place = { footerStart: objectBytes - 8, footerBytes: 0 };
        const code = thrownCode(() => {
          place = locateFooter(bytes, objectBytes);
        });
        expect(place.footerStart + place.footerBytes + 8).toBe(objectBytes);
        expect(code !== "none" || place.footerStart >= 4).toBe(true);
      },
    ),
  );
});
