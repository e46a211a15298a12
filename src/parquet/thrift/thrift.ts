import { ColonnadeError } from "../../base/errors.ts";
import { malformed, thriftType, type ThriftType } from "./thrift-skip.ts";

/**
 * Thrift's compact protocol without loss: a struct keeps every field that it was read with, known to us or not, so
 * that reading (thrift-reader.ts) and writing (thrift-writer.ts) give back the same bytes.
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
