import { unpackBits } from "../parquet/encodings/bit-pack.ts";
import type { LeafColumn } from "../parquet/leaf-type.ts";
import { fixedValues, widthOf } from "../parquet/values/value-pieces.ts";
import type { Values } from "../parquet/values/values.ts";
import { type ArrowArray, isSet, validityOf } from "./arrow-array.ts";
import type { Layout } from "./array-shape.ts";
import { malformedStream } from "./stream-error.ts";

/**
 * Every slot of an array as the kernels take values, null or not: what stands in a slot without a value has no meaning. `layout`
 * is that of the array itself, or of a dictionary's values.
 *
 * Throws `data` `STREAM_MALFORMED` where the buffers are too short, or offsets lead outside of them.
 */
export function readSlots(array: ArrowArray, layout: Layout, column: LeafColumn): Values {
  const { length, buffers } = array;
  const [first, second] = buffers;
  switch (layout.kind) {
    case "bits": {
      const data = new Uint8Array(length);
      unpackBits(sized(first?.bytes(), Math.ceil(length / 8), array), 0, 1, data, 0, length);
      return { kind: "bool", data };
    }
    case "fixed":
      return readFixed(array, layout.width, column);
    case "bytes": {
      const offsets = readOffsets(array, layout.isLarge);
      return bytesFrom(offsets, (second ?? first)?.bytes() ?? new Uint8Array(0));
    }
    case "views":
      return readViews(array);
    case "null":
      return blankSlots(column, length);
    case "list":
    case "fixedList":
    case "struct":
      throw malformedStream("a nested array has no values of its own", { column: column.path.join(".") });
  }
}

function sized(bytes: Uint8Array | undefined, wanted: number, { shape, length }: ArrowArray): Uint8Array {
  if (bytes !== undefined && bytes.length >= wanted) return bytes.subarray(0, wanted);
  throw malformedStream("a buffer is too short for its array", {
    column: shape.name,
    length,
    bytes: bytes?.length ?? 0,
    expectedBytes: wanted,
  });
}

/** In memory that is aligned for every type. */
function aligned(bytes: Uint8Array): Uint8Array {
  return bytes.byteOffset % 8 === 0 ? bytes : bytes.slice();
}

function readFixed(array: ArrowArray, width: number, column: LeafColumn): Values {
  const bytes = sized(array.buffers[0]?.bytes(), array.length * width, array);
  const { type } = column;
  if (type.kind === "decimal") return readDecimals(array, bytes, width, column);
  if (type.kind === "int" && type.bits < 32)
    return { kind: "int32", data: widen(bytes, type.bits, type.signed) };
  return fixedValues(column, aligned(bytes));
}

function widen(bytes: Uint8Array, bits: number, signed: boolean): Int32Array {
  if (bits === 8)
    return new Int32Array(signed ? new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length) : bytes);
  const { buffer, byteOffset, length } = aligned(bytes);
  return new Int32Array(
    signed ? new Int16Array(buffer, byteOffset, length / 2) : new Uint16Array(buffer, byteOffset, length / 2),
  );
}

/**
 * Arrow's decimals are little-endian and as wide as their type; Parquet's are integers up to 18 digits, then big-endian and as
 * wide as their digits need.
 */
function readDecimals(array: ArrowArray, bytes: Uint8Array, width: number, column: LeafColumn): Values {
  const { length } = array;
  const isInteger = column.physicalType === "INT32" || column.physicalType === "INT64";
  const kept = isInteger ? (column.physicalType === "INT32" ? 4 : 8) : (column.typeLength ?? width);
  const data = new Uint8Array(length * kept);
  const bits = validityOf(array);
  for (let slot = 0; slot < length; slot += 1) {
    const from = slot * width;
    const sign = ((bytes[from + width - 1] as number) & 0x80) === 0 ? 0 : 0xff;
    for (let i = 0; i < kept; i += 1) {
      const byte = i < width ? (bytes[from + i] as number) : sign;
      data[slot * kept + (isInteger ? i : kept - 1 - i)] = byte;
    }
    if (kept >= width) continue;
    let isWide = ((bytes[from + kept - 1] as number) & 0x80) !== (sign & 0x80);
    for (let i = kept; i < width && !isWide; i += 1) isWide = bytes[from + i] !== sign;
    if (isWide && (bits === undefined || isSet(bits, slot))) {
      throw malformedStream("a decimal has more digits than its type", {
        column: column.path.join("."),
        slot,
      });
    }
  }
  return fixedValues(column, data);
}

