import type { ColumnData } from "./column-data.ts";
import { valueLevel } from "./filter-rows.ts";

/** The row (0-based in the row group) of a dense value, by its position. */
export function rowOfValue(data: ColumnData, position: number): number {
  return rowOfEntry(data, entryOfValue(data, position));
}

/** The row (0-based in the row group) that an entry belongs to. */
export function rowOfEntry(data: ColumnData, entry: number): number {
  const { repetitionLevels } = data;
  if (repetitionLevels === undefined) return entry;
  let row = -1;
  for (let i = 0; i <= entry; i += 1) if (repetitionLevels[i] === 0) row += 1;
  return row;
}

/** The entry that has the dense value at `position`. */
export function entryOfValue(data: ColumnData, position: number): number {
  const { definitionLevels } = data;
  if (definitionLevels === undefined) return position;
  const maximum = valueLevel(data);
  let value = -1;
  for (let entry = 0; entry < data.entries; entry += 1) {
    if (definitionLevels[entry] === maximum) value += 1;
    if (value === position) return entry;
  }
  return data.entries;
}

/**
 * The rows of ascending dense positions, ascending and each once: one pass, where {@link rowOfValue} is one each.
 */
export function rowsOfValues(data: ColumnData, positions: Uint32Array): Uint32Array {
  const { definitionLevels, repetitionLevels } = data;
  const rows = new Uint32Array(positions.length);
  const maximum = valueLevel(data);
  let count = 0;
  let next = 0;
  let value = -1;
  let row = -1;
  for (let entry = 0; entry < data.entries && next < positions.length; entry += 1) {
    if (repetitionLevels === undefined || repetitionLevels[entry] === 0) row += 1;
    if (definitionLevels !== undefined && definitionLevels[entry] !== maximum) continue;
    value += 1;
    if (value !== positions[next]) continue;
    next += 1;
    if (count === 0 || rows[count - 1] !== row) {
      rows[count] = row;
      count += 1;
    }
  }
  return rows.slice(0, count);
}
