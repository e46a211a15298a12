import * as fc from "fast-check";
import { expect, test } from "vitest";
import { widthOf } from "../../../src/cli/text/measure.ts";
import { bold, plainText, red } from "../../../src/cli/text/styled.ts";
import { pairs, table, type TableColumn } from "../../../src/cli/text/table.ts";

const columns: readonly TableColumn[] = [
  { title: "object", shrink: "cut" },
  { title: "reason", shrink: "wrap" },
  { title: "bytes", align: "right" },
];
const rows = [
  ["month=2001-01/flights-0.parquet", "renamed from delay; int64→float32, checked: beyond ±2^24", "3.1 MB"],
  ["漢字", red("short"), bold("0")],
];

const shown = (width: number): string[] => table(columns, rows, { width }).map(plainText);

test("a table that fits shows its cells whole, numbers to the right", () => {
  expect(shown(200)).toEqual([
    "  object                           reason                                                     bytes",
    "  month=2001-01/flights-0.parquet  renamed from delay; int64→float32, checked: beyond ±2^24  3.1 MB",
    "  漢字                             short                                                          0",
  ]);
  expect(shown(Number.POSITIVE_INFINITY)).toEqual(shown(200));
});

test("in a narrow terminal keys are cut in the middle and sentences go on below", () => {
  expect(shown(60)).toEqual([
    "  object                    reason                     bytes",
    "  month=2001-0…s-0.parquet  renamed from delay;       3.1 MB",
    "                            int64→float32, checked:",
    "                            beyond ±2^24",
    "  漢字                      short                          0",
  ]);
});

test("no line is wider than the terminal while its columns can shrink, whatever is in the cells", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.string({ maxLength: 80 }), fc.string({ maxLength: 80 }), fc.nat()), {
        maxLength: 5,
      }),
      fc.integer({ min: 45, max: 160 }),
      (cells, width) => {
        const lines = table(
          columns,
          cells.map(([a, b, c]) => [a, b, c]),
          { width },
        );
        for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(width);
        expect(lines.length).toBeGreaterThan(cells.length);
      },
    ),
  );
});

test("pairs align their values, and wrap them under each other", () => {
  const lines = pairs(
    [
      ["object", "a.parquet"],
      ["differences", "column x is missing, column y is int32 instead of int64"],
    ],
    { width: 40 },
  );
  expect(lines.map(plainText)).toEqual([
    "  object       a.parquet",
    "  differences  column x is missing,",
    "               column y is int32 instead",
    "               of int64",
  ]);
});
