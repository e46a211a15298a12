import { ColonnadeError } from "../../base/errors.ts";
import { type Codec, codecs } from "../values/column-data.ts";
import type { LeafColumn, PhysicalType } from "../leaf-type.ts";
import { ColumnChunk, ColumnMetaData, PageEncodingStats } from "../spec.ts";
import { physicalTypes } from "./storage.ts";
import { ThriftReader } from "../thrift/thrift-reader.ts";
import { type ThriftStruct, type ThriftType, thriftType } from "../thrift/thrift.ts";

/** Where something lies in its object, in bytes from the object's beginning. */
export interface Placement {
  readonly offset: number;
  readonly length: number;
}

/** Pages of one type and encoding (numbers of the PageType and Encoding enums). */
export interface EncodingCount {
  readonly pageType: number;
  readonly encoding: number;
  readonly count: number;
}

/** Which chunk it is, and what it must agree with. */
export interface ChunkContext {
  readonly rowGroup: number;
  readonly column: number;
  /** Rows of the row group. */
  readonly rows: number;
  readonly leaf: LeafColumn;
  /** Bytes of the footer's Thrift, which ends eight bytes before the object does. */
  readonly footerBytes: number;
  /** Bytes by which this writer's sizes may fall short (see `chunkByteRange`). */
  readonly slackBytes: number;
}

/**
 * What a planner asks of a column chunk, read without building a tree. Sizes are in bytes, offsets from the beginning
 * of the object, encodings numbers of the Encoding enum. Path and statistics are decoded when they are asked for.
 */
export class ChunkFacts {
  readonly context: ChunkContext;
  physicalType: PhysicalType = "BOOLEAN";
  codec: Codec = "UNCOMPRESSED";
  encodings: readonly number[] = [];
  /** Entries, nulls included. */
  numValues = 0;
  totalUncompressedBytes = 0;
  totalCompressedBytes = 0;
  dataPageOffset = 0;
  indexPageOffset: number | undefined;
  /** As written; some writers say 0 where there is none (see `chunkByteRange`). */
  dictionaryPageOffset: number | undefined;
  /** Absent in files of older writers. */
  encodingStats: readonly EncodingCount[] | undefined;
  /** Older writers do not say the length. */
  bloomFilter: { readonly offset: number; readonly length: number | undefined } | undefined;
  columnIndex: Placement | undefined;
  offsetIndex: Placement | undefined;
  /** The deprecated field as written, whatever it is. */
  fileOffset = 0;

  readonly #bytes: Uint8Array;
  #pathPosition: number | undefined;
  #statisticsPosition: number | undefined;
  #hasSizeStatistics = false;

