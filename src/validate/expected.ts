import type { CastPolicy } from "../schema/schema-version.ts";
import type { Logical } from "./logical-values.ts";

/**
 * What one value must have become, said a second time and by other means than the casts themselves (docs/SEMANTICS.md):
 * exact fractions instead of doubles, the runtime's own calendar instead of ours, regular expressions instead of loops over bytes.
 */
export type Expected =
  | { readonly kind: "value"; readonly value: Logical }
  /** Texts of which only the value is said, not every digit: floats and decimals. */
  | { readonly kind: "text"; readonly shown: string; readonly accepts: (text: string) => boolean }
  /** No value of the new type: the field's policy decides. */
  | { readonly kind: "invalid" }
  /** Too far out to be judged here. */
  | { readonly kind: "unjudged" };

export type Meaning = (value: Logical) => Expected;

export type MeaningPolicy = Pick<CastPolicy, "rounding" | "format" | "timezone">;

export const invalid: Expected = { kind: "invalid" };
export const unjudged: Expected = { kind: "unjudged" };

export function expected(value: Logical): Expected {
  return { kind: "value", value };
}
