import type { ChunkFacts, Placement } from "./chunk-facts.ts";
import type { ChunkDescription } from "../values/column-data.ts";
import type { Footer } from "./footer.ts";
import { type FieldPatch, patchStruct } from "../thrift/patch-struct.ts";
import { ColumnChunk, ColumnMetaData } from "../spec.ts";
import { ThriftReader } from "../thrift/thrift-reader.ts";
import type { ThriftWriter } from "../thrift/thrift-writer.ts";
import { type ThriftList, ThriftStruct, thriftType, type ThriftType } from "../thrift/thrift.ts";

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
}

/** A chunk written anew. */
export interface PlacedChunk extends OutputIndexes {
  readonly kind: "written";
  readonly chunk: ChunkDescription;
  /** Where the chunk's pages begin in the output. */
  readonly offset: number;
}

export type OutputChunk = CopiedChunk | PlacedChunk;

/** What a row group has to know of a chunk that was written into its footer. */
export interface ChunkPlace {
  readonly compressedBytes: number;
  readonly uncompressedBytes: number;
  /** 0 when it has no page. */
  readonly firstPageOffset: number;
}

const pageOffsets = [
  ColumnMetaData.data_page_offset,
  ColumnMetaData.index_page_offset,
  ColumnMetaData.dictionary_page_offset,
];

/**
 * Writes the ColumnChunks of a source's chunks as they are in the output; fields that we do not know are carried. One for all chunks of a
 * footer, of which there may be half a million: what changes in each is kept from one to the next.
 */
export class CopiedChunkWriter {
  readonly #source: Footer;
  readonly #path = field(ColumnMetaData.path_in_schema, thriftType.list);
  readonly #dataPage = field(ColumnMetaData.data_page_offset, thriftType.i64);
  readonly #indexPage = field(ColumnMetaData.index_page_offset, thriftType.i64);
  readonly #dictionaryPage = field(ColumnMetaData.dictionary_page_offset, thriftType.i64);
  readonly #filter = filterFields();
  readonly #metadata = [this.#path, this.#dataPage, this.#indexPage, this.#dictionaryPage, ...this.#filter];
  readonly #fileOffset = field(ColumnChunk.file_offset, thriftType.i64);
  readonly #indexes = indexFields();
  readonly #chunk = [
    this.#fileOffset,
    // The facts are of the metadata: it is there.
    field(ColumnChunk.meta_data, thriftType.struct, (to, from) =>
      patchStruct(from as ThriftReader, to, this.#metadata),
    ),
    ...this.#indexes,
  ];

  constructor(source: Footer) {
    this.#source = source;
  }

