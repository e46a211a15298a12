import { freeBuffer } from "../../base/free-buffer.ts";
import { joinPages } from "../../parquet/chunks/assemble-chunk.ts";
import type { ColumnData } from "../../parquet/values/column-data.ts";
import { emptyValues } from "../../parquet/values/edit-values.ts";
import { writableCodec } from "../../parquet/pages/compression.ts";
import {
  encodeDataPage,
  encodeDictionaryPage,
  type EncodedPage,
  type PageFacts,
  pageFacts,
  type PageFormat,
  sealed,
  type Stored,
} from "../../parquet/pages/encode-page.ts";
import { PageCollector, type PageRun, type RunFormat } from "../../parquet/chunks/page-run.ts";
import { type PageSpan, planPage, wholePage } from "../../parquet/pages/plan-pages.ts";
import type { Page } from "../../parquet/pages/read-page.ts";
import { summariseChunk } from "../../parquet/indexes/summarise-chunk.ts";
import { type SeenEntries, seenEntries } from "../../parquet/values/value-range.ts";
import type { Values } from "../../parquet/values/values.ts";

/** A run of pages as it goes from a worker to the writer of the object. */
export interface EncodedRun extends PageRun {
  readonly bytes: Uint8Array;
  /** In the chunk's first run, where there is a dictionary; its bytes come first. */
  readonly dictionaryPage?: PageFacts;
}

/** Encodes page after page of one run as the source's were laid out: version, checksums, codec, dictionary or not. */
export class RunEncoder {
  readonly #format: RunFormat;
  readonly #codec: PageFormat["codec"];
  readonly #collector: PageCollector;
  /** Of a chunk whose indices go on as such: all that they may name. */
  readonly #dictionary: Values | undefined;
  readonly #seen: SeenEntries | undefined;
  #dictionaryPage: EncodedPage | undefined;
  readonly #encoded: EncodedPage[] = [];

  constructor(format: RunFormat, codec: PageFormat["codec"], dictionary: Values | undefined) {
    this.#format = format;
    this.#codec = writableCodec(codec);
    this.#collector = new PageCollector(format);
    this.#dictionary = dictionary;
    this.#seen = dictionary === undefined ? undefined : seenEntries({ entries: dictionary });
  }

  /** Of the first run of a chunk, once. */
  addDictionary(encoding: number, checksums: boolean): void {
    if (this.#dictionary === undefined) return;
    const format = { codec: this.#codec, dataPageVersion: 1, checksums } as const;
    this.#dictionaryPage = encodeDictionaryPage(this.#dictionary, format, encoding);
    this.#collector.addToFilter(this.#dictionary);
  }

  /** The values of `data`, or its indices into the dictionary, in place of the source's page. A page without entries vanishes. */
  addPage(data: ColumnData, source: Page, beginsAtRow: boolean): void {
    if (data.entries === 0) return;
    const { column } = this.#format;
    const format: PageFormat = {
      codec: this.#codec,
      dataPageVersion: source.head.page.type === "dataV2" ? 2 : 1,
      checksums: source.head.crc !== undefined,
    };
    const stored = this.#storedOf(data);
    const spans = planPage(data, column, stored.as === "plain" ? stored.values : undefined);
    for (const [i, span] of spans.entries()) {
      const page = encodeDataPage(data, stored, span, column, format);
      this.#push(page, data, stored, span, beginsAtRow || i > 0);
    }
    if (stored.as === "plain") this.#collector.addToFilter(stored.values);
  }

  /** The source's page as it is, which has the values of `data`: indices into a dictionary whose entries kept their numbers. */
  keepPage(data: ColumnData, source: Page, beginsAtRow: boolean): void {
    const { head, body } = source;
    if (head.page.type === "index" || data.entries === 0) return;
    const format = { codec: this.#codec, dataPageVersion: 1, checksums: head.crc !== undefined } as const;
    const page = sealed(head.page, [body], head.uncompressedBytes, format);
    const stored = this.#storedOf(data);
    this.#push(page, data, stored, wholePage(data), beginsAtRow);
  }

  /** `source` is the memory of the pages that may have been kept. */
  finish(source: ArrayBufferLike): EncodedRun {
    const dictionaryPage = this.#dictionaryPage;
    const pages = dictionaryPage === undefined ? this.#encoded : [dictionaryPage, ...this.#encoded];
    const bytes = joinPages(pages);
    for (const { body } of pages) for (const part of body) if (part.buffer !== source) freeBuffer(part);
    return {
      ...this.#collector.finishRun(),
      bytes,
      ...(dictionaryPage && { dictionaryPage: pageFacts(dictionaryPage) }),
    };
  }

  #storedOf(data: ColumnData): Stored {
    const entries = this.#dictionary;
    const indices = data.dictionary?.indices;
    return entries === undefined || indices === undefined
      ? { as: "plain", values: data.values }
      : { as: "dictionary", dictionary: { entries, indices } };
  }

  #push(page: EncodedPage, data: ColumnData, stored: Stored, span: PageSpan, beginsAtRow: boolean): void {
    const { column, extras } = this.#format;
    const seen = stored.as === "dictionary" ? this.#seen : undefined;
    const summary = summariseChunk(data, stored, [span], column, extras, seen);
    this.#encoded.push(page);
    this.#collector.addPage(page, span, summary, beginsAtRow);
  }
}

/** The one page of a chunk without rows, without entries. */
export function emptyRun(format: RunFormat, codec: PageFormat["codec"]): EncodedRun {
  const { column } = format;
  const values = emptyValues(column);
  const layout = { codec, dataPageVersion: 1, dictionary: "none", pageChecksums: false } as const;
  const data: ColumnData = { rows: 0, entries: 0, values, pages: [], layout };
  const stored = { as: "plain", values } as const;
  const span = wholePage(data);
  const page = encodeDataPage(data, stored, span, column, { ...layout, checksums: false });
  const summary = summariseChunk(data, stored, [span], column, format.extras);
  return { pages: [pageFacts(page)], spans: [span], summary, beginsAtRows: true, bytes: joinPages([page]) };
}
