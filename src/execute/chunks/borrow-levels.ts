import { ColonnadeError } from "../../base/errors.ts";
import type { ColumnData } from "../../parquet/values/column-data.ts";
import { withDictionary } from "../../parquet/values/dictionary-data.ts";
import { repeatValue } from "../../parquet/values/edit-values.ts";
import type { LeafColumn } from "../../parquet/leaf-type.ts";
import type { LeafAction } from "../../plan/leaf-action.ts";
import { type CastDictionary, mayBeDictionary } from "./cast-dictionary.ts";

type BorrowChange = Pick<
  Extract<LeafAction, { action: "borrowLevels" }>,
  "value" | "levels" | "maxRepetitionLevel"
>;

/** The one value as a dictionary, where there is a value and it may be one. */
export function borrowDictionary({ value }: BorrowChange, target: LeafColumn): CastDictionary | undefined {
  if (value === null || !mayBeDictionary(target)) return undefined;
  return { cast: value, replacement: -1, stays: true };
}

/**
 * The page of a leaf that is added inside a carried struct or list: the entries of a leaf beside it, with one value
 * wherever the parent is present. Throws `data` `NULL_PARENT` where the parent is null and may no longer be.
 */
export function borrowPage(
  data: ColumnData,
  change: BorrowChange,
  source: LeafColumn,
  target: LeafColumn,
  dictionary: CastDictionary | undefined,
): ColumnData {
  const { levels, maxRepetitionLevel } = change;
  const definition = new Uint16Array(data.entries);
  const repetition = new Uint16Array(data.entries);
  let entries = 0;
  let values = 0;
  for (let i = 0; i < data.entries; i += 1) {
    const repeats = data.repetitionLevels?.[i] ?? 0;
    if (repeats > maxRepetitionLevel) continue;
    const level = levels[data.definitionLevels?.[i] ?? source.maxDefinitionLevel] ?? 0;
    if (level < 0) {
      throw new ColonnadeError("data", "NULL_PARENT", "struct is null where the new schema allows none", {
        column: target.path.join("."),
        entry: i,
      });
    }
    definition[entries] = level;
    repetition[entries] = repeats;
    entries += 1;
    if (change.value !== null && level === target.maxDefinitionLevel) values += 1;
  }
  const rest = {
    rows: data.rows,
    entries,
    ...(target.maxDefinitionLevel === 0 ? {} : { definitionLevels: definition.subarray(0, entries) }),
    ...(target.maxRepetitionLevel === 0 ? {} : { repetitionLevels: repetition.subarray(0, entries) }),
    pages: [],
    layout: data.layout,
  };
  return dictionary === undefined
    ? { ...rest, values: repeatValue(target, change.value, values) }
    : withDictionary(rest, { entries: dictionary.cast, indices: new Int32Array(values) });
}
