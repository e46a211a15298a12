import type { LeafColumn } from "../leaf-type.ts";
import type { Values } from "./values.ts";
import { valueCount } from "./values.ts";

/**
 * Dense values with one value (the only one of `replacement`) at each of the ascending `positions`, instead of what
 * stood there.
 */
export function replaceValues(values: Values, positions: Uint32Array, replacement: Values): Values {
  if (positions.length === 0) return values;
  return weave(values, positions, replacement, 1);
}

/**
 * Dense values with one value (the only one of `inserted`) put in before each of the ascending `positions`; equal
 * positions insert several, and a position may be the number of values.
 */
export function insertValues(values: Values, positions: Uint32Array, inserted: Values): Values {
  if (positions.length === 0) return values;
  return weave(values, positions, inserted, 0);
}

/** Copies runs between the positions and puts the one value at each, skipping `consumed` old values there. */
function weave(values: Values, positions: Uint32Array, one: Values, consumed: 0 | 1): Values {
  const count = valueCount(values);
  if (values.kind === "bytes") return weaveBytes(values, positions, one, consumed);
  const width = values.kind === "fixed" ? values.width : 1;
  const total = count + (consumed === 1 ? 0 : positions.length);
  const data = new (values.data.constructor as Uint8ArrayConstructor)(total * width);
  const source = values.data as Uint8Array;
  const inserted = one as { data: Uint8Array };
  let read = 0;
  let write = 0;
  for (const position of positions) {
    data.set(source.subarray(read * width, position * width), write * width);
    write += position - read;
    data.set(inserted.data, write * width);
    write += 1;
    read = position + consumed;
  }
  data.set(source.subarray(read * width), write * width);
  return { ...values, data } as Values;
}

function weaveBytes(
  values: Extract<Values, { kind: "bytes" }>,
  positions: Uint32Array,
  one: Values,
  consumed: 0 | 1,
): Values {
  const { data: oneBytes } = one as { data: Uint8Array };
  const count = valueCount(values);
  const total = count + (consumed === 1 ? 0 : positions.length);
  const offsets = new Int32Array(total + 1);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  let write = 0;
  const copyRun = (from: number, to: number): void => {
    const start = values.offsets[from] as number;
    for (let i = from; i < to; i += 1) {
      offsets[write] = bytes + (values.offsets[i] as number) - start;
      write += 1;
    }
    const run = values.data.subarray(start, values.offsets[to]);
    chunks.push(run);
    bytes += run.length;
  };
  let read = 0;
  for (const position of positions) {
    copyRun(read, position);
    offsets[write] = bytes;
    write += 1;
    chunks.push(oneBytes);
    bytes += oneBytes.length;
    read = position + consumed;
  }
  copyRun(read, count);
  offsets[write] = bytes;
  const data = new Uint8Array(bytes);
  let place = 0;
  for (const chunk of chunks) {
    data.set(chunk, place);
    place += chunk.length;
  }
  return { kind: "bytes", offsets, data };
}

/** `count` copies of a value, or no values for null, in the physical type of the column. */
export function repeatValue(column: LeafColumn, value: Values | null, count: number): Values {
  if (value === null) return emptyValues(column);
  if (value.kind === "bytes") {
    const width = value.data.length;
    const offsets = Int32Array.from({ length: count + 1 }, (_, i) => i * width);
    const data = new Uint8Array(width * count);
    for (let i = 0; i < count; i += 1) data.set(value.data, i * width);
    return { kind: "bytes", offsets, data };
  }
  const width = value.kind === "fixed" ? value.width : 1;
  const data = new (value.data.constructor as Uint8ArrayConstructor)(count * width);
  const one = value.data as Uint8Array;
  if (width === 1) data.fill(one[0] as number);
  else for (let i = 0; i < count; i += 1) data.set(one, i * width);
  return { ...value, data } as Values;
}

/** No values, as the column stores them. */
export function emptyValues({
  physicalType,
  typeLength,
}: Pick<LeafColumn, "physicalType" | "typeLength">): Values {
  switch (physicalType) {
    case "BOOLEAN":
      return { kind: "bool", data: new Uint8Array(0) };
    case "INT32":
      return { kind: "int32", data: new Int32Array(0) };
    case "INT64":
      return { kind: "int64", data: new BigInt64Array(0) };
    case "FLOAT":
      return { kind: "float", data: new Float32Array(0) };
    case "DOUBLE":
      return { kind: "double", data: new Float64Array(0) };
    case "BYTE_ARRAY":
      return { kind: "bytes", offsets: new Int32Array(1), data: new Uint8Array(0) };
    case "INT96":
      return { kind: "fixed", width: 12, data: new Uint8Array(0) };
    case "FIXED_LEN_BYTE_ARRAY":
      return { kind: "fixed", width: typeLength ?? 0, data: new Uint8Array(0) };
  }
}
