import { canonicalJson, type Json } from "../base/canonical-json.ts";
import type { LeafType } from "../parquet/leaf-type.ts";
import type { CastPolicy } from "../schema/schema-version.ts";
import { meaningOf } from "./cast-meaning.ts";
import type { Logical } from "./logical-values.ts";

/** One value as a schema version or a path has it. Serialisable. */
export type ConstantText =
  | { readonly kind: "default"; readonly json: Json }
  /** Text of a path under the type that the path's field has, and the cast to the column's type. */
  | {
      readonly kind: "path";
      readonly text: string | null;
      readonly type: LeafType;
      readonly policy: CastPolicy;
    };

export interface Constant {
  readonly value: Logical | null;
}

const string: LeafType = { kind: "string" };

/** The value in a column's type; undefined when nothing is said here about how it is read. */
export function readConstant(constant: ConstantText, type: LeafType): Constant | undefined {
  if (constant.kind === "default") {
    return constant.json === null ? { value: null } : readText(textOf(constant.json, type), type);
  }
  const { text, type: from, policy } = constant;
  if (text === null) return { value: null };
  const read = readText(text, from);
  const meaning = meaningOf(from, type, policy);
  if (read?.value === null || read === undefined || meaning === undefined)
    return read?.value === null ? read : undefined;
  return valueOf(meaning(read.value));
}

/** Numbers as JSON writes them; a text of any other value is the value itself. */
function textOf(json: Json, type: LeafType): string {
  if (typeof json !== "string") return canonicalJson(json);
  // A sign that YAML and people write, and the cast to an integer does not read.
  return type.kind === "int" ? json.replace(/^\+(?=\d)/, "") : json;
}

/** A text as the cast from string reads it; bytes as hexadecimal digits; a zoned timestamp without an offset in UTC. */
function readText(text: string, type: LeafType): Constant | undefined {
  switch (type.kind) {
    case "binary":
    case "fixedBinary":
    case "bson":
    case "interval":
    case "geometry":
    case "geography":
      return { value: new Uint8Array(Buffer.from(text, "hex")) };
    default: {
      const meaning = meaningOf(string, type, { rounding: "error", timezone: "UTC" });
      return meaning === undefined ? undefined : valueOf(meaning(Buffer.from(text)));
    }
  }
}

function valueOf(said: ReturnType<NonNullable<ReturnType<typeof meaningOf>>>): Constant | undefined {
  return said.kind === "value" ? { value: said.value } : undefined;
}
