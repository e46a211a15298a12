import { ByteWriter } from "../byte-writer.ts";
import type { LeafColumn } from "../leaf-type.ts";
import { encodePlain } from "../encodings/plain.ts";
import { Statistics } from "../spec.ts";
import { ThriftStruct } from "../thrift/thrift.ts";
import type { ValueOrder } from "../values/value-order.ts";
import type { ValueRange } from "../values/value-range.ts";
import type { Values } from "../values/values.ts";

/** Lower and upper bound, PLAIN without a length in front, and whether they are values that occur. */
export interface Bounds {
  readonly min: Uint8Array;
  readonly max: Uint8Array;
  readonly minExact: boolean;
  readonly maxExact: boolean;
}

/**
 * The bounds of a range with values of at most `bytesMax` bytes; undefined where there are none or where a long value
 * has no shorter bound. Source: parquet.thrift, Statistics.min_value and ColumnOrder (signed zeros).
 */
export function boundsOf(
  values: Values,
  range: ValueRange,
  order: ValueOrder,
  column: LeafColumn,
  bytesMax: number,
): Bounds | undefined {
  if (range.min === -1) return undefined;
  const min = valueBytes(values, range.min);
  const max = valueBytes(values, range.max);
  if (order === "float" || order === "float16") {
    const low = withZeroSign(min, order, true);
    const high = withZeroSign(max, order, false);
    return { min: low, max: high, minExact: low === min, maxExact: high === max };
  }
  const low = min.length <= bytesMax ? min : shortenLower(min, column, bytesMax);
  const high = max.length <= bytesMax ? max : shortenUpper(max, column, bytesMax);
  if (low === undefined || high === undefined) return undefined;
  return { min: low, max: high, minExact: low === min, maxExact: high === max };
}

function valueBytes(values: Values, position: number): Uint8Array {
  if (values.kind === "bytes") {
    return values.data.slice(values.offsets[position], values.offsets[position + 1]);
  }
  const writer = new ByteWriter(16);
  encodePlain(values, position, position + 1, writer);
  return writer.finish();
}

/** A zero is -0 as a lower bound and +0 as an upper one, since either may stand for both. */
function withZeroSign(bytes: Uint8Array, order: ValueOrder, negative: boolean): Uint8Array {
  const last = bytes.length - 1;
  const isZero = bytes.every((byte, index) => (index === last ? byte & 0x7f : byte) === 0);
  const sign = negative ? 0x80 : 0;
  if (!isZero || order === "none" || bytes[last] === sign) return bytes;
  return bytes.with(last, sign);
}

/** Only types whose every prefix is a value too can be cut: text between characters, and bytes anywhere. */
function cutLength(value: Uint8Array, column: LeafColumn, bytesMax: number): number {
  if (column.physicalType !== "BYTE_ARRAY") return 0;
  const { kind } = column.type;
  if (kind === "binary") return bytesMax;
  if (kind !== "string" && kind !== "enum") return 0;
  let length = bytesMax;
  while (length > 0 && ((value[length] as number) & 0xc0) === 0x80) length -= 1;
  return length;
}

function shortenLower(value: Uint8Array, column: LeafColumn, bytesMax: number): Uint8Array | undefined {
  const length = cutLength(value, column, bytesMax);
  return length === 0 ? undefined : value.subarray(0, length);
}

/** The shortest successor of a prefix: its last character (or byte) that can be raised is, and the rest is cut. */
function shortenUpper(value: Uint8Array, column: LeafColumn, bytesMax: number): Uint8Array | undefined {
  const length = cutLength(value, column, bytesMax);
  if (length === 0) return undefined;
  const prefix = value.slice(0, length);
  if (column.type.kind !== "binary") return raiseText(prefix);
  for (let last = length - 1; last >= 0; last -= 1) {
    const byte = prefix[last] as number;
    if (byte < 0xff) {
      prefix[last] = byte + 1;
      return prefix.subarray(0, last + 1);
    }
  }
  return undefined;
}

const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

function raiseText(prefix: Uint8Array): Uint8Array | undefined {
  let characters: string[];
  try {
    characters = Array.from(strictDecoder.decode(prefix));
  } catch {
    return undefined; // Not UTF-8, whatever the type says: no bound rather than an invalid one.
  }
  for (let last = characters.length - 1; last >= 0; last -= 1) {
    const point = characters[last]?.codePointAt(0) ?? 0;
    if (point === 0x10ffff) continue;
    // The code points after U+D7FF are surrogates, which UTF-8 has no form for.
    const next = point === 0xd7ff ? 0xe000 : point + 1;
    return encoder.encode(characters.slice(0, last).join("") + String.fromCodePoint(next));
  }
  return undefined;
}

/**
 * Statistics of parquet.thrift. The deprecated `min` and `max` are set too where the order is the signed one that they
 * stand for, since the oldest readers know no others.
 */
export function statisticsStruct(
  order: ValueOrder,
  nullCount: number,
  nanCount: number,
  bounds: Bounds | undefined,
): ThriftStruct {
  const signed = order === "signed" || order === "float";
  const floats = order === "float" || order === "float16";
  return new ThriftStruct()
    .setBinary(Statistics.max, signed ? bounds?.max : undefined)
    .setBinary(Statistics.min, signed ? bounds?.min : undefined)
    .setI64(Statistics.null_count, nullCount)
    .setBinary(Statistics.max_value, bounds?.max)
    .setBinary(Statistics.min_value, bounds?.min)
    .setBool(Statistics.is_max_value_exact, bounds?.maxExact)
    .setBool(Statistics.is_min_value_exact, bounds?.minExact)
    .setI64(Statistics.nan_count, floats ? nanCount : undefined);
}
