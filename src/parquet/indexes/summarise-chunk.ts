import type { ChunkExtras, ColumnData } from "../values/column-data.ts";
import type { Stored } from "../pages/encode-page.ts";
import type { LeafColumn } from "../leaf-type.ts";
import type { PageSpan } from "../pages/plan-pages.ts";
import type { ValueOrder } from "../values/value-order.ts";
import { orderOf } from "../values/value-order.ts";
import type { ValueRange } from "../values/value-range.ts";
import { joinRanges, rangeOf, rangeOfIndices, type SeenEntries, seenEntries } from "../values/value-range.ts";
import { joinValues } from "../values/value-pieces.ts";
import { type Values, valueCount } from "../values/values.ts";
import { gatherValues } from "../values/gather-values.ts";

/** What statistics and page index are made from. */
export interface ChunkSummary {
  readonly order: ValueOrder;
  /** What the positions of ranges point into: the dictionary's entries, or the values. */
  readonly values: Values;
  readonly range: ValueRange;
  /** Per page; one for the whole chunk when nobody asked for a page index. */
  readonly pageRanges: readonly ValueRange[];
  readonly nullCount: number;
  /** Per page, concatenated as in ColumnIndex. Empty where not asked for. */
  readonly repetitionHistograms: readonly number[][];
  readonly definitionHistograms: readonly number[][];
  /** Bytes of variable-length values without their lengths, per page. */
  readonly byteArrayBytes: readonly number[];
}

const whole = (data: ColumnData, values: number): PageSpan => ({
  rowStart: 0,
  rows: data.rows,
  entryStart: 0,
  entries: data.entries,
  valueStart: 0,
  values,
});

/** `seen` may be kept from page to page while the dictionary is the same. */
export function summariseChunk(
  data: ColumnData,
  stored: Stored,
  spans: readonly PageSpan[],
  column: LeafColumn,
  extras: ChunkExtras,
  seen?: SeenEntries,
): ChunkSummary {
  const order = orderOf(column);
  const values = stored.as === "dictionary" ? stored.dictionary.entries : stored.values;
  const last = spans.at(-1);
  const count = last === undefined ? 0 : last.valueStart + last.values;
  const wanted = extras.statistics || extras.pageIndex;
  const parts = extras.pageIndex ? spans : [whole(data, count)];
  const pageRanges = wanted ? rangesOf(stored, order, parts, seen) : [];
  const range = joinAll(values, order, pageRanges);
  const sizes = extras.sizeStatistics ? spans : [];
  return {
    order,
    values,
    range,
    pageRanges,
    nullCount: data.entries - count,
    repetitionHistograms: histograms(data.repetitionLevels, column.maxRepetitionLevel, sizes),
    definitionHistograms: histograms(data.definitionLevels, column.maxDefinitionLevel, sizes),
    byteArrayBytes:
      column.physicalType === "BYTE_ARRAY" ? sizes.map((span) => byteArrayBytes(stored, span)) : [],
  };
}

function joinAll(values: Values, order: ValueOrder, ranges: readonly ValueRange[]): ValueRange {
  let joined: ValueRange = { min: -1, max: -1, nans: 0 };
  for (const range of ranges) joined = joinRanges(values, order, joined, range);
  return joined;
}

/** The same summary with no more values than its bounds. */
export function compactSummary(summary: ChunkSummary): ChunkSummary {
  const positions: number[] = [];
  const moved = ({ min, max, nans }: ValueRange): ValueRange =>
    min === -1 ? { min, max, nans } : { min: positions.push(min) - 1, max: positions.push(max) - 1, nans };
  const pageRanges = summary.pageRanges.map(moved);
  const range = moved(summary.range);
  return { ...summary, values: gatherValues(summary.values, Int32Array.from(positions)), range, pageRanges };
}

/** Of one page after another (`wanted.pageIndex`: each keeps its range), or of one run of pages after another. */
export function joinSummaries(
  summaries: readonly ChunkSummary[],
  column: LeafColumn,
  wanted: ChunkExtras,
): ChunkSummary {
  const order = orderOf(column);
  const values = joinValues(
    column,
    summaries.map((summary) => summary.values),
  );
  const pageRanges: ValueRange[] = [];
  let base = 0;
  for (const summary of summaries) {
    for (const { min, max, nans } of summary.pageRanges) {
      pageRanges.push(min === -1 ? { min, max, nans } : { min: base + min, max: base + max, nans });
    }
    base += valueCount(summary.values);
  }
  const range = joinAll(values, order, pageRanges);
  let nullCount = 0;
  for (const summary of summaries) nullCount += summary.nullCount;
  return compactSummary({
    order,
    values,
    range,
    pageRanges: wanted.pageIndex || pageRanges.length === 0 ? pageRanges : [range],
    nullCount,
    repetitionHistograms: summaries.flatMap((summary) => summary.repetitionHistograms),
    definitionHistograms: summaries.flatMap((summary) => summary.definitionHistograms),
    byteArrayBytes: summaries.flatMap((summary) => summary.byteArrayBytes),
  });
}

function rangesOf(
  stored: Stored,
  order: ValueOrder,
  parts: readonly PageSpan[],
  kept: SeenEntries | undefined,
): ValueRange[] {
  if (stored.as === "plain") {
    return parts.map((part) => rangeOf(stored.values, order, part.valueStart, part.valueStart + part.values));
  }
  const { dictionary } = stored;
  const seen = kept ?? seenEntries(dictionary);
  return parts.map((part) =>
    rangeOfIndices(dictionary, order, part.valueStart, part.valueStart + part.values, seen),
  );
}

function histograms(levels: Uint16Array | undefined, max: number, spans: readonly PageSpan[]): number[][] {
  if (max === 0) return [];
  return spans.map((span) => {
    const counts = Array.from({ length: max + 1 }, () => 0);
    if (levels === undefined) {
      counts[max] = span.entries;
      return counts;
    }
    for (let i = span.entryStart; i < span.entryStart + span.entries; i += 1) {
      const level = levels[i] as number;
      counts[level] = (counts[level] as number) + 1;
    }
    return counts;
  });
}

function byteArrayBytes(stored: Stored, span: PageSpan): number {
  const start = span.valueStart;
  const end = start + span.values;
  if (stored.as === "plain") {
    if (stored.values.kind !== "bytes") return 0;
    return (stored.values.offsets[end] as number) - (stored.values.offsets[start] as number);
  }
  const { entries, indices } = stored.dictionary;
  if (entries.kind !== "bytes") return 0;
  let bytes = 0;
  for (let i = start; i < end; i += 1) {
    const index = indices[i] as number;
    bytes += (entries.offsets[index + 1] as number) - (entries.offsets[index] as number);
  }
  return bytes;
}
