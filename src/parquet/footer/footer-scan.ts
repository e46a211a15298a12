import { ColonnadeError } from "../../base/errors.ts";
import {
  flattenLeaves,
  type LeafNode,
  readSchemaTree,
  schemaElementsMax,
  type StructNode,
} from "./schema-tree.ts";
import { ColumnChunk, FileMetaData, KeyValue as KeyValueField, RowGroup, SortingColumn } from "../spec.ts";
import { skipValue } from "../thrift/thrift-skip.ts";
import { ThriftReader } from "../thrift/thrift-reader.ts";
import { type ThriftStruct, type ThriftType, thriftType } from "../thrift/thrift.ts";

/** A field of FileMetaData: `start` is after its header, `end` after its value, in the footer's bytes. */
export interface FieldSpan {
  readonly id: number;
  readonly type: ThriftType;
  readonly start: number;
  readonly end: number;
}

/** `start` to `end` is the RowGroup struct, `columnsEnd` is after its list of columns, in the footer's bytes. */
export interface RowGroupFacts {
  readonly start: number;
  readonly end: number;
  readonly columnsEnd: number;
  readonly rows: number;
  /** Uncompressed bytes, as written (some writers put compressed ones). */
  readonly totalBytes: number;
  readonly totalCompressedBytes: number | undefined;
  readonly fileOffset: number | undefined;
  readonly sortingColumns: readonly SortedBy[];
}

export interface SortedBy {
  /** Index of a leaf. */
  readonly column: number;
  readonly descending: boolean;
  readonly nullsFirst: boolean;
}

/** A key and its value as text. Bytes that are not UTF-8 show as U+FFFD here and are still carried as they are. */
export type KeyValue = readonly [key: string, value: string | undefined];

export interface ScannedFooter {
  readonly version: number;
  readonly schema: readonly ThriftStruct[];
  readonly tree: StructNode;
  readonly leaves: readonly LeafNode[];
  readonly declaredRows: number;
  readonly rowGroups: readonly RowGroupFacts[];
  readonly keyValueStructs: readonly ThriftStruct[];
  readonly keyValueMetadata: readonly KeyValue[];
  readonly createdBy: string | undefined;
  readonly columnOrders: readonly ThriftStruct[] | undefined;
  readonly fields: readonly FieldSpan[];
  /** Where every ColumnChunk begins, row group by row group. */
  readonly chunkStarts: Uint32Array;
}

/** More than these are hostile: Parquet's own ordinal of a row group has 16 bits. */
const rowGroupsMax = 250_000;
const keyValuesMax = 100_000;
const topLevelFieldsMax = 1_000;

/**
 * Of the footer before: the objects of a dataset mostly have one schema, byte for byte, and to understand it is most of what a small
 * footer costs. Nothing of it is ever changed in place.
 */
let lastSchema:
  | {
      readonly bytes: Uint8Array;
      readonly schema: ThriftStruct[];
      readonly tree: StructNode;
      readonly leaves: LeafNode[];
    }
  | undefined;

/** See `scanFooter`. */
export function scan(bytes: Uint8Array): ScannedFooter {
  return new FooterScan(bytes).read();
}

function malformed(message: string, details: Record<string, unknown>): ColonnadeError {
  return new ColonnadeError("data", "FOOTER_MALFORMED", message, details);
}

