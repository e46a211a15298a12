import { ColonnadeError, toColonnadeError, unreachable, withDetails } from "../base/errors.ts";
import { chunkByteRange, type ByteRange } from "../parquet/chunk-range.ts";
import type { ChunkExtras, Codec, WrittenChunk } from "../parquet/column-data.ts";
import { constantChunk } from "../parquet/constant-chunk.ts";
import type { Footer } from "../parquet/footer.ts";
import { formatLeafType } from "../parquet/leaf-type.ts";
import type { ReadLimits } from "../parquet/read-chunk.ts";
import { emptyValues } from "../parquet/edit-values.ts";
import type { Values } from "../parquet/values.ts";
import type { LeafAction, Rewrite } from "../plan/leaf-action.ts";
import type { OutputLeaf } from "../plan/output-schema.ts";
import type { CopySource } from "../store/object-store.ts";
import { readRange } from "./read-footer.ts";
import type { ChunkWorkers } from "./chunk-workers.ts";
import type { MemoryBudget } from "./memory-budget.ts";
import type { ChunkReply, ChunkRequest } from "./rewrite-chunk.ts";
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

/** A chunk of the output, before it has a place there. */
export type OutputPiece =
  | { readonly kind: "copied"; readonly leaf: number; readonly sourceLeaf: number; readonly range: ByteRange }
  | {
      readonly kind: "written";
      readonly leaf: number;
      readonly chunk: WrittenChunk;
      readonly invalid: number;
      /** Gives back the memory that the chunk holds. */
      readonly release: () => void;
    };

/** An operation that yields one chunk of the output. */
export interface ChunkOperation {
  readonly rowGroup: number;
  readonly leaf: number;
  /** Where in the source the bytes come from: operations run in this order, so that copies join up. */
  readonly sourceStart: number;
  /** Costs work before it can be written: worth starting early. */
  readonly isWork: boolean;
  readonly run: () => Promise<OutputPiece>;
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
  return leaves
    .map((leaf, index) => chunkOperation(reader, leaf, index, rowGroup, selection, partitionValue))
    .filter((operation) => operation !== undefined)
    .toSorted((a, b) => a.sourceStart - b.sourceStart);
}

