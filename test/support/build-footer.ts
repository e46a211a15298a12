import { scanFooter, type Footer } from "../../src/parquet/footer/footer.ts";
import type { LeafType } from "../../src/parquet/leaf-type.ts";
import { flattenLeaves, readSchemaTree } from "../../src/parquet/footer/schema-tree.ts";
import {
  ColumnChunk,
  ColumnMetaData,
  ConvertedType,
  Encoding,
  FieldRepetitionType,
  FileMetaData,
  RowGroup,
  SchemaElement,
  Statistics,
  Type,
} from "../../src/parquet/spec.ts";
import { annotate } from "../../src/parquet/footer/schema-element.ts";
import { physicalTypes, storageOf } from "../../src/parquet/footer/storage.ts";
import { encodeStruct, ThriftWriter } from "../../src/parquet/thrift/thrift-writer.ts";
import { ThriftStruct, thriftType } from "../../src/parquet/thrift/thrift.ts";

type Repetition = "required" | "optional" | "repeated";

const repetitionTypes: Record<Repetition, number> = {
  required: FieldRepetitionType.REQUIRED,
  optional: FieldRepetitionType.OPTIONAL,
  repeated: FieldRepetitionType.REPEATED,
};

/** A leaf's element followed by nothing, or a group's followed by its children: flat lists nest by spreading. */
export function leaf(repetition: Repetition, name: string, type: LeafType): ThriftStruct[] {
  const { physicalType, typeLength } = storageOf(type);
  const element = new ThriftStruct()
    .setI32(SchemaElement.type, physicalTypes.indexOf(physicalType))
    .setI32(SchemaElement.type_length, typeLength)
    .setI32(SchemaElement.repetition_type, repetitionTypes[repetition])
    .setString(SchemaElement.name, name);
  return [annotate(element, type)];
}

export function group(
  repetition: Repetition,
  name: string,
  annotation: "LIST" | "MAP" | "MAP_KEY_VALUE" | undefined,
  ...children: ThriftStruct[][]
): ThriftStruct[] {
  const element = new ThriftStruct()
    .setI32(SchemaElement.repetition_type, repetitionTypes[repetition])
    .setString(SchemaElement.name, name)
    .setI32(SchemaElement.num_children, children.length)
    .setI32(SchemaElement.converted_type, annotation === undefined ? undefined : ConvertedType[annotation]);
  return [element, ...children.flat()];
}

export function root(...children: ThriftStruct[][]): ThriftStruct[] {
  const element = new ThriftStruct()
    .setString(SchemaElement.name, "schema")
    .setI32(SchemaElement.num_children, children.length);
  return [element, ...children.flat()];
}

export const chunkBytes = 100;

/** FileMetaData over a schema: every chunk has `chunkBytes` bytes, one after the other from the magic on. */
export function fileMetaData(schema: ThriftStruct[], rowsOfGroups: readonly number[]): ThriftStruct {
  const leaves = flattenLeaves(readSchemaTree(schema));
  const encoder = new TextEncoder();
  let offset = 4;
  const rowGroups = rowsOfGroups.map((rows) => {
    const columns = leaves.map(({ column }) => {
      const metadata = new ThriftStruct()
        .setI32(ColumnMetaData.type, physicalTypes.indexOf(column.physicalType))
        .set(ColumnMetaData.encodings, thriftType.list, {
          elementType: thriftType.i32,
          elements: [Encoding.PLAIN, Encoding.RLE],
        })
        .set(ColumnMetaData.path_in_schema, thriftType.list, {
          elementType: thriftType.binary,
          elements: column.path.map((name) => encoder.encode(name)),
        })
        .setI32(ColumnMetaData.codec, 0)
        .setI64(ColumnMetaData.num_values, rows)
        .setI64(ColumnMetaData.total_uncompressed_size, 2 * chunkBytes)
        .setI64(ColumnMetaData.total_compressed_size, chunkBytes)
        .setI64(ColumnMetaData.data_page_offset, offset)
        .setStruct(
          ColumnMetaData.statistics,
          new ThriftStruct()
            .setI64(Statistics.null_count, 0)
            .setBinary(Statistics.max_value, encoder.encode("z"))
            .setBinary(Statistics.min_value, encoder.encode("a")),
        );
      offset += chunkBytes;
      return new ThriftStruct().setI64(ColumnChunk.file_offset, 0).setStruct(ColumnChunk.meta_data, metadata);
    });
    return new ThriftStruct()
      .setStructs(RowGroup.columns, columns)
      .setI64(RowGroup.total_byte_size, 2 * chunkBytes * leaves.length)
      .setI64(RowGroup.num_rows, rows);
  });
  return new ThriftStruct()
    .setI32(FileMetaData.version, 2)
    .setStructs(FileMetaData.schema, schema)
    .setI64(
      FileMetaData.num_rows,
      rowsOfGroups.reduce((sum, rows) => sum + rows, 0),
    )
    .setStructs(FileMetaData.row_groups, rowGroups);
}

