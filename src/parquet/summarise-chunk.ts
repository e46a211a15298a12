import type { ChunkExtras, ColumnData } from "./column-data.ts";
import type { Stored } from "./encode-page.ts";
import type { LeafColumn } from "./leaf-type.ts";
import type { PageSpan } from "./plan-pages.ts";
import type { ValueOrder } from "./value-order.ts";
import { orderOf } from "./value-order.ts";
import type { ValueRange } from "./value-range.ts";
import { joinRanges, rangeOf, rangeOfIndices, seenEntries } from "./value-range.ts";
import type { Values } from "./values.ts";

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

export function summariseChunk(
  data: ColumnData,
  stored: Stored,
  spans: readonly PageSpan[],
  column: LeafColumn,
  extras: ChunkExtras,
): ChunkSummary {
  const order = orderOf(column);
  const values = stored.as === "dictionary" ? stored.dictionary.entries : stored.values;
  const last = spans.at(-1);
  const valueCount = last === undefined ? 0 : last.valueStart + last.values;
  const wanted = extras.statistics || extras.pageIndex;
  const parts = extras.pageIndex ? spans : [whole(data, valueCount)];
  const pageRanges = wanted ? rangesOf(stored, order, parts) : [];
  let range: ValueRange = { min: -1, max: -1, nans: 0 };
  for (const part of pageRanges) range = joinRanges(values, order, range, part);
  const sizes = extras.sizeStatistics ? spans : [];
  return {
    order,
    values,
    range,
    pageRanges,
    nullCount: data.entries - valueCount,
    repetitionHistograms: histograms(data.repetitionLevels, column.maxRepetitionLevel, sizes),
    definitionHistograms: histograms(data.definitionLevels, column.maxDefinitionLevel, sizes),
    byteArrayBytes:
      column.physicalType === "BYTE_ARRAY" ? sizes.map((span) => byteArrayBytes(stored, span)) : [],
  };
}

function rangesOf(stored: Stored, order: ValueOrder, parts: readonly PageSpan[]): ValueRange[] {
  if (stored.as === "plain") {
    return parts.map((part) => rangeOf(stored.values, order, part.valueStart, part.valueStart + part.values));
  }
  const { dictionary } = stored;
  const seen = seenEntries(dictionary);
  return parts.map((part) =>
    rangeOfIndices(dictionary, order, part.valueStart, part.valueStart + part.values, seen),
  );
}

function histograms(levels: Uint16Array | undefined, max: number, spans: readonly PageSpan[]): number[][] {
  if (levels === undefined) return [];
  return spans.map((span) => {
    const counts = Array.from({ length: max + 1 }, () => 0);
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