class FooterScan {
  readonly #bytes: Uint8Array;
  /** One for everything that is decoded, so that all of it together stays under the reader's limit of values. */
  readonly #reader: ThriftReader;
  readonly #fields: FieldSpan[] = [];
  #schema: ThriftStruct[] = [];
  #tree: StructNode | undefined;
  #leaves: LeafNode[] = [];
  #rowGroups: RowGroupFacts[] | undefined;
  #chunkStarts = new Uint32Array(0);

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#reader = new ThriftReader(bytes);
  }

  read(): ScannedFooter {
    this.#readFields();
    if (this.#tree === undefined) throw malformed("the footer has no schema", {});
    if (this.#rowGroups === undefined) {
      // Fields may come in any order, and row groups are checked against the schema.
      this.#reader.position = this.#span(FileMetaData.row_groups, thriftType.list)?.start ?? NaN;
      if (Number.isNaN(this.#reader.position)) throw malformed("the footer has no row groups", {});
      this.#readRowGroups();
    }
    if (this.#span(FileMetaData.encryption_algorithm, thriftType.struct) !== undefined) {
      throw new ColonnadeError("data", "FOOTER_ENCRYPTED", "the footer is that of an encrypted object", {});
    }
    const keyValueStructs = this.#structs(FileMetaData.key_value_metadata, keyValuesMax) ?? [];
    const columnOrders = this.#structs(FileMetaData.column_orders, schemaElementsMax);
    return {
      version: this.#integer(FileMetaData.version, thriftType.i32),
      schema: this.#schema,
      tree: this.#tree,
      leaves: this.#leaves,
      declaredRows: this.#integer(FileMetaData.num_rows, thriftType.i64),
      rowGroups: this.#rowGroups ?? [],
      keyValueStructs,
      keyValueMetadata: keyValueStructs.map((entry) => [
        lenientText(entry.binary(KeyValueField.key)) ?? "",
        lenientText(entry.binary(KeyValueField.value)),
      ]),
      createdBy: this.#createdBy(),
      columnOrders: columnOrders?.length === this.#leaves.length ? columnOrders : undefined,
      fields: this.#fields,
      chunkStarts: this.#chunkStarts,
    };
  }

  #readFields(): void {
    const reader = this.#reader;
    let id = 0;
    for (let header = reader.fieldHeader(0); header !== undefined; header = reader.fieldHeader(id)) {
      id = header.id;
      if (this.#fields.some((field) => field.id === id))
        throw malformed("the footer has a field twice", { id });
      if (this.#fields.length === topLevelFieldsMax) throw malformed("the footer has too many fields", {});
      const start = reader.position;
      if (id === FileMetaData.schema) this.#readSchema(header.type);
      else if (
        id === FileMetaData.row_groups &&
        header.type === thriftType.list &&
        this.#tree !== undefined
      ) {
        this.#readRowGroups();
      } else reader.skipField(header.type);
      this.#fields.push({ id, type: header.type, start, end: reader.position });
    }
  }

  #readSchema(type: ThriftType): void {
    const start = this.#reader.position;
    if (lastSchema !== undefined && this.#begins(lastSchema.bytes, start)) {
      // Thrift says itself where it ends, so what begins with the same bytes is the same.
      this.#reader.position = start + lastSchema.bytes.length;
    } else {
      const schema = this.#readStructs(type, schemaElementsMax, FileMetaData.schema);
      const tree = readSchemaTree(schema);
      const bytes = this.#bytes.slice(start, this.#reader.position);
      lastSchema = { bytes, schema, tree, leaves: flattenLeaves(tree) };
    }
    ({ schema: this.#schema, tree: this.#tree, leaves: this.#leaves } = lastSchema);
  }

  #begins(bytes: Uint8Array, start: number): boolean {
    const here = this.#bytes.subarray(start, start + bytes.length);
    return here.length === bytes.length && Buffer.compare(here, bytes) === 0;
  }

  #readRowGroups(): void {
    const reader = this.#reader;
    const { elementType, count } = reader.listHeader();
    if (count > 0 && elementType !== thriftType.struct)
      throw malformed("row groups are no structs", { elementType });
    if (count > rowGroupsMax) throw malformed("the footer has too many row groups", { count, rowGroupsMax });
    // A chunk takes more than a byte, so this array is never more than four times the footer.
    this.#chunkStarts = new Uint32Array(reader.count(count * this.#leaves.length));
    this.#rowGroups = [];
    for (let rowGroup = 0; rowGroup < count; rowGroup += 1)
      this.#rowGroups.push(this.#readRowGroup(rowGroup));
  }

  #readRowGroup(rowGroup: number): RowGroupFacts {
    const reader = this.#reader;
    const start = reader.position;
    const numbers: (number | undefined)[] = [];
    let columnsEnd: number | undefined;
    let sortingColumns: SortedBy[] = [];
    let id = 0;
    for (let header = reader.fieldHeader(0); header !== undefined; header = reader.fieldHeader(id)) {
      id = header.id;
      switch (id) {
        case RowGroup.columns:
          if (columnsEnd !== undefined) throw malformed("a row group has its columns twice", { rowGroup });
          this.#readColumns(rowGroup, header.type);
          columnsEnd = reader.position;
          break;
        case RowGroup.total_byte_size:
        case RowGroup.num_rows:
        case RowGroup.file_offset:
        case RowGroup.total_compressed_size:
          numbers[id] = this.#size(header.type, id);
          break;
        case RowGroup.sorting_columns:
          sortingColumns = this.#readStructs(header.type, this.#leaves.length, id).map(sortedBy);
          break;
        default:
          reader.skipField(header.type);
      }
    }
    const rows = numbers[RowGroup.num_rows];
    if (columnsEnd === undefined || rows === undefined)
      throw malformed("a row group lacks a field", { rowGroup });
    return {
      start,
      end: reader.position,
      columnsEnd,
      rows,
      totalBytes: numbers[RowGroup.total_byte_size] ?? 0,
      totalCompressedBytes: numbers[RowGroup.total_compressed_size],
      fileOffset: numbers[RowGroup.file_offset],
      sortingColumns,
    };
  }

  #readColumns(rowGroup: number, type: ThriftType): void {
    const reader = this.#reader;
    if (type !== thriftType.list) throw malformed("a row group's columns are no list", { rowGroup });
    const { elementType, count } = reader.listHeader();
    if (count !== this.#leaves.length || (count > 0 && elementType !== thriftType.struct)) {
      throw malformed("a row group has another number of columns than the schema has leaves", {
        rowGroup,
        columns: count,
        leaves: this.#leaves.length,
      });
    }
    const first = rowGroup * count;
    for (let column = 0; column < count; column += 1) {
      this.#chunkStarts[first + column] = reader.position;
      this.#passColumnChunk(rowGroup, column);
    }
  }

  /** Moves past a ColumnChunk, seeing only what makes the whole object unusable for us. */
  #passColumnChunk(rowGroup: number, column: number): void {
    const reader = this.#reader;
    const bytes = this.#bytes;
    let hasMetadata = false;
    let id = 0;
    for (let header = reader.byte(); header !== 0; header = reader.byte()) {
      id = header < 0x10 ? reader.zigzag32() : id + (header >>> 4);
      const type = header & 0x0f;
      if (type === thriftType.stop) break;
      if (id === ColumnChunk.meta_data) hasMetadata = type === thriftType.struct;
      else if (id === ColumnChunk.crypto_metadata || id === ColumnChunk.encrypted_column_metadata) {
        throw new ColonnadeError(
          "data",
          "COLUMN_ENCRYPTED",
          "a column is encrypted",
          this.#where(rowGroup, column),
        );
      } else if (id === ColumnChunk.file_path && bytes[reader.position] !== 0) {
        throw new ColonnadeError(
          "data",
          "CHUNK_EXTERNAL",
          "a column chunk's data are in another object",
          this.#where(rowGroup, column),
        );
      }
      if (type > thriftType.false) reader.position = skipValue(bytes, reader.position, type, 2);
    }
    if (!hasMetadata) throw malformed("a column chunk has no metadata", this.#where(rowGroup, column));
  }

  #where(rowGroup: number, column: number): Record<string, unknown> {
    return { rowGroup, column: this.#leaves[column]?.column.path.join(".") };
  }

  #span(id: number, type: ThriftType): FieldSpan | undefined {
    const span = this.#fields.find((field) => field.id === id);
    if (span !== undefined && span.type !== type) throw malformed("a field has another type", { id });
    return span;
  }

  #integer(id: number, type: ThriftType): number {
    const span = this.#span(id, type);
    if (span === undefined) throw malformed("the footer lacks a field", { id });
    this.#reader.position = span.start;
    return this.#size(type, id);
  }

  #size(type: ThriftType, id: number): number {
    if (type !== thriftType.i64 && type !== thriftType.i32) throw malformed("a field is no integer", { id });
    const value = this.#reader.safeInteger();
    if (value < 0) throw malformed("a count or size is negative", { id, value });
    return value;
  }

  #createdBy(): string | undefined {
    const span = this.#span(FileMetaData.created_by, thriftType.binary);
    if (span === undefined) return undefined;
    this.#reader.position = span.start;
    return lenientText(this.#reader.take(this.#reader.varint32()));
  }

  #structs(id: number, countMax: number): ThriftStruct[] | undefined {
    const span = this.#span(id, thriftType.list);
    if (span === undefined) return undefined;
    this.#reader.position = span.start;
    return this.#readStructs(span.type, countMax, id);
  }

  #readStructs(type: ThriftType, countMax: number, id: number): ThriftStruct[] {
    if (type !== thriftType.list) throw malformed("a field is no list", { id });
    const { elementType, count } = this.#reader.listHeader();
    if (count > 0 && elementType !== thriftType.struct) throw malformed("a list holds no structs", { id });
    if (count > countMax) throw malformed("a list is too long", { id, count, countMax });
    const structs: ThriftStruct[] = [];
    for (let i = 0; i < count; i += 1) structs.push(this.#reader.struct(1));
    return structs;
  }
}

const lenient = new TextDecoder("utf-8", { ignoreBOM: true });

function lenientText(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : lenient.decode(bytes);
}

function sortedBy(sorting: ThriftStruct): SortedBy {
  return {
    column: sorting.i32(SortingColumn.column_idx) ?? -1,
    descending: sorting.bool(SortingColumn.descending) ?? false,
    nullsFirst: sorting.bool(SortingColumn.nulls_first) ?? false,
  };
}
