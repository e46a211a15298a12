import { buildBloomFilter } from "../indexes/bloom-filter.ts";
import type { ChunkDescription, ChunkExtras, Codec, WrittenChunk } from "../values/column-data.ts";
import { codecs } from "../values/column-data.ts";
import { columnIndexStruct, offsetIndexStruct } from "../indexes/column-index.ts";
import type { EncodedPage, PageFacts, Stored } from "../pages/encode-page.ts";
import type { LeafColumn } from "../leaf-type.ts";
import { pageTypeOf } from "../pages/page-header.ts";
import type { PageSpan } from "../pages/plan-pages.ts";
import { ColumnMetaData, Encoding, PageEncodingStats, SizeStatistics, Type } from "../spec.ts";
import { boundsOf, statisticsStruct } from "../indexes/statistics.ts";
import type { ChunkSummary } from "../indexes/summarise-chunk.ts";
import { encodeStruct } from "../thrift/thrift-writer.ts";
import { ThriftStruct, thriftType } from "../thrift/thrift.ts";

/** Longer values are cut in Statistics: a footer holds them for every chunk. */
const statisticsBytesMax = 1024;

/** The pages of a chunk, as far as the footer and the indexes speak of them. */
export interface ChunkParts {
  readonly column: LeafColumn;
  readonly codec: Codec;
  readonly dictionaryPage: PageFacts | undefined;
  readonly pages: readonly PageFacts[];
  readonly spans: readonly PageSpan[];
  readonly summary: ChunkSummary;
  /** Header and bitset. */
  readonly bloomFilter?: Uint8Array;
  readonly extras: ChunkExtras;
}

/** The bytes of pages, one after another. */
export function joinPages(pages: readonly EncodedPage[]): Uint8Array<ArrayBuffer> {
  let length = 0;
  for (const page of pages) length += page.bytes;
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const page of pages) {
    bytes.set(page.header, at);
    at += page.header.length;
    for (const part of page.body) {
      bytes.set(part, at);
      at += part.length;
    }
  }
  return bytes;
}

/** A whole chunk of encoded pages; `stored` are all of its values. */
export function assembleChunk(
  parts: Omit<ChunkParts, "dictionaryPage" | "pages" | "bloomFilter">,
  dictionaryPage: EncodedPage | undefined,
  pages: readonly EncodedPage[],
  stored: Stored,
): WrittenChunk {
  const { extras } = parts;
  const bloomFilter = extras.bloomFilter ? buildBloomFilter(stored, extras.bloomFilterBytes) : undefined;
  return {
    bytes: joinPages(dictionaryPage === undefined ? pages : [dictionaryPage, ...pages]),
    ...describeChunk({ ...parts, dictionaryPage, pages, ...(bloomFilter && { bloomFilter }) }),
  };
}

/** What stands about a chunk elsewhere than in its pages. */
export function describeChunk(parts: ChunkParts): ChunkDescription {
  const { dictionaryPage, pages, extras, bloomFilter } = parts;
  const metadata = metadataStruct(parts, bloomFilter?.length);
  const filter = bloomFilter && { bloomFilter };
  if (!extras.pageIndex) return { metadata, ...filter };
  const offsets: number[] = [];
  let at = dictionaryPage?.bytes ?? 0;
  for (const page of pages) {
    offsets.push(at);
    at += page.bytes;
  }
  const columnIndex = columnIndexStruct(parts.summary, parts.spans, parts.column);
  return {
    metadata,
    ...(columnIndex && { columnIndex: encodeStruct(columnIndex) }),
    offsetIndex: offsetIndexStruct(pages, offsets, parts.spans, parts.summary),
    ...filter,
  };
}

