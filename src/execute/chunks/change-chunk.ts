import { ColonnadeError, toColonnadeError, withDetails } from "../../base/errors.ts";
import type { ChunkFacts } from "../../parquet/footer/chunk-facts.ts";
import { chunkByteRange } from "../../parquet/footer/chunk-range.ts";
import type { LeafColumn } from "../../parquet/leaf-type.ts";
import type { OutputLeaf } from "../../plan/output-schema.ts";
import { extrasFor } from "./chunk-extras.ts";
import { ChunkInProgress } from "./chunk-in-progress.ts";
import type { OutputPiece, PieceStep, RunPiece, SourceObjectReader } from "./output-piece.ts";
import { isSingleRun, readRuns, readStretch, singleRunBytes, type SourceRun } from "./page-runs.ts";
import type { ChunkChange, RunReply, RunRequest } from "./rewrite-run.ts";
import type { RowSelection } from "./select-rows.ts";

/** The change of one chunk. */
export interface ChunkChangeTask {
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

/** A step for each of some chunks that are read together: the first that is asked for begins the work of all. */
export async function* singleSteps(tasks: readonly ChunkChangeTask[]): AsyncIterable<PieceStep> {
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

export async function* changeSteps(task: ChunkChangeTask): AsyncIterable<PieceStep> {
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
    const rows = Promise.withResolvers<number>();
    if (source.rows !== undefined) rows.resolve(source.rows);
    // Where only the levels tell how many rows begin in a run, the next one waits for it if it has to know.
    rowStart = before.then(async (start) => start + (await rows.promise));
    for (const told of [rows.promise, rowStart]) told.catch(() => undefined);
    const run = async (): Promise<OutputPiece> => {
      try {
        const start = task.selection === undefined ? 0 : await before;
        const piece = await rewriteOne(task, chunk, source, start, "write");
        rows.resolve(piece.reply.rows);
        return piece;
      } catch (error) {
        // Or those that wait for it would wait, and hold their memory, for ever.
        rows.reject(error);
        source.release();
        throw error;
      }
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
    rowsBefore: () => rowsBefore(reader, rowGroup),
  });
}

/** What is invalid in a chunk, without writing it. Rows are those of the row group. */
export async function checkChunk(
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
  const requests = runs.map(({ task, chunk, run, rowStart, purpose, start, end }) => {
    const { selection, facts, change } = task;
    const { source, target, extras } = chunk.context;
    const { release: _, isLast: __, rows: ___, ...pages } = run;
    return {
      ...pages,
      start,
      end,
      codec: facts.codec,
      chunkValues: facts.numValues,
      rowStart,
      limits,
      source,
      target,
      change,
      extras,
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
