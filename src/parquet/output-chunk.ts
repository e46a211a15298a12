import { ColonnadeError } from "../base/errors.ts";
import type { Placement } from "./chunk-facts.ts";
import type { ChunkDescription } from "./column-data.ts";
import type { PhysicalType } from "./leaf-type.ts";
import { ColumnChunk, ColumnMetaData, Statistics } from "./spec.ts";
import { physicalTypes } from "./storage.ts";
import { type ThriftList, ThriftStruct, thriftType } from "./thrift.ts";

/** Where a chunk's indexes and Bloom filter are in the output; what is absent here is absent there. */
export interface OutputIndexes {
  readonly columnIndex?: Placement;
  readonly offsetIndex?: Placement;
  readonly bloomFilter?: { readonly offset: number; readonly length?: number };
}

/** A chunk whose pages are those of the source, byte for byte. */
export interface CopiedChunk extends OutputIndexes {
  readonly kind: "copied";
  readonly sourceLeaf: number;
  /** Offset of the pages in the output less their offset in the source. */
  readonly shift: number;
  /** For a relabelled leaf whose bounds mean something else now: keeps the counts, drops minima and maxima. */
  readonly dropStatistics?: boolean;
  readonly retype?: PhysicalType;
}

/** A chunk written anew. */
export interface PlacedChunk extends OutputIndexes {
  readonly kind: "written";
  readonly chunk: ChunkDescription;
  /** Where the chunk's pages begin in the output. */
  readonly offset: number;
  /** The source leaf whose sort order the new values still have. */
  readonly keepsOrderOf?: number;
}

export type OutputChunk = CopiedChunk | PlacedChunk;

const pageOffsets = [
  ColumnMetaData.data_page_offset,
  ColumnMetaData.index_page_offset,
  ColumnMetaData.dictionary_page_offset,
];

/** The source's ColumnChunk as it is in the output; fields that we do not know are carried. */
export function copiedColumnChunk(source: ThriftStruct, chunk: CopiedChunk, path: ThriftList): ThriftStruct {
  const metadata = metadataOf(source).clone();
  const fileOffset = copiedFileOffset(source, metadata, chunk.shift);
  shiftPages(metadata, chunk.shift);
  metadata.set(ColumnMetaData.path_in_schema, thriftType.list, path);
  setBloomFilter(metadata, chunk);
  if (chunk.retype !== undefined) {
    metadata.setI32(ColumnMetaData.type, physicalTypes.indexOf(chunk.retype));
  }
  if (chunk.dropStatistics === true) dropBounds(metadata);
  const output = source.clone().setI64(ColumnChunk.file_offset, fileOffset);
  return setIndexes(output.setStruct(ColumnChunk.meta_data, metadata), chunk);
}

/** The ColumnChunk of a chunk written anew. */
export function writtenColumnChunk(chunk: PlacedChunk, path: ThriftList): ThriftStruct {
  const metadata = chunk.chunk.metadata.clone();
  // Offsets are relative to the chunk's bytes, where a dictionary is at 0.
  for (const field of pageOffsets) {
    const offset = metadata.i64(field);
    if (offset !== undefined) metadata.setI64(field, offset + chunk.offset);
  }
  metadata.set(ColumnMetaData.path_in_schema, thriftType.list, path);
  setBloomFilter(metadata, chunk);
  const output = new ThriftStruct().setI64(ColumnChunk.file_offset, 0);
  return setIndexes(output.setStruct(ColumnChunk.meta_data, metadata), chunk);
}

/** Names as path_in_schema has them. */
export function encodePath(path: readonly string[]): ThriftList {
  const encoder = new TextEncoder();
  return { elementType: thriftType.binary, elements: path.map((name) => encoder.encode(name)) };
}

/** First byte of a chunk's pages; an offset of 0 means that there is no such page (see `chunkByteRange`). */
export function firstPageOffset(metadata: ThriftStruct): number {
  const data = metadata.i64(ColumnMetaData.data_page_offset) ?? 0;
  const dictionary = metadata.i64(ColumnMetaData.dictionary_page_offset) ?? 0;
  return data === 0 || (dictionary > 0 && dictionary < data) ? dictionary : data;
}

export function metadataOf(chunk: ThriftStruct): ThriftStruct {
  const metadata = chunk.struct(ColumnChunk.meta_data);
  if (metadata === undefined) {
    throw new ColonnadeError("data", "CHUNK_MALFORMED", "a column chunk has no metadata", {});
  }
  return metadata;
}

function shiftPages(metadata: ThriftStruct, shift: number): void {
  if (shift === 0) return;
  for (const field of pageOffsets) {
    const offset = metadata.i64(field);
    if (offset !== undefined && offset > 0) metadata.setI64(field, offset + shift);
  }
}

/**
 * The deprecated file_offset: writers put the first page's offset there, or that of a copy of the metadata after the
 * pages, or 0. Only what points into the pages is still true of a copy of the pages; otherwise the format wants 0.
 */
function copiedFileOffset(source: ThriftStruct, metadata: ThriftStruct, shift: number): number {
  const offset = source.i64(ColumnChunk.file_offset) ?? 0;
  const start = firstPageOffset(metadata);
  const end = start + (metadata.i64(ColumnMetaData.total_compressed_size) ?? 0);
  return offset > 0 && offset >= start && offset < end ? offset + shift : 0;
}

function setBloomFilter(metadata: ThriftStruct, { bloomFilter }: OutputIndexes): void {
  const offset = bloomFilter?.offset;
  const length = bloomFilter?.length;
  setNumber(metadata, ColumnMetaData.bloom_filter_offset, thriftType.i64, offset);
  setNumber(metadata, ColumnMetaData.bloom_filter_length, thriftType.i32, length);
}

function setIndexes(chunk: ThriftStruct, { columnIndex, offsetIndex }: OutputIndexes): ThriftStruct {
  setNumber(chunk, ColumnChunk.offset_index_offset, thriftType.i64, offsetIndex?.offset);
  setNumber(chunk, ColumnChunk.offset_index_length, thriftType.i32, offsetIndex?.length);
  setNumber(chunk, ColumnChunk.column_index_offset, thriftType.i64, columnIndex?.offset);
  setNumber(chunk, ColumnChunk.column_index_length, thriftType.i32, columnIndex?.length);
  return chunk;
}

/** Sets or removes a number; a field of that id but of another type is not ours (a private dialect's) and stays. */
function setNumber(struct: ThriftStruct, id: number, type: number, value: number | undefined): void {
  const present = struct.get(id);
  if (value === undefined) {
    if (typeof present === "number" || typeof present === "bigint") struct.set(id, type, undefined);
  } else struct.set(id, type, type === thriftType.i64 ? BigInt(value) : value);
}

/** Counts of nulls and distinct values do not depend on the type. */
function dropBounds(metadata: ThriftStruct): void {
  const statistics = metadata.struct(ColumnMetaData.statistics);
  if (statistics === undefined) return;
  const counts = [Statistics.null_count, Statistics.distinct_count] as readonly number[];
  const kept = new ThriftStruct(statistics.fields.filter((field) => counts.includes(field.id)));
  metadata.setStruct(ColumnMetaData.statistics, kept.fields.length === 0 ? undefined : kept);
}
