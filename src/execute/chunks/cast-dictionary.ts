import { castValues } from "../../cast/cast-values.ts";
import { distinctEntries } from "../../parquet/encodings/build-dictionary.ts";
import type { LeafColumn } from "../../parquet/leaf-type.ts";
import { plainBytes } from "../../parquet/encodings/plain.ts";
import { joinValues } from "../../parquet/values/value-pieces.ts";
import { type Values, valueCount } from "../../parquet/values/values.ts";
import type { Rewrite } from "../../plan/leaf-action.ts";

/** A chunk's dictionary, cast: a million rows of fifty words are fifty casts. */
export interface CastDictionary {
  /** The entries that have an equivalent in the new type, each once. */
  readonly cast: Values;
  /** By source entry: its number among `cast`, -1 where it has no equivalent. Absent where the numbers stay. */
  readonly renumbered?: Int32Array;
  /** Number of the value that stands in for what is invalid, where the policy has one and may need it; else -1. */
  readonly replacement: number;
  /** Whether pages of indices stay such; if not, their values are looked up. */
  readonly stays: boolean;
}

/**
 * Entries that nobody uses are cast with the others, and an invalid one among them is no error: where it is used it counts.
 * All that is decided here follows from the entries alone, so that every run of a chunk decides alike.
 */
export function castDictionary(entries: Values, rewrite: Rewrite, target: LeafColumn): CastDictionary {
  const cast = rewrite.cast === undefined ? undefined : castValues(entries, rewrite.cast);
  const values = cast?.values ?? entries;
  const invalid = cast?.invalid ?? none;
  const { replacement } = rewrite;
  const mayReplace =
    rewrite.onInvalid === "default" &&
    (invalid.length > 0 || (rewrite.levels?.some((level) => level < 0) ?? false));
  if (replacement !== undefined && mayReplace) {
    const distinct = distinctEntries(joinValues(target, [values, replacement]), invalid);
    const number = distinct.renumbered?.at(-1) ?? valueCount(distinct.entries) - 1;
    return describe(distinct, number, target);
  }
  // Without a cast the entries stay as they are, those that repeat included.
  const distinct = cast === undefined ? { entries } : distinctEntries(values, invalid);
  return describe(distinct, -1, target);
}

function describe(
  { entries: cast, renumbered }: ReturnType<typeof distinctEntries>,
  replacement: number,
  target: LeafColumn,
): CastDictionary {
  const count = valueCount(cast);
  return {
    cast,
    ...(renumbered && { renumbered }),
    replacement,
    stays: count > 0 && mayBeDictionary(target) && plainBytes(cast, 0, count) <= pageBytesMax,
  };
}

/** No writer puts booleans into a dictionary, and few readers would take them from there. */
export function mayBeDictionary(column: LeafColumn): boolean {
  return column.physicalType !== "BOOLEAN";
}

/** The indices into the cast entries; -1 where the value has no equivalent. */
export function renumber(indices: Int32Array, { renumbered }: CastDictionary): Int32Array {
  if (renumbered === undefined) return indices;
  const result = new Int32Array(indices.length);
  for (let i = 0; i < indices.length; i += 1) result[i] = renumbered[indices[i] as number] as number;
  return result;
}

/** What a page may hold, as sizes in headers are 32-bit and signed. */
const pageBytesMax = 2 ** 30;
const none = new Uint32Array(0);
