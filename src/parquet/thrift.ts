import { ColonnadeError } from "../base/errors.ts";
import { depthMax, malformed, skipValue, thriftType, type ThriftType } from "./thrift-skip.ts";

/**
 * A lossless codec of Thrift's compact protocol: a struct keeps every field that it was read with, known to us
 * or not, so that decode and encode give back the same bytes.
 * Source: https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
 */
export { thriftType, type ThriftType };

/** i8 to i32 are numbers, i64 is a bigint until range-checked, double and uuid keep their raw bytes. */
export type ThriftValue = boolean | number | bigint | Uint8Array | ThriftStruct | ThriftList | ThriftMap;

export interface ThriftField {
  readonly id: number;
  /** For booleans always `thriftType.true`; the value says which. */
  readonly type: ThriftType;
  value: ThriftValue;
}

export interface ThriftList {
  readonly elementType: ThriftType;
  /** `list` or `set`; booleans are kept as their raw byte because writers disagree on it. */
  readonly elements: ThriftValue[];
}

export interface ThriftMap {
  readonly keyType: ThriftType;
  readonly valueType: ThriftType;
  readonly entries: (readonly [ThriftValue, ThriftValue])[];
}

/** Fields and elements of one decoded tree; a byte of input can cost a hundred of memory, so more is hostile. */
const valuesMax = 4_000_000;

/** Fields in the order they were read (which the encoder keeps); setters replace or insert by id. */
export class ThriftStruct {
  readonly fields: ThriftField[];

  constructor(fields: ThriftField[] = []) {
    this.fields = fields;
  }

  /** A copy whose fields can be set without changing this one; the values are shared. */
  clone(): ThriftStruct {
    return new ThriftStruct([...this.fields]);
  }

  get(id: number): ThriftValue | undefined {
    for (const field of this.fields) if (field.id === id) return field.value;
    return undefined;
  }

  has(id: number): boolean {
    return this.get(id) !== undefined;
  }

  /** Replaces the field, or inserts it in the order of ids; with undefined removes it. */
  set(id: number, type: ThriftType, value: ThriftValue | undefined): this {
    const index = this.fields.findIndex((field) => field.id >= id);
    const found = index >= 0 && this.fields[index]?.id === id;
    if (value === undefined) {
      if (found) this.fields.splice(index, 1);
    } else {
      const field = { id, type, value };
      if (index < 0) this.fields.push(field);
      else this.fields.splice(index, found ? 1 : 0, field);
    }
    return this;
  }

  i32(id: number): number | undefined {
    return this.#typed(id, "number") as number | undefined;
  }

  /** An i64 that must be a safe integer: sizes, offsets, counts. */
  i64(id: number): number | undefined {
    const value = this.#typed(id, "bigint") as bigint | undefined;
    if (value === undefined) return undefined;
    const number = Number(value);
    if (!Number.isSafeInteger(number)) throw malformed("integer is out of range", { field: id, value });
    return number;
  }

  bool(id: number): boolean | undefined {
    return this.#typed(id, "boolean") as boolean | undefined;
  }

  binary(id: number): Uint8Array | undefined {
    const value = this.get(id);
    if (value !== undefined && !(value instanceof Uint8Array)) throw wrongType(id, "binary");
    return value;
  }

  /** A binary field as UTF-8; malformed sequences are an error, since names are compared by it. */
  string(id: number): string | undefined {
    const bytes = this.binary(id);
    return bytes === undefined ? undefined : decodeUtf8(bytes);
  }

  struct(id: number): ThriftStruct | undefined {
    const value = this.get(id);
    if (value !== undefined && !(value instanceof ThriftStruct)) throw wrongType(id, "struct");
    return value;
  }

  list(id: number): ThriftList | undefined {
    const value = this.get(id);
    if (value === undefined) return undefined;
    if (typeof value !== "object" || !("elements" in value)) throw wrongType(id, "list");
    return value;
  }

  /** The elements of a list of structs. */
  structs(id: number): ThriftStruct[] | undefined {
    return this.list(id)?.elements.map((element) => {
      if (!(element instanceof ThriftStruct)) throw wrongType(id, "list of structs");
      return element;
    });
  }

