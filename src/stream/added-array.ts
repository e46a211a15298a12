import { repeatValue } from "../parquet/values/edit-values.ts";
import type { ArrowArray } from "./arrow-array.ts";
import type { ArrayShape } from "./array-shape.ts";
import { BodyBuffer } from "./body-buffer.ts";
import { blankSlots } from "./read-slots.ts";
import { unsupportedStream } from "./stream-error.ts";
import type { AddedColumn } from "./stream-plan.ts";
import { writeSlots } from "./write-slots.ts";

/** A short message can claim any number of rows; this is what an added column may take for them. */
const bytesMax = 1024 * 1024 * 1024;

/** Batches of one stream mostly have one length, and a column that is added is the same in all of them. */
export class AddedArrays {
  readonly #arrays = new Map<AddedColumn, ArrowArray>();

  get(column: AddedColumn, length: number): ArrowArray {
    const known = this.#arrays.get(column);
    if (known?.length === length) return known;
    const made = addedArray(column, length);
    this.#arrays.set(column, made);
    return made;
  }
}

/** An array of `length` slots that all hold the same: a default, or nothing. */
function addedArray(column: AddedColumn, length: number): ArrowArray {
  const { shape, value } = column;
  const { layout } = shape;
  if (layout.kind === "null")
    return { ...nullsOf(shape, length), validity: BodyBuffer.empty, buffers: [], children: [] };
  if (value !== undefined) {
    const width = value.value === null ? 16 : value.value.data.byteLength + 4;
    if (width * length > bytesMax) {
      throw unsupportedStream("an added column would be too large for one record batch; write smaller ones", {
        column: value.column.path.join("."),
        rows: length,
        bytes: width * length,
      });
    }
    const values =
      value.value === null
        ? blankSlots(value.column, length)
        : repeatValue(value.column, value.value, length);
    const base = value.value === null ? nullsOf(shape, length) : presentOf(shape, length);
    return { ...base, buffers: writeSlots(values, shape, value.column), children: [] };
  }
  const base = shape.nullable ? nullsOf(shape, length) : presentOf(shape, length);
  const isStruct = layout.kind === "struct";
  // A list that is new is null, or empty where it may not be null.
  const children = column.children.map((child) => addedArray(child, isStruct ? length : 0));
  const buffers = isStruct ? [] : [BodyBuffer.of(new Int32Array(length + 1))];
  return { ...base, buffers, children };
}

function presentOf(shape: ArrayShape, length: number): Omit<ArrowArray, "buffers" | "children"> {
  return { shape, length, nullCount: 0, validity: BodyBuffer.empty };
}

function nullsOf(shape: ArrayShape, length: number): Omit<ArrowArray, "buffers" | "children"> {
  return { shape, length, nullCount: length, validity: BodyBuffer.of(new Uint8Array((length + 7) >>> 3)) };
}
