import { ColonnadeError } from "../../base/errors.ts";
import type { ChunkFacts } from "./chunk-facts.ts";

export interface ByteRange {
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
}

/**
 * The bytes of a chunk's pages, its dictionary included. The chunk begins at its dictionary page or its first data page,
 * whichever comes first; an offset of 0 means that there is none (writers do that with either of them), and a
 * dictionary offset after the data is an old writers' error that readers ignore.
 *
 * Where the writer is known to undercount (`slackBytes`), the range is that much longer; readers know these writers by
 * created_by, so a copy of their chunks must keep it. Throws `data` `CHUNK_OUT_OF_BOUNDS` when the range is not between
 * the object's magic and its footer.
 */
export function chunkByteRange(facts: ChunkFacts, objectBytes: number): ByteRange {
  const { dataPageOffset, dictionaryPageOffset = 0, totalCompressedBytes, context } = facts;
  const offsets = [dataPageOffset, dictionaryPageOffset].filter((offset) => offset > 0);
  const start = offsets.length === 0 ? 0 : Math.min(...offsets);
  const limit = objectBytes - 8 - context.footerBytes;
  const end = start + totalCompressedBytes;
  if (totalCompressedBytes > 0 && (start < 4 || end > limit)) {
    throw new ColonnadeError(
      "data",
      "CHUNK_OUT_OF_BOUNDS",
      "a column chunk lies outside of the object's data",
      { rowGroup: context.rowGroup, column: context.leaf.path.join("."), start, end, dataEnd: limit },
    );
  }
  if (totalCompressedBytes === 0) return { start, end: start };
  return { start, end: Math.min(end + context.slackBytes, limit) };
}