function metadataStruct(parts: ChunkParts, bloomFilterBytes: number | undefined): ThriftStruct {
  const { column, codec, dictionaryPage, pages, spans, summary, extras } = parts;
  let entries = 0;
  for (const span of spans) entries += span.entries;
  let bytes = dictionaryPage?.bytes ?? 0;
  let uncompressedBytes = dictionaryPage?.uncompressedBytes ?? 0;
  for (const page of pages) {
    bytes += page.bytes;
    uncompressedBytes += page.uncompressedBytes;
  }
  const encodings = new Set<number>();
  if (dictionaryPage?.page.type === "dictionary") encodings.add(dictionaryPage.page.encoding);
  if (column.maxDefinitionLevel > 0 || column.maxRepetitionLevel > 0) encodings.add(Encoding.RLE);
  for (const { page } of pages) encodings.add(page.encoding);
  const path = column.path.map((name) => new TextEncoder().encode(name));
  return new ThriftStruct()
    .setI32(ColumnMetaData.type, Type[column.physicalType])
    .set(ColumnMetaData.encodings, thriftType.list, {
      elementType: thriftType.i32,
      elements: [...encodings].toSorted((a, b) => a - b),
    })
    .set(ColumnMetaData.path_in_schema, thriftType.list, { elementType: thriftType.binary, elements: path })
    .setI32(ColumnMetaData.codec, codecs.indexOf(codec))
    .setI64(ColumnMetaData.num_values, entries)
    .setI64(ColumnMetaData.total_uncompressed_size, uncompressedBytes)
    .setI64(ColumnMetaData.total_compressed_size, bytes)
    .setI64(ColumnMetaData.data_page_offset, dictionaryPage?.bytes ?? 0)
    .setI64(ColumnMetaData.dictionary_page_offset, dictionaryPage === undefined ? undefined : 0)
    .setStruct(ColumnMetaData.statistics, extras.statistics ? statisticsOf(summary, column) : undefined)
    .setStructs(ColumnMetaData.encoding_stats, encodingStats(dictionaryPage, pages))
    .setI32(ColumnMetaData.bloom_filter_length, bloomFilterBytes)
    .setStruct(
      ColumnMetaData.size_statistics,
      extras.sizeStatistics ? sizeStatistics(summary, column) : undefined,
    );
}

function statisticsOf(summary: ChunkSummary, column: LeafColumn): ThriftStruct {
  const { values, range, order, nullCount } = summary;
  const bounds = boundsOf(values, range, order, column, statisticsBytesMax);
  return statisticsStruct(order, nullCount, range.nans, bounds);
}

function encodingStats(dictionaryPage: PageFacts | undefined, pages: readonly PageFacts[]): ThriftStruct[] {
  const counts = new Map<string, { readonly type: number; readonly encoding: number; count: number }>();
  for (const { page } of dictionaryPage === undefined ? pages : [dictionaryPage, ...pages]) {
    const type = pageTypeOf(page);
    const key = `${type} ${page.encoding}`;
    const counted = counts.get(key);
    if (counted === undefined) counts.set(key, { type, encoding: page.encoding, count: 1 });
    else counted.count += 1;
  }
  return [...counts.values()].map(({ type, encoding, count }) =>
    new ThriftStruct()
      .setI32(PageEncodingStats.page_type, type)
      .setI32(PageEncodingStats.encoding, encoding)
      .setI32(PageEncodingStats.count, count),
  );
}

/** Source: parquet.thrift, SizeStatistics: histograms are left out where they would say nothing new. */
function sizeStatistics(summary: ChunkSummary, column: LeafColumn): ThriftStruct {
  const struct = new ThriftStruct();
  if (column.physicalType === "BYTE_ARRAY") {
    let bytes = 0;
    for (const page of summary.byteArrayBytes) bytes += page;
    struct.setI64(SizeStatistics.unencoded_byte_array_data_bytes, bytes);
  }
  if (column.maxRepetitionLevel > 0) {
    struct.set(
      SizeStatistics.repetition_level_histogram,
      thriftType.list,
      counts(sumOf(summary.repetitionHistograms, column.maxRepetitionLevel)),
    );
  }
  if (column.maxDefinitionLevel > 1) {
    struct.set(
      SizeStatistics.definition_level_histogram,
      thriftType.list,
      counts(sumOf(summary.definitionHistograms, column.maxDefinitionLevel)),
    );
  }
  return struct;
}

function counts(numbers: readonly number[]): { elementType: number; elements: bigint[] } {
  return { elementType: thriftType.i64, elements: numbers.map(BigInt) };
}

function sumOf(histograms: readonly (readonly number[])[], max: number): number[] {
  return Array.from({ length: max + 1 }, (_, level) =>
    histograms.reduce((sum, histogram) => sum + (histogram[level] ?? 0), 0),
  );
}
