import { ColonnadeError, toColonnadeError, unreachable, withDetails } from "../base/errors.ts";
import type { ChunkFacts } from "../parquet/chunk-facts.ts";
import { chunkByteRange, type ByteRange } from "../parquet/chunk-range.ts";
import type { ChunkExtras, Codec, WrittenChunk } from "../parquet/column-data.ts";
import { constantChunk } from "../parquet/constant-chunk.ts";
import { emptyValues } from "../parquet/edit-values.ts";
import type { Footer } from "../parquet/footer.ts";
import { formatLeafType, type LeafColumn } from "../parquet/leaf-type.ts";
import type { ReadLimits } from "../parquet/read-page.ts";
import type { Values } from "../parquet/values.ts";
import type { LeafAction, Rewrite } from "../plan/leaf-action.ts";
import type { OutputLeaf } from "../plan/output-schema.ts";
import type { CopySource } from "../store/object-store.ts";
import { ChunkInProgress } from "./chunk-in-progress.ts";
import type { ChunkWorkers } from "./chunk-workers.ts";
import type { MemoryBudget } from "./memory-budget.ts";
import {
  isSingleRun,
  joinsRead,
  readRuns,
  readStretch,
  singleRunBytes,
  type SourceRun,
} from "./page-runs.ts";
import type { ChunkChange, RunReply, RunRequest } from "./rewrite-run.ts";
import { type RowSelection, selectedRows } from "./select-rows.ts";

/** What the work on one source object shares. */
export interface SourceObjectReader {
  readonly object: CopySource & { readonly bytes: number };
  readonly footer: Footer;
  readonly workers: ChunkWorkers;
  readonly budget: MemoryBudget;
  readonly signal: AbortSignal;
  /** What a chunk may take once it is decoded, whatever its sizes say. */
  readonly limits: ReadLimits;
  /** Codec of what is written anew; `keep`: the source chunk's own. */
  readonly compression: Codec | "keep";
}

/** A piece of the output, before it has a place there. */
export type OutputPiece =
  | { readonly kind: "copied"; readonly leaf: number; readonly sourceLeaf: number; readonly range: ByteRange }
  /** A whole chunk. */
  | { readonly kind: "written"; readonly leaf: number; readonly chunk: WrittenChunk }
  /** Some pages of a chunk: to be added to it in their order. */
  | {
      readonly kind: "run";
      readonly leaf: number;
      readonly chunk: ChunkInProgress;
      readonly reply: RunReply;
      readonly isFirst: boolean;
      readonly isLast: boolean;
      /** Gives back the memory that the run holds. */
      readonly release: () => void;
    };

/** A step yields a piece of the output. */
export interface PieceStep {
  /** Costs work before it can be written: worth starting early. */
  readonly isWork: boolean;
  readonly run: () => Promise<OutputPiece>;
  /** Instead of `run`: gives back what the step holds already. */
  readonly drop?: () => void;
}

/** An operation makes one chunk of the output, or a few that stand together, in one step or in several. */
export interface ChunkOperation {
  readonly rowGroup: number;
  /** Where in the source the bytes come from: operations run in this order, so that copies join up. */
  readonly sourceStart: number;
  readonly steps: () => Iterable<PieceStep> | AsyncIterable<PieceStep>;
}

/** An operation that may be done together with its neighbours. */
interface SingleOperation extends ChunkOperation {
  readonly single?: ChunkChangeTask;
}

/**
 * The operations of one row group, in the order of the source's bytes; what has no source comes last. Aliases are no
 * operations: they point at another leaf's chunk.
 */
export function chunkOperations(
  reader: SourceObjectReader,
  leaves: readonly OutputLeaf[],
  rowGroup: number,
  selection: RowSelection | undefined,
  partitionValue: (field: number, leaf: OutputLeaf) => Values | null,
): ChunkOperation[] {
  const operations = leaves
    .map((leaf, index) => chunkOperation(reader, leaf, index, rowGroup, selection, partitionValue))
    .filter((operation) => operation !== undefined)
    .toSorted((a, b) => a.sourceStart - b.sourceStart);
  return joinSingles(reader, operations);
}

