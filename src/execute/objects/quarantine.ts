import type { SourceObjectReader, OutputPiece, ChunkOperation } from "../chunks/output-piece.ts";
import { chunkOperations } from "../chunks/chunk-operations.ts";
import { quarantinedRows, type QuarantinedRows } from "./quarantined-rows.ts";
import { quarantineColumns } from "../../dataset/quarantine-columns.ts";
import { SchemaElement } from "../../parquet/spec.ts";
import type { ColumnData, Dictionary } from "../../parquet/values/column-data.ts";
import { withDictionary } from "../../parquet/values/dictionary-data.ts";
import type { LeafColumn } from "../../parquet/leaf-type.ts";
import { leafElement } from "../../parquet/footer/schema-element.ts";
import { ThriftStruct } from "../../parquet/thrift/thrift.ts";
import type { Values } from "../../parquet/values/values.ts";
import { writeColumnChunk } from "../../parquet/chunks/write-chunk.ts";
import type { OutputLeaf } from "../../plan/output-schema.ts";
import type { SpliceWriter } from "./splice-writer.ts";
import { type PlannedRowGroup, writeObject } from "./write-object.ts";

/** How many rows of one row group stay out of a version. */
export interface QuarantinedCount {
  readonly rowGroup: number;
  readonly rows: number;
}

/**
 * Writes the object of quarantined rows: the whole source rows under the source's own schema, beside their reasons. A table of
 * its own, which can be mended and fed in again.
 *
 * `leaves` are the version's: its policies are asked once more which rows of a row group it is, and why. To keep the answers of a
 * whole object would take as much memory as it has rows.
 */
export async function writeQuarantine(
  reader: SourceObjectReader,
  writer: SpliceWriter,
  leaves: readonly OutputLeaf[],
  quarantined: readonly QuarantinedCount[],
  ofPath: Iterable<string>,
): Promise<void> {
  const { footer } = reader;
  const names = quarantineColumns(footer.tree.children.map(({ name }) => name));
  const extra = [plainColumn(names.reason, "string"), plainColumn(names.row, "int64")];
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

  async function* rowGroups(): AsyncIterable<PlannedRowGroup> {
    for (const { rowGroup } of quarantined) {
      const { rows, reasons } = await quarantinedRows(reader, leaves, rowGroup, ofPath);
      const before = footer.rowGroups.slice(0, rowGroup).reduce((sum, group) => sum + group.rows, 0);
      const numbers = BigInt64Array.from(rows, (row) => BigInt(before + row));
      const shape = { rows: rows.length, entries: rows.length, pages: [], layout };
      const own: ColumnData[] = [
        withDictionary(shape, reasonsOf(rows, reasons)),
        { ...shape, values: { kind: "int64", data: numbers } },
      ];
      const selection = { kind: "keep", rows } as const;
      const operations = chunkOperations(reader, carried, rowGroup, selection, () => null);
      const beside = extra.map((column, i) =>
        ownOperation(rowGroup, footer.leaves.length + i, column, own[i] as ColumnData),
      );
      yield { rowGroup, rows: rows.length, operations: [...operations, ...beside] };
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

const layout = { codec: "ZSTD", dataPageVersion: 1, dictionary: "all", pageChecksums: false } as const;

/** The texts of every row: few different ones, however many rows. */
function reasonsOf(rows: Uint32Array, reasons: QuarantinedRows["reasons"]): Dictionary {
  const texts = [""];
  const longer = new Map<string, number>();
  const indices = new Int32Array(rows.length);
  for (const { words, rows: wrong } of reasons) {
    let position = 0;
    for (const row of wrong) {
      while (rows[position] !== row) position += 1;
      const before = texts[indices[position] as number] as string;
      const text = before === "" ? words : `${before}; ${words}`;
      const known = longer.get(text) ?? texts.push(text) - 1;
      longer.set(text, known);
      indices[position] = known;
    }
  }
  return { entries: bytesOf(texts), indices };
}

function ownOperation(rowGroup: number, leaf: number, column: LeafColumn, data: ColumnData): ChunkOperation {
  const run = async (): Promise<OutputPiece> => {
    const extras = { statistics: true, pageIndex: false, bloomFilter: false, sizeStatistics: false };
    return { kind: "written", leaf, chunk: writeColumnChunk(data, column, extras) };
  };
  return { rowGroup, sourceStart: Infinity, steps: () => [{ isWork: false, run }] };
}

function bytesOf(texts: readonly string[]): Values {
  const parts = texts.map((text) => Buffer.from(text));
  const offsets = new Int32Array(parts.length + 1);
  for (const [i, part] of parts.entries()) offsets[i + 1] = (offsets[i] as number) + part.length;
  return { kind: "bytes", offsets, data: new Uint8Array(Buffer.concat(parts)) };
}
