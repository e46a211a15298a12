import type { ByteRange } from "../parquet/footer/chunk-range.ts";
import { readRange } from "../dataset/read-object.ts";
import type { OpenObject } from "./open-object.ts";

/** Both sides are in memory at one time. */
const windowBytes = 4 * 1024 * 1024;

/** Where two ranges of the same length first differ, in bytes from their beginnings; undefined when they are equal. */
export async function findDifference(
  source: OpenObject,
  sourceRange: ByteRange,
  output: OpenObject,
  outputRange: ByteRange,
): Promise<number | undefined> {
  const bytes = sourceRange.end - sourceRange.start;
  if (outputRange.end - outputRange.start !== bytes) return 0;
  for (let start = 0; start < bytes; start += windowBytes) {
    const end = Math.min(bytes, start + windowBytes);
    const [a, b] = await Promise.all([
      readRange(source, sourceRange.start + start, sourceRange.start + end, source.signal),
      readRange(output, outputRange.start + start, outputRange.start + end, output.signal),
    ]);
    if (Buffer.compare(a, b) === 0) continue;
    for (let i = 0; i < a.length; i += 1) if (a[i] !== b[i]) return start + i;
  }
  return undefined;
}
