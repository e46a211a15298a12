import type { ChunkLayout, ColumnData } from "../values/column-data.ts";
import { withDictionary } from "../values/dictionary-data.ts";
import { gatherValues } from "../values/gather-values.ts";
import type { LeafColumn } from "../leaf-type.ts";
import { malformedPage, tooLarge } from "../page-error.ts";
import type { Piece } from "../values/value-pieces.ts";
import { checkOffsets, joinPieces } from "../values/value-pieces.ts";
import type { Values } from "../values/values.ts";

/** A claim of more entries than this is believed only as pages deliver them. */
const entriesReservedMax = 2 ** 22;

/** Collects what the pages of a chunk decode to: levels in one array each, values in pieces or as indices. */
export class ChunkAssembly {
  readonly dictionary: Values | undefined;
  readonly #column: LeafColumn;
  readonly #bytesMax: number;
  readonly #reserved: number;
  #bytes = 0;
  #byteArrayBytes = 0;
  #entries = 0;
  #rows = 0;
  /** Undefined while no entry was below the maximum. */
  #definitionLevels: Uint16Array | undefined;
  #repetitionLevels: Uint16Array | undefined;
  /** Values of the chunk so far that are known as indices only; all of them while no other page came. */
  #indices: Int32Array;
  #indexCount = 0;
  #dictionaryPages = 0;
  readonly #pieces: Piece[] = [];
  readonly #pages: { rows: number; entries: number }[] = [];

  constructor(column: LeafColumn, numValues: number, dictionary: Values | undefined, bytesMax: number) {
    this.#reserved = Math.min(numValues, entriesReservedMax);
    this.#column = column;
    this.#bytesMax = bytesMax;
    this.dictionary = dictionary;
    if (column.maxRepetitionLevel > 0) this.#repetitionLevels = new Uint16Array(this.#reserved);
    this.#indices = new Int32Array(0);
  }

  /** The number of entries so far: where the next page's levels go. */
  get entries(): number {
    return this.#entries;
  }

  /** What may still be allocated for the chunk. */
  get bytesLeft(): number {
    return this.#bytesMax - this.#bytes;
  }

  /** Room for the definition levels of `count` more entries, of a column that has any. */
  definitionLevels(count: number): Uint16Array {
    const entries = this.#entries;
    if (this.#definitionLevels === undefined) {
      const begun = this.#grown(new Uint16Array(this.#reserved), 0, entries);
      this.#definitionLevels = begun.fill(this.#column.maxDefinitionLevel, 0, entries);
    }
    this.#definitionLevels = this.#grown(this.#definitionLevels, entries, count);
    return this.#definitionLevels;
  }