  setI32(id: number, value: number | undefined): this {
    return this.set(id, thriftType.i32, value);
  }

  setI64(id: number, value: number | bigint | undefined): this {
    return this.set(id, thriftType.i64, value === undefined ? undefined : BigInt(value));
  }

  setBool(id: number, value: boolean | undefined): this {
    return this.set(id, thriftType.true, value);
  }

  setBinary(id: number, value: Uint8Array | undefined): this {
    return this.set(id, thriftType.binary, value);
  }

  setString(id: number, value: string | undefined): this {
    return this.setBinary(id, value === undefined ? undefined : encoder.encode(value));
  }

  setStruct(id: number, value: ThriftStruct | undefined): this {
    return this.set(id, thriftType.struct, value);
  }

  setStructs(id: number, value: ThriftStruct[] | undefined): this {
    return this.set(
      id,
      thriftType.list,
      value === undefined ? undefined : { elementType: thriftType.struct, elements: value },
    );
  }

  #typed(id: number, type: "number" | "bigint" | "boolean"): ThriftValue | undefined {
    const value = this.get(id);
    if (value !== undefined && typeof value !== type) throw wrongType(id, type);
    return value;
  }
}

const encoder = new TextEncoder();
const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return strictDecoder.decode(bytes);
  } catch (cause) {
    throw new ColonnadeError("data", "THRIFT_MALFORMED", "a string is not UTF-8", {}, { cause });
  }
}

function wrongType(field: number, expected: string): ColonnadeError {
  return malformed("a field has another type than the format says", { field, expected });
}

/** Reads one value after another from `bytes`; every read checks the bounds, and no count is believed. */
export class ThriftReader {
  readonly bytes: Uint8Array;
  position: number;
  #valuesLeft = valuesMax;

  constructor(bytes: Uint8Array, position = 0) {
    this.bytes = bytes;
    this.position = position;
  }

  byte(): number {
    const value = this.bytes[this.position];
    if (value === undefined) throw malformed("thrift ends early", { position: this.position });
    this.position += 1;
    return value;
  }

