import { isUtf8 } from "node:buffer";
import { type LeafType, sameLeafType } from "../parquet/leaf-type.ts";
import { expected, type Expected, invalid, type Meaning, type MeaningPolicy } from "./expected.ts";
import type { Logical } from "./logical-values.ts";
import { meaningOfNumbers } from "./number-meaning.ts";
import { meaningOfTimes } from "./time-meaning.ts";

/**
 * What a cast between two leaf types means. Undefined for a pair, or a policy, of which nothing is said here: its values are decoded
 * and not compared.
 */
export function meaningOf(from: LeafType, to: LeafType, policy: MeaningPolicy): Meaning | undefined {
  if (sameLeafType(from, to)) return expected;
  return (
    meaningOfBytes(from, to) ??
    meaningOfTimes(from, to, policy) ??
    meaningOfNumbers(from, to, policy.rounding)
  );
}

function asBytes(value: Logical): Uint8Array {
  return value as Uint8Array;
}

/** Texts and bytes of all kinds, and UUIDs. */
function meaningOfBytes(from: LeafType, to: LeafType): Meaning | undefined {
  const isText = from.kind === "string" || from.kind === "enum";
  const isFixed = from.kind === "fixedBinary" || from.kind === "uuid" || from.kind === "interval";
  switch (to.kind) {
    case "binary":
      return isText || isFixed || isAnnotated(from) ? expected : undefined;
    case "string":
    case "enum":
      if (isText || from.kind === "json") return expected;
      if (from.kind === "uuid") return to.kind === "string" ? writeUuid : undefined;
      if (from.kind !== "binary" && from.kind !== "fixedBinary") return undefined;
      return (value) => (isUtf8(asBytes(value)) ? expected(value) : invalid);
    case "json":
      return isText || from.kind === "binary"
        ? (value) => (isJson(asBytes(value)) ? expected(value) : invalid)
        : undefined;
    case "uuid":
      if (from.kind === "fixedBinary") return from.bytes === 16 ? expected : undefined;
      return isText ? readUuid : undefined;
    case "fixedBinary":
      if (isText || from.kind === "binary") {
        return (value) => (asBytes(value).length === to.bytes ? expected(value) : invalid);
      }
      return isFixed ? expected : undefined;
    default:
      return undefined;
  }
}

function isAnnotated({ kind }: LeafType): boolean {
  return kind === "json" || kind === "bson" || kind === "geometry" || kind === "geography";
}

function isJson(bytes: Uint8Array): boolean {
  if (!isUtf8(bytes)) return false;
  try {
    JSON.parse(Buffer.from(bytes).toString("utf8"));
    return true;
  } catch {
    return false;
  }
}

const uuidPattern = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

function readUuid(value: Logical): Expected {
  const text = Buffer.from(asBytes(value)).toString("latin1");
  return uuidPattern.test(text) ? expected(Buffer.from(text.replaceAll("-", ""), "hex")) : invalid;
}

function writeUuid(value: Logical): Expected {
  const digits = Buffer.from(asBytes(value)).toString("hex");
  return expected(Buffer.from(digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-")));
}