  /** `count` more entries that all have a value. */
  addPresent(count: number): void {
    if (this.#definitionLevels === undefined) return;
    const start = this.#entries;
    this.definitionLevels(count).fill(this.#column.maxDefinitionLevel, start, start + count);
  }

  repetitionLevels(count: number): Uint16Array | undefined {
    if (this.#repetitionLevels === undefined) return undefined;
    this.#repetitionLevels = this.#grown(this.#repetitionLevels, this.#entries, count);
    return this.#repetitionLevels;
  }

  /** Room for `count` more dictionary indices, from `indexStart` on. */
  indices(count: number): Int32Array {
    if (this.#indices.length === 0) this.#indices = new Int32Array(this.#reserved);
    this.#indices = this.#grown(this.#indices, this.#indexCount, count);
    return this.#indices;
  }

  get indexStart(): number {
    return this.#indexCount;
  }

  addIndices(count: number): void {
    this.#dictionaryPages += 1;
    this.#indexCount += count;
  }

  addPiece(piece: Piece): void {
    this.#lookUp();
    this.#push(piece);
  }

  /** Ends a page of `entries` entries, of which `rows` begin a row. */
  addPage(rows: number, entries: number): void {
    this.#rows += rows;
    this.#entries += entries;
    this.#pages.push({ rows, entries });
  }

  /** Rows that begin among `count` entries from `start`, whose levels are there. */
  countRows(start: number, count: number): number {
    const levels = this.#repetitionLevels;
    return levels === undefined ? count : countRows(levels, start, count, this.#column.maxRepetitionLevel);
  }

  /** The chunk whose pages were added, with definition levels wherever the column has any. */
  finish(layout: Omit<ChunkLayout, "dictionary">): ColumnData {
    if (this.#column.maxDefinitionLevel > 0) this.definitionLevels(0);
    if (this.#entries > 0 && this.#repetitionLevels !== undefined && this.#repetitionLevels[0] !== 0) {
      throw malformedPage("a column chunk begins inside a row", {
        repetitionLevel: this.#repetitionLevels[0],
      });
    }
    return this.finishPages(layout);
  }

  /** As {@link finish}, for pages from the middle of a chunk; definition levels are absent where all entries have a value. */
  finishPages(layout: Omit<ChunkLayout, "dictionary">): ColumnData {
    const { dictionary } = this;
    const rest = {
      rows: this.#rows,
      entries: this.#entries,
      ...(this.#definitionLevels && { definitionLevels: fitted(this.#definitionLevels, this.#entries) }),
      ...(this.#repetitionLevels && { repetitionLevels: fitted(this.#repetitionLevels, this.#entries) }),
      pages: this.#pages,
    };
    if (dictionary !== undefined && this.#dictionaryPages > 0 && this.#pieces.length === 0) {
      const indices = fitted(this.#indices, this.#indexCount);
      return withDictionary(
        { ...rest, layout: { ...layout, dictionary: "all" } },
        { entries: dictionary, indices },
        this.#bytesMax,
      );
    }
    this.#lookUp();
    return {
      ...rest,
      values: joinPieces(this.#column, this.#pieces),
      layout: { ...layout, dictionary: this.#dictionaryPages > 0 ? "some" : "none" },
    };
  }

  /** Turns indices so far into values: some page of the chunk is not dictionary encoded. */
  #lookUp(): void {
    if (this.dictionary === undefined || this.#indexCount === 0) return;
    const values = gatherValues(this.dictionary, this.#indices, 0, this.#indexCount, this.#bytesMax);
    this.#indexCount = 0;
    const { data } = values;
    const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    const piece: Piece = values.kind === "bytes" ? values : { kind: "fixed", data: raw };
    this.#push(piece);
  }

  #push(piece: Piece): void {
    this.#take(piece.data.length);
    if (piece.kind === "bytes") {
      this.#take(piece.offsets.length * 4);
      this.#byteArrayBytes += piece.data.length;
      checkOffsets(this.#byteArrayBytes);
    }
    this.#pieces.push(piece);
  }

  #grown<A extends Uint16Array | Int32Array>(array: A, used: number, count: number): A {
    const needed = used + count;
    if (needed <= array.length) return array;
    const length = Math.max(needed, Math.min(array.length * 2, 2 ** 31));
    this.#take((length - array.length) * array.BYTES_PER_ELEMENT);
    const larger = (array instanceof Uint16Array ? new Uint16Array(length) : new Int32Array(length)) as A;
    larger.set(array.subarray(0, used));
    return larger;
  }

  #take(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes > this.#bytesMax) {
      throw tooLarge("a column chunk would take more memory than allowed", {
        bytes: this.#bytes,
        bytesMax: this.#bytesMax,
      });
    }
  }
}

/** A view where little is wasted, a copy where the reservation was much too large. */
function fitted<A extends Uint16Array | Int32Array>(array: A, length: number): A {
  if (length === array.length) return array;
  return (length * 2 < array.length ? array.slice(0, length) : array.subarray(0, length)) as A;
}

/** Rows that begin in a page: entries at repetition level 0. */
function countRows(levels: Uint16Array, start: number, count: number, maxRepetitionLevel: number): number {
  let rows = 0;
  let above = 0;
  for (let i = start; i < start + count; i += 1) {
    const level = levels[i] as number;
    if (level === 0) rows += 1;
    else if (level > maxRepetitionLevel) above += 1;
  }
  if (above > 0) throw malformedPage("a repetition level is above the column's maximum", { entries: above });
  return rows;
}
