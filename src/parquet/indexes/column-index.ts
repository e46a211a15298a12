import type { PageFacts } from "../pages/encode-page.ts";
import type { LeafColumn } from "../leaf-type.ts";
import type { PageSpan } from "../pages/plan-pages.ts";
import { BoundaryOrder, ColumnIndex, OffsetIndex, PageLocation } from "../spec.ts";
import { boundsOf } from "./statistics.ts";
import type { ChunkSummary } from "./summarise-chunk.ts";
import type { ThriftList } from "../thrift/thrift.ts";
import { ThriftStruct, thriftType } from "../thrift/thrift.ts";
import { compareValues } from "../values/value-order.ts";

/** parquet-mr's default for truncated bounds of pages. */
const boundBytesMax = 64;

/**
 * The ColumnIndex of a chunk's pages, or undefined where the format has none: no order, a page whose values are all NaN,
 * or a long value that cannot be shortened. Source: parquet-format PageIndex.md; parquet.thrift, ColumnIndex.
 */
export function columnIndexStruct(
  summary: ChunkSummary,
  spans: readonly PageSpan[],
  column: LeafColumn,
): ThriftStruct | undefined {
  const { order, values, pageRanges } = summary;
  if (order === "none" && spans.some((span) => span.values > 0)) return undefined;
  const none = new Uint8Array(0);
  const nullPages: number[] = [];
  const minValues: Uint8Array[] = [];
  const maxValues: Uint8Array[] = [];
  for (const [index, span] of spans.entries()) {
    nullPages.push(span.values === 0 ? thriftType.true : thriftType.false);
    const range = pageRanges[index];
    const bounds = range && boundsOf(values, range, order, column, boundBytesMax);
    if (bounds === undefined && span.values > 0) return undefined;
    minValues.push(bounds?.min ?? none);
    maxValues.push(bounds?.max ?? none);
  }
  const floats = order === "float" || order === "float16";
  return new ThriftStruct()
    .set(ColumnIndex.null_pages, thriftType.list, { elementType: thriftType.true, elements: nullPages })
    .set(ColumnIndex.min_values, thriftType.list, { elementType: thriftType.binary, elements: minValues })
    .set(ColumnIndex.max_values, thriftType.list, { elementType: thriftType.binary, elements: maxValues })
    .setI32(ColumnIndex.boundary_order, boundaryOrder(summary))
    .set(ColumnIndex.null_counts, thriftType.list, counts(spans.map((span) => span.entries - span.values)))
    .set(ColumnIndex.repetition_level_histograms, thriftType.list, flattened(summary.repetitionHistograms))
    .set(ColumnIndex.definition_level_histograms, thriftType.list, flattened(summary.definitionHistograms))
    .set(
      ColumnIndex.nan_counts,
      thriftType.list,
      floats ? counts(pageRanges.map((range) => range.nans)) : undefined,
    );
}

/**
 * Whether both bounds go up, or down, from page to page; null pages are passed over. Cutting bounds keeps their order:
 * a prefix of a smaller value is not larger, and neither is its successor.
 */
function boundaryOrder(summary: ChunkSummary): number {
  const { values, order, pageRanges } = summary;
  let ascending = true;
  let descending = true;
  let previous: { min: number; max: number } | undefined;
  for (const range of pageRanges) {
    if (range.min === -1) continue;
    if (previous !== undefined) {
      const min = compareValues(values, order, range.min, previous.min);
      const max = compareValues(values, order, range.max, previous.max);
      if (min < 0 || max < 0) ascending = false;
      if (min > 0 || max > 0) descending = false;
    }
    previous = range;
  }
  return ascending
    ? BoundaryOrder.ASCENDING
    : descending
      ? BoundaryOrder.DESCENDING
      : BoundaryOrder.UNORDERED;
}

/** Page offsets are relative to the chunk. */
export function offsetIndexStruct(
  pages: readonly PageFacts[],
  pageOffsets: readonly number[],
  spans: readonly PageSpan[],
  summary: ChunkSummary,
): ThriftStruct {
  const locations = pages.map((page, index) =>
    new ThriftStruct()
      .setI64(PageLocation.offset, pageOffsets[index])
      .setI32(PageLocation.compressed_page_size, page.bytes)
      .setI64(PageLocation.first_row_index, spans[index]?.rowStart),
  );
  const { byteArrayBytes } = summary;
  return new ThriftStruct()
    .setStructs(OffsetIndex.page_locations, locations)
    .set(
      OffsetIndex.unencoded_byte_array_data_bytes,
      thriftType.list,
      byteArrayBytes.length > 0 ? counts(byteArrayBytes) : undefined,
    );
}

function counts(numbers: readonly number[]): ThriftList {
  return { elementType: thriftType.i64, elements: numbers.map(BigInt) };
}

function flattened(histograms: readonly (readonly number[])[]): ThriftList | undefined {
  return histograms.length === 0 ? undefined : counts(histograms.flat());
}
