import { unreachable } from "../base/errors.ts";
import { chunkByteRange, type ByteRange } from "../parquet/chunk-range.ts";
import type { ChunkExtras, WrittenChunk } from "../parquet/column-data.ts";
import { constantChunk } from "../parquet/constant-chunk.ts";
import { emptyValues } from "../parquet/edit-values.ts";
import type { Values } from "../parquet/values.ts";
import type { Rewrite } from "../plan/leaf-action.ts";
import type { OutputLeaf } from "../plan/output-schema.ts";
import { changeSteps, type ChunkChangeTask, singleSteps } from "./change-chunk.ts";
import { extrasOf } from "./chunk-extras.ts";
import type { ChunkOperation, OutputPiece, SourceObjectReader } from "./output-piece.ts";
import { isSingleRun, joinsRead, singleRunBytes } from "./page-runs.ts";
import type { ChunkChange } from "./rewrite-run.ts";
import { type RowSelection, selectedRows } from "./select-rows.ts";

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
      steps: () => changeSteps(task),
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

/** What a change of rows alone does to a chunk. */
const keepValues: Rewrite = { onInvalid: "fail" };

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
