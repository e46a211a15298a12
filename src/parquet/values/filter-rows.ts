import type { ColumnData } from "./column-data.ts";
import { withDictionary } from "./dictionary-data.ts";
import { gatherValues } from "./gather-values.ts";

/**
 * The column with only the given rows (ascending, 0-based), in their order. Page boundaries stay where they were between
 * the rows that stay; pages that lose all their rows vanish. `keepsBegun`: of pages from the middle of a chunk, whether the
 * end of a row that began before them stays.
 */
export function keepRows(data: ColumnData, rows: Uint32Array, keepsBegun = false): ColumnData {
  const kept = new Uint8Array(data.rows);
  for (const row of rows) kept[row] = 1;
  return filterRows(data, kept, keepsBegun);
}

/** The column without the given rows (ascending, 0-based). */
export function dropRows(data: ColumnData, rows: Uint32Array, keepsBegun = true): ColumnData {
  const kept = new Uint8Array(data.rows).fill(1);
  for (const row of rows) kept[row] = 0;
  return filterRows(data, kept, keepsBegun);
}

function filterRows(data: ColumnData, kept: Uint8Array, keepsBegun: boolean): ColumnData {
  const { definitionLevels, repetitionLevels, layout } = data;
  const maximum = valueLevel(data);
  const definition = definitionLevels && new Uint16Array(data.entries);
  const repetition = repetitionLevels && new Uint16Array(data.entries);
  const positions = new Int32Array(data.entries);
  const pages = new PageCounts(data);
  let row = -1;
  let rows = 0;
  let entries = 0;
  let value = 0;
  let values = 0;
  for (let entry = 0; entry < data.entries; entry += 1) {
    const beginsRow = repetitionLevels === undefined || repetitionLevels[entry] === 0;
    if (beginsRow) row += 1;
    const hasValue = definitionLevels === undefined || definitionLevels[entry] === maximum;
    if (row < 0 ? keepsBegun : kept[row] === 1) {
      if (definition !== undefined) definition[entries] = definitionLevels?.[entry] ?? 0;
      if (repetition !== undefined) repetition[entries] = repetitionLevels?.[entry] ?? 0;
      if (hasValue) {
        positions[values] = value;
        values += 1;
      }
      if (beginsRow) rows += 1;
      entries += 1;
    }
    if (hasValue) value += 1;
    pages.passed(entry + 1, rows, entries);
  }
  const rest = {
    rows,
    entries,
    ...(definition && { definitionLevels: definition.slice(0, entries) }),
    ...(repetition && { repetitionLevels: repetition.slice(0, entries) }),
    pages: pages.finished(rows),
    layout,
  };
  const { dictionary } = data;
  if (dictionary === undefined) return { ...rest, values: gatherValues(data.values, positions, 0, values) };
  const indices = new Int32Array(values);
  for (let i = 0; i < values; i += 1) indices[i] = dictionary.indices[positions[i] as number] as number;
  return withDictionary(rest, { entries: dictionary.entries, indices });
}

/**
 * The definition level of entries that have a value: the column's maximum. It is not among the data, but only a chunk of
 * nulls alone lacks it, and there the number of values tells.
 */
export function valueLevel(data: ColumnData): number {
  const { definitionLevels } = data;
  if (definitionLevels === undefined) return 0;
  const count = data.dictionary?.indices.length ?? valueCountOf(data);
  if (count === 0) return -1;
  let highest = 0;
  for (let i = 0; i < data.entries; i += 1) {
    const level = definitionLevels[i] as number;
    if (level > highest) highest = level;
  }
  return highest;
}

function valueCountOf(data: ColumnData): number {
  const { values } = data;
  if (values.kind === "bytes") return values.offsets.length - 1;
  return values.data.length;
}

/** Follows the source's pages, and counts what stays of each. */
class PageCounts {
  readonly #source: ColumnData["pages"];
  readonly #pages: { rows: number; entries: number }[] = [];
  #page = 0;
  #end: number;
  #rows = 0;
  #entries = 0;

  constructor(data: ColumnData) {
    this.#source = data.pages;
    this.#end = data.pages[0]?.entries ?? -1;
  }

  /** `entry` entries of the source are behind, of which `rows` rows and `entries` entries stay. */
  passed(entry: number, rows: number, entries: number): void {
    while (entry === this.#end) {
      if (entries > this.#entries)
        this.#pages.push({ rows: rows - this.#rows, entries: entries - this.#entries });
      this.#rows = rows;
      this.#entries = entries;
      this.#page += 1;
      const next = this.#source[this.#page];
      this.#end = next === undefined ? -1 : this.#end + next.entries;
    }
  }

  /** None when the source's pages did not add up to its rows. */
  finished(rows: number): { rows: number; entries: number }[] {
    return this.#rows === rows ? this.#pages : [];
  }
}
