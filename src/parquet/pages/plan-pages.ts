import type { ColumnData } from "../values/column-data.ts";
import type { LeafColumn } from "../leaf-type.ts";
import { plainBytes } from "../encodings/plain.ts";
import { type Values, valueCount } from "../values/values.ts";

/** The stretch of a chunk that one data page holds: of rows, of entries (levels) and of dense values. */
export interface PageSpan {
  readonly rowStart: number;
  readonly rows: number;
  readonly entryStart: number;
  readonly entries: number;
  readonly valueStart: number;
  readonly values: number;
}

/** As parquet-mr and Arrow: pages end at 20,000 rows or about 1 MiB, whatever comes first. */
const pageRowsMax = 20_000;
const pageBytesMax = 1024 * 1024;
/** A page of the source may have been larger; beyond this it is cut all the same, since sizes in headers are 32-bit. */
const mirroredPageBytesMax = 128 * 1024 * 1024;

/**
 * Where pages begin and end, always between rows: as in `data.pages` when their rows add up, else by size. `plain` is
 * undefined for values that go into the pages as indices. A chunk without rows has one page without entries.
 */
export function planPages(data: ColumnData, column: LeafColumn, plain: Values | undefined): PageSpan[] {
  const mirrored = mirroredRows(data);
  const bytesMax = mirrored === undefined ? pageBytesMax : mirroredPageBytesMax;
  const { definitionLevels, repetitionLevels, entries } = data;
  const maximum = column.maxDefinitionLevel;
  const spans: PageSpan[] = [];
  let start = { row: 0, entry: 0, value: 0 };
  let row = 0;
  let value = 0;
  let pageRows = mirrored?.[0] ?? pageRowsMax;
  for (let entry = 0; entry < entries; entry += 1) {
    if (repetitionLevels === undefined || repetitionLevels[entry] === 0) {
      const full = row - start.row === pageRows;
      if (full || (row > start.row && pageBytes(plain, start, entry, value) >= bytesMax)) {
        spans.push(spanBetween(start, { row, entry, value }));
        start = { row, entry, value };
        // A page that was cut for its size goes on to the end of its original.
        pageRows = full ? (mirrored?.[spans.length] ?? pageRowsMax) : pageRows;
      }
      row += 1;
    }
    if (definitionLevels === undefined || definitionLevels[entry] === maximum) value += 1;
  }
  if (entries > start.entry || spans.length === 0)
    spans.push(spanBetween(start, { row, entry: entries, value }));
  return spans;
}

/**
 * Where one page of a source is cut: nowhere, unless what is in it has outgrown a page. It may begin inside a row; its
 * pieces do not.
 */
export function planPage(data: ColumnData, column: LeafColumn, plain: Values | undefined): PageSpan[] {
  const whole = wholePage(data);
  return pageBytes(plain, start, data.entries, whole.values) < mirroredPageBytesMax
    ? [whole]
    : planPages(data, column, plain);
}

/** All of a page, however much is in it. */
export function wholePage(data: ColumnData): PageSpan {
  const value = data.dictionary?.indices.length ?? valueCount(data.values);
  return spanBetween(start, { row: data.rows, entry: data.entries, value });
}

const start: Place = { row: 0, entry: 0, value: 0 };

function mirroredRows(data: ColumnData): number[] | undefined {
  let rows = 0;
  const mirrored: number[] = [];
  for (const page of data.pages) {
    rows += page.rows;
    // A v1 page may hold the middle of a row alone; what is written begins pages at rows.
    if (page.rows > 0) mirrored.push(page.rows);
  }
  return mirrored.length > 0 && rows === data.rows ? mirrored : undefined;
}

interface Place {
  readonly row: number;
  readonly entry: number;
  readonly value: number;
}

/** About what the page from `start` would take, levels as one byte each. */
function pageBytes(plain: Values | undefined, start: Place, entry: number, value: number): number {
  const valueBytes = plain === undefined ? 2 * (value - start.value) : plainBytes(plain, start.value, value);
  return valueBytes + entry - start.entry;
}

function spanBetween(start: Place, end: Place): PageSpan {
  return {
    rowStart: start.row,
    rows: end.row - start.row,
    entryStart: start.entry,
    entries: end.entry - start.entry,
    valueStart: start.value,
    values: end.value - start.value,
  };
}
