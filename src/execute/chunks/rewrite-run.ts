import { castValues } from "../../cast/cast-values.ts";
import { freeBuffer } from "../../base/free-buffer.ts";
import { ChunkAssembly } from "../../parquet/pages/chunk-assembly.ts";
import type { ChunkExtras, Codec, ColumnData } from "../../parquet/values/column-data.ts";
import { writableCodec } from "../../parquet/pages/compression.ts";
import { decodePage } from "../../parquet/pages/decode-page.ts";
import { withDictionary } from "../../parquet/values/dictionary-data.ts";
import type { LeafColumn } from "../../parquet/leaf-type.ts";
import { levelsOnly } from "../../parquet/values/null-at.ts";
import { malformedPage } from "../../parquet/page-error.ts";
import { layoutOf } from "../../parquet/chunks/read-chunk.ts";
import {
  inflate,
  listPages,
  located,
  type Page,
  pageAt,
  readDictionary,
  type ReadLimits,
} from "../../parquet/pages/read-page.ts";
import { mapDefinitionLevels } from "../../parquet/values/relevel.ts";
import { Encoding } from "../../parquet/spec.ts";
import { widthOf } from "../../parquet/values/value-pieces.ts";
import type { Values } from "../../parquet/values/values.ts";
import type { LeafAction, Rewrite } from "../../plan/leaf-action.ts";
import { borrowDictionary, borrowPage } from "./borrow-levels.ts";
import { type CastDictionary, castDictionary, renumber } from "./cast-dictionary.ts";
import {
  countProblems,
  describeFirst,
  type Problems,
  refusedProblems,
  resolveProblems,
  rowsOfProblems,
} from "./resolve-invalid.ts";
import { type EncodedRun, RunEncoder } from "./run-encoder.ts";
import { type RowSelection, selectRows, sourceRow } from "./select-rows.ts";

/** What becomes of a chunk's entries: values cast and levels mapped, or one value wherever a leaf beside it has an entry. */
export type ChunkChange =
  | { readonly kind: "rewrite"; readonly rewrite: Rewrite }
  | ({ readonly kind: "borrow" } & Pick<
      Extract<LeafAction, { action: "borrowLevels" }>,
      "value" | "levels" | "maxRepetitionLevel"
    >);

/** All that rewriting some pages of a chunk in a row depends on. Serialisable: it crosses into worker threads. */
export interface RunRequest {
  /** The pages, headers included. */
  readonly bytes: Uint8Array;
  /** Their memory is nobody else's: where they are one page, it may be given back as soon as that is decompressed. */
  readonly ownsBytes?: boolean;
  readonly isFirst: boolean;
  /** The chunk's dictionary page as it is stored, where `bytes` do not begin with it. */
  readonly dictionaryPage?: Uint8Array;
  readonly codec: Codec;
  /** Entries of these pages, nulls included. */
  readonly numValues: number;
  /** Entries of the whole chunk. */
  readonly chunkValues: number;
  /** Where in the chunk these pages begin, for messages: the number of the first data page, and its offset. */
  readonly place: { readonly page: number; readonly offset: number };
  /** Number in the row group of the first row that begins in these pages. Only looked at where there is a selection. */
  readonly rowStart: number;
  readonly limits: ReadLimits;
  readonly source: LeafColumn;
  readonly target: LeafColumn;
  readonly change: ChunkChange;
  readonly extras: ChunkExtras;
  /** Codec of the output; the source's when absent. */
  readonly outputCodec?: Codec;
  /** Rows of the row group, ascending, that stay out (a quarantine) or that alone stay in. */
  readonly rows?: RowSelection;
  /** `check`: only say what is invalid. `writeIfInvalid`: the source's bytes will do unless something is. */
  readonly purpose: "write" | "writeIfInvalid" | "check";
}

/** Rows are counted from the first that begins in the run; -1 is one that began before it. */
export interface RunReply {
  /** Absent when it is not wanted, or when the policy has no answer to something. */
  readonly run?: EncodedRun;
  readonly invalid: number;
  /** Of the first invalid value that the policy has no answer to (or of the first one), for the error message. */
  readonly first?: { readonly row: number; readonly isNull: boolean; readonly value: string };
  /** Whether the policy has no answer to something. */
  readonly refused: boolean;
  /** Under `onInvalid: quarantine`: the rows that hold an invalid value, ascending, each once. */
  readonly quarantined: Int32Array;
  /** Rows of the source that begin in the run. */
  readonly rows: number;
}

/**
 * Decodes pages, carries their levels, casts their values, resolves what is invalid by the field's policy, and encodes them anew
 * in the layout of the source: one page at a time, so that it takes the memory of a page and not of a chunk. What is written
 * depends on the page and the chunk's dictionary alone. Throws `data` when a page is malformed.
 */
