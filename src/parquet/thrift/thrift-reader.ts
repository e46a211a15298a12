import { depthMax, malformed, skipValue, thriftType, type ThriftType } from "./thrift-skip.ts";
import {
  type ThriftField,
  type ThriftList,
  type ThriftMap,
  ThriftStruct,
  type ThriftValue,
} from "./thrift.ts";

/** Fields and elements of one decoded tree; a byte of input can cost a hundred of memory, so more is hostile. */
const valuesMax = 4_000_000;

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

/** One struct from the start of `bytes`. Throws `data` `THRIFT_MALFORMED`. */
export function decodeStruct(bytes: Uint8Array): ThriftStruct {
  return new ThriftReader(bytes).struct();
}
