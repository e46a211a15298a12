import { ColonnadeError } from "../../base/errors.ts";

/** Wire types of Thrift's compact protocol. */
export const thriftType = {
  stop: 0,
  true: 1,
  false: 2,
  i8: 3,
  i16: 4,
  i32: 5,
  i64: 6,
  double: 7,
  binary: 8,
  list: 9,
  set: 10,
  map: 11,
  struct: 12,
  uuid: 13,
} as const;

/** Wire type; `true` also stands for "a boolean" where the type of a field or element is meant. */
export type ThriftType = number;

/** Nesting that no Parquet structure comes near; deeper input is hostile. */
export const depthMax = 32;

export function malformed(message: string, details: Record<string, unknown>): ColonnadeError {
  return new ColonnadeError("data", "THRIFT_MALFORMED", message, details);
}

/** The position after a value that starts at `position`. One function over plain numbers: it runs over every byte of a footer. */
export function skipValue(bytes: Uint8Array, position: number, type: ThriftType, depth: number): number {
  switch (type) {
    case thriftType.true:
    case thriftType.false:
    case thriftType.i8:
      return within(bytes, position + 1);
    case thriftType.i16:
    case thriftType.i32:
    case thriftType.i64:
      return skipVarint(bytes, position);
    case thriftType.double:
      return within(bytes, position + 8);
    case thriftType.uuid:
      return within(bytes, position + 16);
    case thriftType.binary:
      return skipBinary(bytes, position);
    case thriftType.struct:
      return skipStruct(bytes, position, depth);
    case thriftType.list:
    case thriftType.set: {
      const header = bytes[position] ?? 0; // skipVarint finds a missing byte
      const isShort = header < 0xf0;
      const next = isShort ? within(bytes, position + 1) : skipVarint(bytes, position + 1);
      const count = isShort ? header >>> 4 : varint32At(bytes, position + 1);
      return skipValues(bytes, next, header & 0x0f, count, depth);
    }
    case thriftType.map: {
      let next = skipVarint(bytes, position);
      const size = varint32At(bytes, position);
      if (size === 0) return next;
      const types = bytes[next] ?? 0;
      next = within(bytes, next + 1);
      for (let i = 0; i < size; i += 1) {
        next = skipValue(bytes, next, types >>> 4, depth + 1);
        next = skipValue(bytes, next, types & 0x0f, depth + 1);
      }
      return next;
    }
    default:
      throw malformed("a field has an unknown type", { position, type });
  }
}

function skipValues(
  bytes: Uint8Array,
  start: number,
  type: ThriftType,
  count: number,
  depth: number,
): number {
  if (depth > depthMax) throw malformed("thrift is nested too deeply", { depthMax });
  let position = start;
  if (type === thriftType.struct) {
    for (let i = 0; i < count; i += 1) position = skipStruct(bytes, position, depth + 1);
  } else {
    for (let i = 0; i < count; i += 1) position = skipValue(bytes, position, type, depth + 1);
  }
  return position;
}

function skipStruct(bytes: Uint8Array, start: number, depth: number): number {
  if (depth > depthMax) throw malformed("thrift is nested too deeply", { depthMax });
  let position = start;
  for (;;) {
    const header = bytes[position];
    if (header === undefined) throw malformed("thrift ends early", { position });
    position += 1;
    const type = header & 0x0f;
    if (type === thriftType.stop) return position;
    if (header < 0x10) position = skipVarint(bytes, position);
    if (type === thriftType.i32 || type === thriftType.i64) position = skipVarint(bytes, position);
    else if (type === thriftType.binary) position = skipBinary(bytes, position);
    else if (type > thriftType.false) position = skipValue(bytes, position, type, depth + 1);
  }
}

function skipVarint(bytes: Uint8Array, start: number): number {
  let position = start;
  while ((bytes[position] as number) >= 0x80) position += 1;
  if (position - start >= 10) throw malformed("a varint is longer than 64 bits", { position: start });
  return within(bytes, position + 1);
}

function skipBinary(bytes: Uint8Array, position: number): number {
  const short = bytes[position] as number;
  if (short < 0x80) return within(bytes, position + 1 + short);
  const next = skipVarint(bytes, position);
  return within(bytes, next + varint32At(bytes, position));
}

/** The value of a varint that {@link skipVarint} has passed, as an unsigned number of at most 32 bits. */
function varint32At(bytes: Uint8Array, start: number): number {
  let value = 0;
  let scale = 1;
  for (let position = start; ; position += 1, scale *= 128) {
    const byte = bytes[position] as number;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) break;
  }
  if (value > 0xffff_ffff) throw malformed("a varint is longer than 32 bits", { position: start });
  return value;
}

function within(bytes: Uint8Array, position: number): number {
  if (position > bytes.length) throw malformed("thrift ends early", { position: bytes.length });
  return position;
}
