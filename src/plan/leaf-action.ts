import type { CastSpec } from "../cast/cast.ts";
import type { Values } from "../parquet/values/values.ts";
import type { OnInvalid } from "../schema/schema-version.ts";

/**
 * What happens to the chunks of one output leaf (DESIGN.md, chunk actions). Leaf indexes count the leaves of the
 * source's footer; `of` counts the output's.
 */
export type LeafAction =
  /** The same bytes at another place. */
  | { readonly action: "copy"; readonly source: number }
  /** The same bytes under another logical type; `check` reads the values before that is believed. */
  | { readonly action: "relabel"; readonly source: number; readonly check?: Rewrite }
  /** One value (or null) for every row. */
  | { readonly action: "constant"; readonly value: ConstantValue }
  /** A constant inside a carried struct or list: as many entries as a leaf beside it has. */
  | {
      readonly action: "borrowLevels";
      readonly source: number;
      readonly value: Values | null;
      /** By the source leaf's definition level: the new leaf's level, or negative where the parent is absent in a required place. */
      readonly levels: Int16Array;
      /** Entries of the source leaf that repeat deeper than this belong to a list the new leaf is not in. */
      readonly maxRepetitionLevel: number;
    }
  /** Only nullability changes: levels are written anew. */
  | { readonly action: "relevel"; readonly source: number; readonly rewrite: Rewrite }
  /** Decode, cast, encode. */
  | { readonly action: "transcode"; readonly source: number; readonly rewrite: Rewrite }
  /** A second name: the same chunk as output leaf `of`, no bytes. */
  | { readonly action: "alias"; readonly of: number };

export type ActionName = LeafAction["action"];

export type ConstantValue =
  | { readonly kind: "default"; readonly value: Values | null }
  /** The object's own value of this partition field, which the path holds as text. */
  | { readonly kind: "partition"; readonly field: number };

/** How the values of a chunk become those of the new type. Serialisable: it crosses into worker threads. */
export interface Rewrite {
  readonly cast?: CastSpec;
  /** By source definition level: the target's, or negative where a null stands that the target does not allow (`mapLevels`). */
  readonly levels?: Int16Array;
  readonly onInvalid: OnInvalid;
  /** The one value that stands in for invalid ones under `onInvalid: default`. */
  readonly replacement?: Values;
}

/** What is done to a leaf's values, if anything is. */
export function rewriteOf(action: LeafAction): Rewrite | undefined {
  if (action.action === "relabel") return action.check;
  return "rewrite" in action ? action.rewrite : undefined;
}
