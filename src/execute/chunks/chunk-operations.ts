import { unreachable } from "../../base/errors.ts";
import { chunkByteRange, type ByteRange } from "../../parquet/footer/chunk-range.ts";
import type { ChunkExtras, WrittenChunk } from "../../parquet/values/column-data.ts";
import { constantChunk } from "../../parquet/chunks/constant-chunk.ts";
import { emptyValues } from "../../parquet/values/edit-values.ts";
import type { Values } from "../../parquet/values/values.ts";
import type { Rewrite } from "../../plan/leaf-action.ts";
import type { OutputLeaf } from "../../plan/output-schema.ts";
import { changeSteps, type ChunkChangeTask, singleSteps } from "./change-chunk.ts";
import { extrasOf } from "./chunk-extras.ts";
import type {
  ChunkOperation,
  CopiedPiece,
  OutputPiece,
  PieceStep,
  SourceObjectReader,
} from "./output-piece.ts";
import { isSingleRun, joinsRead, singleRunBytes } from "./page-runs.ts";
import type { ChunkChange } from "./rewrite-run.ts";
import { type RowSelection, selectedRows } from "./select-rows.ts";

/** An operation that may be done together with its neighbours: the change of a chunk that is read whole, or a copy. */
interface JoinableOperation extends ChunkOperation {
  readonly single?: ChunkChangeTask;
  readonly copied?: CopiedPiece[];
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
  return joinNeighbours(reader, operations);
}

/** Chunks that stand side by side are copied in one step; or, if they are changed, read together and handed over together. */
function joinNeighbours(
  reader: SourceObjectReader,
  operations: readonly JoinableOperation[],
): ChunkOperation[] {
  const joined: ChunkOperation[] = [];
  let open: { tasks: ChunkChangeTask[]; range: ByteRange; memoryBytes: number } | undefined;
  let copies: CopiedPiece[] | undefined;
  for (const operation of operations) {
    const { single, copied, sourceStart, rowGroup } = operation;
    if (copied !== undefined && copies !== undefined) {
      copies.push(...copied);
      continue;
    }
    copies = copied;
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
): JoinableOperation | undefined {
  const { action } = output;
  if (action.action === "alias") return undefined;
  if (action.action === "constant") {
    const { value } = action;
    const run = async (): Promise<OutputPiece> => {
      const constant = constantOf(reader, rowGroup, selection);
      const chunk =
        value.kind === "partition"
          ? writeConstant(output, partitionValue(value.field, output), constant)
          : defaultChunk(output, value.value, constant);
      return { kind: "written", leaf, chunk };
    };
    return { rowGroup, sourceStart: Infinity, steps: () => [{ isWork: false, run }] };
  }
  const facts = reader.footer.chunkFacts(rowGroup, action.source);
  const range = chunkByteRange(facts, reader.object.bytes);
  const copied = [{ leaf, sourceLeaf: action.source, range }];
  const isCopy = action.action === "copy" || (action.action === "relabel" && action.check === undefined);
  if (isCopy && selection === undefined) {
    return { rowGroup, sourceStart: range.start, copied, steps: () => [copyStep(copied)] };
  }
  const change = changeOf(action);
  const unlessInvalid: OutputPiece | undefined =
    action.action === "relabel" && selection === undefined ? { kind: "copied", chunks: copied } : undefined;
  const { source } = action;
  const task = { reader, output, leaf, source, rowGroup, change, selection, facts, unlessInvalid };
  return {
    rowGroup,
    sourceStart: range.start,
    steps: () => changeSteps(task),
    ...(isSingleRun(reader, facts) ? { single: task } : {}),
  };
}

type SourceAction = Extract<OutputLeaf["action"], { readonly source: number }>;

function changeOf(action: SourceAction): ChunkChange {
  switch (action.action) {
    case "copy":
      return { kind: "rewrite", rewrite: keepValues };
    case "relabel":
      return { kind: "rewrite", rewrite: action.check ?? keepValues };
    case "relevel":
    case "transcode":
      return { kind: "rewrite", rewrite: action.rewrite };
    case "borrowLevels": {
      const { value, levels, maxRepetitionLevel } = action;
      return { kind: "borrow", value, levels, maxRepetitionLevel };
    }
    default:
      return unreachable(action);
  }
}

function copyStep(chunks: readonly CopiedPiece[]): PieceStep {
  return { isWork: false, run: () => Promise.resolve({ kind: "copied", chunks }) };
}

/** What a change of rows alone does to a chunk. */
const keepValues: Rewrite = { onInvalid: "fail" };

/** What a chunk of a constant depends on beside its value. */
interface ConstantShape {
  readonly rows: number;
  readonly extras: ChunkExtras;
}

function constantOf(
  { footer }: SourceObjectReader,
  rowGroup: number,
  selection: RowSelection | undefined,
): ConstantShape {
  const { statistics, pageIndex, sizeStatistics } =
    footer.leaves.length === 0 ? plainExtras : extrasOf(footer, rowGroup, 0);
  return {
    rows: selectedRows(footer.rowGroups[rowGroup]?.rows ?? 0, selection),
    extras: { statistics, pageIndex, sizeStatistics, bloomFilter: false },
  };
}

/** The chunk that a default was last: that of the next object or row group is mostly the same. */
const lastDefaults = new WeakMap<OutputLeaf, { readonly shape: string; readonly chunk: WrittenChunk }>();

function defaultChunk(output: OutputLeaf, value: Values | null, constant: ConstantShape): WrittenChunk {
  const shape = JSON.stringify(constant);
  const last = lastDefaults.get(output);
  if (last?.shape === shape) return last.chunk;
  const chunk = writeConstant(output, value, constant);
  lastDefaults.set(output, { shape, chunk });
  return chunk;
}

function writeConstant(
  { column }: OutputLeaf,
  value: Values | null,
  { rows, extras }: ConstantShape,
): WrittenChunk {
  return constantChunk(value ?? emptyValues(column), column, rows, extras, "UNCOMPRESSED");
}

const plainExtras: ChunkExtras = {
  statistics: true,
  pageIndex: false,
  bloomFilter: false,
  sizeStatistics: false,
};
