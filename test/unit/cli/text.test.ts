import * as fc from "fast-check";
import pc from "picocolors";
import stringWidth from "string-width";
import { describe, expect, test } from "vitest";
import { toJson, toJsonLine } from "../../../src/cli/text/json.ts";
import { cutMiddle, fitLines, padStart, takeStart, widthOf, wrap } from "../../../src/cli/text/measure.ts";
import {
  bold,
  concat,
  dim,
  escapeControls,
  join,
  paint,
  plainText,
  red,
  text,
} from "../../../src/cli/text/styled.ts";
import {
  countOf,
  formatAge,
  formatCount,
  formatBytes,
  formatDuration,
  formatInstant,
  formatRate,
} from "../../../src/cli/text/units.ts";

// oxlint-disable-next-line no-control-regex -- what must never reach a terminal as it is
const dangerous = /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/;

/** Any text, hostile ones often: escape sequences, wide and combining characters, lone surrogates. */
const anyText = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.string({ unit: "grapheme", maxLength: 40 }),
  fc
    .array(
      fc.constantFrom("\u001B[31m", "\u009B2J", "\r", "\n", "\u202E", "\uD800", "漢字", "é", "👩‍👩‍👧", "a b"),
      {
        maxLength: 12,
      },
    )
    .map((parts) => parts.join("")),
);

