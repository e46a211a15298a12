import type { Values } from "./values.ts";
import type { ThriftStruct } from "../thrift/thrift.ts";

/** Parquet's CompressionCodec, in the order of the Thrift enum. */
export const codecs = ["UNCOMPRESSED", "SNAPPY", "GZIP", "LZO", "BROTLI", "LZ4", "ZSTD", "LZ4_RAW"] as const;
export type Codec = (typeof codecs)[number];

/**
 * One column chunk, decoded: levels apart from values, no record assembly. An entry is one pair of levels; it has a
 * value when its definition level is the column's maximum.
 */
export interface ColumnData {
  readonly rows: number;
  readonly entries: number;
  /**
   * One per entry; absent when the maximum is 0 (nothing can be null). Of single pages absent too when every entry has a
   * value, as in most of the world's pages: no level is ever looked at then.
   */
  readonly definitionLevels?: Uint16Array;
  /** One per entry, 0 where a row begins; absent when the maximum is 0. */
  readonly repetitionLevels?: Uint16Array;
  /** Of a dictionary encoded chunk these are looked up on first use: ask for `dictionary` first where it will do. */
  readonly values: Values;
  /**
   * There when all data pages were dictionary encoded. Not enumerable: a copy by spreading has `values` alone, so that
   * `{ ...data, values }` never carries the dictionary of other values (see `dictionary-data.ts`).
   */
  readonly dictionary?: Dictionary;
  /** Data pages of the source in order, so that the output can mirror their boundaries. */
  readonly pages: readonly { readonly rows: number; readonly entries: number }[];
  readonly layout: ChunkLayout;
}

/** Values as a dictionary holds them: value i is `entries[indices[i]]`. Entries may repeat, and some may be unused. */
export interface Dictionary {
  readonly entries: Values;
  readonly indices: Int32Array;
}

/** How a chunk was written, and how its successor should be. */
export interface ChunkLayout {
  readonly codec: Codec;
  readonly dataPageVersion: 1 | 2;
  /** Whether the data pages are dictionary encoded: all, none, or some (the writer fell back in mid-chunk). */
  readonly dictionary: "all" | "some" | "none";
  readonly pageChecksums: boolean;
}

/** What a writer of a chunk is asked for beside the data and the layout. */
export interface ChunkExtras {
  readonly statistics: boolean;
  readonly pageIndex: boolean;
  readonly bloomFilter: boolean;
  readonly sizeStatistics: boolean;
  /** Size of the source's Bloom filter with its header: the new one has as many blocks. Without it the number of values decides. */
  readonly bloomFilterBytes?: number;
}

/** What stands about a chunk elsewhere than in its pages. Offsets inside are relative to its first byte. */
export interface ChunkDescription {
  /**
   * The chunk's ColumnMetaData (parquet.thrift) complete but for its absolute place: data_page_offset and
   * dictionary_page_offset are relative, bloom_filter_offset is absent.
   */
  readonly metadata: ThriftStruct;
  /** Serialised ColumnIndex. */
  readonly columnIndex?: Uint8Array;
  /** OffsetIndex whose page offsets are relative. */
  readonly offsetIndex?: ThriftStruct;
  /** Header and bitset. */
  readonly bloomFilter?: Uint8Array;
}

/** A chunk written anew, whole. */
export interface WrittenChunk extends ChunkDescription {
  readonly bytes: Uint8Array;
}
