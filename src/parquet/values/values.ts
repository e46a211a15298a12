/**
 * The values of one leaf, dense: only entries that are not null, in order. What a value means is in the leaf's
 * type; here is only how it is stored, one member per Parquet physical type.
 */
export type Values =
  /** One byte per value, 0 or 1. */
  | { readonly kind: "bool"; readonly data: Uint8Array }
  /** INT32: also small and unsigned integers (as bit patterns), dates, time[ms], decimals to 9 digits. */
  | { readonly kind: "int32"; readonly data: Int32Array }
  /** INT64. Hot loops view the buffer as Int32/Uint32 pairs or use Float64 arithmetic; BigInt is slow. */
  | { readonly kind: "int64"; readonly data: BigInt64Array }
  | { readonly kind: "float"; readonly data: Float32Array }
  | { readonly kind: "double"; readonly data: Float64Array }
  /** BYTE_ARRAY: value i is `data[offsets[i] .. offsets[i + 1])`; `offsets` has one entry more than values. */
  | { readonly kind: "bytes"; readonly offsets: Int32Array; readonly data: Uint8Array }
  /** FIXED_LEN_BYTE_ARRAY, and INT96 (width 12). */
  | { readonly kind: "fixed"; readonly width: number; readonly data: Uint8Array };

export function valueCount(values: Values): number {
  switch (values.kind) {
    case "bytes":
      return values.offsets.length - 1;
    case "fixed":
      return values.width === 0 ? 0 : values.data.length / values.width;
    case "bool":
    case "int32":
    case "int64":
    case "float":
    case "double":
      return values.data.length;
  }
}
