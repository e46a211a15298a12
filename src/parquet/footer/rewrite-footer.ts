import { ColonnadeError } from "../../base/errors.ts";
import type { KeyValue } from "./footer-scan.ts";
import type { Footer } from "./footer.ts";
import {
  type ChunkPlace,
  CopiedChunkWriter,
  encodePath,
  type OutputChunk,
  writeNewChunk,
} from "./output-chunk.ts";
import { flattenLeaves, readSchemaTree } from "./schema-tree.ts";
import { ColumnOrder, FileMetaData, KeyValue as KeyValueField, RowGroup, SortingColumn } from "../spec.ts";
import { ThriftWriter } from "../thrift/thrift-writer.ts";
import {
  type ThriftList,
  ThriftStruct,
  type ThriftType,
  thriftType,
  type ThriftValue,
} from "../thrift/thrift.ts";

/** What the output's footer says that is not about a chunk. */
export interface FooterTarget {
  /** All schema elements, the root first. */
  readonly schema: readonly ThriftStruct[];
  /** In the output's order. Pairs that the source has too are carried byte for byte. */
  readonly keyValueMetadata: readonly KeyValue[];
  /**
   * Keep the source's where chunks are copied: readers tell by it which writers' statistics and sizes to distrust.
   */
  readonly createdBy: string | undefined;
  /** For every output leaf the source leaf whose column order it keeps; undefined: the order of its type. */
  readonly columnOrders: readonly (number | undefined)[];
}

export interface OutputRowGroup {
  /** The row group of the source that it comes from. */
  readonly source: number;
  readonly rows: number;
  /** One per output leaf, in their order; their places in the object may be in any order. */
  readonly chunks: readonly OutputChunk[];
}

/** The whole of a rewritten footer at once; see {@link FooterRewriter}. */
export function rewriteFooter(
  source: Footer,
  target: FooterTarget,
  rowGroups: Iterable<OutputRowGroup>,
): Uint8Array<ArrayBuffer> {
  const rewriter = new FooterRewriter(source, target);
  for (const rowGroup of rowGroups) rewriter.addRowGroup(rowGroup);
  return rewriter.finish();
}

/** A footer's Thrift, its length and the magic: the end of an object. Throws `data` `FOOTER_TOO_LARGE`. */
export function frameFooter(thrift: Uint8Array): Uint8Array<ArrayBuffer> {
  if (thrift.length > 0x7fff_ffff) {
    throw new ColonnadeError("data", "FOOTER_TOO_LARGE", "the footer is larger than 2 GiB", {
      footerBytes: thrift.length,
    });
  }
  const framed = new Uint8Array(thrift.length + 8);
  framed.set(thrift);
  new DataView(framed.buffer).setUint32(thrift.length, thrift.length, true);
  framed.set([0x50, 0x41, 0x52, 0x31], thrift.length + 4); // PAR1
  return framed;
}

/** A field to be written; `type` is the wire type, where a boolean is its value and `write` does nothing. */
interface FieldToWrite {
  readonly id: number;
  readonly type: ThriftType;
  readonly write: (writer: ThriftWriter) => void;
}

/** Of each schema once: many objects share one. */
const knownPaths = new WeakMap<readonly ThriftStruct[], readonly ThriftList[]>();

function pathsOf(schema: readonly ThriftStruct[]): readonly ThriftList[] {
  const known = knownPaths.get(schema);
  if (known !== undefined) return known;
  const paths = flattenLeaves(readSchemaTree(schema)).map(({ column }) => encodePath(column.path));
  knownPaths.set(schema, paths);
  return paths;
}

/**
 * Builds the footer of an output, row group by row group, with the tree of one chunk in memory at a time. What the
 * source's footer says is carried, fields that we do not know included, except for what changed: places, names, rows,
 * and totals. Row groups are added in the order they have in the output.
 */
export class FooterRewriter {
  readonly #source: Footer;
  readonly #target: FooterTarget;
  /** Path of every output leaf. */
  readonly #paths: readonly ThriftList[];
  readonly #rowGroups: ThriftWriter;
  readonly #copied: CopiedChunkWriter;
  #rowGroupCount = 0;
  #rows = 0;
  #hasCopies = false;

  constructor(source: Footer, target: FooterTarget) {
    this.#source = source;
    this.#target = target;
    this.#paths = pathsOf(target.schema);
    this.#copied = new CopiedChunkWriter(source);
    this.#rowGroups = new ThriftWriter(source.bytes.length + 1024);
    this.#expectOnePerLeaf(target.columnOrders.length, "column orders");
  }

