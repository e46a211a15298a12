import type { ColumnData, Dictionary } from "./column-data.ts";
import { gatherValues } from "./gather-values.ts";
import type { Values } from "./values.ts";

/**
 * A column whose values are given as a dictionary. `values` is an own getter that looks them up once, so a spread
 * copy has them as plain data and, `dictionary` not being enumerable, no dictionary that could be stale.
 */
export function withDictionary(
  data: Omit<ColumnData, "values" | "dictionary">,
  dictionary: Dictionary,
  bytesMax?: number,
): ColumnData {
  let looked: Values | undefined;
  const column = {
    ...data,
    get values(): Values {
      looked ??= gatherValues(dictionary.entries, dictionary.indices, 0, dictionary.indices.length, bytesMax);
      return looked;
    },
  };
  return Object.defineProperty(column, "dictionary", { value: dictionary, enumerable: false });
}

/**
 * The column with other values of the same number: `cast` is called with the dictionary's entries where there is one
 * (a cast that is total needs no more), else with all values. The result keeps the dictionary.
 */
export function mapEntries(data: ColumnData, cast: (values: Values) => Values): ColumnData {
  const { rows, entries, definitionLevels, repetitionLevels, pages, layout } = data;
  const levels = {
    ...(definitionLevels === undefined ? {} : { definitionLevels }),
    ...(repetitionLevels === undefined ? {} : { repetitionLevels }),
  };
  const rest = { rows, entries, ...levels, pages, layout };
  if (data.dictionary === undefined) return { ...rest, values: cast(data.values) };
  return withDictionary(rest, { entries: cast(data.dictionary.entries), indices: data.dictionary.indices });
}