  write(writer: ThriftWriter, rowGroup: number, chunk: CopiedChunk, path: ThriftList): ChunkPlace {
    const { sourceLeaf, shift } = chunk;
    const facts = this.#source.chunkFacts(rowGroup, sourceLeaf);
    this.#path.value = (to) => to.value(thriftType.list, path);
    this.#dataPage.value = shifted(facts.dataPageOffset, shift);
    this.#indexPage.value = shifted(facts.indexPageOffset, shift);
    this.#dictionaryPage.value = shifted(facts.dictionaryPageOffset, shift);
    setFilter(this.#filter, chunk);
    this.#fileOffset.value = copiedFileOffset(facts, shift);
    setIndexes(this.#indexes, chunk);
    const { start } = this.#source.chunkSpan(rowGroup, sourceLeaf);
    patchStruct(new ThriftReader(this.#source.bytes, start), writer, this.#chunk);
    return {
      compressedBytes: facts.totalCompressedBytes,
      uncompressedBytes: facts.totalUncompressedBytes,
      firstPageOffset: shifted(firstPageOf(facts), shift) ?? 0,
    };
  }
}

function shifted(offset: number | undefined, shift: number): number | undefined {
  // 0 stands for "none" (see `chunkByteRange`).
  return offset === undefined || offset === 0 ? offset : offset + shift;
}

/** Writes the ColumnChunk of a chunk written anew. */
export function writeNewChunk(writer: ThriftWriter, placed: PlacedChunk, path: ThriftList): ChunkPlace {
  const metadata = placed.chunk.metadata.clone();
  // Offsets are relative to the chunk's bytes, where a dictionary is at 0.
  for (const field of pageOffsets) {
    const offset = metadata.i64(field);
    if (offset !== undefined) metadata.setI64(field, offset + placed.offset);
  }
  metadata.set(ColumnMetaData.path_in_schema, thriftType.list, path);
  setNumbers(metadata, setFilter(filterFields(), placed));
  const chunk = new ThriftStruct().setI64(ColumnChunk.file_offset, 0);
  setNumbers(chunk.setStruct(ColumnChunk.meta_data, metadata), setIndexes(indexFields(), placed));
  writer.struct(chunk);
  return {
    compressedBytes: metadata.i64(ColumnMetaData.total_compressed_size) ?? 0,
    uncompressedBytes: metadata.i64(ColumnMetaData.total_uncompressed_size) ?? 0,
    firstPageOffset: firstPageOf({
      dataPageOffset: metadata.i64(ColumnMetaData.data_page_offset) ?? 0,
      dictionaryPageOffset: metadata.i64(ColumnMetaData.dictionary_page_offset),
    }),
  };
}

/** Names as path_in_schema has them. */
export function encodePath(path: readonly string[]): ThriftList {
  const encoder = new TextEncoder();
  return { elementType: thriftType.binary, elements: path.map((name) => encoder.encode(name)) };
}

/** First byte of a chunk's pages; an offset of 0 means that there is no such page (see `chunkByteRange`). */
function firstPageOf({
  dataPageOffset: data,
  dictionaryPageOffset: dictionary = 0,
}: Pick<ChunkFacts, "dataPageOffset" | "dictionaryPageOffset">): number {
  return data === 0 || (dictionary > 0 && dictionary < data) ? dictionary : data;
}

/**
 * The deprecated file_offset: writers put the first page's offset there, or that of a copy of the metadata after the
 * pages, or 0. Only what points into the pages is still true of a copy of the pages; otherwise the format wants 0.
 */
function copiedFileOffset(facts: ChunkFacts, shift: number): number {
  const { fileOffset, totalCompressedBytes } = facts;
  const start = firstPageOf(facts);
  return fileOffset > 0 && fileOffset >= start && fileOffset < start + totalCompressedBytes
    ? fileOffset + shift
    : 0;
}

/** A field that is the same patch for every chunk but for its value. */
interface Field extends FieldPatch {
  value: FieldPatch["value"];
}

function field(id: number, type: ThriftType, value?: FieldPatch["value"]): Field {
  return { id, type, value };
}

function filterFields(): readonly [Field, Field] {
  return [
    field(ColumnMetaData.bloom_filter_offset, thriftType.i64),
    field(ColumnMetaData.bloom_filter_length, thriftType.i32),
  ];
}

function setFilter(
  fields: ReturnType<typeof filterFields>,
  { bloomFilter }: OutputIndexes,
): readonly Field[] {
  const [offset, length] = fields;
  offset.value = bloomFilter?.offset;
  length.value = bloomFilter?.length;
  return fields;
}

function indexFields(): readonly [Field, Field, Field, Field] {
  return [
    field(ColumnChunk.offset_index_offset, thriftType.i64),
    field(ColumnChunk.offset_index_length, thriftType.i32),
    field(ColumnChunk.column_index_offset, thriftType.i64),
    field(ColumnChunk.column_index_length, thriftType.i32),
  ];
}

function setIndexes(
  fields: ReturnType<typeof indexFields>,
  { columnIndex, offsetIndex }: OutputIndexes,
): readonly Field[] {
  const [offsetAt, offsetLength, columnAt, columnLength] = fields;
  offsetAt.value = offsetIndex?.offset;
  offsetLength.value = offsetIndex?.length;
  columnAt.value = columnIndex?.offset;
  columnLength.value = columnIndex?.length;
  return fields;
}

function setNumbers(struct: ThriftStruct, fields: readonly Field[]): void {
  for (const { id, type, value } of fields) {
    if (typeof value === "number") struct.set(id, type, type === thriftType.i64 ? BigInt(value) : value);
  }
}
