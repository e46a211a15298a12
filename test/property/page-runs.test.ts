import { setImmediate as nextTurn } from "node:timers/promises";
import * as fc from "fast-check";
import { expect, test, vi } from "vitest";
import { toColonnadeError } from "../../src/base/errors.ts";
import { castability } from "../../src/cast/castability.ts";
import type { Stored } from "../../src/cast/cast.ts";
import { chunkOperations } from "../../src/execute/chunks/chunk-operations.ts";
import type { SourceObjectReader } from "../../src/execute/chunks/output-piece.ts";
import { MemoryBudget } from "../../src/base/memory-budget.ts";
import { rewriteRun } from "../../src/execute/chunks/rewrite-run.ts";
import type { RowSelection } from "../../src/execute/chunks/select-rows.ts";
import { selectedRows } from "../../src/execute/chunks/select-rows.ts";
import { SpliceWriter } from "../../src/execute/objects/splice-writer.ts";
import { writeObject } from "../../src/execute/objects/write-object.ts";
import type { LeafColumn } from "../../src/parquet/leaf-type.ts";
import { pagePlaces } from "../../src/parquet/indexes/page-index.ts";
import { defaultReadLimits } from "../../src/parquet/pages/read-page.ts";
import { ThriftStruct } from "../../src/parquet/thrift/thrift.ts";
import type { Values } from "../../src/parquet/values/values.ts";
import { writeColumnChunk } from "../../src/parquet/chunks/write-chunk.ts";
import type { Rewrite } from "../../src/plan/leaf-action.ts";
import { defaultCastPolicy } from "../../src/schema/schema-version.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { unconditional } from "../../src/store/object-store.ts";
import { stored } from "../support/cast-columns.ts";
import {
  annotatedTypes,
  columns,
  extras,
  type GeneratedColumn,
  physicalTypes,
} from "../support/column-arbitraries.ts";
import { columnOfRows, leafColumn, plainLayout } from "../support/column-rows.ts";
import { fileOfChunks, schemaOfColumn } from "../support/file-of-chunks.ts";
import { openParquet, readChunkOf } from "../support/read-file-chunks.ts";

const targets = ["int8", "int64", "float64", "string", "bool", "date32", "decimal128(9, 2)", "timestamp[ms]"];

interface Change {
  readonly target: LeafColumn;
  readonly rewrite: Rewrite;
}

/** To a type that the column's may be cast to, if the one asked for is; else the values as they are. */
function changeOf({ column }: GeneratedColumn, target: string, onInvalid: Rewrite["onInvalid"]): Change {
  const from: Stored = column;
  const to = stored(target);
  const { kind } = castability(from, to, defaultCastPolicy);
  if (kind !== "cast") return { target: column, rewrite: { onInvalid: "fail" } };
  const cast = { from, to, rounding: "error" } as const;
  // A null has no place where the column is required.
  const policy = onInvalid === "null" && column.maxDefinitionLevel === 0 ? "fail" : onInvalid;
  const replacement = to.physicalType === "INT64" ? zero : undefined;
  return {
    target: { ...column, ...to },
    rewrite: {
      cast,
      onInvalid: policy === "default" && replacement === undefined ? "fail" : policy,
      ...(replacement && { replacement }),
    },
  };
}

const zero: Values = { kind: "int64", data: BigInt64Array.of(0n) };

interface Outcome {
  readonly bytes?: Buffer;
  readonly error?: { readonly code: string; readonly details: object };
  readonly runs: number;
}

/** One object of one column, rewritten with so much memory to share. */
async function rewritten(
  source: Uint8Array,
  { target, rewrite }: Change,
  selection: RowSelection | undefined,
  budget: MemoryBudget,
): Promise<Outcome> {
  const store = createMemoryStore();
  await store.put("source", source, unconditional);
  const head = await store.head("source");
  const { footer } = openParquet(source);
  let runs = 0;
  const reader: SourceObjectReader = {
    object: { store, key: "source", etag: head?.etag ?? "", bytes: source.length },
    footer,
    workers: {
      start: () => undefined,
      async rewrite({ bytes, requests }) {
        runs += requests.length;
        // As a thread does: meanwhile others are asked for.
        await nextTurn();
        return requests.map(({ start, end, ...request }) => {
          const run = structuredClone({ ...request, bytes: bytes.slice(start, end) });
          try {
            return structuredClone(rewriteRun(run));
          } catch (thrown) {
            return toColonnadeError(thrown);
          }
        });
      },
      close: () => Promise.resolve(),
    },
    budget,
    signal: new AbortController().signal,
    limits: defaultReadLimits,
    compression: "keep",
  };
  const leaves = [
    { column: target, action: { action: "transcode", source: 0, rewrite }, reason: "test" },
  ] as const;
  const rowGroups = footer.rowGroups.map(({ rows }, rowGroup) => ({
    rowGroup,
    rows: selectedRows(rows, selection),
    operations: chunkOperations(reader, leaves, rowGroup, selection, () => null),
  }));
  const writer = new SpliceWriter(await store.createWriter("output"), reader.object, () => undefined);
  try {
    await writeObject(
      reader,
      writer,
      { elements: schemaOfColumn(target), leaves, keyValueMetadata: [] },
      rowGroups,
    );
    await writer.complete();
  } catch (thrown) {
    const { kind, code, details, cause } = toColonnadeError(thrown);
    if (kind === "internal") throw cause;
    return { error: { code, details }, runs };
  }
  expect(reader.budget.usedBytes).toBe(0);
  return { bytes: Buffer.from((await store.get("output"))?.body ?? ""), runs };
}

