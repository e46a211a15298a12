import type { WrittenChunk } from "../../src/parquet/values/column-data.ts";
import type { LeafColumn } from "../../src/parquet/leaf-type.ts";
import {
  ColumnChunk,
  ColumnMetaData,
  ColumnOrder,
  FieldRepetitionType,
  FileMetaData,
  OffsetIndex,
  PageLocation,
  RowGroup,
  SchemaElement,
} from "../../src/parquet/spec.ts";
import { leafElement } from "../../src/parquet/footer/schema-element.ts";
import { physicalTypes } from "../../src/parquet/footer/storage.ts";
import { encodeStruct } from "../../src/parquet/thrift/thrift-writer.ts";
import { ThriftStruct } from "../../src/parquet/thrift/thrift.ts";

export interface RowGroupOfChunks {
  readonly rows: number;
  readonly chunks: readonly WrittenChunk[];
}

const magic = new TextEncoder().encode("PAR1");

/** A whole Parquet file of chunks as `writeColumnChunk` gives them: the smallest footer that real readers take. */
export function fileOfChunks(
  schema: readonly ThriftStruct[],
  rowGroups: readonly RowGroupOfChunks[],
): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [magic];
  let position = magic.length;
  const append = (bytes: Uint8Array): number => {
    parts.push(bytes);
    position += bytes.length;
    return position - bytes.length;
  };
  const placed = rowGroups.map(({ rows, chunks }) => ({
    rows,
    chunks: chunks.map((chunk) => ({ chunk, base: append(chunk.bytes) })),
  }));
  const groups = placed.map(({ rows, chunks }) => {
    const columns = chunks.map(({ chunk, base }) => chunkStruct(chunk, base, append));
    const bytes = chunks.reduce((sum, { chunk }) => sum + chunk.bytes.length, 0);
    const uncompressed = chunks.reduce(
      (sum, { chunk }) => sum + (chunk.metadata.i64(ColumnMetaData.total_uncompressed_size) ?? 0),
      0,
    );
    return new ThriftStruct()
      .setStructs(RowGroup.columns, columns)
      .setI64(RowGroup.total_byte_size, uncompressed)
      .setI64(RowGroup.num_rows, rows)
      .setI64(RowGroup.total_compressed_size, bytes);
  });
  const leaves = schema.slice(1).filter((element) => !element.has(SchemaElement.num_children));
  const order = new ThriftStruct().setStruct(ColumnOrder.TYPE_ORDER, new ThriftStruct());
  const footer = encodeStruct(
    new ThriftStruct()
      .setI32(FileMetaData.version, 2)
      .setStructs(FileMetaData.schema, [...schema])
      .setI64(
        FileMetaData.num_rows,
        rowGroups.reduce((sum, group) => sum + group.rows, 0),
      )
      .setStructs(FileMetaData.row_groups, groups)
      .setString(FileMetaData.created_by, "colonnade test")
      .setStructs(
        FileMetaData.column_orders,
        leaves.map(() => order),
      ),
  );
  append(footer);
  const tail = new Uint8Array(8);
  new DataView(tail.buffer).setUint32(0, footer.length, true);
  tail.set(magic, 4);
  append(tail);
  const file = new Uint8Array(position);
  let at = 0;
  for (const part of parts) {
    file.set(part, at);
    at += part.length;
  }
  return file;
}

function chunkStruct(chunk: WrittenChunk, base: number, append: (bytes: Uint8Array) => number): ThriftStruct {
  const metadata = new ThriftStruct([...chunk.metadata.fields]);
  const moved = (id: number): void => {
    const offset = metadata.i64(id);
    if (offset !== undefined) metadata.setI64(id, offset + base);
  };
  moved(ColumnMetaData.data_page_offset);
  moved(ColumnMetaData.dictionary_page_offset);
  if (chunk.bloomFilter) metadata.setI64(ColumnMetaData.bloom_filter_offset, append(chunk.bloomFilter));
  const struct = new ThriftStruct()
    .setI64(ColumnChunk.file_offset, 0)
    .setStruct(ColumnChunk.meta_data, metadata);
  if (chunk.columnIndex) {
    struct.setI64(ColumnChunk.column_index_offset, append(chunk.columnIndex));
    struct.setI32(ColumnChunk.column_index_length, chunk.columnIndex.length);
  }
  if (chunk.offsetIndex) {
    const locations = chunk.offsetIndex.structs(OffsetIndex.page_locations) ?? [];
    const absolute = new ThriftStruct([...chunk.offsetIndex.fields]).setStructs(
      OffsetIndex.page_locations,
      locations.map((location) =>
        new ThriftStruct([...location.fields]).setI64(
          PageLocation.offset,
          base + (location.i64(PageLocation.offset) ?? 0),
        ),
      ),
    );
    const bytes = encodeStruct(absolute);
    struct.setI64(ColumnChunk.offset_index_offset, append(bytes));
    struct.setI32(ColumnChunk.offset_index_length, bytes.length);
  }
  return struct;
}

function group(name: string, children: number, repetition?: number): ThriftStruct {
  return new ThriftStruct()
    .setI32(SchemaElement.repetition_type, repetition)
    .setString(SchemaElement.name, name)
    .setI32(SchemaElement.num_children, children);
}

/**
 * The schema of one column: flat (maximum repetition level 0, definition level 0 or 1), or `repeated` as a field of its own
 * (1 and 1), or a three-level list of optional lists and elements (1 and 3).
 */
export function schemaOfColumn(column: LeafColumn): ThriftStruct[] {
  const { OPTIONAL, REPEATED } = FieldRepetitionType;
  const name = column.path.at(-1) ?? "value";
  const leaf = leafElement(name, column.type, { nullable: column.maxDefinitionLevel > 0 });
  leaf
    .setI32(SchemaElement.type, physicalTypes.indexOf(column.physicalType))
    .setI32(SchemaElement.type_length, column.typeLength);
  const root = group("schema", 1);
  if (column.maxRepetitionLevel === 0) return [root, leaf];
  if (column.maxDefinitionLevel === 1) {
    return [root, leaf.setI32(SchemaElement.repetition_type, REPEATED)];
  }
  const list = group(column.path[0] ?? "list", 1, OPTIONAL)
    .setI32(SchemaElement.converted_type, 3)
    .setStruct(SchemaElement.logicalType, new ThriftStruct().setStruct(3, new ThriftStruct()));
  return [root, list, group("list", 1, REPEATED), leaf];
}
