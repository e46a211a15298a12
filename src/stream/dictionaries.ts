import type { CastSpec } from "../cast/cast.ts";
import type { LeafColumn } from "../parquet/leaf-type.ts";
import { joinValues } from "../parquet/values/value-pieces.ts";
import { type Values, valueCount } from "../parquet/values/values.ts";
import { type ArrowArray, isSet, readArrays, validityOf } from "./arrow-array.ts";
import type { ArrayShape } from "./array-shape.ts";
import type { BatchHeader } from "./batch-header.ts";
import { castSlots } from "./cast-slots.ts";
import { blankSlots, readSlots } from "./read-slots.ts";
import { malformedStream } from "./stream-error.ts";

/** The entries of a dictionary as a column takes them. */
export interface Entries {
  readonly values: Values;
  /** One byte each, 1 where an entry is null; undefined when none is. */
  readonly nulls: Uint8Array | undefined;
  /** 1 where an entry has no equivalent in the new type; undefined when each has. */
  readonly invalid: Uint8Array | undefined;
}

/**
 * The dictionaries of a stream as they stand: a batch replaces one, or adds to it where it is a delta. Entries are cast once
 * for each column that needs them, not once for each row.
 */
export class Dictionaries {
  readonly #parts = new Map<number, ArrowArray[]>();
  readonly #entries = new Map<number, Map<LeafColumn, Entries>>();

  add(id: number, isDelta: boolean, shape: ArrayShape, header: BatchHeader, body: Uint8Array): void {
    const [column] = readArrays([shape], header, body).columns;
    if (column === undefined) throw malformedStream("a dictionary batch holds no array", { id });
    this.#parts.set(id, [...(isDelta ? (this.#parts.get(id) ?? []) : []), column]);
    this.#entries.delete(id);
  }

  /** As values of the source's column, cast where there is a cast. `target` is the key under which they are kept. */
  entries(id: number, source: LeafColumn, target: LeafColumn, cast: CastSpec | undefined): Entries {
    const known = this.#entries.get(id) ?? new Map<LeafColumn, Entries>();
    this.#entries.set(id, known);
    const found = known.get(target);
    if (found !== undefined) return found;
    const made = this.#make(id, source, target, cast);
    known.set(target, made);
    return made;
  }

  #make(id: number, source: LeafColumn, target: LeafColumn, cast: CastSpec | undefined): Entries {
    const parts = this.#parts.get(id) ?? [];
    const values = joinValues(
      source,
      parts.length === 0
        ? [blankSlots(source, 0)]
        : parts.map((part) => readSlots(part, part.shape.layout, source)),
    );
    const nulls = nullsOf(parts);
    const result = cast === undefined ? { values, invalid: undefined } : castSlots(values, cast, target);
    const count = valueCount(values);
    const invalid = new Uint8Array(result.invalid === undefined ? 0 : count);
    for (const position of result.invalid ?? []) {
      if (nulls?.[position] !== 1) invalid[position] = 1;
    }
    return {
      // Rows of nulls need an entry to point at.
      values: count === 0 ? blankSlots(target, 1) : result.values,
      nulls: count === 0 ? Uint8Array.of(1) : nulls,
      invalid: invalid.includes(1) ? invalid : undefined,
    };
  }
}

function nullsOf(parts: readonly ArrowArray[]): Uint8Array | undefined {
  if (parts.every(({ nullCount }) => nullCount === 0)) return undefined;
  const nulls = new Uint8Array(parts.reduce((count, { length }) => count + length, 0));
  let start = 0;
  for (const part of parts) {
    const bits = validityOf(part);
    for (let i = 0; i < part.length; i += 1) {
      if (bits !== undefined && !isSet(bits, i)) nulls[start + i] = 1;
    }
    start += part.length;
  }
  return nulls;
}

/** The numbers of an array of indices; 0 in slots that are null. Throws `data` `STREAM_MALFORMED` beyond the entries. */
export function readIndices(array: ArrowArray, entries: number): Int32Array {
  const { length, shape } = array;
  const width = shape.layout.kind === "fixed" ? shape.layout.width : 4;
  const bytes = array.buffers[0]?.bytes() ?? new Uint8Array(0);
  if (bytes.length < length * width) {
    throw malformedStream("a buffer is too short for its array", {
      column: shape.name,
      length,
      bytes: bytes.length,
    });
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const bits = validityOf(array);
  const indices = new Int32Array(length);
  const isSigned = shape.dictionary?.isSigned !== false;
  const read = readerOf(view, width, isSigned);
  for (let slot = 0; slot < length; slot += 1) {
    if (bits !== undefined && !isSet(bits, slot)) continue;
    const index = read(slot * width);
    if (index < 0 || index >= entries) {
      throw malformedStream("an index is beyond its dictionary", {
        column: shape.name,
        slot,
        index,
        entries,
      });
    }
    indices[slot] = index;
  }
  return indices;
}

function readerOf(view: DataView, width: number, isSigned: boolean): (position: number) => number {
  switch (width) {
    case 1:
      return isSigned ? (at) => view.getInt8(at) : (at) => view.getUint8(at);
    case 2:
      return isSigned ? (at) => view.getInt16(at, true) : (at) => view.getUint16(at, true);
    case 4:
      return isSigned ? (at) => view.getInt32(at, true) : (at) => view.getUint32(at, true);
    default:
      return (at) => Number(isSigned ? view.getBigInt64(at, true) : view.getBigUint64(at, true));
  }
}
