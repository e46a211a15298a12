import type { SourceObjectReader } from "./output-piece.ts";
import { ColonnadeError } from "../../base/errors.ts";
import type { ChunkFacts } from "../../parquet/footer/chunk-facts.ts";
import { type ByteRange, chunkByteRange } from "../../parquet/footer/chunk-range.ts";
import type { LeafColumn } from "../../parquet/leaf-type.ts";
import { malformedPage, tooLarge } from "../../parquet/page-error.ts";
import { type Page, pageAt } from "../../parquet/pages/read-page.ts";
import { readRange } from "../../dataset/read-object.ts";
import type { RunRequest } from "./rewrite-run.ts";

/** Some pages of a chunk, in memory that is held until `release`. */
export interface SourceRun extends Pick<
  RunRequest,
  "bytes" | "isFirst" | "dictionaryPage" | "numValues" | "place"
> {
  readonly isLast: boolean;
  /** Rows that begin in these pages; undefined where only their levels tell. */
  readonly rows: number | undefined;
  readonly release: () => void;
}

/** What pages take before they are cast, and as many bytes each time after: the source of both counts below. */
interface PageSize {
  readonly compressedBytes: number;
  readonly uncompressedBytes: number;
  /** Nulls and entries of lists included. */
  readonly entries: number;
}

/**
 * Pages of indices are small, and unfold to four bytes a value; entries of lists have two levels of two bytes each. A level that
 * is the same for all entries is not unfolded.
 */
function decodedBytes({ uncompressedBytes, entries }: PageSize, { maxRepetitionLevel }: LeafColumn): number {
  const levelBytes = maxRepetitionLevel > 0 ? 4 * entries : 0;
  return Math.max(uncompressedBytes, 4 * entries) + levelBytes;
}

/** Source bytes, decoded values and the new pages are in memory at one time. */
function workBytes(size: PageSize, column: LeafColumn): number {
  return size.compressedBytes + 3 * decodedBytes(size, column);
}

/**
 * What a run is counted as while others are at work: the C library keeps of what was freed some times the largest piece, in each
 * thread, for what comes next, a page is one piece, and what is kept has gaps. Pieces above its `M_MMAP_THRESHOLD`, which is
 * ours (src/cli/main.ts), go straight back to the kernel. Measured by casts of 24 columns, from outside.
 */
function heldBytes(size: PageSize, column: LeafColumn): number {
  return workBytes(size, column) + Math.min(keptBytesMax, 4 * decodedBytes(size, column));
}

const keptBytesMax = 12_000_000;

function sizeOf({ head }: Page): PageSize {
  const { headerBytes, compressedBytes, uncompressedBytes, page } = head;
  const entries = page.type === "index" ? 0 : page.numValues;
  return { compressedBytes: headerBytes + compressedBytes, uncompressedBytes, entries };
}

/** What one run should take of the budget at most: so many are in work at a time, some of them waiting to be written. */
const runsInBudget = 6;

function shareBytes({ budget }: SourceObjectReader): number {
  return budget.capacityBytes / runsInBudget;
}

/** Whether the chunk is small enough to be read and rewritten in one go. */
export function isSingleRun(reader: SourceObjectReader, facts: ChunkFacts): boolean {
  return facts.numValues === 0 || singleRunBytes(reader, facts) <= shareBytes(reader);
}

/** The memory that the chunk takes as a single run. */
export function singleRunBytes(reader: SourceObjectReader, facts: ChunkFacts): number {
  const { start, end } = chunkByteRange(facts, reader.object.bytes);
  const { totalUncompressedBytes: uncompressedBytes, numValues: entries } = facts;
  return heldBytes({ compressedBytes: end - start, uncompressedBytes, entries }, facts.context.leaf);
}

/** Chunks with less than this between them are read by one request, and what is between is left. */
const gapBytesMax = 64 * 1024;

/** Whether a single run joins those before it, in one read: close by, and within one run's share of the budget together. */
export function joinsRead(
  reader: SourceObjectReader,
  before: ByteRange,
  memoryBytesBefore: number,
  facts: ChunkFacts,
): boolean {
  const { start } = chunkByteRange(facts, reader.object.bytes);
  const gap = start - before.end;
  const memoryBytes = memoryBytesBefore + singleRunBytes(reader, facts);
  return gap >= 0 && gap <= gapBytesMax && memoryBytes <= shareBytes(reader);
}

