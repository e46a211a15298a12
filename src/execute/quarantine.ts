import { SchemaElement } from "../parquet/spec.ts";
import type { LeafColumn } from "../parquet/leaf-type.ts";
import { leafElement } from "../parquet/storage.ts";
import { ThriftStruct } from "../parquet/thrift.ts";
import type { Values } from "../parquet/values.ts";
import { writeColumnChunk } from "../parquet/write-chunk.ts";
import type { OutputLeaf } from "../plan/output-schema.ts";
import {
  chunkOperations,
  type ChunkOperation,
  type OutputPiece,
  type SourceObjectReader,
} from "./chunk-operations.ts";
import type { SpliceWriter } from "./splice-writer.ts";
import { type PlannedRowGroup, writeObject } from "./write-object.ts";

/** Rows of one row group that stay out of a version. */
export interface QuarantinedRows {
  readonly rowGroup: number;
  /** In the row group, ascending. */
  readonly rows: Uint32Array;
  readonly reasons: ReadonlyMap<number, readonly string[]>;
}

/** Why a row is here, and its number in the source object (from 0). */
export const reasonColumn = "_colonnade_reason";
export const rowColumn = "_colonnade_row";

/**
 * Writes the object of quarantined rows: the whole source rows under the source's own schema, beside their reasons. A table of
 * its own, which can be mended and fed in again.
 */
export async function writeQuarantine(
  reader: SourceObjectReader,
  writer: SpliceWriter,
  quarantined: readonly QuarantinedRows[],
): Promise<void> {
  const { footer } = reader;
  const extra = [plainColumn(reasonColumn, "string"), plainColumn(rowColumn, "int64")];
  const carried: OutputLeaf[] = footer.leaves.map(({ column }, source) => ({
    column,
    action: { action: "transcode", source, rewrite: { onInvalid: "fail" } },
    reason: "quarantined",
  }));
  const added: OutputLeaf[] = extra.map((column) => ({
    column,
    action: { action: "constant", value: { kind: "default", value: null } },
    reason: "added",
  }));
  const [root, ...rest] = footer.schema;
  const elements = [
    new ThriftStruct([...(root?.fields ?? [])]).setI32(
      SchemaElement.num_children,
      (root?.i32(SchemaElement.num_children) ?? 0) + extra.length,
    ),
    ...rest,
    ...extra.map(({ path, type }) => leafElement(path[0] ?? "", type, { nullable: false })),
  ];

  function* rowGroups(): Iterable<PlannedRowGroup> {
    for (const { rowGroup, rows, reasons } of quarantined) {
      const before = footer.rowGroups.slice(0, rowGroup).reduce((sum, group) => sum + group.rows, 0);
      const texts = Array.from(rows, (row) => (reasons.get(row) ?? []).join("; "));
      const numbers = BigInt64Array.from(rows, (row) => BigInt(before + row));
      const values: Values[] = [bytesOf(texts), { kind: "int64", data: numbers }];
      const selection = { kind: "keep", rows } as const;
      const operations = chunkOperations(reader, carried, rowGroup, selection, () => null);
      const own = extra.map((column, i) =>
        ownOperation(rowGroup, footer.leaves.length + i, column, values[i] as Values, rows.length),
      );
      yield { rowGroup, rows: rows.length, operations: [...operations, ...own] };
    }
  }
  // Schemas embedded in the metadata describe other columns; these rows are for people and for a rerun, not for a model.
  await writeObject(
    reader,
    writer,
    { elements, leaves: [...carried, ...added], keyValueMetadata: [] },
    rowGroups(),
  );
}

function plainColumn(name: string, kind: "string" | "int64"): LeafColumn {
  const levels = { path: [name], maxDefinitionLevel: 0, maxRepetitionLevel: 0 };
  return kind === "string"
    ? { ...levels, physicalType: "BYTE_ARRAY", type: { kind: "string" } }
    : { ...levels, physicalType: "INT64", type: { kind: "int", bits: 64, signed: true } };
}

function ownOperation(
  rowGroup: number,
  leaf: number,
  column: LeafColumn,
  values: Values,
  rows: number,
): ChunkOperation {
  const run = async (): Promise<OutputPiece> => {
    const layout = { codec: "ZSTD", dataPageVersion: 1, dictionary: "all", pageChecksums: false } as const;
    const extras = { statistics: true, pageIndex: false, bloomFilter: false, sizeStatistics: false };
    const chunk = await writeColumnChunk({ rows, entries: rows, values, pages: [], layout }, column, extras);
    return { kind: "written", leaf, chunk, invalid: 0, release: () => undefined };
  };
  return { rowGroup, leaf, sourceStart: Infinity, isWork: false, run };
}

function bytesOf(texts: readonly string[]): Values {
  const parts = texts.map((text) => Buffer.from(text));
  const offsets = new Int32Array(parts.length + 1);
  for (const [i, part] of parts.entries()) offsets[i + 1] = (offsets[i] as number) + part.length;
  return { kind: "bytes", offsets, data: new Uint8Array(Buffer.concat(parts)) };
}