export function rewriteRun(request: RunRequest): RunReply {
  if (widthOf(request.source) === 0) throw malformedPage("a fixed-length column has no length");
  const pages = openRun(request);
  if (request.purpose === "check") return walk(request, pages, undefined);
  if (request.purpose === "writeIfInvalid") {
    const found = walk({ ...request, ownsBytes: false }, pages, undefined);
    if (found.invalid === 0 || found.refused) return found;
  }
  const { dictionary, dictionaryPage } = pages;
  const encoder = new RunEncoder(
    { column: request.target, extras: request.extras, numValues: request.chunkValues },
    request.outputCodec ?? request.codec,
    dictionary?.stays === true ? dictionary.cast : undefined,
  );
  if (request.isFirst && dictionary?.stays === true) {
    const encoding = keepsIndexPages(request, dictionary)
      ? dictionaryEncoding(dictionaryPage)
      : Encoding.PLAIN;
    encoder.addDictionary(encoding, pages.dataPages[0]?.head.crc !== undefined);
  }
  return walk(request, pages, encoder);
}

interface OpenedRun {
  readonly dataPages: readonly Page[];
  readonly dictionaryPage?: Page;
  /** As the source has them. */
  readonly entries?: Values;
  readonly dictionary?: CastDictionary;
}

function openRun(request: RunRequest): OpenedRun {
  const { source, target, codec, limits, change } = request;
  const { dictionaryPage: own, dataPages } = listPages(request.bytes, request.numValues, limits);
  const dictionaryPage = own ?? (request.dictionaryPage && pageAt(request.dictionaryPage, 0, 0, limits));
  const entries = dictionaryPage && readDictionary(dictionaryPage, source, codec, limits);
  const dictionary =
    change.kind === "borrow"
      ? borrowDictionary(change, target)
      : entries && castDictionary(entries, change.rewrite, target);
  return {
    dataPages,
    ...(dictionaryPage && { dictionaryPage }),
    ...(entries && { entries }),
    ...(dictionary && { dictionary }),
  };
}

function dictionaryEncoding(page: Page | undefined): number {
  return page?.head.page.type === "dictionary" ? page.head.page.encoding : Encoding.PLAIN;
}

/** Whether pages of indices can stay byte for byte: they name the same entries by the same numbers, at the same levels. */
function keepsIndexPages(request: RunRequest, dictionary: CastDictionary): boolean {
  const { change, codec, outputCodec, rows } = request;
  return (
    change.kind === "rewrite" &&
    change.rewrite.levels === undefined &&
    rows === undefined &&
    dictionary.stays &&
    dictionary.renumbered === undefined &&
    writableCodec(codec) === codec &&
    (outputCodec === undefined || outputCodec === codec)
  );
}

function walk(
  request: RunRequest,
  { dataPages, entries, dictionary }: OpenedRun,
  encoder: RunEncoder | undefined,
): RunReply {
  const { source, codec, limits, place } = request;
  const findings = new Findings(request, encoder === undefined);
  const keepsPages = dictionary !== undefined && keepsIndexPages(request, dictionary);
  for (const [index, page] of dataPages.entries()) {
    try {
      const body = inflate(page, codec);
      if (request.ownsBytes === true && dataPages.length === 1 && !keepsPages)
        freeUnless([request.bytes], [body, ...(entries === undefined ? [] : [entries.data])]);
      const decoded = decodeOne(page, body, source, entries, codec, limits.chunkBytesMax);
      freeUnless([body], [request.bytes, ...viewsOf(decoded)]);
      const beginsAtRow = decoded.entries === 0 || (decoded.repetitionLevels?.[0] ?? 0) === 0;
      if (!beginsAtRow && request.isFirst && index === 0)
        throw malformedPage("a column chunk begins inside a row");
      const changed = findings.change(decoded, dictionary);
      freeUnless(viewsOf(decoded), [request.bytes, ...viewsOf(changed)]);
      if (encoder === undefined || changed === undefined) continue;
      const keeps = keepsPages && changed.dictionary !== undefined;
      if (keeps) encoder.keepPage(changed, page, beginsAtRow);
      else encoder.addPage(changed, page, beginsAtRow);
      freeUnless(viewsOf(changed), [request.bytes]);
    } catch (error) {
      throw located(error, place.page + index, place.offset + page.position);
    }
  }
  return findings.reply(findings.refused ? undefined : encoder?.finish(request.bytes.buffer));
}

/** What a page was decoded or changed into; a dictionary's entries are the chunk's, not the page's. */
function viewsOf(page: ColumnData | undefined): ArrayBufferView[] {
  if (page === undefined) return [];
  const { definitionLevels, repetitionLevels, dictionary } = page;
  const views: (ArrayBufferView | undefined)[] = [definitionLevels, repetitionLevels];
  if (dictionary !== undefined) views.push(dictionary.indices);
  else {
    views.push(page.values.data);
    if (page.values.kind === "bytes") views.push(page.values.offsets);
  }
  return views.filter((view) => view !== undefined);
}

