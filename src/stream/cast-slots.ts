import { castValues } from "../cast/cast-values.ts";
import type { CastResult, CastSpec } from "../cast/cast.ts";
import type { LeafColumn } from "../parquet/leaf-type.ts";
import { type Values, valueCount } from "../parquet/values/values.ts";
import { blankSlots } from "./read-slots.ts";

/** As `castValues`, for slots: of a column of nulls the kernels see no value at all, but each of its slots is still one. */
export function castSlots(values: Values, cast: CastSpec, target: LeafColumn): CastResult {
  if (cast.from.type.kind !== "null") return castValues(values, cast);
  return { values: blankSlots(target, valueCount(values)), invalid: new Uint32Array(0) };
}