  /** Unsigned LEB128 of at most 32 bits (as an unsigned number). */
  varint32(): number {
    let result = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      result |= (byte & 0x7f) << shift;
      if (byte < 0x80) return result >>> 0;
    }
    throw malformed("a varint is longer than 32 bits", { position: this.position });
  }

  zigzag32(): number {
    const value = this.varint32();
    return (value >>> 1) ^ -(value & 1);
  }

  zigzag64(): bigint {
    // Most i64 are offsets and sizes: no bigint arithmetic up to 49 bits.
    let low = 0;
    let scale = 1;
    for (let length = 1; length <= 7; length += 1, scale *= 128) {
      const byte = this.byte();
      low += (byte & 0x7f) * scale;
      if (byte < 0x80) return BigInt(low % 2 === 0 ? low / 2 : -(low + 1) / 2);
    }
    let value = BigInt(low);
    for (let shift = 49n; shift < 70n; shift += 7n) {
      const byte = this.byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asIntN(64, (value >> 1n) ^ -(value & 1n));
    }
    throw malformed("a varint is longer than 64 bits", { position: this.position });
  }

  /** An i64 that must be a safe integer (sizes, offsets, counts), without a bigint on the way. */
  safeInteger(): number {
    let byte = this.byte();
    const negative = (byte & 1) === 1;
    let magnitude = (byte & 0x7f) >>> 1;
    for (let scale = 64; byte >= 0x80; scale *= 128) {
      // Ten bytes at most: 64 * 128^8 is 2^62.
      if (scale > 2 ** 62) throw malformed("a varint is longer than 64 bits", { position: this.position });
      byte = this.byte();
      magnitude += (byte & 0x7f) * scale;
    }
    if (magnitude > Number.MAX_SAFE_INTEGER - 1) {
      throw malformed("integer is out of range", { position: this.position });
    }
    return negative ? -magnitude - 1 : magnitude;
  }

  take(length: number): Uint8Array {
    if (length > this.bytes.length - this.position) {
      throw malformed("thrift ends early", { position: this.position, length });
    }
    this.position += length;
    return this.bytes.subarray(this.position - length, this.position);
  }

  /** The size of a collection; every element takes at least a byte, so a larger claim is a lie. */
  count(claimed: number): number {
    if (claimed > this.bytes.length - this.position) {
      throw malformed("a collection claims more elements than bytes are left", {
        position: this.position,
        claimed,
      });
    }
    return claimed;
  }

  /** The header of a list or set. */
  listHeader(): { elementType: ThriftType; count: number } {
    const header = this.byte();
    const short = header >>> 4;
    return { elementType: header & 0x0f, count: this.count(short === 15 ? this.varint32() : short) };
  }

  /** The next field's header, or undefined at the end of the struct. `previousId` is 0 at first. */
  fieldHeader(previousId: number): { id: number; type: ThriftType } | undefined {
    const header = this.byte();
    const type = header & 0x0f;
    if (type === thriftType.stop) return undefined;
    const delta = header >>> 4;
    return { id: delta === 0 ? this.zigzag32() : previousId + delta, type };
  }

  struct(depth = 0): ThriftStruct {
    if (depth > depthMax) throw malformed("thrift is nested too deeply", { depthMax });
    if (depth === 0) this.#valuesLeft = valuesMax;
    const fields: ThriftField[] = [];
    let id = 0;
    for (let header = this.fieldHeader(0); header !== undefined; header = this.fieldHeader(id)) {
      // Readers disagree on which of two fields with one id counts. Ids in order cannot repeat.
      if (header.id <= id && fields.some((field) => field.id === header?.id)) {
        throw malformed("a struct has a field twice", { field: header.id });
      }
      id = header.id;
      this.#count(1);
      if (header.type === thriftType.true || header.type === thriftType.false) {
        fields.push({ id, type: thriftType.true, value: header.type === thriftType.true });
      } else {
        fields.push({ id, type: header.type, value: this.value(header.type, depth + 1) });
      }
    }
    return new ThriftStruct(fields);
  }

  value(type: ThriftType, depth: number): ThriftValue {
    switch (type) {
      case thriftType.true:
      case thriftType.false:
      case thriftType.i8:
        return this.byte();
      case thriftType.i16:
      case thriftType.i32:
        return this.zigzag32();
      case thriftType.i64:
        return this.zigzag64();
      case thriftType.double:
        return this.take(8);
      case thriftType.binary:
        return this.take(this.varint32());
      case thriftType.uuid:
        return this.take(16);
      case thriftType.struct:
        return this.struct(depth);
      case thriftType.list:
      case thriftType.set:
        return this.#list(depth);
      case thriftType.map:
        return this.#map(depth);
      default:
        throw malformed("a field has an unknown type", { position: this.position, type });
    }
  }

  /** Moves past a value without building it: what makes wide footers cheap to scan. */
  skip(type: ThriftType, depth = 0): void {
    this.position = skipValue(this.bytes, this.position, type, depth);
  }

  /** Moves past a struct's field after its header, which holds the whole of a boolean. */
  skipField(type: ThriftType): void {
    if (type > thriftType.false) this.position = skipValue(this.bytes, this.position, type, 1);
  }

  #count(values: number): void {
    this.#valuesLeft -= values;
    if (this.#valuesLeft < 0) throw malformed("thrift holds too many values", { valuesMax });
  }

  #list(depth: number): ThriftList {
    if (depth > depthMax) throw malformed("thrift is nested too deeply", { depthMax });
    const { elementType, count } = this.listHeader();
    this.#count(count);
    const elements: ThriftValue[] = [];
    for (let i = 0; i < count; i += 1) elements.push(this.value(elementType, depth + 1));
    return { elementType, elements };
  }

  #map(depth: number): ThriftMap {
    if (depth > depthMax) throw malformed("thrift is nested too deeply", { depthMax });
    const size = this.count(this.varint32());
    this.#count(2 * size);
    if (size === 0) return { keyType: 0, valueType: 0, entries: [] };
    const types = this.byte();
    const keyType = types >>> 4;
    const valueType = types & 0x0f;
    const entries: (readonly [ThriftValue, ThriftValue])[] = [];
    for (let i = 0; i < size; i += 1) {
      entries.push([this.value(keyType, depth + 1), this.value(valueType, depth + 1)]);
    }
    return { keyType, valueType, entries };
  }
}