/** Frees what none of the others looks into: a page in work is in memory once at a time, or twice, not in all its forms. */
function freeUnless(views: readonly ArrayBufferView[], others: readonly ArrayBufferView[]): void {
  for (const view of views) if (!others.some(({ buffer }) => buffer === view.buffer)) freeBuffer(view);
}

function decodeOne(
  page: Page,
  body: Uint8Array,
  source: LeafColumn,
  entries: Values | undefined,
  codec: Codec,
  bytesMax: number,
): ColumnData {
  const { page: head } = page.head;
  const numValues = head.type === "index" ? 0 : head.numValues;
  const assembly = new ChunkAssembly(source, numValues, entries, bytesMax);
  decodePage(head, body, source, assembly);
  return assembly.finishPages(layoutOf([page], codec));
}

const noValues = new Uint32Array(0);

/** Changes page after page, and remembers what was wrong with them. */
class Findings {
  refused = false;
  readonly #request: RunRequest;
  readonly #onlyChecks: boolean;
  #rows = 0;
  #invalid = 0;
  #first: NonNullable<RunReply["first"]> | undefined;
  readonly #quarantined: number[] = [];

  constructor(request: RunRequest, onlyChecks: boolean) {
    this.#request = request;
    this.#onlyChecks = onlyChecks;
  }

  /** A page of the target; undefined once the policy has had no answer, or where nobody wants it. */
  change(decoded: ColumnData, dictionary: CastDictionary | undefined): ColumnData | undefined {
    const { rows, rowStart, change, source, target } = this.#request;
    const start = rowStart + this.#rows;
    this.#rows += decoded.rows;
    // Rows that stay out cannot be invalid: another leaf's policy has put them into quarantine.
    const selected = rows === undefined ? decoded : selectRows(decoded, rows, start);
    if (change.kind === "borrow") return borrowPage(selected, change, source, target, dictionary);
    const { rewrite } = change;
    const moved =
      rewrite.levels === undefined
        ? { data: selected, violations: noValues }
        : mapDefinitionLevels(selected, rewrite.levels, source, target);
    const cast = castPage(moved.data, rewrite, dictionary);
    const problems: Problems = { values: cast.invalid, nulls: moved.violations };
    if (countProblems(problems) > 0) this.#note(selected, problems, rewrite, start);
    if (this.refused || this.#onlyChecks) return undefined;
    return resolveProblems(cast.data, problems, rewrite, target, dictionary?.replacement ?? -1);
  }

  reply(run: EncodedRun | undefined): RunReply {
    return {
      ...(run && { run }),
      invalid: this.#invalid,
      ...(this.#first && { first: this.#first }),
      refused: this.refused,
      quarantined: Int32Array.from(this.#quarantined),
      rows: this.#rows,
    };
  }

  #note(selected: ColumnData, problems: Problems, rewrite: Rewrite, start: number): void {
    const { rows, rowStart, source } = this.#request;
    this.#invalid += countProblems(problems);
    const inRun = start - rowStart;
    if (rewrite.onInvalid === "quarantine") {
      for (const row of rowsOfProblems(selected, problems)) {
        if (this.#quarantined.at(-1) !== inRun + row) this.#quarantined.push(inRun + row);
      }
    }
    const refused = refusedProblems(problems, selected, rewrite);
    const isRefused = countProblems(refused) > 0;
    if (this.#first === undefined || (isRefused && !this.refused)) {
      const first = describeFirst(selected, isRefused ? refused : problems, source);
      this.#first = { ...first, row: sourceRow(first.row, rows, start) - rowStart };
    }
    this.refused ||= isRefused;
  }
}

/** The page with its values cast; a dictionary has been cast already. What stands at an invalid position has no meaning. */
function castPage(
  data: ColumnData,
  rewrite: Rewrite,
  dictionary: CastDictionary | undefined,
): { readonly data: ColumnData; readonly invalid: Uint32Array } {
  if (data.dictionary !== undefined && dictionary !== undefined) {
    const indices = renumber(data.dictionary.indices, dictionary);
    return {
      data: withDictionary(levelsOnly(data), { entries: dictionary.cast, indices }),
      invalid: dictionary.renumbered === undefined ? noValues : negativePositions(indices),
    };
  }
  if (rewrite.cast === undefined) return { data, invalid: noValues };
  const { values, invalid } = castValues(data.values, rewrite.cast);
  return { data: { ...levelsOnly(data), values }, invalid };
}

function negativePositions(indices: Int32Array): Uint32Array {
  let count = 0;
  for (let i = 0; i < indices.length; i += 1) if ((indices[i] as number) < 0) count += 1;
  const positions = new Uint32Array(count);
  for (let i = 0, at = 0; at < count; i += 1) {
    if ((indices[i] as number) >= 0) continue;
    positions[at] = i;
    at += 1;
  }
  return positions;
}