/** Chunks that are changed and stand side by side are read together and handed over together. */
function joinSingles(reader: SourceObjectReader, operations: readonly SingleOperation[]): ChunkOperation[] {
  const joined: ChunkOperation[] = [];
  let open: { tasks: ChunkChangeTask[]; range: ByteRange; memoryBytes: number } | undefined;
  for (const operation of operations) {
    const { single, sourceStart, rowGroup } = operation;
    if (single === undefined) {
      open = undefined;
      joined.push(operation);
      continue;
    }
    const range = chunkByteRange(single.facts, reader.object.bytes);
    const memoryBytes = singleRunBytes(reader, single.facts);
    if (open !== undefined && joinsRead(reader, open.range, open.memoryBytes, single.facts)) {
      open.tasks.push(single);
      open.range = { start: open.range.start, end: range.end };
      open.memoryBytes += memoryBytes;
      continue;
    }
    const tasks = [single];
    open = { tasks, range, memoryBytes };
    joined.push({ rowGroup, sourceStart, steps: () => singleSteps(tasks) });
  }
  return joined;
}

function chunkOperation(
  reader: SourceObjectReader,
  output: OutputLeaf,
  leaf: number,
  rowGroup: number,
  selection: RowSelection | undefined,
  partitionValue: (field: number, leaf: OutputLeaf) => Values | null,
): SingleOperation | undefined {
  const { action } = output;
  if (action.action === "alias") return undefined;
  if (action.action === "constant") {
    const { value } = action;
    const run = async (): Promise<OutputPiece> => {
      const values = value.kind === "partition" ? partitionValue(value.field, output) : value.value;
      return { kind: "written", leaf, chunk: writeConstant(reader, output, rowGroup, selection, values) };
    };
    return { rowGroup, sourceStart: Infinity, steps: () => [{ isWork: false, run }] };
  }
  const facts = reader.footer.chunkFacts(rowGroup, action.source);
  const range = chunkByteRange(facts, reader.object.bytes);
  const place = { rowGroup, sourceStart: range.start };
  const copied = { kind: "copied", leaf, sourceLeaf: action.source, range } as const;
  const copy = (): ChunkOperation => ({
    ...place,
    steps: () => [{ isWork: false, run: () => Promise.resolve(copied) }],
  });
  const change = (how: ChunkChange, unlessInvalid?: OutputPiece): SingleOperation => {
    const { source } = action;
    const task = { reader, output, leaf, source, rowGroup, change: how, selection, facts, unlessInvalid };
    return {
      ...place,
      steps: () => manySteps(task),
      ...(isSingleRun(reader, facts) ? { single: task } : {}),
    };
  };
  switch (action.action) {
    case "copy":
      return selection === undefined ? copy() : change({ kind: "rewrite", rewrite: keepValues });
    case "relabel": {
      const { check } = action;
      if (selection !== undefined) return change({ kind: "rewrite", rewrite: check ?? keepValues });
      return check === undefined ? copy() : change({ kind: "rewrite", rewrite: check }, copied);
    }
    case "relevel":
    case "transcode":
      return change({ kind: "rewrite", rewrite: action.rewrite });
    case "borrowLevels": {
      const { value, levels, maxRepetitionLevel } = action;
      return change({ kind: "borrow", value, levels, maxRepetitionLevel });
    }
    default:
      return unreachable(action);
  }
}

/** Rows of one row group that stay out of a version. */
export interface QuarantinedRows {
  /** In the row group, ascending. */
  readonly rows: Uint32Array;
  /** By leaf: what is wrong in which rows. */
  readonly reasons: readonly { readonly words: string; readonly rows: Uint32Array }[];
  /** Invalid values by column. */
  readonly invalid: ReadonlyMap<string, number>;
}

const keepValues: Rewrite = { onInvalid: "fail" };

/**
 * Rows of one row group that some leaf's policy puts into quarantine, ascending. Reads the chunks of those leaves once
 * more than the rewriting does, since every other chunk of the row group must know before it is written.
 */
