import * as fc from "fast-check";
import { expect, test } from "vitest";
import { buildDictionary, compactDictionary } from "../../src/parquet/encodings/build-dictionary.ts";
import type { ColumnData } from "../../src/parquet/values/column-data.ts";
import { mapEntries, withDictionary } from "../../src/parquet/values/dictionary-data.ts";
import { dropRows, keepRows } from "../../src/parquet/values/filter-rows.ts";
import { nullAt } from "../../src/parquet/values/null-at.ts";
import { mapDefinitionLevels } from "../../src/parquet/values/relevel.ts";
import { entryOfValue, rowOfEntry, rowOfValue, rowsOfValues } from "../../src/parquet/values/row-of-value.ts";
import { valueCount } from "../../src/parquet/values/values.ts";
import { annotatedTypes, columns, physicalTypes } from "../support/column-arbitraries.ts";
import { columnOfRows, leafColumn, type Row, rowsOfColumn, valueList } from "../support/column-rows.ts";

const types = [...physicalTypes, ...annotatedTypes];

/** Some of the rows, ascending. */
function chosen(rows: number, pattern: readonly boolean[]): Uint32Array {
  const all = Array.from({ length: rows }, (_, row) => row);
  return Uint32Array.from(all.filter((row) => pattern[row % Math.max(1, pattern.length)] === true));
}

/** The same column with its values behind a dictionary, which must make no difference. */
function dictionaryEncoded(data: ColumnData): ColumnData {
  const dictionary = buildDictionary(data.values, 2 ** 20);
  if (dictionary === undefined) throw new Error("generated values outgrow a dictionary");
  return withDictionary(data, dictionary);
}

test("kept and dropped rows partition a column, with or without a dictionary", () => {
  fc.assert(
    fc.property(
      columns(types),
      fc.array(fc.boolean()),
      fc.boolean(),
      ({ column, data, rows }, pattern, coded) => {
        const source = coded ? dictionaryEncoded(data) : data;
        const selected = chosen(rows.length, pattern);
        const kept = keepRows(source, selected);
        const dropped = dropRows(source, selected);
        const set = new Set(selected);
        expect(rowsOfColumn(kept, column)).toEqual(rows.filter((_, row) => set.has(row)));
        expect(rowsOfColumn(dropped, column)).toEqual(rows.filter((_, row) => !set.has(row)));
        expect(kept.entries + dropped.entries).toBe(data.entries);
        for (const part of [kept, dropped]) {
          const pages = part.pages.reduce((sum, page) => sum + page.rows, 0);
          expect(pages).toBe(part.rows);
          expect(part.pages.every((page) => page.rows > 0)).toBe(true);
        }
      },
    ),
  );
});

test("a value's row is the row it came from", () => {
  fc.assert(
    fc.property(columns(types), ({ column, data, rows }) => {
      const expected: number[] = [];
      for (const [row, content] of rows.entries()) {
        const values = Array.isArray(content) ? (content as Row[]) : [content];
        for (const value of values) if (value !== null) expected.push(row);
      }
      const positions = Uint32Array.from(expected.keys());
      expect(Array.from(positions, (position) => rowOfValue(data, position))).toEqual(expected);
      expect([...rowsOfValues(data, positions)]).toEqual([...new Set(expected)]);
      const level = column.maxDefinitionLevel;
      for (const position of positions) {
        const entry = entryOfValue(data, position);
        expect(data.definitionLevels?.[entry] ?? level).toBe(level);
        expect(rowOfEntry(data, entry)).toBe(expected[position]);
      }
    }),
  );
});

test("values made null leave the others as they were", () => {
  fc.assert(
    fc.property(
      columns(types, ["optional", "list"]),
      fc.array(fc.boolean()),
      fc.boolean(),
      ({ column, data, rows }, pattern, coded) => {
        const source = coded ? dictionaryEncoded(data) : data;
        const positions = chosen(valueCount(data.values), pattern);
        const gone = new Set(positions);
        let position = 0;
        const without = (value: Row): Row => {
          if (value === null) return null;
          if (Array.isArray(value)) return (value as Row[]).map(without) as Row;
          position += 1;
          return gone.has(position - 1) ? null : value;
        };
        const expected = rows.map(without);
        expect(rowsOfColumn(nullAt(source, positions, column), column)).toEqual(expected);
      },
    ),
  );
});

test("a required column made optional and back again is what it was", () => {
  fc.assert(
    fc.property(columns(types, ["required"]), ({ column, data, rows }) => {
      const optional = { ...column, maxDefinitionLevel: 1 };
      const there = mapDefinitionLevels(data, Int16Array.of(1), column, optional);
      expect(rowsOfColumn(there.data, optional)).toEqual(rows);
      const back = mapDefinitionLevels(there.data, Int16Array.of(-1, 0), optional, column);
      expect(back.violations).toHaveLength(0);
      expect(back.data).toEqual(data);
    }),
  );
});

test("an optional column made required reports its nulls", () => {
  fc.assert(
    fc.property(columns(types, ["optional"]), ({ column, data, rows }) => {
      const required = { ...column, maxDefinitionLevel: 0 };
      const { violations, data: strict } = mapDefinitionLevels(data, Int16Array.of(-1, 0), column, required);
      expect([...violations]).toEqual([...rows.keys()].filter((row) => rows[row] === null));
      expect(strict.definitionLevels).toBeUndefined();
      expect(strict.values).toEqual(data.values);
    }),
  );
});

test("a dictionary has each value once, in order of appearance, and stands for the same values", () => {
  fc.assert(
    fc.property(columns(types, ["required"]), ({ data }) => {
      const coded = dictionaryEncoded(data);
      expect(coded.values).toEqual(data.values);
      const { entries, indices } = coded.dictionary ?? { entries: data.values, indices: new Int32Array(0) };
      const list = valueList(entries).map((entry) => (entry instanceof Uint8Array ? String(entry) : entry));
      expect(
        list.filter((entry, i) => !Number.isNaN(entry) && list.findIndex((e) => Object.is(e, entry)) !== i),
      ).toEqual([]);
      const seen = [...new Set(indices)];
      expect(seen).toEqual([...seen.keys()]);
    }),
  );
});

test("compacting drops entries that nothing names and joins those that are equal", () => {
  const column = leafColumn("required", { kind: "int", bits: 32, signed: true }, "INT32");
  const entries = columnOfRows([10, 20, 10, 30, 40], column).values;
  const compact = compactDictionary({ entries, indices: Int32Array.of(2, 4, 0, 1, 4) });
  expect(compact.entries).toEqual(columnOfRows([10, 20, 40], column).values);
  expect([...compact.indices]).toEqual([0, 2, 0, 1, 2]);
});

test("a spread copy has its values and no dictionary, so that other values bring no stale one", () => {
  const column = leafColumn("required", { kind: "int", bits: 32, signed: true }, "INT32");
  const coded = dictionaryEncoded(columnOfRows([1, 1, 2], column));
  const copy = { ...coded };
  expect(copy.dictionary).toBeUndefined();
  expect(copy.values).toEqual({ kind: "int32", data: Int32Array.of(1, 1, 2) });
  let asked = 0;
  const doubled = mapEntries(coded, (values) => {
    asked += valueCount(values);
    return { kind: "int32", data: Int32Array.from(valueList(values) as number[], (value) => value * 2) };
  });
  expect(asked).toBe(2);
  expect(valueList(doubled.values)).toEqual([2, 2, 4]);
});
