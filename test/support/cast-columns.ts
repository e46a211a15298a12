import type { Stored } from "../../src/cast/cast.ts";
import { decodeHalfFloats } from "../../src/cast/half-floats.ts";
import { parseLeafType } from "../../src/parquet/leaf-type.ts";
import { storageOf } from "../../src/parquet/footer/storage.ts";
import type { Storage } from "../../src/parquet/footer/storage.ts";
import type { Values } from "../../src/parquet/values/values.ts";

/**
 * Values as plain texts, one form for every engine: integers, days and ticks in decimal digits, decimals as their unscaled
 * integer, floats as the bit pattern in decimal digits (`nan` for any NaN), bools as 0 and 1, bytes in hexadecimal.
 */
export type Raw = string;

/** A type by its name (`int32`, `decimal128(18, 4)`), stored as newly written leaves are, or as told. */
export function stored(name: string, storage?: Storage): Stored {
  const type = parseLeafType(name);
  if ("error" in type) throw new Error(type.error);
  return { type, ...(storage ?? storageOf(type)) };
}

export function columnOf(raws: readonly Raw[], { type, physicalType, typeLength }: Stored): Values {
  switch (physicalType) {
    case "BOOLEAN":
      return { kind: "bool", data: Uint8Array.from(raws, Number) };
    case "INT32":
      return { kind: "int32", data: Int32Array.from(raws, Number) };
    case "INT64":
      return { kind: "int64", data: BigInt64Array.from(raws, BigInt) };
    case "FLOAT":
      return { kind: "float", data: new Float32Array(Uint32Array.from(raws, bitsOf(0x7fc0_0000)).buffer) };
    case "DOUBLE": {
      const bits = BigUint64Array.from(raws, (raw) => (raw === "nan" ? 0x7ff8n << 48n : BigInt(raw)));
      return { kind: "double", data: new Float64Array(bits.buffer) };
    }
    case "INT96":
      return { kind: "fixed", width: 12, data: new Uint8Array(Buffer.from(raws.join(""), "hex")) };
    case "FIXED_LEN_BYTE_ARRAY": {
      const width = typeLength ?? 0;
      const data = new Uint8Array(raws.length * width);
      raws.forEach((raw, i) => data.set(fixedOf(raw, type.kind, width), i * width));
      return { kind: "fixed", width, data };
    }
    case "BYTE_ARRAY":
      return bytesOf(
        raws.map((raw) =>
          type.kind === "decimal" ? shortestBigEndian(BigInt(raw)) : Buffer.from(raw, "hex"),
        ),
      );
  }
}

export function rawsOf(values: Values, { type }: Stored): Raw[] {
  switch (values.kind) {
    case "bool":
      return Array.from(values.data, String);
    case "int32":
      return Array.from(values.data, (value) => String(isUnsigned(type) ? value >>> 0 : value));
    case "int64":
      return Array.from(values.data, (value) => String(isUnsigned(type) ? BigInt.asUintN(64, value) : value));
    case "float": {
      const bits = new Uint32Array(values.data.buffer, values.data.byteOffset, values.data.length);
      return Array.from(values.data, (value, i) => (Number.isNaN(value) ? "nan" : String(bits[i])));
    }
    case "double": {
      const bits = new BigUint64Array(values.data.buffer, values.data.byteOffset, values.data.length);
      return Array.from(values.data, (value, i) => (Number.isNaN(value) ? "nan" : String(bits[i])));
    }
    case "fixed": {
      const { data, width } = values;
      const count = width === 0 ? 0 : data.length / width;
      if (type.kind === "float") {
        return Array.from(decodeHalfFloats(data), (value, i) =>
          Number.isNaN(value) ? "nan" : String((data[2 * i] as number) | ((data[2 * i + 1] as number) << 8)),
        );
      }
      return Array.from({ length: count }, (_, i) =>
        rawOf(data.subarray(i * width, i * width + width), type.kind),
      );
    }
    case "bytes":
      return Array.from({ length: values.offsets.length - 1 }, (_, i) =>
        rawOf(values.data.subarray(values.offsets[i], values.offsets[i + 1]), type.kind),
      );
  }
}

/** The raw form of a text. */
export function rawText(text: string): Raw {
  return Buffer.from(text).toString("hex");
}

/** The raw form of a float. */
export function rawFloat(value: number, bits: 32 | 64): Raw {
  if (Number.isNaN(value)) return "nan";
  const view = new DataView(new ArrayBuffer(8));
  if (bits === 32) view.setFloat32(0, value);
  else view.setFloat64(0, value);
  return String(bits === 32 ? view.getUint32(0) : view.getBigUint64(0));
}

export function textColumn(texts: readonly string[]): Values {
  return bytesOf(texts.map((text) => Buffer.from(text)));
}

function bytesOf(parts: readonly Uint8Array[]): Values {
  const offsets = new Int32Array(parts.length + 1);
  parts.forEach((part, i) => (offsets[i + 1] = (offsets[i] as number) + part.length));
  return { kind: "bytes", offsets, data: new Uint8Array(Buffer.concat(parts)) };
}

function isUnsigned(type: Stored["type"]): boolean {
  return type.kind === "int" && !type.signed;
}

function bitsOf(nan: number): (raw: Raw) => number {
  return (raw) => (raw === "nan" ? nan : Number(raw));
}

function fixedOf(raw: Raw, kind: string, width: number): Uint8Array {
  if (kind === "decimal") return bigEndian(BigInt(raw), width);
  if (kind === "float") return Uint8Array.of(bitsOf(0x7e00)(raw) & 255, bitsOf(0x7e00)(raw) >>> 8);
  return Buffer.from(raw, "hex");
}

function bigEndian(value: bigint, width: number): Uint8Array {
  const hex = BigInt.asUintN(width * 8, value)
    .toString(16)
    .padStart(width * 2, "0");
  return Buffer.from(hex, "hex");
}

function shortestBigEndian(value: bigint): Uint8Array {
  let width = 1;
  while (BigInt.asIntN(width * 8, value) !== value) width += 1;
  return bigEndian(value, width);
}

function rawOf(bytes: Uint8Array, kind: string): Raw {
  const hex = Buffer.from(bytes).toString("hex");
  return kind === "decimal" ? String(BigInt.asIntN(bytes.length * 8, BigInt(`0x${hex || "0"}`))) : hex;
}