/** A stretch of the source, in memory that is held in as many parts as it has chunks. */
export async function readStretch(
  reader: SourceObjectReader,
  { start, end }: ByteRange,
  memoryBytes: readonly number[],
): Promise<{ readonly bytes: Uint8Array; readonly releases: readonly (() => void)[] }> {
  const releases = await reader.budget.acquireAll(memoryBytes, reader.signal);
  try {
    return { bytes: await readRange(reader.object, start, end, reader.signal), releases };
  } catch (error) {
    for (const release of releases) release();
    throw error;
  }
}

/**
 * A chunk as runs of whole pages, none of which takes more than its share of the budget unless a single page does. Throws
 * `data` when pages are malformed or one is larger than the budget (`CHUNK_TOO_LARGE`).
 */
export async function* readRuns(
  reader: SourceObjectReader,
  facts: ChunkFacts,
): AsyncGenerator<SourceRun, void, undefined> {
  const cutter = new RunCutter(reader, facts);
  await cutter.readDictionary();
  for (let run = await cutter.next(); run !== undefined; run = await cutter.next()) yield run;
}

/** Pages at the beginning of a window. */
interface Cut {
  readonly pages: number;
  readonly bytes: number;
  readonly entries: number;
  readonly rows: number | undefined;
  readonly memoryBytes: number;
}

class RunCutter {
  readonly #reader: SourceObjectReader;
  readonly #facts: ChunkFacts;
  readonly #range: ByteRange;
  readonly #column: LeafColumn;
  readonly #windowBytes: number;
  #position: number;
  #entries = 0;
  #pages = 0;
  #isFirst = true;
  #dictionaryPage: Uint8Array | undefined;
  #dictionaryMemoryBytes = 0;

  constructor(reader: SourceObjectReader, facts: ChunkFacts) {
    this.#reader = reader;
    this.#facts = facts;
    this.#range = chunkByteRange(facts, reader.object.bytes);
    this.#column = facts.context.leaf;
    this.#position = this.#range.start;
    this.#windowBytes = Math.max(windowBytesMin, Math.floor(shareBytes(reader) / 4));
  }

  /** A dictionary page is held as it is stored as long as the chunk is in work: every run needs it. */
  async readDictionary(): Promise<void> {
    const release = await this.#acquire(shareBytes(this.#reader));
    try {
      const window = await this.#window(this.#windowBytes);
      const page = await this.#firstPage(window);
      if (page.head.page.type !== "dictionary") return;
      const bytes = page.head.headerBytes + page.head.compressedBytes;
      this.#checkSize(page);
      this.#dictionaryPage =
        bytes <= window.length
          ? window.slice(0, bytes)
          : await this.#read(this.#position, this.#position + bytes);
      this.#dictionaryMemoryBytes = workBytes(sizeOf(page), this.#column);
      this.#position += bytes;
    } finally {
      release();
    }
  }