const plainExtras = { statistics: true, pageIndex: true, bloomFilter: false, sizeStatistics: false };

const anyChange = fc.record({
  target: fc.constantFrom(...targets),
  onInvalid: fc.constantFrom("fail", "null", "default" as const),
});

test("wherever a chunk is cut into runs of pages, the object has the same bytes or the same error", async () => {
  let cut = 0;
  await fc.assert(
    fc.asyncProperty(
      columns([...physicalTypes, ...annotatedTypes]),
      extras,
      anyChange,
      fc.option(
        fc.tuple(fc.constantFrom("drop" as const, "keep" as const), fc.infiniteStream(fc.boolean())),
        {
          freq: 3,
        },
      ),
      async (generated, wanted, { target, onInvalid }, selected) => {
        const { column, data, rows } = generated;
        const chunk = writeColumnChunk(data, column, wanted);
        const source = fileOfChunks(schemaOfColumn(column), [{ rows: rows.length, chunks: [chunk] }]);
        const change = changeOf(generated, target, onInvalid);
        const selection = selected === null ? undefined : selectionOf(selected, rows.length);
        const whole = await rewritten(source, change, selection, new MemoryBudget(2 ** 40));
        expect(whole.runs).toBe(1);
        for (const capacityBytes of [200, 1500, 4000]) {
          const parts = await rewritten(source, change, selection, new MemoryBudget(capacityBytes));
          if (parts.error?.code === "CHUNK_TOO_LARGE") continue;
          if (parts.runs > 1) cut += 1;
          expect(parts.error).toEqual(whole.error);
          expect(parts.bytes?.toString("latin1")).toBe(whole.bytes?.toString("latin1"));
        }
        if (whole.bytes === undefined || selection !== undefined) return;
        const { rows: rowsRead, entries } = await readChunkOf(openParquet(whole.bytes), 0, 0);
        expect({ rows: rowsRead, entries }).toEqual({ rows: data.rows, entries: data.entries });
      },
    ),
    { numRuns: 400, seed: 2026 },
  );
  expect(cut).toBeGreaterThan(150);
});

test("a run that fails gives back all memory, also that of runs which wait for its rows", async () => {
  const column = leafColumn("list", { kind: "int", bits: 32, signed: true }, "INT32");
  const rows = Array.from({ length: 60 }, (_, i) => [i, i + 1]);
  const layout = { ...plainLayout, pageChecksums: true };
  const pages = Array.from({ length: 20 }, () => ({ rows: 3, entries: 6 }));
  const chunk = writeColumnChunk(columnOfRows(rows, column, layout, pages), column, plainExtras);
  const damaged = pagePlaces(chunk.offsetIndex ?? new ThriftStruct())[5];
  const last = (damaged?.offset ?? 0) + (damaged?.compressedBytes ?? 0) - 1;
  chunk.bytes[last] = (chunk.bytes[last] as number) ^ 1;
  const source = fileOfChunks(schemaOfColumn(column), [{ rows: rows.length, chunks: [chunk] }]);
  const selection = { kind: "drop", rows: Uint32Array.of(1, 7, 50) } as const;
  const budget = new MemoryBudget(3000);
  const change = { target: column, rewrite: { onInvalid: "fail" } } as const;
  const { error, runs } = await rewritten(source, change, selection, budget);
  expect(error).toMatchObject({ code: "PAGE_CHECKSUM", details: { page: 5 } });
  expect(runs).toBeGreaterThan(1);
  await vi.waitFor(() => expect(budget.usedBytes).toBe(0));
});

function selectionOf(
  [kind, stream]: readonly ["drop" | "keep", fc.Stream<boolean>],
  rowCount: number,
): RowSelection {
  const rows: number[] = [];
  for (let row = 0; row < rowCount; row += 1) if (stream.next().value === true) rows.push(row);
  return { kind, rows: Uint32Array.from(rows) };
}