/** Grows by doubling; `finish` gives the bytes written. */
export class ThriftWriter {
  #bytes: Uint8Array<ArrayBuffer>;
  #length = 0;

  constructor(capacityBytes = 256) {
    this.#bytes = new Uint8Array(capacityBytes);
  }

  get length(): number {
    return this.#length;
  }

  finish(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
  }

  byte(value: number): void {
    if (this.#length === this.#bytes.length) this.#grow(1);
    this.#bytes[this.#length] = value;
    this.#length += 1;
  }

  raw(bytes: Uint8Array): void {
    if (this.#length + bytes.length > this.#bytes.length) this.#grow(bytes.length);
    // A call of set costs more than a few bytes do.
    if (bytes.length > 24) this.#bytes.set(bytes, this.#length);
    else for (let i = 0; i < bytes.length; i += 1) this.#bytes[this.#length + i] = bytes[i] as number;
    this.#length += bytes.length;
  }

  varint32(value: number): void {
    let rest = value >>> 0;
    for (; rest >= 0x80; rest >>>= 7) this.byte((rest & 0x7f) | 0x80);
    this.byte(rest);
  }

  zigzag32(value: number): void {
    this.varint32((value << 1) ^ (value >> 31));
  }

  zigzag64(value: bigint): void {
    const small = Number(value);
    if (small >= 0 && small < 2 ** 47) {
      // Offsets and sizes: seven bits at a time without a bigint for each.
      let left = small * 2;
      for (; left >= 2 ** 28; left = Math.floor(left / 128)) this.byte((left % 128) | 0x80);
      this.varint32(left);
      return;
    }
    let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
    for (; rest >= 0x80n; rest >>= 7n) this.byte(Number(rest & 0x7fn) | 0x80);
    this.byte(Number(rest));
  }

  listHeader(elementType: ThriftType, count: number): void {
    if (count < 15) this.byte((count << 4) | elementType);
    else {
      this.byte(0xf0 | elementType);
      this.varint32(count);
    }
  }

  fieldHeader(previousId: number, id: number, type: ThriftType): void {
    const delta = id - previousId;
    if (delta > 0 && delta <= 15) this.byte((delta << 4) | type);
    else {
      this.byte(type);
      this.zigzag32(id);
    }
  }

  struct(struct: ThriftStruct): void {
    let previousId = 0;
    for (const field of struct.fields) {
      if (typeof field.value === "boolean") {
        this.fieldHeader(previousId, field.id, field.value ? thriftType.true : thriftType.false);
      } else {
        this.fieldHeader(previousId, field.id, field.type);
        this.value(field.type, field.value);
      }
      previousId = field.id;
    }
    this.byte(thriftType.stop);
  }

  value(type: ThriftType, value: ThriftValue): void {
    if (value instanceof ThriftStruct) this.struct(value);
    else if (value instanceof Uint8Array) {
      if (type === thriftType.binary) this.varint32(value.length);
      this.raw(value);
    } else if (typeof value === "bigint") this.zigzag64(value);
    else if (typeof value === "number") {
      if (type === thriftType.i16 || type === thriftType.i32) this.zigzag32(value);
      else this.byte(value & 0xff);
    } else if (typeof value === "boolean") this.byte(value ? thriftType.true : thriftType.false);
    else if ("elements" in value) {
      this.listHeader(value.elementType, value.elements.length);
      for (const element of value.elements) this.value(value.elementType, element);
    } else {
      this.varint32(value.entries.length);
      if (value.entries.length === 0) return;
      this.byte((value.keyType << 4) | value.valueType);
      for (const [key, member] of value.entries) {
        this.value(value.keyType, key);
        this.value(value.valueType, member);
      }
    }
  }

  #grow(atLeastBytes: number): void {
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + atLeastBytes));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}

/** One struct from the start of `bytes`. Throws `data` `THRIFT_MALFORMED`. */
export function decodeStruct(bytes: Uint8Array): ThriftStruct {
  return new ThriftReader(bytes).struct();
}

export function encodeStruct(struct: ThriftStruct): Uint8Array<ArrayBuffer> {
  const writer = new ThriftWriter();
  writer.struct(struct);
  return writer.finish();
}