  addRowGroup(rowGroup: OutputRowGroup): void {
    this.#expectOnePerLeaf(rowGroup.chunks.length, "column chunks");
    const totals = new ChunkTotals();
    const columns = new ThriftWriter(this.#paths.length * 128 + 16);
    columns.listHeader(thriftType.struct, rowGroup.chunks.length);
    for (const [leaf, chunk] of rowGroup.chunks.entries()) {
      totals.add(this.#writeChunk(columns, rowGroup.source, leaf, chunk));
    }
    const fields = this.#rowGroupStruct(rowGroup, totals).fields.map((field) =>
      field.id === RowGroup.columns
        ? rawField(field.id, thriftType.list, columns.finish())
        : fieldToWrite(field.id, field.type, field.value),
    );
    writeStruct(this.#rowGroups, fields);
    this.#rowGroupCount += 1;
    this.#rows += rowGroup.rows;
  }

  /** The Thrift of FileMetaData. */
  finish(): Uint8Array<ArrayBuffer> {
    const writer = new ThriftWriter(this.#rowGroups.length + this.#source.bytes.length / 8 + 1024);
    writeStruct(writer, this.#fields());
    return writer.finish();
  }

  #writeChunk(writer: ThriftWriter, rowGroup: number, leaf: number, chunk: OutputChunk): ChunkPlace {
    const path = this.#paths[leaf] ?? encodePath([]);
    if (chunk.kind === "written") return writeNewChunk(writer, chunk, path);
    this.#hasCopies = true;
    return this.#copied.write(writer, rowGroup, chunk, path);
  }

  #rowGroupStruct(rowGroup: OutputRowGroup, totals: ChunkTotals): ThriftStruct {
    const output = this.#source.rowGroup(rowGroup.source);
    output.setI64(RowGroup.num_rows, rowGroup.rows);
    // Writers disagree on what these count; where every byte is still there, what they said still holds.
    if (!this.#isComplete(rowGroup)) {
      output.setI64(RowGroup.total_byte_size, totals.uncompressedBytes);
      output.setI64(RowGroup.total_compressed_size, totals.compressedBytes);
    }
    if (output.has(RowGroup.file_offset)) output.setI64(RowGroup.file_offset, totals.firstPageOffset);
    if (output.has(RowGroup.ordinal)) {
      const ordinal = this.#rowGroupCount > 0x7fff ? undefined : this.#rowGroupCount;
      output.set(RowGroup.ordinal, thriftType.i16, ordinal);
    }
    const sorting = output.structs(RowGroup.sorting_columns);
    if (sorting !== undefined && sorting.length > 0) {
      const kept = remapSorting(sorting, rowGroup.chunks);
      output.setStructs(RowGroup.sorting_columns, kept.length === 0 ? undefined : kept);
    }
    return output;
  }

  /** Whether the row group has all rows and chunks of its source, and none but these. */
  #isComplete({ source, rows, chunks }: OutputRowGroup): boolean {
    const copied = new Set<number>();
    for (const chunk of chunks) {
      if (chunk.kind === "written") return false;
      copied.add(chunk.sourceLeaf);
    }
    return copied.size === this.#source.leaves.length && rows === this.#source.rowGroups[source]?.rows;
  }

  /** The source's fields in their order, and those it lacks at the place of their id. */
  #fields(): FieldToWrite[] {
    const changed = this.#changedFields();
    const fields: FieldToWrite[] = [];
    for (const { id, type, start, end } of this.#source.fields) {
      if (!changed.has(id)) fields.push(rawField(id, type, this.#source.bytes.subarray(start, end)));
      else fields.push(...(changed.get(id) ?? []));
      changed.delete(id);
    }
    for (const [id, added] of changed) {
      const after = fields.findIndex((field) => field.id > id);
      fields.splice(after < 0 ? fields.length : after, 0, ...added);
    }
    return fields;
  }

  /** What differs from the source by field id; an empty list where a field goes. */
  #changedFields(): Map<number, readonly FieldToWrite[]> {
    const { schema, createdBy } = this.#target;
    const changed = new Map<number, readonly FieldToWrite[]>();
    changed.set(FileMetaData.schema, [structsField(FileMetaData.schema, schema)]);
    const declaredRows = this.#rows === this.#source.rows ? this.#source.declaredRows : this.#rows;
    changed.set(FileMetaData.num_rows, [
      fieldToWrite(FileMetaData.num_rows, thriftType.i64, BigInt(declaredRows)),
    ]);
    changed.set(FileMetaData.row_groups, [
      {
        id: FileMetaData.row_groups,
        type: thriftType.list,
        write: (writer) => {
          writer.listHeader(thriftType.struct, this.#rowGroupCount);
          writer.raw(this.#rowGroups.finish());
        },
      },
    ]);
    changed.set(FileMetaData.key_value_metadata, this.#keyValueField());
    if (createdBy !== this.#source.createdBy) {
      const value = createdBy === undefined ? [] : [new TextEncoder().encode(createdBy)];
      const write = value.map((bytes) => fieldToWrite(FileMetaData.created_by, thriftType.binary, bytes));
      changed.set(FileMetaData.created_by, write);
    }
    changed.set(FileMetaData.column_orders, this.#columnOrdersField());
    return changed;
  }

  #keyValueField(): readonly FieldToWrite[] {
    const isAbsent = this.#source.fields.every((field) => field.id !== FileMetaData.key_value_metadata);
    if (this.#target.keyValueMetadata.length === 0 && (isAbsent || this.#source.keyValueStructs.length > 0)) {
      return [];
    }
    const left = new Map<string, ThriftStruct[]>();
    for (const [i, pair] of this.#source.keyValueMetadata.entries()) {
      const raw = this.#source.keyValueStructs[i];
      const identity = JSON.stringify(pair);
      if (raw !== undefined) left.set(identity, [...(left.get(identity) ?? []), raw]);
    }
    const structs = this.#target.keyValueMetadata.map((pair) => {
      const [key, value] = pair;
      const raw = left.get(JSON.stringify(pair))?.shift();
      return (
        raw ?? new ThriftStruct().setString(KeyValueField.key, key).setString(KeyValueField.value, value)
      );
    });
    return [structsField(FileMetaData.key_value_metadata, structs)];
  }

  /**
   * Orders are carried for leaves that keep theirs. Where the source has none, its copied bounds have no defined order,
   * and naming one for all columns would vouch for them: the output has none either, unless nothing was copied.
   */
  #columnOrdersField(): readonly FieldToWrite[] {
    const { columnOrders } = this.#source;
    if (columnOrders === undefined && (this.#hasCopies || this.#rowGroupCount === 0)) return [];
    const typeOrder = new ThriftStruct().setStruct(ColumnOrder.TYPE_ORDER, new ThriftStruct());
    const orders = this.#target.columnOrders.map((leaf) =>
      leaf === undefined ? typeOrder : (columnOrders?.[leaf] ?? typeOrder),
    );
    return [structsField(FileMetaData.column_orders, orders)];
  }

  #expectOnePerLeaf(count: number, what: string): void {
    if (count === this.#paths.length) return;
    throw new ColonnadeError("internal", "FOOTER_INCONSISTENT", `${what} are not one per output leaf`, {
      count,
      leaves: this.#paths.length,
    });
  }
}

/** Sums over a row group's chunks; chunks in one place (an alias and its leaf) count once. */
class ChunkTotals {
  uncompressedBytes = 0;
  compressedBytes = 0;
  readonly #places = new Set<number>();
  #first = Infinity;

  /** Offset of the row group's first page, 0 when it has none. */
  get firstPageOffset(): number {
    return this.#first === Infinity ? 0 : this.#first;
  }

  add({ compressedBytes, uncompressedBytes, firstPageOffset }: ChunkPlace): void {
    if (compressedBytes === 0) return; // may share its place with the next chunk
    if (this.#places.has(firstPageOffset)) return;
    this.#places.add(firstPageOffset);
    this.#first = Math.min(this.#first, firstPageOffset);
    this.compressedBytes += compressedBytes;
    this.uncompressedBytes += uncompressedBytes;
  }
}

/**
 * Sorting columns by the output's leaves, up to the first one that is gone or was written anew: rows sorted by
 * (a, b, c) are sorted by (a, b), but without b not by (a, c).
 */
function remapSorting(sorting: readonly ThriftStruct[], chunks: readonly OutputChunk[]): ThriftStruct[] {
  const kept: ThriftStruct[] = [];
  for (const column of sorting) {
    const source = column.i32(SortingColumn.column_idx);
    const leaf = chunks.findIndex((chunk) => chunk.kind === "copied" && chunk.sourceLeaf === source);
    if (leaf < 0) break;
    kept.push(column.clone().setI32(SortingColumn.column_idx, leaf));
  }
  return kept;
}

function rawField(id: number, type: ThriftType, bytes: Uint8Array): FieldToWrite {
  return { id, type, write: (writer) => writer.raw(bytes) };
}

function fieldToWrite(id: number, type: ThriftType, value: ThriftValue): FieldToWrite {
  if (typeof value !== "boolean") return { id, type, write: (writer) => writer.value(type, value) };
  return { id, type: value ? thriftType.true : thriftType.false, write: () => undefined };
}

function structsField(id: number, structs: readonly ThriftStruct[]): FieldToWrite {
  return fieldToWrite(id, thriftType.list, { elementType: thriftType.struct, elements: [...structs] });
}

function writeStruct(writer: ThriftWriter, fields: readonly FieldToWrite[]): void {
  let previousId = 0;
  for (const { id, type, write } of fields) {
    writer.fieldHeader(previousId, id, type);
    write(writer);
    previousId = id;
  }
  writer.byte(thriftType.stop);
}
