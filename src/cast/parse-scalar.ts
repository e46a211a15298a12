import { canonicalJson } from "../base/canonical-json.ts";
import type { Json } from "../base/canonical-json.ts";
import { formatLeafType } from "../parquet/leaf-type.ts";
import type { LeafType } from "../parquet/leaf-type.ts";
import type { Values } from "../parquet/values/values.ts";
import { castability } from "./castability.ts";
import { castValues } from "./cast-values.ts";
import type { Stored } from "./cast.ts";

const asText: Stored = { type: { kind: "string" }, physicalType: "BYTE_ARRAY" };
const quotedMax = 60;

/**
 * One value of a leaf from a schema's default or from a path segment, as a column of one value; `error` is the end of a sentence.
 *
 * Texts are read as the cast from string reads them. Integers, floats and decimals may be JSON numbers; integers past
 * ±2^53 must be strings, since JSON readers round them. Dates and times are ISO 8601, and a zoned timestamp without offset is in
 * UTC. Bytes of any kind are hexadecimal digits (a text would be ambiguous, and base64 looks like one). A `json` value is either a
 * string that holds JSON, or any other JSON value.
 */
export function parseScalar(json: Json, stored: Stored): Values | { readonly error: string } {
  const { type } = stored;
  const text = textOf(json, type);
  if (text === undefined) return { error: `${quote(json)} is not ${expected(type)}` };
  if (takesBytes(type)) return parseHex(text, stored);
  const judged = castability(asText, stored);
  if (judged.kind === "none") return { error: `${formatLeafType(type)} takes no value: ${judged.reason}` };
  const bytes = Buffer.from(text);
  const column: Values = {
    kind: "bytes",
    offsets: Int32Array.of(0, bytes.length),
    data: new Uint8Array(bytes),
  };
  const cast = castValues(column, { from: asText, to: stored, rounding: "error", timezone: "UTC" });
  return cast.invalid.length === 0 ? cast.values : { error: `${quote(json)} is not ${expected(type)}` };
}

/** The text that the cast from string shall read; undefined for JSON of a kind that the type does not take. */
function textOf(json: Json, type: LeafType): string | undefined {
  if (type.kind === "json" && typeof json !== "string") return canonicalJson(json);
  if (typeof json === "string") {
    // Arrow reads a plus sign before floats and decimals only, but YAML and people write it anywhere.
    return type.kind === "int" ? json.replace(/^\+(?=\d)/, "") : json;
  }
  if (typeof json === "boolean") return type.kind === "bool" ? String(json) : undefined;
  if (typeof json !== "number") return undefined;
  switch (type.kind) {
    case "int":
      return Number.isSafeInteger(json) ? String(json) : undefined;
    case "float":
    case "decimal":
      return String(json);
    default:
      return undefined;
  }
}

function takesBytes(type: LeafType): boolean {
  switch (type.kind) {
    case "binary":
    case "fixedBinary":
    case "bson":
    case "interval":
    case "geometry":
    case "geography":
      return true;
    default:
      return false;
  }
}

function parseHex(text: string, stored: Stored): Values | { readonly error: string } {
  if (!/^(?:[0-9a-f]{2})*$/i.test(text)) return { error: `${quote(text)} is not ${expected(stored.type)}` };
  const data = new Uint8Array(Buffer.from(text, "hex"));
  if (stored.physicalType !== "FIXED_LEN_BYTE_ARRAY") {
    return { kind: "bytes", offsets: Int32Array.of(0, data.length), data };
  }
  const width = stored.typeLength ?? 0;
  if (data.length !== width) return { error: `${quote(text)} has ${data.length} bytes, not ${width}` };
  return { kind: "fixed", width, data };
}

function expected(type: LeafType): string {
  switch (type.kind) {
    case "bool":
      return "true or false";
    case "int":
      return `an integer of ${formatLeafType(type)} (past ±2^53 it must be a string)`;
    case "float":
      return `a number of ${formatLeafType(type)}`;
    case "decimal":
      return `a number that ${formatLeafType(type)} holds exactly`;
    case "string":
    case "enum":
      return "a string";
    case "json":
      return "JSON";
    case "date":
      return "a date such as 2026-01-31";
    case "time":
      return `a time of day such as 13:45:00 in ${formatLeafType(type)}`;
    case "timestamp":
      return `a date and time such as 2026-01-31 13:45:00${type.timezone === null ? "" : "Z"} in ${formatLeafType(type)}`;
    case "uuid":
      return "a UUID";
    case "binary":
    case "fixedBinary":
    case "bson":
    case "interval":
    case "geometry":
    case "geography":
      return "bytes in hexadecimal";
    case "null":
      return "possible: every value is null";
  }
}

function quote(json: Json): string {
  const text = JSON.stringify(json);
  return text.length > quotedMax ? `${text.slice(0, quotedMax)}…` : text;
}