/**
 * The bytes of a footer of `columns` nullable float64 leaves `f0`, `f1`, … and as many row groups as `rowsOfGroups` has,
 * laid out as {@link fileMetaData} does, without a tree of half a million chunks.
 */
export function wideFooter(columns: number, rowsOfGroups: readonly number[]): Uint8Array<ArrayBuffer> {
  const type: LeafType = { kind: "float", bits: 64 };
  const schema = root(...Array.from({ length: columns }, (_, i) => leaf("optional", `f${i}`, type)));
  const head = encodeStruct(
    new ThriftStruct()
      .setI32(FileMetaData.version, 2)
      .setStructs(FileMetaData.schema, schema)
      .setI64(
        FileMetaData.num_rows,
        rowsOfGroups.reduce((sum, rows) => sum + rows, 0),
      ),
  );
  const writer = new ThriftWriter(columns * rowsOfGroups.length * 48);
  writer.raw(head.subarray(0, -1));
  writer.fieldHeader(FileMetaData.num_rows, FileMetaData.row_groups, thriftType.list);
  writer.listHeader(thriftType.struct, rowsOfGroups.length);
  const names = Array.from({ length: columns }, (_, i) => new TextEncoder().encode(`f${i}`));
  let offset = 4;
  for (const rows of rowsOfGroups) {
    writer.fieldHeader(0, RowGroup.columns, thriftType.list);
    writer.listHeader(thriftType.struct, columns);
    for (const name of names) {
      writeWideChunk(writer, name, rows, offset);
      offset += chunkBytes;
    }
    writeI64(writer, RowGroup.columns, RowGroup.total_byte_size, 2 * chunkBytes * columns);
    writeI64(writer, RowGroup.total_byte_size, RowGroup.num_rows, rows);
    writer.byte(thriftType.stop);
  }
  writer.byte(thriftType.stop);
  return writer.finish();
}

function writeWideChunk(writer: ThriftWriter, name: Uint8Array, rows: number, offset: number): void {
  writeI64(writer, 0, ColumnChunk.file_offset, 0);
  writer.fieldHeader(ColumnChunk.file_offset, ColumnChunk.meta_data, thriftType.struct);
  writeI32(writer, 0, ColumnMetaData.type, Type.DOUBLE);
  writer.fieldHeader(ColumnMetaData.type, ColumnMetaData.encodings, thriftType.list);
  writer.value(thriftType.list, { elementType: thriftType.i32, elements: [Encoding.PLAIN] });
  writer.fieldHeader(ColumnMetaData.encodings, ColumnMetaData.path_in_schema, thriftType.list);
  writer.value(thriftType.list, { elementType: thriftType.binary, elements: [name] });
  writeI32(writer, ColumnMetaData.path_in_schema, ColumnMetaData.codec, 0);
  writeI64(writer, ColumnMetaData.codec, ColumnMetaData.num_values, rows);
  writeI64(writer, ColumnMetaData.num_values, ColumnMetaData.total_uncompressed_size, 2 * chunkBytes);
  writeI64(writer, ColumnMetaData.total_uncompressed_size, ColumnMetaData.total_compressed_size, chunkBytes);
  writeI64(writer, ColumnMetaData.total_compressed_size, ColumnMetaData.data_page_offset, offset);
  writer.byte(thriftType.stop);
  writer.byte(thriftType.stop);
}

function writeI64(writer: ThriftWriter, previousId: number, id: number, value: number): void {
  writer.fieldHeader(previousId, id, thriftType.i64);
  writer.zigzag64(BigInt(value));
}

function writeI32(writer: ThriftWriter, previousId: number, id: number, value: number): void {
  writer.fieldHeader(previousId, id, thriftType.i32);
  writer.zigzag32(value);
}

export function footerOf(metadata: ThriftStruct): Footer {
  return scanFooter(encodeStruct(metadata));
}
