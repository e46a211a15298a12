import type { ChunkFacts } from "../parquet/footer/chunk-facts.ts";
import { chunkByteRange } from "../parquet/footer/chunk-range.ts";
import { codecs } from "../parquet/values/column-data.ts";
import type { Footer } from "../parquet/footer/footer.ts";
import type { LeafColumn } from "../parquet/leaf-type.ts";
import type { Repetition } from "../parquet/footer/schema-tree.ts";
import {
  ColumnChunk,
  ColumnMetaData,
  FieldRepetitionType,
  FileMetaData,
  RowGroup,
  SchemaElement,
} from "../parquet/spec.ts";
import { physicalTypes } from "../parquet/footer/storage.ts";
import { encodeStruct } from "../parquet/thrift/thrift-writer.ts";
import { ThriftStruct, thriftType } from "../parquet/thrift/thrift.ts";
import { readRange } from "../dataset/read-object.ts";
import type { OpenObject } from "./open-object.ts";

/**
 * One column chunk as a Parquet file of its own, for the second reader: whatever the size of the object, one chunk is in memory, and
 * nothing of our decoders is between. It keeps the repetitions of the elements around the leaf and its physical type, and
 * leaves out every annotation, so that what is read is what is stored: what it means is said in `logical-values.ts`. INT96 goes as
 * twelve bytes, which it is.
 */
export interface SingleColumn {
  readonly file: Uint8Array;
  readonly column: LeafColumn;
  /** Of the elements from below the root to the leaf. */
  readonly repetitions: readonly Repetition[];
  readonly rows: number;
}

const magic = Uint8Array.of(0x50, 0x41, 0x52, 0x31);
const repetitionNumbers = {
  required: FieldRepetitionType.REQUIRED,
  optional: FieldRepetitionType.OPTIONAL,
  repeated: FieldRepetitionType.REPEATED,
} as const;

/** Reads a chunk of an object. Throws as `chunkFacts`, `chunkByteRange` and `readRange` do. */
export async function readSingleColumn(
  object: OpenObject,
  footer: Footer,
  rowGroup: number,
  leafIndex: number,
): Promise<SingleColumn> {
  const facts = footer.chunkFacts(rowGroup, leafIndex);
  const leaf = footer.leaves[leafIndex];
  const { start, end } = chunkByteRange(facts, object.bytes);
  const chunk = await readRange(object, start, end, object.signal);
  const { column } = facts.context.leaf === leaf?.column ? leaf : { column: facts.context.leaf };
  const repetitions = leaf?.repetitions ?? [];
  const rows = facts.context.rows;
  return {
    file: frame(chunk, encodeFooter(facts, start, column, repetitions, rows)),
    column,
    repetitions,
    rows,
  };
}

function frame(chunk: Uint8Array, footer: Uint8Array): Uint8Array {
  const file = new Uint8Array(4 + chunk.length + footer.length + 8);
  file.set(magic, 0);
  file.set(chunk, 4);
  file.set(footer, 4 + chunk.length);
  new DataView(file.buffer).setUint32(file.length - 8, footer.length, true);
  file.set(magic, file.length - 4);
  return file;
}

function encodeFooter(
  facts: ChunkFacts,
  chunkStart: number,
  column: LeafColumn,
  repetitions: readonly Repetition[],
  rows: number,
): Uint8Array {
  // Names do not matter and may be anything: positions do.
  const path = repetitions.map((_, i) => `e${i}`);
  const physicalType = column.physicalType === "INT96" ? "FIXED_LEN_BYTE_ARRAY" : column.physicalType;
  const elements = repetitions.map((repetition, i) => {
    const element = new ThriftStruct();
    const isLeaf = i === repetitions.length - 1;
    if (isLeaf) {
      const length = column.physicalType === "INT96" ? 12 : column.typeLength;
      element.setI32(SchemaElement.type, physicalTypes.indexOf(physicalType));
      element.setI32(SchemaElement.type_length, length);
    }
    element
      .setI32(SchemaElement.repetition_type, repetitionNumbers[repetition])
      .setString(SchemaElement.name, path[i] ?? "");
    return isLeaf ? element : element.setI32(SchemaElement.num_children, 1);
  });
  const root = new ThriftStruct().setString(SchemaElement.name, "r").setI32(SchemaElement.num_children, 1);
  const place = (offset: number): bigint => BigInt(offset - chunkStart + 4);
  const { dictionaryPageOffset = 0, dataPageOffset } = facts;
  // A dictionary after the data is an old writers' error, as in `chunkByteRange`.
  const hasDictionary = dictionaryPageOffset > 0 && dictionaryPageOffset < dataPageOffset;
  const metadata = new ThriftStruct()
    .setI32(ColumnMetaData.type, physicalTypes.indexOf(physicalType))
    .set(ColumnMetaData.encodings, thriftType.list, {
      elementType: thriftType.i32,
      elements: [...facts.encodings],
    })
    .set(ColumnMetaData.path_in_schema, thriftType.list, {
      elementType: thriftType.binary,
      elements: path.map((name) => new Uint8Array(Buffer.from(name))),
    })
    .setI32(ColumnMetaData.codec, codecs.indexOf(facts.codec))
    .set(ColumnMetaData.num_values, thriftType.i64, BigInt(facts.numValues))
    .set(ColumnMetaData.total_uncompressed_size, thriftType.i64, BigInt(facts.totalUncompressedBytes))
    .set(ColumnMetaData.total_compressed_size, thriftType.i64, BigInt(facts.totalCompressedBytes))
    .set(ColumnMetaData.data_page_offset, thriftType.i64, place(dataPageOffset))
    .set(
      ColumnMetaData.dictionary_page_offset,
      thriftType.i64,
      hasDictionary ? place(dictionaryPageOffset) : undefined,
    );
  const chunk = new ThriftStruct()
    .set(ColumnChunk.file_offset, thriftType.i64, 0n)
    .setStruct(ColumnChunk.meta_data, metadata);
  const rowGroup = new ThriftStruct()
    .set(RowGroup.columns, thriftType.list, { elementType: thriftType.struct, elements: [chunk] })
    .set(RowGroup.total_byte_size, thriftType.i64, BigInt(facts.totalUncompressedBytes))
    .set(RowGroup.num_rows, thriftType.i64, BigInt(rows));
  return encodeStruct(
    new ThriftStruct()
      .setI32(FileMetaData.version, 1)
      .set(FileMetaData.schema, thriftType.list, {
        elementType: thriftType.struct,
        elements: [root, ...elements],
      })
      .set(FileMetaData.num_rows, thriftType.i64, BigInt(rows))
      .set(FileMetaData.row_groups, thriftType.list, {
        elementType: thriftType.struct,
        elements: [rowGroup],
      }),
  );
}
