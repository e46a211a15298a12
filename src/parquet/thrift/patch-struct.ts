import type { ThriftReader } from "./thrift-reader.ts";
import { malformed, thriftType, type ThriftType } from "./thrift-skip.ts";
import type { ThriftWriter } from "./thrift-writer.ts";

/** What a field becomes: a number, what `write` writes, or nothing. */
export interface FieldPatch {
  readonly id: number;
  readonly type: ThriftType;
  readonly value: number | undefined | ((writer: ThriftWriter, reader: ThriftReader | undefined) => void);
}

/**
 * Copies the struct that the reader is at, but for some fields, without building it: the others are carried byte for byte, known to us
 * or not. Patches are in the order of their ids. One without a value removes the field, but only a number: a field of another type
 * than ours is a private dialect's and stays. One with a value replaces the field or is added. A function is given the reader at
 * the value that the field has now, and may read it; what it leaves is passed over.
 */
export function patchStruct(
  reader: ThriftReader,
  writer: ThriftWriter,
  patches: readonly FieldPatch[],
): void {
  const seen = new SeenIds();
  let next = 0;
  let written = 0;
  let id = 0;
  for (let header = reader.fieldHeader(0); header !== undefined; header = reader.fieldHeader(id)) {
    ({ id } = header);
    // Readers disagree on which of two fields with one id counts.
    if (!seen.add(id)) throw malformed("a struct has a field twice", { field: id });
    for (let patch = patches[next]; patch !== undefined && patch.id < id; patch = patches[next]) {
      written = writePatch(writer, written, patch, undefined);
      next += 1;
    }
    const start = reader.position;
    reader.skipField(header.type);
    const end = reader.position;
    const patch = patches[next];
    if (patch?.id === id) {
      next += 1;
      if (patch.value !== undefined || isNumber(header.type)) {
        reader.position = start;
        written = writePatch(writer, written, patch, reader);
        reader.position = end;
        continue;
      }
    }
    writer.fieldHeader(written, id, header.type);
    written = id;
    writer.raw(reader.bytes, start, end);
  }
  for (; next < patches.length; next += 1) {
    written = writePatch(writer, written, patches[next] as FieldPatch, undefined);
  }
  writer.byte(thriftType.stop);
}

/** Returns the id of the field that was written last. */
function writePatch(
  writer: ThriftWriter,
  previousId: number,
  { id, type, value }: FieldPatch,
  at: ThriftReader | undefined,
): number {
  if (value === undefined) return previousId;
  writer.fieldHeader(previousId, id, type);
  if (typeof value === "function") value(writer, at);
  else if (type === thriftType.i64) writer.safeInteger(value);
  else writer.zigzag32(value);
  return id;
}

/** Ids are few and small, so that a set is seldom needed. */
class SeenIds {
  #small = 0;
  #others: Set<number> | undefined;

  /** Whether it is new. */
  add(id: number): boolean {
    if (id >= 0 && id < 31) {
      const bit = 1 << id;
      if ((this.#small & bit) !== 0) return false;
      this.#small |= bit;
      return true;
    }
    this.#others ??= new Set();
    if (this.#others.has(id)) return false;
    this.#others.add(id);
    return true;
  }
}

function isNumber(type: ThriftType): boolean {
  return (
    type === thriftType.i8 || type === thriftType.i16 || type === thriftType.i32 || type === thriftType.i64
  );
}
