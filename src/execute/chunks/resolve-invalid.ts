import { formatValue } from "../../cast/format-value.ts";
import { ColonnadeError } from "../../base/errors.ts";
import type { ColumnData } from "../../parquet/values/column-data.ts";
import { withDictionary } from "../../parquet/values/dictionary-data.ts";
import { insertValues, replaceValues } from "../../parquet/values/edit-values.ts";
import type { LeafColumn } from "../../parquet/leaf-type.ts";
import { levelsOf, levelsOnly, nullAt } from "../../parquet/values/null-at.ts";
import { rowOfEntry, rowOfValue, rowsOfValues } from "../../parquet/values/row-of-value.ts";
import type { Values } from "../../parquet/values/values.ts";
import { listRefused } from "../../plan/definition-levels.ts";
import type { Rewrite } from "../../plan/leaf-action.ts";

/** What the new type cannot hold: positions of values, and of entries that are null where the target allows none. */
export interface Problems {
  readonly values: Uint32Array;
  readonly nulls: Uint32Array;
}

const none = new Uint32Array(0);
export const noProblems: Problems = { values: none, nulls: none };

export function countProblems({ values, nulls }: Problems): number {
  return values.length + nulls.length;
}

/** What the policy has no answer to: that stops the job. `data` is the source's. */
export function refusedProblems(
  problems: Problems,
  { definitionLevels }: ColumnData,
  { onInvalid, levels }: Rewrite,
): Problems {
  switch (onInvalid) {
    case "fail":
      return problems;
    case "null":
      return { values: none, nulls: problems.nulls };
    case "default": {
      const isListRefused = (entry: number): boolean =>
        levels?.[definitionLevels?.[entry] ?? 0] === listRefused;
      return { values: none, nulls: problems.nulls.filter(isListRefused) };
    }
    case "quarantine":
      return noProblems;
  }
}

/** The column with an answer to each problem. `replacement` is the number in the dictionary of the policy's default. */
export function resolveProblems(
  data: ColumnData,
  problems: Problems,
  rewrite: Rewrite,
  target: LeafColumn,
  replacement: number,
): ColumnData {
  if (countProblems(problems) === 0) return data;
  switch (rewrite.onInvalid) {
    case "fail":
      return data;
    case "null": {
      if (target.maxDefinitionLevel === 0) throw notNullable(target);
      return nullAt(data, problems.values, target);
    }
    case "default": {
      if (rewrite.replacement === undefined) throw notNullable(target);
      return fill(data, problems, rewrite.replacement, replacement, target);
    }
    case "quarantine":
      // Their rows are not among the data any more.
      throw new ColonnadeError("internal", "QUARANTINE_MISSED", "a row for the quarantine is still there", {
        column: target.path.join("."),
      });
  }
}

/** One value at every invalid position, and one for every null that may not be. */
function fill(
  data: ColumnData,
  problems: Problems,
  one: Values,
  number: number,
  target: LeafColumn,
): ColumnData {
  const { positions, levels } = placesOfNulls(data, problems.nulls, target.maxDefinitionLevel);
  const edited = (values: Values, replacement: Values): Values =>
    insertValues(replaceValues(values, problems.values, replacement), positions, replacement);
  const rest = { ...levelsOnly(data), ...(levels && { definitionLevels: levels }) };
  const { dictionary } = data;
  if (dictionary === undefined) return { ...rest, values: edited(data.values, one) };
  const indices = edited(
    { kind: "int32", data: dictionary.indices },
    { kind: "int32", data: Int32Array.of(number) },
  );
  return withDictionary(rest, { entries: dictionary.entries, indices: indices.data as Int32Array });
}

/** Where among the old dense values the new ones belong, and the levels with them. */
function placesOfNulls(
  data: ColumnData,
  nulls: Uint32Array,
  maximum: number,
): { readonly positions: Uint32Array; readonly levels?: Uint16Array } {
  const positions = new Uint32Array(nulls.length);
  if (nulls.length === 0) return { positions };
  const { definitionLevels, entries } = data;
  // The number of present entries before each null.
  let present = 0;
  let next = 0;
  for (let entry = 0; entry < entries && next < positions.length; entry += 1) {
    if (nulls[next] === entry) {
      positions[next] = present;
      next += 1;
    } else if (definitionLevels === undefined || definitionLevels[entry] === maximum) present += 1;
  }
  if (maximum === 0) return { positions };
  const levels = levelsOf(data, maximum);
  for (const entry of nulls) levels[entry] = maximum;
  return { positions, levels };
}

/** Rows of a page (-1: one that began before it) that hold a problem, ascending, each once. */
export function rowsOfProblems(data: ColumnData, problems: Problems): number[] {
  const rows = new Set<number>();
  for (const row of rowsOfValues(data, problems.values)) rows.add(row);
  for (const entry of problems.nulls) rows.add(rowOfEntry(data, entry));
  return [...rows].toSorted((a, b) => a - b);
}

/** The first problem of a page, for the error message. */
export function describeFirst(
  data: ColumnData,
  problems: Problems,
  source: LeafColumn,
): { readonly row: number; readonly isNull: boolean; readonly value: string } {
  const [value] = problems.values;
  const [entry] = problems.nulls;
  if (value === undefined) return { row: rowOfEntry(data, entry ?? 0), isNull: true, value: "null" };
  const { dictionary } = data;
  const text =
    dictionary === undefined
      ? formatValue(data.values, value, source)
      : formatValue(dictionary.entries, dictionary.indices[value] as number, source);
  return { row: rowOfValue(data, value), isNull: false, value: text };
}

function notNullable(target: LeafColumn): ColonnadeError {
  return new ColonnadeError(
    "invalid",
    "POLICY_INVALID",
    "column cannot hold the null that its policy asks for",
    { column: target.path.join(".") },
  );
}