  /** Reads the ColumnChunk at `position`. Throws `data` `CHUNK_MALFORMED`, `CODEC_UNKNOWN`, `THRIFT_MALFORMED`. */
  constructor(bytes: Uint8Array, position: number, context: ChunkContext) {
    this.#bytes = bytes;
    this.context = context;
    this.#readChunk(new ThriftReader(bytes, position));
    const { leaf, rows } = context;
    if (this.physicalType !== leaf.physicalType) {
      throw this.#malformed("a column chunk has another physical type than its schema element", {
        physicalType: this.physicalType,
        expected: leaf.physicalType,
      });
    }
    if (leaf.maxRepetitionLevel === 0 && this.numValues !== rows) {
      throw this.#malformed("a column chunk has another number of values than its row group has rows", {
        numValues: this.numValues,
        rows,
      });
    }
  }

  /** path_in_schema as the chunk spells it; the path of the schema itself is `context.leaf.path`. */
  get path(): readonly string[] {
    if (this.#pathPosition === undefined) return this.context.leaf.path;
    const names = new ThriftReader(this.#bytes, this.#pathPosition).value(thriftType.list, 0);
    if (typeof names !== "object" || !("elements" in names)) return [];
    const decoder = new TextDecoder();
    return names.elements.map((name) => (name instanceof Uint8Array ? decoder.decode(name) : ""));
  }

  get hasStatistics(): boolean {
    return this.#statisticsPosition !== undefined;
  }

  get hasSizeStatistics(): boolean {
    return this.#hasSizeStatistics;
  }

  /** The chunk's Statistics, decoded anew at every call. */
  statistics(): ThriftStruct | undefined {
    if (this.#statisticsPosition === undefined) return undefined;
    return new ThriftReader(this.#bytes, this.#statisticsPosition).struct();
  }

  // A field of an unexpected type is passed over, as Thrift's own readers do: files with fields of private dialects
  // of the format exist (dict-page-offset-zero.parquet of parquet-testing).
  #readChunk(reader: ThriftReader): void {
    const sizes: (number | undefined)[] = [];
    let id = 0;
    for (let header = reader.fieldHeader(0); header !== undefined; header = reader.fieldHeader(id)) {
      id = header.id;
      const { type } = header;
      if (id === ColumnChunk.meta_data && type === thriftType.struct) this.#readMetadata(reader);
      else if (id === ColumnChunk.file_offset && isInteger(type)) this.fileOffset = reader.safeInteger();
      else if (chunkNumbers[id] === true && isInteger(type)) sizes[id] = this.#size(reader, id);
      else reader.skipField(type);
    }
    this.offsetIndex = placement(
      sizes[ColumnChunk.offset_index_offset],
      sizes[ColumnChunk.offset_index_length],
    );
    this.columnIndex = placement(
      sizes[ColumnChunk.column_index_offset],
      sizes[ColumnChunk.column_index_length],
    );
  }

  #readMetadata(reader: ThriftReader): void {
    const seen: (number | undefined)[] = [];
    let id = 0;
    for (let header = reader.fieldHeader(0); header !== undefined; header = reader.fieldHeader(id)) {
      id = header.id;
      const { type } = header;
      if (metadataNumbers[id] === true && isInteger(type)) seen[id] = this.#size(reader, id);
      else if (id === ColumnMetaData.encodings && type === thriftType.list) {
        this.encodings = this.#readEncodings(reader);
      } else if (id === ColumnMetaData.encoding_stats && type === thriftType.list) {
        this.encodingStats = this.#readEncodingStats(reader);
      } else {
        if (id === ColumnMetaData.path_in_schema && type === thriftType.list)
          this.#pathPosition = reader.position;
        if (id === ColumnMetaData.statistics && type === thriftType.struct) {
          this.#statisticsPosition = reader.position;
        }
        if (id === ColumnMetaData.size_statistics) this.#hasSizeStatistics = true;
        reader.skipField(type);
      }
    }
    this.#takeNumbers(seen);
  }

  #takeNumbers(seen: readonly (number | undefined)[]): void {
    const required = (id: number): number => {
      const value = seen[id];
      if (value === undefined) throw this.#malformed("a column chunk lacks a field", { field: id });
      return value;
    };
    const physicalType = physicalTypes[required(ColumnMetaData.type)];
    if (physicalType === undefined) throw this.#malformed("a column chunk has an unknown physical type", {});
    this.physicalType = physicalType;
    const codec = codecs[required(ColumnMetaData.codec)];
    if (codec === undefined) {
      throw new ColonnadeError("data", "CODEC_UNKNOWN", "a column chunk has an unknown compression codec", {
        ...this.#where(),
        codec: seen[ColumnMetaData.codec],
      });
    }
    this.codec = codec;
    this.numValues = required(ColumnMetaData.num_values);
    this.totalUncompressedBytes = required(ColumnMetaData.total_uncompressed_size);
    this.totalCompressedBytes = required(ColumnMetaData.total_compressed_size);
    this.dataPageOffset = required(ColumnMetaData.data_page_offset);
    this.indexPageOffset = seen[ColumnMetaData.index_page_offset];
    this.dictionaryPageOffset = seen[ColumnMetaData.dictionary_page_offset];
    const offset = seen[ColumnMetaData.bloom_filter_offset];
    this.bloomFilter =
      offset === undefined ? undefined : { offset, length: seen[ColumnMetaData.bloom_filter_length] };
  }

  #readEncodings(reader: ThriftReader): number[] {
    const { elementType, count } = reader.listHeader();
    if (elementType !== thriftType.i32 && count > 0) {
      throw this.#malformed("a column chunk's encodings are no integers", { elementType });
    }
    const encodings: number[] = [];
    for (let i = 0; i < count; i += 1) encodings.push(reader.zigzag32());
    return encodings;
  }

  #readEncodingStats(reader: ThriftReader): EncodingCount[] {
    const { elementType, count } = reader.listHeader();
    if (elementType !== thriftType.struct && count > 0) {
      throw this.#malformed("a column chunk's encoding stats are no structs", { elementType });
    }
    const stats: EncodingCount[] = [];
    for (let i = 0; i < count; i += 1) {
      const entry = reader.struct(1);
      stats.push({
        pageType: entry.i32(PageEncodingStats.page_type) ?? -1,
        encoding: entry.i32(PageEncodingStats.encoding) ?? -1,
        count: entry.i32(PageEncodingStats.count) ?? 0,
      });
    }
    return stats;
  }

  /** A number that cannot be negative: enum, count, size or offset. */
  #size(reader: ThriftReader, field: number): number {
    const value = reader.safeInteger();
    if (value < 0) throw this.#malformed("a field of a column chunk is negative", { field, value });
    return value;
  }

  #where(): Record<string, unknown> {
    const { rowGroup, leaf } = this.context;
    return { rowGroup, column: leaf.path.join(".") };
  }

  #malformed(message: string, details: Record<string, unknown>): ColonnadeError {
    return new ColonnadeError("data", "CHUNK_MALFORMED", message, { ...this.#where(), ...details });
  }
}

const chunkNumbers = flags([
  ColumnChunk.offset_index_offset,
  ColumnChunk.offset_index_length,
  ColumnChunk.column_index_offset,
  ColumnChunk.column_index_length,
]);

const metadataNumbers = flags([
  ColumnMetaData.type,
  ColumnMetaData.codec,
  ColumnMetaData.num_values,
  ColumnMetaData.total_uncompressed_size,
  ColumnMetaData.total_compressed_size,
  ColumnMetaData.data_page_offset,
  ColumnMetaData.index_page_offset,
  ColumnMetaData.dictionary_page_offset,
  ColumnMetaData.bloom_filter_offset,
  ColumnMetaData.bloom_filter_length,
]);

/** By field id; a table, since every field of every chunk is looked up. */
function flags(ids: readonly number[]): readonly boolean[] {
  return Array.from({ length: Math.max(...ids) + 1 }, (_, id) => ids.includes(id));
}

function isInteger(type: ThriftType): boolean {
  return type === thriftType.i32 || type === thriftType.i64;
}

function placement(offset: number | undefined, length: number | undefined): Placement | undefined {
  return offset === undefined || length === undefined ? undefined : { offset, length };
}