  async next(): Promise<SourceRun | undefined> {
    const { numValues } = this.#facts;
    if (this.#entries >= numValues) return undefined;
    const share = shareBytes(this.#reader);
    let release = await this.#acquire(share + this.#dictionaryMemoryBytes);
    try {
      let window = await this.#window(this.#windowBytes);
      let cut = this.#cut(window, share);
      if (cut.pages === 0) {
        const page = await this.#firstPage(window);
        const bytes = page.head.headerBytes + page.head.compressedBytes;
        this.#checkSize(page);
        const memoryBytes = heldBytes(sizeOf(page), this.#column);
        if (memoryBytes > share) {
          // Whoever holds memory must not wait for more of it.
          release();
          release = await this.#acquire(memoryBytes + this.#dictionaryMemoryBytes);
        }
        window = await this.#read(this.#position, this.#position + bytes, window);
        cut = this.#cut(window, Infinity);
      }
      return this.#runOf(window, cut, release);
    } catch (error) {
      release();
      throw error;
    }
  }

  #runOf(window: Uint8Array, cut: Cut, release: () => void): SourceRun {
    const place = { page: this.#pages, offset: this.#position - this.#range.start };
    const isFirst = this.#isFirst;
    this.#isFirst = false;
    this.#position += cut.bytes;
    this.#entries += cut.entries;
    this.#pages += cut.pages;
    const { numValues } = this.#facts;
    if (this.#entries > numValues) {
      throw malformedPage("the pages of a chunk hold more entries than its footer says", {
        entries: this.#entries,
        numValues,
      });
    }
    return {
      bytes: cut.bytes === window.length ? window : window.slice(0, cut.bytes),
      isFirst,
      isLast: this.#entries === numValues,
      ...(this.#dictionaryPage && { dictionaryPage: this.#dictionaryPage }),
      numValues: cut.entries,
      place,
      rows: cut.rows,
      release,
    };
  }

  /** Whole pages at the window's beginning that take no more than `memoryBytesMax` together. */
  #cut(window: Uint8Array, memoryBytesMax: number): Cut {
    let cut: Cut = { pages: 0, bytes: 0, entries: 0, rows: 0, memoryBytes: 0 };
    while (this.#entries + cut.entries < this.#facts.numValues) {
      const page = this.#pageIn(window, cut.bytes, this.#pages + cut.pages);
      if (page === undefined) break;
      const { head } = page;
      if (head.page.type === "dictionary") {
        throw malformedPage("a dictionary page is not the first page of its chunk", {
          page: this.#pages + cut.pages,
        });
      }
      const bytes = head.headerBytes + head.compressedBytes;
      const memoryBytes = cut.memoryBytes + heldBytes(sizeOf(page), this.#column);
      if (memoryBytes > memoryBytesMax) break;
      const entries = head.page.type === "index" ? 0 : head.page.numValues;
      cut = {
        pages: cut.pages + 1,
        bytes: cut.bytes + bytes,
        entries: cut.entries + entries,
        rows: addRows(cut.rows, rowsIn(page, this.#column)),
        memoryBytes,
      };
    }
    return cut;
  }

  /** The page at an offset of the window; undefined where the window ends before the page does. */
  #pageIn(window: Uint8Array, offset: number, number: number): Page | undefined {
    const isEnd = this.#position + window.length >= this.#range.end;
    if (offset >= window.length) {
      if (!isEnd) return undefined;
      const { numValues } = this.#facts;
      throw malformedPage("a column chunk ends before its last page", { numValues, page: number });
    }
    try {
      return pageAt(window, offset, number, this.#reader.limits);
    } catch (error) {
      // Cut off in its header or in its body: told apart by having more of it.
      if (isEnd || !(error instanceof ColonnadeError) || error.code !== "PAGE_MALFORMED") throw error;
      return undefined;
    }
  }

  /** The page at the window's beginning as far as it is there: its body may be cut off. */
  async #firstPage(window: Uint8Array): Promise<Page> {
    let bytes = window;
    for (;;) {
      const isEnd = this.#position + bytes.length >= this.#range.end;
      try {
        return pageAt(bytes, 0, this.#pages, this.#reader.limits, "head");
      } catch (error) {
        if (isEnd || bytes.length >= headerBytesMax) throw error;
        bytes = await this.#window(bytes.length * 4);
      }
    }
  }

  #checkSize(page: Page): void {
    const { head } = page;
    const { aloneBytes } = this.#reader.budget;
    const bytes = head.headerBytes + head.compressedBytes;
    if (this.#position + bytes > this.#range.end)
      throw malformedPage("a page is longer than its chunk", { compressedBytes: head.compressedBytes });
    const memoryBytes = workBytes(sizeOf(page), this.#column) + this.#dictionaryMemoryBytes;
    if (memoryBytes <= aloneBytes) return;
    throw tooLarge("a page takes more memory than the job may use", {
      page: this.#pages,
      uncompressedBytes: head.uncompressedBytes,
      memoryBytes,
      memoryBytesLeft: aloneBytes,
    });
  }

  #window(bytes: number): Promise<Uint8Array> {
    return this.#read(this.#position, Math.min(this.#range.end, this.#position + bytes));
  }

  /** `[start, end)` of the object, of which the beginning may be there already. */
  async #read(start: number, end: number, begun?: Uint8Array): Promise<Uint8Array> {
    const { object, signal } = this.#reader;
    const have = begun?.length ?? 0;
    if (begun === undefined || have === 0) return readRange(object, start, end, signal);
    if (start + have >= end) return begun.subarray(0, end - start);
    const whole = new Uint8Array(end - start);
    whole.set(begun);
    whole.set(await readRange(object, start + have, end, signal), have);
    return whole;
  }

  #acquire(bytes: number): Promise<() => void> {
    return this.#reader.budget.acquire(bytes, this.#reader.signal);
  }
}

/** Requests smaller than this cost more than they bring. */
const windowBytesMin = 1024 * 1024;
/** No writer comes near: what a header may take before it is called malformed. */
const headerBytesMax = 16 * 1024 * 1024;

function rowsIn({ head }: Page, column: LeafColumn): number | undefined {
  switch (head.page.type) {
    case "data":
      return column.maxRepetitionLevel === 0 ? head.page.numValues : undefined;
    case "dataV2":
      return column.maxRepetitionLevel === 0 ? head.page.numValues : head.page.numRows;
    case "dictionary":
    case "index":
      return 0;
  }
}

function addRows(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : a + b;
}