export async function quarantinedRows(
  reader: SourceObjectReader,
  leaves: readonly OutputLeaf[],
  rowGroup: number,
): Promise<QuarantinedRows> {
  const reasons: { words: string; rows: Uint32Array }[] = [];
  const invalid = new Map<string, number>();
  for (const [leaf, output] of leaves.entries()) {
    const how = rewriteOf(output.action);
    if (how?.onInvalid !== "quarantine" || !("source" in output.action)) continue;
    const { source } = output.action;
    const change: ChunkChange = { kind: "rewrite", rewrite: how };
    const facts = reader.footer.chunkFacts(rowGroup, source);
    const none = { selection: undefined, unlessInvalid: undefined };
    const found = await checkChunk({ reader, output, leaf, source, rowGroup, change, facts, ...none });
    const column = output.column.path.join(".");
    if (found.invalid > 0) invalid.set(column, found.invalid);
    const from = reader.footer.leaves[source]?.column.type;
    const words = `${column}: no ${formatLeafType(output.column.type)} for this ${from === undefined ? "value" : formatLeafType(from)}`;
    if (found.rows.length > 0) reasons.push({ words, rows: found.rows });
  }
  return { rows: rowsOf(reasons, reader.footer.rowGroups[rowGroup]?.rows ?? 0), reasons, invalid };
}

/** Each row once, ascending. */
function rowsOf(reasons: QuarantinedRows["reasons"], rowCount: number): Uint32Array {
  const [only, ...more] = reasons;
  if (only === undefined || more.length === 0) return only?.rows ?? new Uint32Array(0);
  const isIn = new Uint8Array(rowCount);
  for (const { rows } of reasons) for (const row of rows) isIn[row] = 1;
  const all = new Uint32Array(isIn.reduce((count, flag) => count + flag, 0));
  let next = 0;
  for (let row = 0; row < rowCount; row += 1) {
    if (isIn[row] !== 1) continue;
    all[next] = row;
    next += 1;
  }
  return all;
}

/** What is done to a leaf's values, if anything is. */
export function rewriteOf(action: LeafAction): Rewrite | undefined {
  if (action.action === "relabel") return action.check;
  return "rewrite" in action ? action.rewrite : undefined;
}

/** The change of one chunk. */
interface ChunkChangeTask {
  readonly reader: SourceObjectReader;
  readonly output: OutputLeaf;
  readonly leaf: number;
  readonly source: number;
  readonly facts: ChunkFacts;
  readonly rowGroup: number;
  readonly change: ChunkChange;
  readonly selection: RowSelection | undefined;
  /** What the chunk is while nothing in it is invalid. */
  readonly unlessInvalid: OutputPiece | undefined;
}

type RunPiece = Extract<OutputPiece, { kind: "run" }>;

/** A step for each of some chunks that are read together: the first that is asked for begins the work of all. */
async function* singleSteps(tasks: readonly ChunkChangeTask[]): AsyncIterable<PieceStep> {
  let pieces: Promise<(RunPiece | ColonnadeError)[]> | undefined;
  let passedOn = 0;
  const giveBack = async (index: number): Promise<void> => {
    const piece = (await pieces)?.[index];
    if (piece !== undefined && "release" in piece) piece.release();
  };
  try {
    for (const [index, { unlessInvalid }] of tasks.entries()) {
      const run = async (): Promise<OutputPiece> => {
        const piece = answered((await (pieces ??= rewriteTogether(tasks)))[index]);
        if (unlessInvalid === undefined || piece.reply.run !== undefined || piece.reply.refused) return piece;
        piece.release();
        return unlessInvalid;
      };
      passedOn = index + 1;
      yield { isWork: true, run, drop: () => void giveBack(index).catch(() => undefined) };
    }
  } finally {
    // Whoever stops here leaves work that was done for steps that nobody has heard of.
    for (let index = passedOn; index < tasks.length; index += 1) giveBack(index).catch(() => undefined);
  }
}

async function rewriteTogether(tasks: readonly ChunkChangeTask[]): Promise<(RunPiece | ColonnadeError)[]> {
  const [first] = tasks;
  if (first === undefined) return [];
  const { reader } = first;
  const ranges = tasks.map(({ facts }) => chunkByteRange(facts, reader.object.bytes));
  const stretch = { start: ranges[0]?.start ?? 0, end: ranges.at(-1)?.end ?? 0 };
  const memoryBytes = tasks.map(({ facts }) => singleRunBytes(reader, facts));
  const { bytes, releases } = await readStretch(reader, stretch, memoryBytes);
  const runs = tasks.map((task, i): PlacedRun => {
    const { start = 0, end = 0 } = ranges[i] ?? {};
    return {
      task,
      chunk: beginChunk(task),
      run: wholeChunk(task.facts, releases[i]),
      rowStart: 0,
      purpose: task.unlessInvalid === undefined ? "write" : "writeIfInvalid",
      start: start - stretch.start,
      end: end - stretch.start,
    };
  });
  return rewrite(reader, bytes, runs);
}

