/**
 * The types of a leaf, spelled as Arrow spells them. Parquet-only annotations that Arrow has no plain type for
 * (`json`, `enum`, `interval`, …) have a name of their own, so that any readable file has a schema.
 *
 * A type is what a value means; how Parquet stores it (a decimal as INT32 or as FIXED_LEN_BYTE_ARRAY, a
 * timestamp as INT64 or as INT96) is the leaf's physical type, which a copied column keeps.
 */
export type LeafType =
  | { readonly kind: "bool" }
  | { readonly kind: "int"; readonly bits: 8 | 16 | 32 | 64; readonly signed: boolean }
  | { readonly kind: "float"; readonly bits: 16 | 32 | 64 }
  /** Precision 1 to 76. Spelled decimal128 up to precision 38, decimal256 above. */
  | { readonly kind: "decimal"; readonly precision: number; readonly scale: number }
  | { readonly kind: "string" }
  | { readonly kind: "binary" }
  | { readonly kind: "fixedBinary"; readonly bytes: number }
  /** Days since 1970-01-01, `date32`. */
  | { readonly kind: "date" }
  | { readonly kind: "time"; readonly unit: TimeUnit; readonly utc: boolean }
  /** `timezone` null: a local date and time. Parquet keeps only whether there is one: isAdjustedToUTC. */
  | { readonly kind: "timestamp"; readonly unit: TimeUnit; readonly timezone: string | null }
  | { readonly kind: "json" }
  | { readonly kind: "bson" }
  | { readonly kind: "enum" }
  | { readonly kind: "uuid" }
  | { readonly kind: "interval" }
  | { readonly kind: "geometry" }
  | { readonly kind: "geography" }
  /** Parquet's UNKNOWN annotation: every value is null. */
  | { readonly kind: "null" };

export type TimeUnit = "ms" | "us" | "ns";

export type PhysicalType =
  | "BOOLEAN"
  | "INT32"
  | "INT64"
  | "INT96"
  | "FLOAT"
  | "DOUBLE"
  | "BYTE_ARRAY"
  | "FIXED_LEN_BYTE_ARRAY";

/** What a reader or writer of one leaf's pages needs to know. */
export interface LeafColumn {
  /** Names of the schema elements from below the root to the leaf. */
  readonly path: readonly string[];
  readonly physicalType: PhysicalType;
  /** Bytes of a FIXED_LEN_BYTE_ARRAY value. */
  readonly typeLength?: number;
  readonly type: LeafType;
  readonly maxDefinitionLevel: number;
  readonly maxRepetitionLevel: number;
}