describe("text", () => {
  test("control characters, escape sequences and direction marks of a value are spelled out", () => {
    expect(escapeControls("a\u001B[31mred\u009B0m\r\n\tb\u202Ecod\u0000")).toBe(
      "a\\u001b[31mred\\u009b0m\\u000d\\n\\tb\\u202ecod\\u0000",
    );
    expect(escapeControls("lone \uD800, paired 😀")).toBe("lone \\ud800, paired 😀");
    expect(escapeControls("Zürich — 東京")).toBe("Zürich — 東京");
  });

  test("whatever a value holds, nothing but our own colours acts on the terminal", () => {
    fc.assert(
      fc.property(anyText, fc.integer({ min: 1, max: 30 }), (value, columns) => {
        const line = text`key ${red(value)}: ${bold(value)} ${value}`;
        const lines = [
          line,
          cutMiddle(line, columns),
          ...wrap(line, columns),
          join([value, value], dim(value)),
        ];
        for (const one of lines) {
          expect(plainText(one)).not.toMatch(dangerous);
          // oxlint-disable-next-line no-control-regex -- the sequences that picocolors writes
          expect(paint(one, pc.createColors(true)).replaceAll(/\u001b\[\d+m/g, "")).toBe(plainText(one));
          expect(paint(one, pc.createColors(false))).toBe(plainText(one));
        }
      }),
    );
  });

  test("JSON that a terminal may show holds no control character, and parses to the same value", () => {
    fc.assert(
      fc.property(anyText, (value) => {
        expect(toJsonLine({ value }).slice(0, -1)).not.toMatch(dangerous);
        expect(JSON.parse(toJson({ value }))).toEqual(JSON.parse(JSON.stringify({ value })));
      }),
    );
    expect(toJsonLine({ big: 2n ** 63n, map: new Map([["a", 1]]), set: new Set([1, 2]) })).toBe(
      '{"big":"9223372036854775808","map":{"a":1},"set":[1,2]}\n',
    );
  });
});

describe("widths", () => {
  test("every character takes the columns that it takes by Unicode, alone and among letters", () => {
    const wrong: string[] = [];
    for (let code = 0x20; code < 0x3000; code += 1) {
      const character = String.fromCodePoint(code);
      const values = [character, `a${character}b`].map((value) => plainText(concat(value)));
      if (values.some((value) => widthOf(concat(value)) !== stringWidth(value)))
        wrong.push(code.toString(16));
    }
    expect(wrong).toEqual([]);
  });

  test("a text that is cut has its ends, and is never wider than it may be", () => {
    expect(plainText(cutMiddle(concat("month=2001-03/flights-0.parquet"), 15))).toBe("month=2…parquet");
    expect(plainText(cutMiddle(concat("short"), 15))).toBe("short");
    expect(plainText(cutMiddle(concat("漢字漢字漢字"), 7))).toBe("漢…字");
    expect(plainText(cutMiddle(text`${red("aaaa")}${bold("bbbb")}`, 5))).toBe("aa…bb");
    fc.assert(
      fc.property(anyText, fc.integer({ min: 1, max: 60 }), (value, columns) => {
        const cut = cutMiddle(concat(value), columns);
        expect(widthOf(cut)).toBeLessThanOrEqual(columns);
        const fits = widthOf(concat(value)) <= columns;
        expect(fits ? escapeControls(value) : "").toBe(fits ? plainText(cut) : "");
        expect(widthOf(takeStart(concat(value), columns))).toBeLessThanOrEqual(columns);
      }),
    );
  });

  test("a sentence breaks between words, and a long word where it must", () => {
    const sentence = text`renamed from ${dim("delay; int64→float32")}, checked`;
    expect(wrap(sentence, 20).map(plainText)).toEqual(["renamed from delay;", "int64→float32,", "checked"]);
    expect(wrap(concat("abcdefghij kl"), 4).map(plainText)).toEqual(["abcd", "efgh", "ij", "kl"]);
    expect(fitLines([text`  ! ${"word ".repeat(5)}end`], 16).map(plainText)).toEqual([
      "  ! word word",
      "    word word",
      "    word end",
    ]);
  });

  test("wrapping loses no character but spaces, and fits", () => {
    fc.assert(
      fc.property(anyText, fc.integer({ min: 4, max: 60 }), (value, columns) => {
        const lines = wrap(concat(value), columns);
        const squeeze = (written: string): string => written.replaceAll(/\s/gu, "");
        expect(squeeze(lines.map(plainText).join(""))).toBe(squeeze(escapeControls(value)));
        for (const line of lines) expect(stringWidth(plainText(line).trimEnd())).toBeLessThanOrEqual(columns);
      }),
    );
  });

  test("numbers are padded by what is seen of them", () => {
    expect(plainText(padStart(concat("漢"), 4))).toBe("  漢");
    expect(plainText(padStart(concat("toolong"), 4))).toBe("toolong");
  });
});

describe("units", () => {
  test.each([
    [0, "0 B"],
    [999, "999 B"],
    [1000, "1.0 kB"],
    [519_304, "519 kB"],
    [999_499, "999 kB"],
    [999_999, "1.0 MB"],
    [13_830_223, "13.8 MB"],
    [99_950_000, "100 MB"],
    [2.5e12, "2.5 TB"],
    [3e18, "3000 PB"],
  ])("%i bytes are %s", (bytes, expected) => {
    expect(formatBytes(bytes)).toBe(expected);
  });

  test.each([
    [0, "0 ms"],
    [99, "99 ms"],
    [100, "0.10 s"],
    [840, "0.84 s"],
    [9949, "9.9 s"],
    [9950, "10 s"],
    [59_600, "1 min"],
    [200_000, "3 min 20 s"],
    [7_500_000, "2 h 5 min"],
    [200_000_000, "2 d 8 h"],
    [-5, "0 ms"],
  ])("%i ms are %s", (ms, expected) => {
    expect(formatDuration(ms)).toBe(expected);
  });

  test("ages, counts, rates and instants read as people say them", () => {
    expect([1000, 59_000, 3_599_000, 7_200_000, 86_400_000 * 9].map(formatAge)).toEqual([
      "just now",
      "59 s ago",
      "59 min ago",
      "2 h ago",
      "9 d ago",
    ]);
    expect([countOf(1, "object"), countOf(3_000_000, "row"), countOf(2, "entry", "entries")]).toEqual([
      "1 object",
      "3,000,000 rows",
      "2 entries",
    ]);
    fc.assert(
      fc.property(fc.maxSafeInteger(), (count) => {
        expect(formatCount(count)).toBe(count.toLocaleString("en-US"));
      }),
    );
    expect(formatRate(14_200_000)).toBe("14.2 MB/s");
    expect(formatInstant("2026-11-22T15:11:27.912Z")).toBe("2026-11-22 15:11:27 UTC");
  });
});
