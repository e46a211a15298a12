import type { LeafType, PhysicalType } from "../parquet/leaf-type.ts";
import type { Values } from "../parquet/values/values.ts";

/** Everything a cast depends on beside the values. Serialisable: it crosses into worker threads. */
export interface CastSpec {
  readonly from: Stored;
  readonly to: Stored;
  readonly rounding: "error" | "truncate" | "floor" | "ceil" | "half-even" | "half-up";
  readonly format?: string;
  readonly timezone?: string;
}

/** A leaf type and how Parquet stores it. */
export interface Stored {
  readonly type: LeafType;
  readonly physicalType: PhysicalType;
  readonly typeLength?: number;
}

export interface CastResult {
  /** As many values as there were; what stands at an invalid position has no meaning. */
  readonly values: Values;
  /** Ascending positions in the dense values that have no equivalent in the new type. */
  readonly invalid: Uint32Array;
}
