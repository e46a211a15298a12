import { bloomFilterBytes, frameBloomFilter, insertAll } from "../indexes/bloom-filter.ts";
import { describeChunk } from "./assemble-chunk.ts";
import type { ChunkDescription, ChunkExtras, Codec } from "../values/column-data.ts";
import { type EncodedPage, type PageFacts, pageFacts } from "../pages/encode-page.ts";
import type { LeafColumn } from "../leaf-type.ts";
import type { PageSpan } from "../pages/plan-pages.ts";
import { type ChunkSummary, compactSummary, joinSummaries } from "../indexes/summarise-chunk.ts";
import type { Values } from "../values/values.ts";

/**
 * Data pages of a chunk, one after another, with all that the rest of the file says about them: a whole chunk's or a few of
 * it. Serialisable: runs are encoded in worker threads and put together in the main one.
 */
export interface PageRun {
  readonly pages: readonly PageFacts[];
  /** Rows, entries and values are counted from the run's first. */
  readonly spans: readonly PageSpan[];
  /** `values` has no more than the bounds. */
  readonly summary: ChunkSummary;
  /** Whether each page begins at a row: without that a chunk can have no page index (PageIndex.md). */
  readonly beginsAtRows: boolean;
  /** Bitset of the Bloom filter, where the chunk has one. */
  readonly bloomFilter?: Int32Array;
}

/** What all runs of a chunk have in common. */
export interface RunFormat {
  readonly column: LeafColumn;
  readonly extras: ChunkExtras;
  /** Entries of the source's chunk: what a Bloom filter is made for. */
  readonly numValues: number;
}

/**
 * Collects pages, or runs of them, in their order. Whatever the runs, the outcome is that of the pages: nothing that is
 * written depends on where a chunk was cut into runs.
 */
export class PageCollector {
  readonly #format: RunFormat;
  readonly #pages: PageFacts[] = [];
  readonly #spans: PageSpan[] = [];
  #summaries: ChunkSummary[] = [];
  #rows = 0;
  #entries = 0;
  #values = 0;
  #beginsAtRows = true;
  #bloomFilter: Int32Array | undefined;

  constructor(format: RunFormat) {
    this.#format = format;
  }

  get pageCount(): number {
    return this.#pages.length;
  }

  /** A page and what {@link summariseChunk} says of it alone. */
  addPage(page: EncodedPage, span: PageSpan, summary: ChunkSummary, beginsAtRow: boolean): void {
    this.addRun({
      pages: [pageFacts(page)],
      spans: [{ ...span, rowStart: 0, entryStart: 0, valueStart: 0 }],
      summary: compactSummary(summary),
      beginsAtRows: beginsAtRow,
    });
  }

  addRun({ pages, spans, summary, beginsAtRows, bloomFilter }: PageRun): void {
    for (const page of pages) this.#pages.push(page);
    for (const span of spans) {
      this.#spans.push({
        ...span,
        rowStart: this.#rows,
        entryStart: this.#entries,
        valueStart: this.#values,
      });
      this.#rows += span.rows;
      this.#entries += span.entries;
      this.#values += span.values;
    }
    this.#summaries.push(summary);
    // Joined now and then, so that what is kept of a chunk of a million pages is what its index needs.
    if (this.#summaries.length >= summariesMax) this.#summaries = [this.#joined()];
    if (!beginsAtRows) this.#beginsAtRows = false;
    if (bloomFilter !== undefined) this.#mergeFilter(bloomFilter);
  }

  /** Values of the chunk (those of a dictionary: once is enough) for its Bloom filter, if it has one. */
  addToFilter(values: Values): void {
    if (this.#format.extras.bloomFilter) insertAll(values, this.#filter());
  }

  finishRun(): PageRun {
    return {
      pages: this.#pages,
      spans: this.#spans,
      summary: this.#joined(),
      beginsAtRows: this.#beginsAtRows,
      ...(this.#bloomFilter && { bloomFilter: this.#bloomFilter }),
    };
  }

  /** What the file says about the chunk whose pages were added. */
  describe(codec: Codec, dictionaryPage: PageFacts | undefined): ChunkDescription {
    const { column, extras } = this.#format;
    return describeChunk({
      column,
      codec,
      dictionaryPage,
      pages: this.#pages,
      spans: this.#spans,
      summary: this.#joined(),
      ...(extras.bloomFilter && { bloomFilter: frameBloomFilter(this.#filter()) }),
      extras: { ...extras, pageIndex: extras.pageIndex && this.#beginsAtRows },
    });
  }

  #joined(): ChunkSummary {
    return joinSummaries(this.#summaries, this.#format.column, this.#format.extras);
  }

  #filter(): Int32Array {
    const { numValues, extras } = this.#format;
    return (this.#bloomFilter ??= new Int32Array(bloomFilterBytes(numValues, extras.bloomFilterBytes) / 4));
  }

  #mergeFilter(other: Int32Array): void {
    const filter = this.#filter();
    for (let i = 0; i < filter.length; i += 1) filter[i] = (filter[i] as number) | (other[i] as number);
  }
}

const summariesMax = 1024;
