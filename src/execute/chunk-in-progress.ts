import { ColonnadeError } from "../base/errors.ts";
import { joinPages } from "../parquet/assemble-chunk.ts";
import type { ChunkDescription, ChunkExtras, Codec } from "../parquet/column-data.ts";
import { writableCodec } from "../parquet/compression.ts";
import { emptyValues } from "../parquet/edit-values.ts";
import type { PageFacts } from "../parquet/encode-page.ts";
import { formatLeafType, type LeafColumn } from "../parquet/leaf-type.ts";
import { PageCollector } from "../parquet/page-run.ts";
import { summariseChunk } from "../parquet/summarise-chunk.ts";
import type { RunReply } from "./rewrite-run.ts";
import { emptyPage } from "./run-encoder.ts";

export interface ChunkContext {
  readonly source: LeafColumn;
  readonly target: LeafColumn;
  readonly extras: ChunkExtras;
  readonly codec: Codec;
  readonly numValues: number;
  readonly rowGroup: number;
  /** Rows of the object before the row group. */
  readonly rowsBefore: number;
}

/** A chunk whose runs come back from the workers one after another. */
export class ChunkInProgress {
  readonly #context: ChunkContext;
  readonly #collector: PageCollector;
  #dictionaryPage: PageFacts | undefined;
  #rows = 0;
  #first: RunReply["first"];
  #refused = false;
  invalid = 0;

  constructor(context: ChunkContext) {
    this.#context = context;
    const { target: column, extras, numValues } = context;
    this.#collector = new PageCollector({ column, extras, numValues });
  }

  /** Takes the next run; returns its bytes, which come next in the chunk, or none once something was refused. */
  add({ run, invalid, first, refused, rows }: RunReply): Uint8Array | undefined {
    if (first !== undefined && (this.#first === undefined || (refused && !this.#refused)))
      this.#first = { ...first, row: this.#rows + first.row };
    this.invalid += invalid;
    this.#refused ||= refused;
    this.#rows += rows;
    if (run === undefined || this.#refused) return undefined;
    this.#dictionaryPage ??= run.dictionaryPage;
    this.#collector.addRun(run);
    return run.bytes;
  }

  /**
   * After the last run: what the file says about the chunk, and bytes that still belong to it. Throws `data` `CAST_INVALID` or
   * `NULL_INVALID`, which count all that is invalid in the chunk and name the first.
   */
  finish(): { readonly chunk: ChunkDescription; readonly bytes?: Uint8Array } {
    if (this.#refused) throw this.#refusal();
    const { target, codec, extras } = this.#context;
    let bytes: Uint8Array | undefined;
    if (this.#collector.pageCount === 0) {
      const values = emptyValues(target);
      const { page, span } = emptyPage(target, values, codec);
      const data = { rows: 0, entries: 0, values, pages: [], layout: emptyLayout };
      const summary = summariseChunk(data, { as: "plain", values }, [span], target, extras);
      this.#collector.addPage(page, span, summary, true);
      bytes = joinPages([page]);
    }
    const chunk = this.#collector.describe(writableCodec(codec), this.#dictionaryPage);
    return { chunk, ...(bytes && { bytes }) };
  }

  #refusal(): ColonnadeError {
    const { source, target, rowGroup, rowsBefore } = this.#context;
    const first = this.#first;
    const isNull = first?.isNull === true;
    return new ColonnadeError(
      "data",
      isNull ? "NULL_INVALID" : "CAST_INVALID",
      isNull
        ? "column holds nulls where the new schema allows none"
        : `column holds values that have no equivalent as ${formatLeafType(target.type)}`,
      {
        rowGroup,
        column: source.path.join("."),
        row: rowsBefore + (first?.row ?? 0),
        value: first?.value,
        invalidInRowGroup: this.invalid,
      },
    );
  }
}

const emptyLayout = {
  codec: "UNCOMPRESSED",
  dataPageVersion: 1,
  dictionary: "none",
  pageChecksums: false,
} as const;