/** Offsets of an array of lists, texts or bytes, ascending: `length + 1` of them. */
export function readOffsets(array: ArrowArray, isLarge: boolean): Int32Array {
  const { length } = array;
  const stored = array.buffers[0];
  // An array without slots may come without its one offset ("Variable-size Binary Layout").
  if (length === 0 && (stored === undefined || stored.isEmpty)) return new Int32Array(1);
  const bytes = aligned(sized(stored?.bytes(), (length + 1) * (isLarge ? 8 : 4), array));
  const words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >>> 2);
  let offsets = words;
  if (isLarge) {
    offsets = new Int32Array(length + 1);
    for (let i = 0; i <= length; i += 1) {
      if (words[2 * i + 1] !== 0)
        throw malformedStream("an offset is out of its range", { column: array.shape.name });
      offsets[i] = words[2 * i] as number;
    }
  }
  let last = offsets[0] as number;
  let isAscending = last >= 0;
  for (let i = 1; i <= length; i += 1) {
    const next = offsets[i] as number;
    if (next < last) isAscending = false;
    last = next;
  }
  if (isAscending) return offsets;
  throw malformedStream("offsets of an array do not ascend", { column: array.shape.name });
}

/** Kernels take offsets from 0; those of a slice may begin anywhere. */
function bytesFrom(offsets: Int32Array, data: Uint8Array): Values {
  const start = offsets[0] as number;
  const end = offsets.at(-1) as number;
  if (end > data.length)
    throw malformedStream("an offset leads outside of its buffer", { offset: end, bytes: data.length });
  if (start === 0) return { kind: "bytes", offsets, data: data.subarray(0, end) };
  return { kind: "bytes", offsets: offsets.map((offset) => offset - start), data: data.subarray(start, end) };
}

export const viewBytes = 16;
export const inlineBytesMax = 12;

/** Source: Columnar.html, "Variable-size Binary View Layout": length; then the bytes, or four of them, a buffer and an offset. */
function readViews(array: ArrowArray): Values {
  const { length, buffers } = array;
  const views = sized(buffers[0]?.bytes(), length * viewBytes, array);
  const view = new DataView(views.buffer, views.byteOffset, views.byteLength);
  const bits = validityOf(array);
  const offsets = new Int32Array(length + 1);
  let total = 0;
  for (let slot = 0; slot < length; slot += 1) {
    if (bits === undefined || isSet(bits, slot)) total += view.getUint32(slot * viewBytes, true);
    if (total > 0x7fff_ffff)
      throw malformedStream("texts of a record batch are over 2 GiB", { column: array.shape.name });
    offsets[slot + 1] = total;
  }
  const data = new Uint8Array(total);
  for (let slot = 0; slot < length; slot += 1) {
    const at = offsets[slot] as number;
    const size = (offsets[slot + 1] as number) - at;
    if (size === 0) continue;
    const start = slot * viewBytes;
    if (size <= inlineBytesMax) {
      data.set(views.subarray(start + 4, start + 4 + size), at);
      continue;
    }
    const buffer = buffers[view.getUint32(start + 8, true) + 1]?.bytes();
    const from = view.getUint32(start + 12, true);
    if (buffer === undefined || from + size > buffer.length) {
      throw malformedStream("a view leads outside of its buffers", { column: array.shape.name, slot });
    }
    data.set(buffer.subarray(from, from + size), at);
  }
  return { kind: "bytes", offsets, data };
}

/** Slots that hold nothing, as the column stores its values. */
export function blankSlots(column: LeafColumn, length: number): Values {
  if (column.physicalType === "BYTE_ARRAY") {
    return { kind: "bytes", offsets: new Int32Array(length + 1), data: new Uint8Array(0) };
  }
  return fixedValues(column, new Uint8Array(length * (widthOf(column) ?? 0)));
}