function chunkOperation(
  reader: SourceObjectReader,
  output: OutputLeaf,
  leaf: number,
  rowGroup: number,
  selection: RowSelection | undefined,
  partitionValue: (field: number, leaf: OutputLeaf) => Values | null,
): ChunkOperation | undefined {
  const { action } = output;
  if (action.action === "alias") return undefined;
  if (action.action === "constant") {
    const { value } = action;
    const run = async (): Promise<OutputPiece> => {
      const values = value.kind === "partition" ? partitionValue(value.field, output) : value.value;
      const chunk = await writeConstant(reader, output, rowGroup, selection, values);
      return { kind: "written", leaf, chunk, invalid: 0, release: () => undefined };
    };
    return { rowGroup, leaf, sourceStart: Infinity, isWork: false, run };
  }
  const facts = reader.footer.chunkFacts(rowGroup, action.source);
  const range = chunkByteRange(facts, reader.object.bytes);
  const place = { rowGroup, leaf, sourceStart: range.start };
  const copied = { kind: "copied", leaf, sourceLeaf: action.source, range } as const;
  const rewrite = (how: Rewrite): ChunkOperation => ({
    ...place,
    isWork: true,
    run: () => runRewrite(reader, output, leaf, action.source, rowGroup, how, selection),
  });
  switch (action.action) {
    case "copy":
      return selection === undefined
        ? { ...place, isWork: false, run: async () => copied }
        : rewrite(keepValues);
    case "relabel": {
      const { check } = action;
      if (selection !== undefined) return rewrite(check ?? keepValues);
      if (check === undefined) return { ...place, isWork: false, run: async () => copied };
      return {
        ...place,
        isWork: true,
        run: () => runRewrite(reader, output, leaf, action.source, rowGroup, check, undefined, copied),
      };
    }
    case "relevel":
    case "transcode":
      return rewrite(action.rewrite);
    case "borrowLevels":
      return {
        ...place,
        isWork: true,
        run: () => runBorrow(reader, output, leaf, action, rowGroup, selection),
      };
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
  for (const output of leaves) {
    const how = rewriteOf(output.action);
    if (how?.onInvalid !== "quarantine" || !("source" in output.action)) continue;
    const { source } = output.action;
    const { reply, release } = await request(reader, output, source, rowGroup, how, undefined, "check");
    release();
    const column = output.column.path.join(".");
    if (reply.invalid > 0) invalid.set(column, reply.invalid);
    const from = reader.footer.leaves[source]?.column.type;
    const words = `${column}: no ${formatLeafType(output.column.type)} for this ${from === undefined ? "value" : formatLeafType(from)}`;
    if (reply.quarantined.length > 0) reasons.push({ words, rows: reply.quarantined });
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

async function runRewrite(
  reader: SourceObjectReader,
  output: OutputLeaf,
  leaf: number,
  source: number,
  rowGroup: number,
  how: Rewrite,
  selection: RowSelection | undefined,
  unlessInvalid?: OutputPiece,
): Promise<OutputPiece> {
  const purpose = unlessInvalid === undefined ? "write" : "writeIfInvalid";
  const { reply, release } = await request(reader, output, source, rowGroup, how, selection, purpose);
  if (reply.chunk !== undefined) {
    return { kind: "written", leaf, chunk: reply.chunk, invalid: reply.invalid, release };
  }
  release();
  if (unlessInvalid !== undefined && reply.invalid === 0) return unlessInvalid;
  const before = reader.footer.rowGroups.slice(0, rowGroup).reduce((rows, group) => rows + group.rows, 0);
  const from = reader.footer.leaves[source]?.column;
  throw new ColonnadeError(
    "data",
    reply.first?.isNull === true ? "NULL_INVALID" : "CAST_INVALID",
    reply.first?.isNull === true
      ? "column holds nulls where the new schema allows none"
      : `column holds values that have no equivalent as ${formatLeafType(output.column.type)}`,
    {
      rowGroup,
      column: (from ?? output.column).path.join("."),
      row: before + (reply.first?.row ?? 0),
      value: reply.first?.value,
      invalidInRowGroup: reply.invalid,
    },
  );
}

/** Asks a worker, holding memory for the chunk as long as its result is in use. */
async function request(
  reader: SourceObjectReader,
  output: OutputLeaf,
  source: number,
  rowGroup: number,
  how: Rewrite,
  rows: RowSelection | undefined,
  purpose: ChunkRequest["purpose"],
): Promise<{ reply: ChunkReply; release: () => void }> {
  const { footer, workers, compression } = reader;
  const facts = footer.chunkFacts(rowGroup, source);
  const leaf = footer.leaves[source];
  if (leaf === undefined) throw new ColonnadeError("internal", "NO_SUCH_LEAF", "no such leaf", { source });
  const { bytes, release } = await readChunk(reader, rowGroup, source);
  try {
    const reply = await workers.rewrite({
      bytes,
      codec: facts.codec,
      numValues: facts.numValues,
      limits: reader.limits,
      source: leaf.column,
      target: output.column,
      rewrite: how,
      extras: extrasOf(footer, rowGroup, source),
      ...(compression === "keep" ? {} : { outputCodec: compression }),
      ...(rows === undefined ? {} : { rows }),
      purpose,
    });
    return { reply, release };
  } catch (error) {
    release();
    throw located(error, rowGroup, leaf.column.path);
  }
}

async function runBorrow(
  reader: SourceObjectReader,
  output: OutputLeaf,
  leaf: number,
  action: Extract<LeafAction, { action: "borrowLevels" }>,
  rowGroup: number,
  selection: RowSelection | undefined,
): Promise<OutputPiece> {
  const { footer, workers, compression } = reader;
  const facts = footer.chunkFacts(rowGroup, action.source);
  const source = footer.leaves[action.source];
  if (source === undefined) throw new ColonnadeError("internal", "NO_SUCH_LEAF", "no such leaf", { action });
  const { bytes, release } = await readChunk(reader, rowGroup, action.source);
  try {
    const chunk = await workers.borrow({
      bytes,
      codec: facts.codec,
      numValues: facts.numValues,
      limits: reader.limits,
      source: source.column,
      target: output.column,
      value: action.value,
      levels: action.levels,
      maxRepetitionLevel: action.maxRepetitionLevel,
      extras: { ...extrasOf(footer, rowGroup, action.source), bloomFilter: false },
      ...(compression === "keep" ? {} : { outputCodec: compression }),
      ...(selection === undefined ? {} : { rows: selection }),
    });
    return { kind: "written", leaf, chunk, invalid: 0, release };
  } catch (error) {
    release();
    throw located(error, rowGroup, output.column.path);
  }
}

function located(thrown: unknown, rowGroup: number, path: readonly string[]): ColonnadeError {
  const error = toColonnadeError(thrown);
  const setting = error.code === "CHUNK_TOO_LARGE" ? { setting: "limits.memory" } : {};
  return withDetails(error, { rowGroup, column: path.join("."), ...setting });
}

/** Source bytes, decoded values and the new chunk are in memory at one time. */
function memoryOf(compressedBytes: number, uncompressedBytes: number): number {
  return compressedBytes + 3 * uncompressedBytes;
}

async function readChunk(
  reader: SourceObjectReader,
  rowGroup: number,
  source: number,
): Promise<{ bytes: Uint8Array; release: () => void }> {
  const facts = reader.footer.chunkFacts(rowGroup, source);
  const { start, end } = chunkByteRange(facts, reader.object.bytes);
  const release = await reader.budget.acquire(
    memoryOf(end - start, facts.totalUncompressedBytes),
    reader.signal,
  );
  try {
    return { bytes: await readRange(reader.object, start, end, reader.signal), release };
  } catch (error) {
    release();
    throw error;
  }
}

async function writeConstant(
  reader: SourceObjectReader,
  output: OutputLeaf,
  rowGroup: number,
  selection: RowSelection | undefined,
  value: Values | null,
): Promise<WrittenChunk> {
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
