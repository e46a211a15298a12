import type { SourceObjectReader } from "../chunks/output-piece.ts";
import { ColonnadeError } from "../../base/errors.ts";
import type { ByteRange } from "../../parquet/footer/chunk-range.ts";
import type { Placement } from "../../parquet/footer/chunk-facts.ts";
import { BloomFilterHeader } from "../../parquet/spec.ts";
import { ThriftReader } from "../../parquet/thrift/thrift-reader.ts";
import { readRange } from "../../dataset/read-object.ts";

/** More than any writer puts there: four small fields. */
const bloomHeaderBytesMax = 256;

/** Where a Bloom filter lies, header and bitset. Older writers say only where it begins: its header has the size. */
export async function bloomFilterRange(
  { object, footer, signal }: SourceObjectReader,
  place: { readonly offset: number; readonly length: number | undefined },
): Promise<ByteRange> {
  const { offset, length } = place;
  const dataEnd = object.bytes - footer.bytes.length - 8;
  const end = length === undefined ? await findEnd() : offset + length;
  if (offset < 4 || end > dataEnd) {
    throw new ColonnadeError(
      "data",
      "BLOOM_FILTER_OUT_OF_BOUNDS",
      "a Bloom filter lies outside of the object's data",
      {
        offset,
        end,
        dataEnd,
      },
    );
  }
  return { start: offset, end };

  async function findEnd(): Promise<number> {
    if (offset < 4 || offset >= dataEnd) return Infinity;
    const bytes = await readRange(object, offset, Math.min(offset + bloomHeaderBytesMax, dataEnd), signal);
    const reader = new ThriftReader(bytes);
    const bitsetBytes = reader.struct().i32(BloomFilterHeader.numBytes) ?? 0;
    return bitsetBytes < 0 ? Infinity : offset + reader.position + bitsetBytes;
  }
}

/** One read brings this much: indexes are small, many, and lie side by side. */
const windowBytes = 4 * 1024 * 1024;

/** Reads page indexes, a window of the object at a time. */
export class IndexReader {
  readonly #reader: SourceObjectReader;
  #window: { readonly start: number; readonly bytes: Uint8Array } | undefined;

  constructor(reader: SourceObjectReader) {
    this.#reader = reader;
  }

  /** The bytes at a place; valid until the next read. Throws `data` `INDEX_OUT_OF_BOUNDS`. */
  async read({ offset, length }: Placement): Promise<Uint8Array> {
    const { object, footer, signal } = this.#reader;
    const dataEnd = object.bytes - footer.bytes.length - 8;
    if (offset < 4 || offset + length > dataEnd) {
      throw new ColonnadeError(
        "data",
        "INDEX_OUT_OF_BOUNDS",
        "a page index lies outside of the object's data",
        {
          offset,
          length,
          dataEnd,
        },
      );
    }
    const window = this.#window;
    const inside =
      window !== undefined && offset >= window.start && offset + length <= window.start + window.bytes.length;
    if (!inside) {
      const end = Math.min(dataEnd, Math.max(offset + length, offset + windowBytes));
      this.#window = { start: offset, bytes: await readRange(object, offset, end, signal) };
    }
    const { start, bytes } = this.#window as { start: number; bytes: Uint8Array };
    return bytes.subarray(offset - start, offset - start + length);
  }
}
