import { isUtf8 } from "node:buffer";

import type { Values } from "../parquet/values/values.ts";
import { castability } from "./castability.ts";
import { castValues } from "./cast-values.ts";
import type { Stored } from "./cast.ts";

const asText: Stored = { type: { kind: "string" }, physicalType: "BYTE_ARRAY" };

/** Enough to recognise a value in a message or a report. */
const charactersMaxDefault = 120;

/**
 * One value as people write it, for messages, reports and path segments: as the cast to string does (ISO 8601 dates and times,
 * decimals with their scale), strings as they are, bytes in hexadecimal, and the bare number where a value is so far off that
 * it has no text. Longer texts end in `…` after `charactersMax` characters; pass Infinity where the whole value counts.
 */
export function formatValue(
  values: Values,
  index: number,
  stored: Stored,
  charactersMax = charactersMaxDefault,
): string {
  const one = sliceOne(values, index);
  // A character of a text takes four bytes at most, a byte two characters: no need to look at more.
  const text =
    one.kind === "bytes" ? formatBytes(one.data, stored, charactersMax) : formatScalar(one, stored);
  if (text.length <= charactersMax) return text;
  return `${text.slice(0, charactersMax).replace(/[\uD800-\uDBFF]$/, "")}…`;
}

function formatBytes(data: Uint8Array, stored: Stored, charactersMax: number): string {
  switch (stored.type.kind) {
    case "decimal":
      return formatScalar({ kind: "bytes", offsets: Int32Array.of(0, data.length), data }, stored);
    case "string":
    case "enum":
    case "json":
      if (isUtf8(data)) return new TextDecoder().decode(data.subarray(0, charactersMax * 4 + 4));
      break;
    default:
  }
  return hex(data.subarray(0, charactersMax + 1));
}

function formatScalar(one: Values, stored: Stored): string {
  const judged = castability(stored, asText);
  if (judged.kind !== "none" && stored.type.kind !== "fixedBinary") {
    const cast = castValues(one, { from: stored, to: asText, rounding: "error" });
    if (cast.invalid.length === 0 && cast.values.kind === "bytes")
      return new TextDecoder().decode(cast.values.data);
  }
  switch (one.kind) {
    case "fixed":
    case "bytes":
      return hex(one.data);
    case "bool":
    case "int32":
    case "int64":
    case "float":
    case "double":
      return String(one.data[0]);
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
}

/** A column of one value. */
function sliceOne(values: Values, index: number): Values {
  switch (values.kind) {
    case "bool":
      return { kind: "bool", data: values.data.slice(index, index + 1) };
    case "int32":
      return { kind: "int32", data: values.data.slice(index, index + 1) };
    case "int64":
      return { kind: "int64", data: values.data.slice(index, index + 1) };
    case "float":
      return { kind: "float", data: values.data.slice(index, index + 1) };
    case "double":
      return { kind: "double", data: values.data.slice(index, index + 1) };
    case "bytes": {
      const data = values.data.subarray(values.offsets[index], values.offsets[index + 1]);
      return { kind: "bytes", offsets: Int32Array.of(0, data.length), data };
    }
    case "fixed": {
      const { width } = values;
      return { kind: "fixed", width, data: values.data.subarray(index * width, index * width + width) };
    }
  }
}
