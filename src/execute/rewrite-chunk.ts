import type { CastSpec } from "../cast/cast.ts";
import { castValues } from "../cast/cast-values.ts";
import { formatValue } from "../cast/format-value.ts";
import { ColonnadeError } from "../base/errors.ts";
import { type ChunkExtras, type Codec, type ColumnData, type WrittenChunk } from "../parquet/column-data.ts";
import { withDictionary } from "../parquet/dictionary-data.ts";
import { insertValues, replaceValues } from "../parquet/edit-values.ts";
import type { LeafColumn } from "../parquet/leaf-type.ts";
import { levelsOnly, nullAt } from "../parquet/null-at.ts";
import { type ReadLimits, readColumnChunk } from "../parquet/read-chunk.ts";
import { mapDefinitionLevels } from "../parquet/relevel.ts";
import { rowOfEntry, rowOfValue, rowsOfValues } from "../parquet/row-of-value.ts";
import { type Values, valueCount } from "../parquet/values.ts";
import { writeColumnChunk } from "../parquet/write-chunk.ts";
import { listRefused } from "../plan/definition-levels.ts";
import type { Rewrite } from "../plan/leaf-action.ts";
import { type RowSelection, selectRows, sourceRow } from "./select-rows.ts";

/** All that rewriting one chunk depends on. Serialisable: it crosses into worker threads. */
export interface ChunkRequest {
  /** The source chunk from its first page on. */
  readonly bytes: Uint8Array;
  readonly codec: Codec;
  readonly numValues: number;
  readonly limits: ReadLimits;
  readonly source: LeafColumn;
  readonly target: LeafColumn;
  readonly rewrite: Rewrite;
  readonly extras: ChunkExtras;
  /** Codec of the output; the source's when absent. */
  readonly outputCodec?: Codec;
  /** Rows of the row group, ascending, that stay out (a quarantine) or that alone stay in. */
  readonly rows?: RowSelection;
  /** `check`: only say what is invalid. `writeIfInvalid`: the source's bytes will do unless something is. */
  readonly purpose: "write" | "writeIfInvalid" | "check";
}

export interface ChunkReply {
  /** Absent when it is not wanted, or when the policy is to fail and something is invalid. */
  readonly chunk?: WrittenChunk;
  readonly invalid: number;
  /** Of the first invalid value, for the error message. */
  readonly first?: { readonly row: number; readonly isNull: boolean; readonly value: string };
  /** Under `onInvalid: quarantine`: the rows that hold an invalid value, ascending, each once. */
  readonly quarantined: Uint32Array;
  readonly rows: number;
}

const none = new Uint32Array(0);

/**
 * Decodes a chunk, carries its levels, casts its values, resolves what is invalid by the field's policy, and writes it anew
 * in the layout of the source. Throws `data` when the chunk is malformed.
 */
export async function rewriteChunk(request: ChunkRequest): Promise<ChunkReply> {
  const { rewrite, source, target } = request;
  // Rows that stay out cannot be invalid: another leaf's policy has put them into quarantine.
  const decoded = selectRows(
    await readColumnChunk(request.bytes, source, request, request.limits),
    request.rows,
  );
  const moved =
    rewrite.levels === undefined
      ? { data: decoded, violations: none }
      : mapDefinitionLevels(decoded, rewrite.levels, source, target);
  const cast = rewrite.cast === undefined ? undefined : castData(moved.data, rewrite.cast);
  const problems: Problems = { values: cast?.invalid ?? none, nulls: moved.violations };
  const invalid = problems.values.length + problems.nulls.length;
  const quarantined = rewrite.onInvalid === "quarantine" ? rowsOf(decoded, problems) : none;
  const report = (found: Problems): ChunkReply => {
    const all = { invalid, quarantined, rows: decoded.rows };
    if (invalid === 0) return all;
    const { row, ...first } = describeFirst(decoded, found, source);
    return { ...all, first: { ...first, row: sourceRow(row, request.rows) } };
  };
  if (request.purpose === "check") return report(problems);
  const refused = refusedProblems(problems, decoded, rewrite);
  if (refused.values.length + refused.nulls.length > 0) return report(refused);
  if (request.purpose === "writeIfInvalid" && invalid === 0) return report(problems);
  const kept = resolve(cast?.data ?? moved.data, problems, rewrite, target);
  const layout =
    request.outputCodec === undefined ? kept.layout : { ...kept.layout, codec: request.outputCodec };
  const chunk = await writeColumnChunk(withLayout(kept, layout), target, request.extras);
  return { ...report(problems), chunk };
}

/** What the new type cannot hold: positions of values, and of entries that are null where the target allows none. */
interface Problems {
  readonly values: Uint32Array;
  readonly nulls: Uint32Array;
}

