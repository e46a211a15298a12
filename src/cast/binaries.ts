import { isUtf8 } from "node:buffer";

import { ByteBuilder } from "./byte-builder.ts";
import { InvalidPositions } from "./invalid-positions.ts";
import { asBuffer, hexDigit } from "./texts-to-numbers.ts";

import type { Values } from "../parquet/values/values.ts";
import type { CastResult } from "./cast.ts";
import type { BytesValues } from "./texts-to-numbers.ts";

type FixedValues = Extract<Values, { kind: "fixed" }>;

/** Positions of values that are not UTF-8 (RFC 3629: no surrogates, no overlong forms). */
export function checkUtf8(values: BytesValues): Uint32Array {
  const { data, offsets } = values;
  const invalid = new InvalidPositions();
  const count = offsets.length - 1;
  const first = offsets[0] as number;
  const last = offsets[count] as number;
  // All of it at once: right when it is UTF-8 as a whole and no value begins inside a character.
  if (isUtf8(data.subarray(first, last)) && beginsAtCharacters(values)) return invalid.finish();
  for (let i = 0; i < count; i += 1) {
    if (!isUtf8(data.subarray(offsets[i], offsets[i + 1]))) invalid.push(i);
  }
  return invalid.finish();
}

function beginsAtCharacters({ data, offsets }: BytesValues): boolean {
  const last = offsets[offsets.length - 1] as number;
  for (let i = 0; i < offsets.length; i += 1) {
    const offset = offsets[i] as number;
    if (offset < last && ((data[offset] as number) & 0xc0) === 0x80) return false;
  }
  return true;
}

/** Positions of values that are not one JSON text (RFC 8259). */
export function checkJson(values: BytesValues): Uint32Array {
  const { data, offsets } = values;
  const buffer = asBuffer(data);
  const invalid = new InvalidPositions();
  for (let i = 0; i + 1 < offsets.length; i += 1) {
    const start = offsets[i] as number;
    const end = offsets[i + 1] as number;
    if (!isUtf8(data.subarray(start, end)) || !isJson(buffer.toString("utf8", start, end))) invalid.push(i);
  }
  return invalid.finish();
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Bytes of a fixed width as bytes of any: only offsets are new. */
export function fixedToBytes(values: FixedValues): BytesValues {
  const count = values.width === 0 ? 0 : values.data.length / values.width;
  const offsets = new Int32Array(count + 1);
  for (let i = 1; i <= count; i += 1) offsets[i] = i * values.width;
  return { kind: "bytes", offsets, data: values.data };
}

/** A value of another length is invalid: it is neither padded nor cut. */
export function bytesToFixed(values: BytesValues, width: number): CastResult {
  const { data, offsets } = values;
  const count = offsets.length - 1;
  const invalid = new InvalidPositions();
  const fixed = new Uint8Array(count * width);
  for (let i = 0; i < count; i += 1) {
    const start = offsets[i] as number;
    const end = offsets[i + 1] as number;
    if (end - start === width) fixed.set(data.subarray(start, end), i * width);
    else invalid.push(i);
  }
  return { values: { kind: "fixed", width, data: fixed }, invalid: invalid.finish() };
}

/** Where the hyphens of `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` are (RFC 9562, section 4). */
const uuidTextBytes = 36;

function isHyphenPlace(position: number): boolean {
  return position === 8 || position === 13 || position === 18 || position === 23;
}

/** Lowercase, as RFC 9562 says to write them. */
export function formatUuids(values: FixedValues): Values {
  const count = values.data.length / 16;
  const texts = new ByteBuilder(count, uuidTextBytes);
  for (let i = 0; i < count; i += 1) {
    texts.reserve(uuidTextBytes);
    let source = i * 16;
    for (let place = 0; place < uuidTextBytes;) {
      if (isHyphenPlace(place)) {
        texts.bytes[texts.length + place] = 0x2d;
        place += 1;
        continue;
      }
      const byte = values.data[source] as number;
      texts.bytes[texts.length + place] = hexLetter(byte >>> 4);
      texts.bytes[texts.length + place + 1] = hexLetter(byte & 15);
      source += 1;
      place += 2;
    }
    texts.length += uuidTextBytes;
    texts.endValue();
  }
  return texts.finish();
}

function hexLetter(digit: number): number {
  return digit < 10 ? 48 + digit : 87 + digit;
}

/** Letters of either case, hyphens in their places; braces and `urn:uuid:` are not read. */
export function parseUuids(values: BytesValues): CastResult {
  const { data, offsets } = values;
  const count = offsets.length - 1;
  const invalid = new InvalidPositions();
  const uuids = new Uint8Array(count * 16);
  for (let i = 0; i < count; i += 1) {
    const start = offsets[i] as number;
    let valid = (offsets[i + 1] as number) - start === uuidTextBytes;
    let target = i * 16;
    for (let place = 0; valid && place < uuidTextBytes;) {
      if (isHyphenPlace(place)) {
        valid = data[start + place] === 0x2d;
        place += 1;
        continue;
      }
      const high = hexDigit(data[start + place] as number);
      const low = hexDigit(data[start + place + 1] as number);
      valid = high >= 0 && low >= 0;
      uuids[target] = high * 16 + low;
      target += 1;
      place += 2;
    }
    if (!valid) invalid.push(i);
  }
  return { values: { kind: "fixed", width: 16, data: uuids }, invalid: invalid.finish() };
}
