import { ColonnadeError } from "../base/errors.ts";
import { packBits } from "../parquet/encodings/bit-pack.ts";
import type { LeafColumn } from "../parquet/leaf-type.ts";
import { type Values, valueCount } from "../parquet/values/values.ts";
import type { ArrayShape } from "./array-shape.ts";
import { BodyBuffer } from "./body-buffer.ts";
import { inlineBytesMax, viewBytes } from "./read-slots.ts";

/** The buffers of an array, its validity aside, for values that stand one in each slot. */
export function writeSlots(values: Values, shape: ArrayShape, column: LeafColumn): BodyBuffer[] {
  const { layout } = shape;
  switch (layout.kind) {
    case "null":
      return [];
    case "bits":
      return [BodyBuffer.of(bitsOf((values as Extract<Values, { kind: "bool" }>).data))];
    case "fixed":
      return [BodyBuffer.of(fixedBytes(values, layout.width, column))];
    case "bytes":
      return writeBytes(values as Extract<Values, { kind: "bytes" }>, layout.isLarge);
    case "views":
      return writeViews(values as Extract<Values, { kind: "bytes" }>);
    case "list":
    case "fixedList":
    case "struct":
      throw new ColonnadeError("internal", "LEAF_EXPECTED", "a nested array has no values of its own");
  }
}

/** One bit for each of these zeros and ones. */
export function bitsOf(flags: Uint8Array): Uint8Array {
  const bits = new Uint8Array((flags.length + 7) >>> 3);
  packBits(flags, 0, flags.length, 1, bits, 0);
  return bits;
}

function fixedBytes(values: Values, width: number, { type, physicalType }: LeafColumn): Uint8Array {
  const { buffer, byteOffset, byteLength } = values.data;
  const bytes = new Uint8Array(buffer, byteOffset, byteLength);
  if (type.kind === "decimal") return writeDecimals(bytes, valueCount(values), width, physicalType);
  if (type.kind === "int" && type.bits < 32) {
    const numbers = (values as Extract<Values, { kind: "int32" }>).data;
    return new Uint8Array((type.bits === 8 ? new Uint8Array(numbers) : new Uint16Array(numbers)).buffer);
  }
  return bytes;
}

/** See `read-slots.ts` on how the two formats store decimals. */
function writeDecimals(
  bytes: Uint8Array,
  count: number,
  width: number,
  physicalType: LeafColumn["physicalType"],
): Uint8Array {
  const isInteger = physicalType === "INT32" || physicalType === "INT64";
  const kept = count === 0 ? 0 : bytes.length / count;
  const data = new Uint8Array(count * width);
  for (let slot = 0; slot < count; slot += 1) {
    const from = slot * kept;
    const highest = bytes[isInteger ? from + kept - 1 : from] as number;
    const sign = (highest & 0x80) === 0 ? 0 : 0xff;
    for (let i = 0; i < width; i += 1) {
      data[slot * width + i] =
        i < kept ? (bytes[isInteger ? from + i : from + kept - 1 - i] as number) : sign;
    }
  }
  return data;
}

function writeBytes({ offsets, data }: Extract<Values, { kind: "bytes" }>, isLarge: boolean): BodyBuffer[] {
  if (!isLarge) return [BodyBuffer.of(offsets), BodyBuffer.of(data)];
  const words = new Int32Array(offsets.length * 2);
  for (let i = 0; i < offsets.length; i += 1) words[2 * i] = offsets[i] as number;
  return [BodyBuffer.of(words), BodyBuffer.of(data)];
}

/** Short texts stand in their views, the others in one buffer that these point into. */
function writeViews({ offsets, data }: Extract<Values, { kind: "bytes" }>): BodyBuffer[] {
  const count = offsets.length - 1;
  const views = new Uint8Array(count * viewBytes);
  const view = new DataView(views.buffer);
  for (let slot = 0; slot < count; slot += 1) {
    const from = offsets[slot] as number;
    const size = (offsets[slot + 1] as number) - from;
    const at = slot * viewBytes;
    view.setInt32(at, size, true);
    const isInline = size <= inlineBytesMax;
    views.set(data.subarray(from, from + (isInline ? size : 4)), at + 4);
    if (!isInline) view.setInt32(at + 12, from, true);
  }
  return [BodyBuffer.of(views), BodyBuffer.of(data)];
}
