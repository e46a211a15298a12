import { gatherValues } from "../parquet/values/gather-values.ts";
import { type ArrowArray, type ArrowBatch, isSet, validityOf } from "./arrow-array.ts";
import { BodyBuffer } from "./body-buffer.ts";
import { readSlots, viewBytes } from "./read-slots.ts";
import { listBounds } from "./slot-path.ts";
import { bitsOf, writeSlots } from "./write-slots.ts";

/** The batch with these rows alone, in their order. */
export function takeRows({ columns }: ArrowBatch, rows: Int32Array): ArrowBatch {
  return { rows: rows.length, columns: columns.map((column) => takeSlots(column, rows)) };
}

function takeSlots(array: ArrowArray, slots: Int32Array): ArrowArray {
  const { shape } = array;
  const { layout } = shape;
  const length = slots.length;
  if (layout.kind === "null") return { ...array, length, nullCount: length };
  const bits = validityOf(array);
  const flags = new Uint8Array(bits === undefined ? 0 : length);
  let nullCount = 0;
  if (bits !== undefined) {
    for (const [i, slot] of slots.entries()) {
      if (isSet(bits, slot)) flags[i] = 1;
      else nullCount += 1;
    }
  }
  const validity = nullCount === 0 ? BodyBuffer.empty : BodyBuffer.of(bitsOf(flags));
  return { shape, length, nullCount, validity, ...takeContent(array, slots) };
}

function takeContent(array: ArrowArray, slots: Int32Array): Pick<ArrowArray, "buffers" | "children"> {
  const { layout } = array.shape;
  const [first, ...others] = array.buffers;
  switch (layout.kind) {
    case "null":
      return { buffers: [], children: [] };
    case "bits": {
      const bits = first?.bytes() ?? new Uint8Array(0);
      return {
        buffers: [BodyBuffer.of(bitsOf(Uint8Array.from(slots, (slot) => (isSet(bits, slot) ? 1 : 0))))],
        children: [],
      };
    }
    case "fixed":
      return { buffers: [takeFixed(first, layout.width, slots)], children: [] };
    case "views":
      // Where they point to stays as it is.
      return { buffers: [takeFixed(first, viewBytes, slots), ...others], children: [] };
    case "bytes": {
      const column = {
        path: [array.shape.name],
        physicalType: "BYTE_ARRAY",
        type: { kind: "binary" },
      } as const;
      const levels = { maxDefinitionLevel: 0, maxRepetitionLevel: 0 };
      const values = gatherValues(readSlots(array, layout, { ...column, ...levels }), slots);
      return { buffers: writeSlots(values, array.shape, { ...column, ...levels }), children: [] };
    }
    case "struct":
      return { buffers: [], children: array.children.map((child) => takeSlots(child, slots)) };
    case "list":
    case "fixedList":
      return takeLists(array, slots);
  }
}

function takeFixed(buffer: BodyBuffer | undefined, width: number, slots: Int32Array): BodyBuffer {
  const data = buffer?.bytes() ?? new Uint8Array(0);
  return BodyBuffer.of(gatherValues({ kind: "fixed", width, data }, slots).data);
}

function takeLists(array: ArrowArray, slots: Int32Array): Pick<ArrowArray, "buffers" | "children"> {
  const { layout } = array.shape;
  const bounds = listBounds(array);
  let total = 0;
  const offsets = new Int32Array(slots.length + 1);
  for (const [i, slot] of slots.entries()) {
    const { start, end } = bounds(slot);
    total += end - start;
    offsets[i + 1] = total;
  }
  const elements = new Int32Array(total);
  let at = 0;
  for (const slot of slots) {
    const { start, end } = bounds(slot);
    for (let element = start; element < end; element += 1, at += 1) elements[at] = element;
  }
  const children = array.children.map((child) => takeSlots(child, elements));
  if (layout.kind === "fixedList") return { buffers: [], children };
  const isLarge = layout.kind === "list" && layout.isLarge;
  return { buffers: [BodyBuffer.of(isLarge ? BigInt64Array.from(offsets, BigInt) : offsets)], children };
}
