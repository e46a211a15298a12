import { ColonnadeError } from "../../base/errors.ts";
import type { ColumnData } from "./column-data.ts";
import { withDictionary } from "./dictionary-data.ts";
import { gatherValues } from "./gather-values.ts";
import type { LeafColumn } from "../leaf-type.ts";
import { valueCount } from "./values.ts";

/**
 * The column with nulls where the values at `positions` (ascending, dense) were: the values go, and the definition level
 * of their entries becomes one below the maximum, which is a null of an optional leaf.
 *
 * The leaf must be optional; a required one has no null of its own. Throws `internal` when nothing in its path is optional.
 */
export function nullAt(data: ColumnData, positions: Uint32Array, column: LeafColumn): ColumnData {
  if (positions.length === 0) return data;
  const { dictionary } = data;
  const maximum = column.maxDefinitionLevel;
  if (maximum === 0) {
    throw new ColonnadeError("internal", "COLUMN_REQUIRED", "a required column cannot hold nulls", {
      column: column.path.join("."),
    });
  }
  const count = dictionary?.indices.length ?? valueCount(data.values);
  const levels = levelsOf(data, maximum);
  const kept = new Int32Array(count);
  let keptCount = 0;
  let next = 0;
  let value = 0;
  for (let entry = 0; entry < data.entries; entry += 1) {
    if (levels[entry] !== maximum) continue;
    if (value === positions[next]) {
      levels[entry] = maximum - 1;
      next += 1;
    } else {
      kept[keptCount] = value;
      keptCount += 1;
    }
    value += 1;
  }
  const rest = { ...levelsOnly(data), definitionLevels: levels };
  if (dictionary === undefined) return { ...rest, values: gatherValues(data.values, kept, 0, keptCount) };
  const indices = new Int32Array(keptCount);
  for (let i = 0; i < keptCount; i += 1) indices[i] = dictionary.indices[kept[i] as number] as number;
  return withDictionary(rest, { entries: dictionary.entries, indices });
}

/** The definition levels of every entry, to be changed. */
export function levelsOf({ definitionLevels, entries }: ColumnData, maximum: number): Uint16Array {
  return definitionLevels?.slice() ?? new Uint16Array(entries).fill(maximum);
}

/** Everything but the values, so that copying does not look a dictionary up. */
export function levelsOnly(data: ColumnData): Omit<ColumnData, "values" | "dictionary"> {
  const { rows, entries, definitionLevels, repetitionLevels, pages, layout } = data;
  return {
    rows,
    entries,
    ...(definitionLevels && { definitionLevels }),
    ...(repetitionLevels && { repetitionLevels }),
    pages,
    layout,
  };
}