/** What the policy has no answer to: that stops the job. */
function refusedProblems(
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
      return { values: none, nulls: none };
  }
}

/**
 * Casts the entries alone where all pages were dictionary encoded: a million rows of fifty words are fifty casts. An entry
 * that has no equivalent counts where it is used, and not at all where it is not.
 */
function castData(
  data: ColumnData,
  spec: CastSpec,
): { readonly data: ColumnData; readonly invalid: Uint32Array } {
  const { dictionary } = data;
  if (dictionary === undefined) {
    const { values, invalid } = castValues(data.values, spec);
    return { data: { ...levelsOnly(data), values }, invalid };
  }
  const { entries, indices } = dictionary;
  const { values, invalid } = castValues(entries, spec);
  return {
    data: withDictionary(levelsOnly(data), { entries: values, indices }),
    invalid: invalid.length === 0 ? none : positionsOf(indices, invalid, valueCount(entries)),
  };
}

/** Where the entries are used. */
function positionsOf(indices: Int32Array, entries: Uint32Array, entryCount: number): Uint32Array {
  const isWanted = new Uint8Array(entryCount);
  for (const entry of entries) isWanted[entry] = 1;
  const positions = new Uint32Array(indices.length);
  let found = 0;
  for (let i = 0; i < indices.length; i += 1) {
    if (isWanted[indices[i] as number] === 1) {
      positions[found] = i;
      found += 1;
    }
  }
  return positions.slice(0, found);
}

/** Keeps a dictionary that is there: it does not survive spreading. */
function withLayout(data: ColumnData, layout: ColumnData["layout"]): ColumnData {
  if (layout === data.layout) return data;
  const { dictionary } = data;
  const levels = { ...levelsOnly(data), layout };
  return dictionary === undefined ? { ...levels, values: data.values } : withDictionary(levels, dictionary);
}

function resolve(data: ColumnData, problems: Problems, rewrite: Rewrite, target: LeafColumn): ColumnData {
  const { onInvalid, replacement } = rewrite;
  if (problems.values.length + problems.nulls.length === 0) return data;
  switch (onInvalid) {
    case "fail":
      return data;
    case "null": {
      if (target.maxDefinitionLevel === 0) throw notNullable(target);
      return nullAt(data, problems.values, target);
    }
    case "default": {
      if (replacement === undefined) throw notNullable(target);
      return fill(data, problems, replacement, target);
    }
    case "quarantine":
      // Their rows are not among the data any more.
      throw new ColonnadeError("internal", "QUARANTINE_MISSED", "a row for the quarantine is still there", {
        column: target.path.join("."),
      });
  }
}

/** One value at every invalid position, and one for every null that may not be. */
function fill(data: ColumnData, problems: Problems, one: Values, target: LeafColumn): ColumnData {
  const values = replaceValues(data.values, problems.values, one);
  if (problems.nulls.length === 0) return { ...data, values };
  const { definitionLevels } = data;
  const max = target.maxDefinitionLevel;
  const levels = definitionLevels === undefined ? undefined : Uint16Array.from(definitionLevels);
  // Positions of the new values among the old dense ones: the number of present entries before each null.
  const positions = new Uint32Array(problems.nulls.length);
  let present = 0;
  let next = 0;
  for (let entry = 0; entry < data.entries && next < positions.length; entry += 1) {
    if (problems.nulls[next] === entry) {
      positions[next] = present;
      next += 1;
      if (levels !== undefined) levels[entry] = max;
    } else if (definitionLevels === undefined || definitionLevels[entry] === max) present += 1;
  }
  return {
    ...data,
    ...(levels === undefined ? {} : { definitionLevels: levels }),
    values: insertValues(values, positions, one),
  };
}

function rowsOf(data: ColumnData, problems: Problems): Uint32Array {
  const rows = new Set<number>();
  for (const row of rowsOfValues(data, problems.values)) rows.add(row);
  for (const entry of problems.nulls) rows.add(rowOfEntry(data, entry));
  return Uint32Array.from(rows).toSorted();
}

function describeFirst(
  data: ColumnData,
  problems: Problems,
  source: LeafColumn,
): NonNullable<ChunkReply["first"]> {
  const [value] = problems.values;
  const [entry] = problems.nulls;
  if (value === undefined) return { row: rowOfEntry(data, entry ?? 0), isNull: true, value: "null" };
  return { row: rowOfValue(data, value), isNull: false, value: formatValue(data.values, value, source) };
}

function notNullable(target: LeafColumn): ColonnadeError {
  return new ColonnadeError(
    "invalid",
    "POLICY_INVALID",
    "column cannot hold the null that its policy asks for",
    {
      column: target.path.join("."),
    },
  );
}
