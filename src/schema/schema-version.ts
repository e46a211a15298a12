import type { Json } from "../base/canonical-json.ts";
import type { LeafType } from "../parquet/leaf-type.ts";

/** A schema version as the rest of the program sees it; `parse-schema-version.ts` makes it from YAML. */
export interface SchemaVersion {
  readonly dataset: string;
  readonly version: number;
  readonly description?: string;
  readonly fields: readonly Field[];
  /** Ids of the fields that live in the path (`day=2026-01-01/`), outermost first. Top-level leaves only. */
  readonly partitionBy: readonly number[];
  readonly aliases: readonly Alias[];
  readonly constraints: readonly Constraint[];
  /** SHA-256 over the canonical content: comments, order of keys and descriptions do not change it. */
  readonly fingerprint: string;
}

/** Ids are unique in a version, nested fields included, and keep their meaning through the history. */
export interface Field {
  readonly id: number;
  /** List elements are called `element`, a map's parts `key` and `value`. */
  readonly name: string;
  readonly nullable: boolean;
  readonly type: FieldType;
  /** The value of rows written before the field was there, and of invalid casts under `onInvalid: default`. */
  readonly default?: Json;
  readonly cast?: CastPolicy;
  readonly description?: string;
}

export type FieldType = TypeOf<Field>;

/** A leaf, or fields of some kind put together. */
export type TypeOf<F> =
  | { readonly kind: "leaf"; readonly leaf: LeafType }
  | { readonly kind: "struct"; readonly fields: readonly F[] }
  | { readonly kind: "list"; readonly element: F }
  | { readonly kind: "map"; readonly key: F; readonly value: F };

/** How the values of one field are cast to this version's type. */
export interface CastPolicy {
  readonly onInvalid: OnInvalid;
  /** For casts that drop digits: `error` makes a value that would change invalid (pyarrow's safe cast). */
  readonly rounding: Rounding;
  /** strptime-style format of dates and times in strings; ISO 8601 when absent. */
  readonly format?: string;
  /** IANA zone that local timestamps are in, or that zoned ones become local in; UTC when absent. */
  readonly timezone?: string;
}

export type OnInvalid = "fail" | "null" | "default" | "quarantine";
export type Rounding = "error" | "truncate" | "floor" | "ceil" | "half-even" | "half-up";

export const defaultCastPolicy: CastPolicy = { onInvalid: "fail", rounding: "error" };

/** A second name of an unchanged field, for a grace period. */
export interface Alias {
  readonly name: string;
  readonly field: number;
  /** Last day (UTC, YYYY-MM-DD) on which a new version still carries it; absent: until removed. */
  readonly until?: string;
}

export type Constraint = {
  readonly field: number;
  readonly min?: number | string;
  readonly max?: number | string;
  readonly notNull?: boolean;
};
