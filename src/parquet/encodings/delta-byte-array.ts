import { decodeDelta32 } from "./delta-binary-packed.ts";
import { malformedPage, tooLarge } from "../page-error.ts";
import type { BytesPiece, FixedPiece } from "../values/value-pieces.ts";
import { checkOffsets, copyBytes } from "../values/value-pieces.ts";

/**
 * DELTA_LENGTH_BYTE_ARRAY: all lengths, then all bytes. `count` is one or more.
 * Source: parquet-format Encodings.md, "Delta-length byte array".
 */
export function decodeDeltaLength(bytes: Uint8Array, start: number, count: number): BytesPiece {
  const { values: lengths, end } = decodeDelta32(bytes, start, count);
  const offsets = offsetsOf(lengths, bytes.length - end);
  const total = offsets[count] as number;
  // A copy: as a view the values would keep the whole page.
  return { kind: "bytes", offsets, data: bytes.slice(end, end + total) };
}

/**
 * DELTA_BYTE_ARRAY: of each value how much of the one before it begins with, then the rest. `count` is one or more;
 * the values together must not take more than `bytesMax`, since a short page can stand for very many bytes.
 * Source: parquet-format Encodings.md, "Delta Strings".
 */
export function decodeDeltaStrings(
  bytes: Uint8Array,
  start: number,
  count: number,
  bytesMax: number,
): BytesPiece {
  const { values: prefixes, end: suffixStart } = decodeDelta32(bytes, start, count);
  const { values: suffixes, end } = decodeDelta32(bytes, suffixStart, count);
  const suffixOffsets = offsetsOf(suffixes, bytes.length - end);
  const offsets = new Int32Array(count + 1);
  let total = 0;
  let previous = 0;
  for (let i = 0; i < count; i += 1) {
    const prefix = prefixes[i] as number;
    if (prefix < 0 || prefix > previous) {
      throw malformedPage("a value takes more from the one before it than that has", { prefix, previous });
    }
    previous = prefix + (suffixes[i] as number);
    total += previous;
    if (total > bytesMax) throw tooLarge("values would take more memory than allowed", { bytesMax });
    checkOffsets(total);
    offsets[i + 1] = total;
  }
  const data = new Uint8Array(total);
  for (let i = 0; i < count; i += 1) {
    const at = offsets[i] as number;
    const prefix = prefixes[i] as number;
    if (prefix > 0) copyBytes(data, offsets[i - 1] as number, prefix, data, at);
    copyBytes(bytes, end + (suffixOffsets[i] as number), suffixes[i] as number, data, at + prefix);
  }
  return { kind: "bytes", offsets, data };
}

/** Values that all have `width` bytes, as FIXED_LEN_BYTE_ARRAY wants them. */
export function asFixed(piece: BytesPiece, width: number): FixedPiece {
  for (let i = 1; i < piece.offsets.length; i += 1) {
    if (piece.offsets[i] !== i * width) {
      throw malformedPage("a fixed-length value has another length", { value: i - 1, width });
    }
  }
  return { kind: "fixed", data: piece.data };
}

function offsetsOf(lengths: Int32Array, available: number): Int32Array {
  const offsets = new Int32Array(lengths.length + 1);
  let total = 0;
  for (let i = 0; i < lengths.length; i += 1) {
    const length = lengths[i] as number;
    total += length;
    if (length < 0 || total > available) {
      throw malformedPage("byte arrays are longer than their page", { length, total, available });
    }
    offsets[i + 1] = total;
  }
  return offsets;
}
