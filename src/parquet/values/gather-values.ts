import { tooLarge } from "../page-error.ts";
import { checkOffsets, copyBytes } from "./value-pieces.ts";
import type { Values } from "./values.ts";

/**
 * The values at `indices[from, to)`, in that order: a dictionary looked up, or rows picked. Throws `data`
 * `CHUNK_TOO_LARGE` when they would take more than `bytesMax`, for a few indices can name a long entry many times.
 */
export function gatherValues(
  values: Values,
  indices: Int32Array | Uint32Array,
  from = 0,
  to = indices.length,
  bytesMax = Number.MAX_SAFE_INTEGER,
): Values {
  const count = to - from;
  switch (values.kind) {
    case "bool":
      return { kind: "bool", data: gatherFixed(values.data, 1, indices, from, count, bytesMax) };
    case "fixed":
      return {
        kind: "fixed",
        width: values.width,
        data: gatherFixed(values.data, values.width, indices, from, count, bytesMax),
      };
    case "int32":
      return {
        kind: "int32",
        data: new Int32Array(gatherWords(values.data, indices, from, count, bytesMax)),
      };
    case "float":
      return {
        kind: "float",
        data: new Float32Array(gatherWords(values.data, indices, from, count, bytesMax)),
      };
    case "int64":
      return {
        kind: "int64",
        data: new BigInt64Array(gatherWordPairs(values.data, indices, from, count, bytesMax)),
      };
    case "double":
      return {
        kind: "double",
        data: new Float64Array(gatherWordPairs(values.data, indices, from, count, bytesMax)),
      };
    case "bytes":
      return gatherBytes(values.offsets, values.data, indices, from, count, bytesMax);
  }
}

/** Bit patterns as 32-bit words: a float copied as a number could change a NaN's payload. */
export function wordsOf(data: ArrayBufferView): Int32Array {
  return new Int32Array(data.buffer, data.byteOffset, data.byteLength >>> 2);
}

function gatherWords(
  data: ArrayBufferView,
  indices: Int32Array | Uint32Array,
  from: number,
  count: number,
  bytesMax: number,
): ArrayBuffer {
  checkSize(count * 4, bytesMax);
  const words = wordsOf(data);
  const gathered = new Int32Array(count);
  for (let i = 0; i < count; i += 1) gathered[i] = words[indices[from + i] as number] as number;
  return gathered.buffer;
}

function gatherWordPairs(
  data: ArrayBufferView,
  indices: Int32Array | Uint32Array,
  from: number,
  count: number,
  bytesMax: number,
): ArrayBuffer {
  checkSize(count * 8, bytesMax);
  const words = wordsOf(data);
  const gathered = new Int32Array(count * 2);
  for (let i = 0; i < count; i += 1) {
    const at = (indices[from + i] as number) * 2;
    gathered[i * 2] = words[at] as number;
    gathered[i * 2 + 1] = words[at + 1] as number;
  }
  return gathered.buffer;
}

function gatherFixed(
  data: Uint8Array,
  width: number,
  indices: Int32Array | Uint32Array,
  from: number,
  count: number,
  bytesMax: number,
): Uint8Array {
  checkSize(count * width, bytesMax);
  const gathered = new Uint8Array(count * width);
  for (let i = 0; i < count; i += 1) {
    copyBytes(data, (indices[from + i] as number) * width, width, gathered, i * width);
  }
  return gathered;
}

function gatherBytes(
  offsets: Int32Array,
  data: Uint8Array,
  indices: Int32Array | Uint32Array,
  from: number,
  count: number,
  bytesMax: number,
): Values {
  let length = 0;
  for (let i = from; i < from + count; i += 1) {
    const index = indices[i] as number;
    length += (offsets[index + 1] as number) - (offsets[index] as number);
  }
  checkSize(length + count * 4, bytesMax);
  checkOffsets(length);
  const gatheredOffsets = new Int32Array(count + 1);
  const gathered = new Uint8Array(length);
  let at = 0;
  for (let i = 0; i < count; i += 1) {
    const index = indices[from + i] as number;
    const start = offsets[index] as number;
    const size = (offsets[index + 1] as number) - start;
    copyBytes(data, start, size, gathered, at);
    at += size;
    gatheredOffsets[i + 1] = at;
  }
  return { kind: "bytes", offsets: gatheredOffsets, data: gathered };
}

function checkSize(bytes: number, bytesMax: number): void {
  if (bytes > bytesMax) throw tooLarge("values would take more memory than allowed", { bytes, bytesMax });
}