function wholeChunk(
  { numValues, context }: ChunkFacts,
  release: () => void = () => undefined,
): Omit<SourceRun, "bytes"> {
  const place = { page: 0, offset: 0 };
  return { isFirst: true, isLast: true, numValues, place, rows: context.rows, release };
}

async function* manySteps(task: ChunkChangeTask): AsyncIterable<PieceStep> {
  const { unlessInvalid } = task;
  if (unlessInvalid !== undefined) {
    const { invalid } = await checkChunk(task);
    if (invalid === 0) {
      yield { isWork: false, run: () => Promise.resolve(unlessInvalid) };
      return;
    }
  }
  const chunk = beginChunk(task);
  let rowStart = Promise.resolve(0);
  for await (const source of runsOf(task)) {
    const before = rowStart;
    const { promise: rows, resolve: tellRows } = Promise.withResolvers<number>();
    if (source.rows !== undefined) tellRows(source.rows);
    // Where only the levels tell how many rows begin in a run, the next one waits for it if it has to know.
    rowStart = before.then(async (start) => start + (await rows));
    const run = async (): Promise<OutputPiece> => {
      const start = task.selection === undefined ? 0 : await before;
      const piece = await rewriteOne(task, chunk, source, start, "write");
      tellRows(piece.reply.rows);
      return piece;
    };
    yield { isWork: true, run, drop: source.release };
  }
}

/** Errors say where. */
async function* runsOf({ reader, source, rowGroup, facts }: ChunkChangeTask): AsyncIterable<SourceRun> {
  try {
    if (!isSingleRun(reader, facts)) yield* readRuns(reader, facts);
    else {
      const range = chunkByteRange(facts, reader.object.bytes);
      const { bytes, releases } = await readStretch(reader, range, [singleRunBytes(reader, facts)]);
      yield { ...wholeChunk(facts, releases[0]), bytes };
    }
  } catch (error) {
    throw located(error, rowGroup, leafOf(reader, source).path);
  }
}

function beginChunk({ reader, output, source, rowGroup, facts }: ChunkChangeTask): ChunkInProgress {
  return new ChunkInProgress({
    source: leafOf(reader, source),
    target: output.column,
    extras: extrasFor(reader, output, source, rowGroup),
    codec: reader.compression === "keep" ? facts.codec : reader.compression,
    numValues: facts.numValues,
    rowGroup,
    rowsBefore: rowsBefore(reader, rowGroup),
  });
}

/** What is invalid in a chunk, without writing it. Rows are those of the row group. */
async function checkChunk(
  task: ChunkChangeTask,
): Promise<{ readonly invalid: number; readonly rows: Uint32Array }> {
  const chunk = beginChunk(task);
  const rows: number[] = [];
  let rowStart = 0;
  let invalid = 0;
  for await (const source of runsOf(task)) {
    const { reply, release } = await rewriteOne(task, chunk, source, rowStart, "check");
    release();
    for (const row of reply.quarantined) {
      // A row that goes on from one page to the next may be found in both.
      if (rows.at(-1) !== rowStart + row) rows.push(rowStart + row);
    }
    rowStart += reply.rows;
    invalid += reply.invalid;
  }
  return { invalid, rows: Uint32Array.from(rows) };
}

/** A run of a chunk, and where its bytes are in a stretch that was read. */
interface PlacedRun {
  readonly task: ChunkChangeTask;
  readonly chunk: ChunkInProgress;
  readonly run: Omit<SourceRun, "bytes">;
  readonly rowStart: number;
  readonly purpose: RunRequest["purpose"];
  readonly start: number;
  readonly end: number;
}

async function rewriteOne(
  task: ChunkChangeTask,
  chunk: ChunkInProgress,
  { bytes, ...run }: SourceRun,
  rowStart: number,
  purpose: RunRequest["purpose"],
): Promise<RunPiece> {
  const placed: PlacedRun = { task, chunk, run, rowStart, purpose, start: 0, end: bytes.length };
  const [piece] = await rewrite(task.reader, bytes, [placed]);
  return answered(piece);
}

