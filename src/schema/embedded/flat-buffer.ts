/** In front of the length of each message since Arrow 0.15. */
export const continuation = 0xffffffff;

/** A message in front of its body: marker, length, flatbuffer, padded to 8 bytes (Columnar.html, "Encapsulated message format"). */
export function frame(flatbuffer: Uint8Array): Uint8Array {
  const padded = Math.ceil(flatbuffer.length / 8) * 8;
  const framed = new Uint8Array(8 + padded);
  const view = new DataView(framed.buffer);
  view.setUint32(0, continuation, true);
  view.setUint32(4, padded, true);
  framed.set(flatbuffer, 8);
  return framed;
}

/**
 * Reads the tables of a flatbuffer one field at a time (https://flatbuffers.dev/internals/). Tables are positions, slots count in
 * the order of declaration; a DataView throws a RangeError outside of its bytes.
 */
export class FlatBuffer {
  readonly #view: DataView;

  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  follow(position: number): number {
    return position + this.#view.getUint32(position, true);
  }

  /** Position of a table's field, or undefined when it is absent. */
  #place(table: number, slot: number): number | undefined {
    const vtable = table - this.#view.getInt32(table, true);
    const at = 4 + 2 * slot;
    if (at >= this.#view.getUint16(vtable, true)) return undefined;
    const offset = this.#view.getUint16(vtable + at, true);
    return offset === 0 ? undefined : table + offset;
  }

  child(table: number, slot: number): number | undefined {
    const place = this.#place(table, slot);
    return place === undefined ? undefined : this.follow(place);
  }

  /** A number of one byte, or what stands for it when it is absent. */
  uint8(table: number, slot: number, otherwise: number): number {
    const place = this.#place(table, slot);
    return place === undefined ? otherwise : this.#view.getUint8(place);
  }

  int16(table: number, slot: number, otherwise: number): number {
    const place = this.#place(table, slot);
    return place === undefined ? otherwise : this.#view.getInt16(place, true);
  }

  /** 0 when it is absent. */
  int64(table: number, slot: number): number {
    const place = this.#place(table, slot);
    return place === undefined ? 0 : this.int64At(place);
  }

  /** Throws a RangeError for what a double cannot hold, and for what is negative: nothing here may be. */
  int64At(position: number): number {
    const value = Number(this.#view.getBigInt64(position, true));
    if (!Number.isSafeInteger(value) || value < 0) throw new RangeError("a number is out of its range");
    return value;
  }

  /** Position and length of a vector of structs that are so many bytes each. */
  structs(table: number, slot: number, bytes: number): { readonly start: number; readonly length: number } {
    const vector = this.child(table, slot);
    if (vector === undefined) return { start: 0, length: 0 };
    const length = this.#view.getUint32(vector, true);
    if (length * bytes > this.#view.byteLength) throw new RangeError("a vector is longer than its buffer");
    return { start: vector + 4, length };
  }

  /** Bytes of a string or elements of a vector; 0 when it is absent. */
  vectorLength(table: number, slot: number): number {
    const vector = this.child(table, slot);
    return vector === undefined ? 0 : this.#view.getUint32(vector, true);
  }

  /** As {@link vectorLength}, for a slot that may hold something else: nonsense counts as nothing. */
  vectorLengthIfAny(table: number, slot: number): number {
    const vector = this.child(table, slot);
    if (vector === undefined || vector + 4 > this.#view.byteLength) return 0;
    const length = this.#view.getUint32(vector, true);
    return vector + 4 + length > this.#view.byteLength ? 0 : length;
  }

  *elements(table: number, slot: number): Generator<number, void, undefined> {
    const vector = this.child(table, slot);
    if (vector === undefined) return;
    const length = this.#view.getUint32(vector, true);
    if (length * 4 > this.#view.byteLength) throw new RangeError("a vector is longer than its buffer");
    for (let i = 0; i < length; i += 1) yield this.follow(vector + 4 + 4 * i);
  }
}
