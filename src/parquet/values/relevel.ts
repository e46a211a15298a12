import type { ColumnData } from "./column-data.ts";
import { withDictionary } from "./dictionary-data.ts";
import type { LeafColumn } from "../leaf-type.ts";
import { levelsOnly } from "./null-at.ts";

export interface Releveled {
  readonly data: ColumnData;
  /** Entries, ascending, that are null where the target allows none. In `data` they stand at level 0 and have no value. */
  readonly violations: Uint32Array;
}

/**
 * Translates definition levels when only nullability changes along a leaf's path. `table` has the target's level for
 * each of the source's, or -1 for a null that the target does not allow. Values and repetition levels stay as they are.
 *
 * While there are violations, `data` is not a valid column of the target: the caller drops their rows or puts values in.
 */
export function mapDefinitionLevels(
  data: ColumnData,
  table: Int16Array,
  source: LeafColumn,
  target: LeafColumn,
): Releveled {
  const { definitionLevels, entries } = data;
  const maximum = target.maxDefinitionLevel;
  const uniform = definitionLevels === undefined ? (table[source.maxDefinitionLevel] ?? maximum) : undefined;
  const mapped = maximum === 0 || uniform === maximum ? undefined : new Uint16Array(entries);
  const violations: number[] = [];
  if (definitionLevels === undefined) {
    mapped?.fill(uniform ?? maximum);
  } else {
    for (let entry = 0; entry < entries; entry += 1) {
      const level = table[definitionLevels[entry] as number] ?? -1;
      if (level < 0) violations.push(entry);
      else if (mapped !== undefined) mapped[entry] = level;
    }
  }
  const { definitionLevels: _, ...others } = levelsOnly(data);
  const rest = { ...others, ...(mapped && { definitionLevels: mapped }) };
  return {
    data:
      data.dictionary === undefined
        ? { ...rest, values: data.values }
        : withDictionary(rest, data.dictionary),
    violations: Uint32Array.from(violations),
  };
}
