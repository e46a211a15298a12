import { ThriftStruct, thriftType, type ThriftType, type ThriftValue } from "./thrift.ts";

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

  /** Appends bytes as they are, or `[start, end)` of them. */
  raw(bytes: Uint8Array, start = 0, end = bytes.length): void {
    const length = end - start;
    if (this.#length + length > this.#bytes.length) this.#grow(length);
    // A call of set, or a view, costs more than a few bytes do.
    if (length > 24)
      this.#bytes.set(length === bytes.length ? bytes : bytes.subarray(start, end), this.#length);
    else for (let i = 0; i < length; i += 1) this.#bytes[this.#length + i] = bytes[start + i] as number;
    this.#length += length;
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
    if (small >= 0 && small < 2 ** 47) return this.safeInteger(small);
    let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
    for (; rest >= 0x80n; rest >>= 7n) this.byte(Number(rest & 0x7fn) | 0x80);
    this.byte(Number(rest));
  }

  /** An i64 that is a safe integer; of an offset or a size seven bits at a time, without a bigint for each. */
  safeInteger(value: number): void {
    if (value < 0) return this.zigzag64(BigInt(value));
    let left = value * 2;
    for (; left >= 2 ** 28; left = Math.floor(left / 128)) this.byte((left % 128) | 0x80);
    this.varint32(left);
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

export function encodeStruct(struct: ThriftStruct): Uint8Array<ArrayBuffer> {
  const writer = new ThriftWriter();
  writer.struct(struct);
  return writer.finish();
}
