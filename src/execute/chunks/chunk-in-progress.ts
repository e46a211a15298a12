import { ColonnadeError } from "../../base/errors.ts";
import type { ChunkDescription, ChunkExtras, Codec } from "../../parquet/values/column-data.ts";
import { writableCodec } from "../../parquet/pages/compression.ts";
import type { PageFacts } from "../../parquet/pages/encode-page.ts";
import { formatLeafType, type LeafColumn } from "../../parquet/leaf-type.ts";
import { PageCollector, type RunFormat } from "../../parquet/chunks/page-run.ts";
import type { RunReply } from "./rewrite-run.ts";
import { emptyRun } from "./run-encoder.ts";

export interface ChunkContext {
  readonly source: LeafColumn;
  readonly target: LeafColumn;
  readonly extras: ChunkExtras;
  readonly codec: Codec;
  readonly numValues: number;
  readonly rowGroup: number;
  /** Rows of the object before the row group: asked for only when an error has to say where it is. */
  readonly rowsBefore: () => number;
}

/** A chunk whose runs come back from the workers one after another. */
export class ChunkInProgress {
  readonly context: ChunkContext;
  readonly #collector: PageCollector;
  #dictionaryPage: PageFacts | undefined;
  #rows = 0;
  #first: RunReply["first"];
  #refused = false;
  invalid = 0;

  constructor(context: ChunkContext) {
    this.context = context;
    this.#collector = new PageCollector(this.#format);
  }

  get #format(): RunFormat {
    const { target: column, extras, numValues } = this.context;
    return { column, extras, numValues };
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
    const codec = writableCodec(this.context.codec);
    const empty = this.#collector.pageCount === 0 ? emptyRun(this.#format, codec) : undefined;
    if (empty !== undefined) this.#collector.addRun(empty);
    const chunk = this.#collector.describe(codec, this.#dictionaryPage);
    return { chunk, ...(empty && { bytes: empty.bytes }) };
  }

  #refusal(): ColonnadeError {
    const { source, target, rowGroup, rowsBefore } = this.context;
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
        row: rowsBefore() + (first?.row ?? 0),
        value: first?.value,
        invalidInRowGroup: this.invalid,
      },
    );
  }
}