function answered(piece: RunPiece | ColonnadeError | undefined): RunPiece {
  if (piece === undefined) throw new ColonnadeError("internal", "REPLY_MISSING", "worker gave no answer", {});
  if (piece instanceof ColonnadeError) throw piece;
  return piece;
}

/** Asks a worker, holding memory for the pages as long as its results are in use. */
async function rewrite(
  { workers, limits, compression }: SourceObjectReader,
  bytes: Uint8Array,
  runs: readonly PlacedRun[],
): Promise<(RunPiece | ColonnadeError)[]> {
  const requests = runs.map(({ task, run, rowStart, purpose, start, end }) => {
    const { reader, output, source, rowGroup, selection, facts, change } = task;
    const { release: _, isLast: __, rows: ___, ...pages } = run;
    return {
      ...pages,
      start,
      end,
      codec: facts.codec,
      chunkValues: facts.numValues,
      rowStart,
      limits,
      source: leafOf(reader, source),
      target: output.column,
      change,
      extras: extrasFor(reader, output, source, rowGroup),
      ...(compression === "keep" ? {} : { outputCodec: compression }),
      ...(selection === undefined ? {} : { rows: selection }),
      purpose,
    };
  });
  let replies: readonly (RunReply | ColonnadeError)[];
  try {
    replies = await workers.rewrite({ bytes, requests });
  } catch (error) {
    for (const { run } of runs) run.release();
    throw error;
  }
  return runs.map(({ task, chunk, run }, i) => {
    const reply = replies[i] ?? new ColonnadeError("internal", "REPLY_MISSING", "worker gave no answer", {});
    const { isFirst, isLast, release } = run;
    if (!(reply instanceof ColonnadeError))
      return { kind: "run", leaf: task.leaf, chunk, reply, isFirst, isLast, release };
    release();
    return located(reply, task.rowGroup, leafOf(task.reader, task.source).path);
  });
}

function leafOf({ footer }: SourceObjectReader, source: number): LeafColumn {
  const leaf = footer.leaves[source];
  if (leaf === undefined) throw new ColonnadeError("internal", "NO_SUCH_LEAF", "no such leaf", { source });
  return leaf.column;
}

function rowsBefore({ footer }: SourceObjectReader, rowGroup: number): number {
  return footer.rowGroups.slice(0, rowGroup).reduce((rows, group) => rows + group.rows, 0);
}

function located(thrown: unknown, rowGroup: number, path: readonly string[]): ColonnadeError {
  const error = toColonnadeError(thrown);
  const setting = error.code === "CHUNK_TOO_LARGE" ? { setting: "limits.memory" } : {};
  return withDetails(error, { rowGroup, column: path.join("."), ...setting });
}

function writeConstant(
  reader: SourceObjectReader,
  output: OutputLeaf,
  rowGroup: number,
  selection: RowSelection | undefined,
  value: Values | null,
): WrittenChunk {
  const extras = reader.footer.leaves.length === 0 ? plainExtras : extrasOf(reader.footer, rowGroup, 0);
  const rows = selectedRows(reader.footer.rowGroups[rowGroup]?.rows ?? 0, selection);
  return constantChunk(
    value ?? emptyValues(output.column),
    output.column,
    rows,
    { ...extras, bloomFilter: false },
    "UNCOMPRESSED",
  );
}

const plainExtras: ChunkExtras = {
  statistics: true,
  pageIndex: false,
  bloomFilter: false,
  sizeStatistics: false,
};

function extrasFor(
  { footer }: SourceObjectReader,
  { action }: OutputLeaf,
  source: number,
  rowGroup: number,
): ChunkExtras {
  const extras = extrasOf(footer, rowGroup, source);
  // The filter of a leaf beside it says nothing about a new one.
  return action.action === "borrowLevels" ? { ...extras, bloomFilter: false } : extras;
}

/** The new chunk gets what the source's chunk had. */
function extrasOf(footer: Footer, rowGroup: number, leaf: number): ChunkExtras {
  const facts = footer.chunkFacts(rowGroup, leaf);
  const bloomFilterBytes = facts.bloomFilter?.length;
  return {
    statistics: facts.hasStatistics,
    pageIndex: facts.offsetIndex !== undefined,
    bloomFilter: facts.bloomFilter !== undefined,
    sizeStatistics: facts.hasSizeStatistics,
    ...(bloomFilterBytes === undefined ? {} : { bloomFilterBytes }),
  };
}
