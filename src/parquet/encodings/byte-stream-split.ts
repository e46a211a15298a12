import { malformedPage } from "../page-error.ts";
import type { FixedPiece } from "../values/value-pieces.ts";

/**
 * BYTE_STREAM_SPLIT: the first bytes of all values, then their second bytes, and so on.
 * Source: parquet-format Encodings.md, "Byte Stream Split".
 */
export function decodeByteStreamSplit(
  bytes: Uint8Array,
  start: number,
  width: number,
  count: number,
): FixedPiece {
  const length = width * count;
  if (length > bytes.length - start) {
    throw malformedPage("byte streams end early", { length, bytes: bytes.length - start });
  }
  const data = new Uint8Array(length);
  for (let stream = 0; stream < width; stream += 1) {
    const from = start + stream * count;
    for (let i = 0, at = stream; i < count; i += 1, at += width) data[at] = bytes[from + i] as number;
  }
  return { kind: "fixed", data };
}
