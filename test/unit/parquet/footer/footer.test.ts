import { describe, expect, test } from "vitest";
import { type ByteRange, chunkByteRange } from "../../../../src/parquet/footer/chunk-range.ts";
import { locateFooter, scanFooter } from "../../../../src/parquet/footer/footer.ts";
import type { LeafType } from "../../../../src/parquet/leaf-type.ts";
import {
  ColumnChunk,
  ColumnMetaData,
  FileMetaData,
  KeyValue,
  RowGroup,
  SortingColumn,
} from "../../../../src/parquet/spec.ts";
import { ThriftReader } from "../../../../src/parquet/thrift/thrift-reader.ts";
import { encodeStruct } from "../../../../src/parquet/thrift/thrift-writer.ts";
import { ThriftStruct, thriftType } from "../../../../src/parquet/thrift/thrift.ts";
import { chunkBytes, fileMetaData, footerOf, leaf, root, wideFooter } from "../../../support/build-footer.ts";
import { thrownCode } from "../../../support/thrown-code.ts";

const string: LeafType = { kind: "string" };
const threeLeaves = root(...["a", "b", "c"].map((name) => leaf("required", name, string)));

function withChunk(change: (chunk: ThriftStruct, metadata: ThriftStruct) => void): ThriftStruct {
  const metadata = fileMetaData(threeLeaves, [10]);
  const chunk = metadata.structs(FileMetaData.row_groups)?.[0]?.structs(RowGroup.columns)?.[1];
  const inner = chunk?.struct(ColumnChunk.meta_data);
  if (chunk !== undefined && inner !== undefined) change(chunk, inner);
  return metadata;
}

function tail(footerBytes: number, magic = "PAR1"): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32LE(footerBytes, 0);
  bytes.write(magic, 4, "latin1");
  return bytes;
}

describe("the end of an object", () => {
  test("says where the footer is, whatever comes before in the tail", () => {
    expect(locateFooter(tail(100), 1000)).toEqual({ footerStart: 892, footerBytes: 100 });
    expect(locateFooter(Buffer.concat([Buffer.alloc(50), tail(988)]), 1000)).toEqual({
      footerStart: 4,
      footerBytes: 988,
    });
  });

  test.each([
    ["OBJECT_TOO_SMALL", tail(0), 11],
    ["OBJECT_TOO_SMALL", Buffer.alloc(3), 1000],
    ["FOOTER_MAGIC", tail(10, "PAR2"), 1000],
    ["FOOTER_ENCRYPTED", tail(10, "PARE"), 1000],
    ["FOOTER_TRUNCATED", tail(989), 1000],
    ["FOOTER_TRUNCATED", tail(0xffff_ffff), 1000],
  ])("%s", (code, bytes, objectBytes) => {
    expect(thrownCode(() => locateFooter(bytes, objectBytes))).toBe(code);
  });
});

test("a footer of 5,000 columns and 100 row groups has every chunk at its place", () => {
  const columns = 5000;
  const rows = Array.from({ length: 100 }, (_, i) => i + 1);
  const footer = scanFooter(wideFooter(columns, rows));
  expect(footer.leaves.length).toBe(columns);
  expect(footer.rowGroups.map((rowGroup) => rowGroup.rows)).toEqual(rows);
  expect(footer.rows).toBe(5050);
  for (const [rowGroup, column] of [
    [0, 0],
    [0, 4999],
    [57, 1234],
    [99, 4999],
  ] as const) {
    const facts = footer.chunkFacts(rowGroup, column);
    const start = 4 + chunkBytes * (rowGroup * columns + column);
    expect(facts).toMatchObject({ dataPageOffset: start, numValues: rowGroup + 1, codec: "UNCOMPRESSED" });
    expect(facts.path).toEqual([`f${column}`]);
    expect(chunkByteRange(facts, 100_000_000)).toEqual({ start, end: start + chunkBytes });
    const { start: from, end } = footer.chunkSpan(rowGroup, column);
    expect(encodeStruct(new ThriftReader(footer.bytes, from).struct())).toEqual(
      footer.bytes.slice(from, end),
    );
  }
});

test("fields of the footer may come in any order, and unknown ones are kept as spans", () => {
  const metadata = fileMetaData(threeLeaves, [10, 20]);
  const unknown = { id: 4000, type: thriftType.true, value: true };
  const shuffled = new ThriftStruct([unknown, ...metadata.fields.toReversed()]);
  const footer = footerOf(shuffled);
  expect(footer.rows).toBe(30);
  expect(footer.fields.map((field) => field.id)).toEqual([4000, 4, 3, 2, 1]);
  expect(footer.chunkFacts(1, 2).path).toEqual(["c"]);
});

test("key-value metadata, creator, orders and sorting are decoded", () => {
  const metadata = fileMetaData(threeLeaves, [10]);
  const sorting = new ThriftStruct()
    .setI32(SortingColumn.column_idx, 2)
    .setBool(SortingColumn.descending, true)
    .setBool(SortingColumn.nulls_first, false);
  metadata.structs(FileMetaData.row_groups)?.[0]?.setStructs(RowGroup.sorting_columns, [sorting]);
  const order = new ThriftStruct().setStruct(1, new ThriftStruct());
  metadata
    .setStructs(FileMetaData.key_value_metadata, [
      new ThriftStruct().setString(KeyValue.key, "k").setString(KeyValue.value, "v"),
      new ThriftStruct().setString(KeyValue.key, "empty"),
      new ThriftStruct().setString(KeyValue.key, "raw").setBinary(KeyValue.value, Uint8Array.of(0xff)),
    ])
    .setString(FileMetaData.created_by, "test")
    .setStructs(FileMetaData.column_orders, [order, order, order]);
  const footer = footerOf(metadata);
  expect(footer.keyValueMetadata).toEqual([
    ["k", "v"],
    ["empty", undefined],
    ["raw", "\uFFFD"],
  ]);
  expect(footer.createdBy).toBe("test");
  expect(footer.columnOrders?.length).toBe(3);
  expect(footer.rowGroups[0]?.sortingColumns).toEqual([{ column: 2, descending: true, nullsFirst: false }]);
  expect(footerOf(metadata.setStructs(FileMetaData.column_orders, [order])).columnOrders).toBeUndefined();
});

describe("what a scan refuses", () => {
  const crypto = new ThriftStruct().setStruct(1, new ThriftStruct());

  test.each([
    ["COLUMN_ENCRYPTED", withChunk((chunk) => chunk.setStruct(ColumnChunk.crypto_metadata, crypto))],
    [
      "COLUMN_ENCRYPTED",
      withChunk((chunk) => chunk.setBinary(ColumnChunk.encrypted_column_metadata, new Uint8Array(1))),
    ],
    ["CHUNK_EXTERNAL", withChunk((chunk) => chunk.setString(ColumnChunk.file_path, "part-0.parquet"))],
    ["FOOTER_MALFORMED", withChunk((chunk) => chunk.setStruct(ColumnChunk.meta_data, undefined))],
    ["FOOTER_ENCRYPTED", fileMetaData(threeLeaves, [1]).setStruct(FileMetaData.encryption_algorithm, crypto)],
    ["FOOTER_MALFORMED", fileMetaData(threeLeaves, [1]).setI64(FileMetaData.num_rows, undefined)],
    ["FOOTER_MALFORMED", fileMetaData(threeLeaves, [1]).setI64(FileMetaData.num_rows, -1)],
    ["FOOTER_MALFORMED", fileMetaData(threeLeaves, [1]).set(FileMetaData.row_groups, 0, undefined)],
    ["FOOTER_MALFORMED", fileMetaData(threeLeaves, [1]).set(FileMetaData.schema, 0, undefined)],
    [
      "FOOTER_MALFORMED",
      fileMetaData(threeLeaves, [1]).setStructs(
        FileMetaData.schema,
        threeLeaves.slice(0, 3).with(0, threeLeaves[0]?.clone().setI32(5, 2) as ThriftStruct),
      ),
    ],
    [
      "THRIFT_MALFORMED",
      fileMetaData(threeLeaves, [1]).setStructs(FileMetaData.schema, [
        new ThriftStruct().setBinary(4, Uint8Array.of(0xc3)),
      ]),
    ],
  ])("%s", (code, metadata) => {
    expect(thrownCode(() => scanFooter(encodeStruct(metadata)))).toBe(code);
  });

  test("an empty file path is the same object", () => {
    const metadata = withChunk((chunk) => chunk.setString(ColumnChunk.file_path, ""));
    expect(scanFooter(encodeStruct(metadata)).rows).toBe(10);
  });

  test("more chunks claimed than bytes", () => {
    const claims = new Uint8Array(20_000);
    const schema = encodeStruct(new ThriftStruct().setStructs(FileMetaData.schema, threeLeaves)).slice(0, -1);
    claims.set(schema);
    claims.set([0x29, 0xfc, 0x90, 0x4e], schema.length); // row_groups: a list of 10,000 structs
    expect(thrownCode(() => scanFooter(claims))).toBe("THRIFT_MALFORMED");
  });
});

describe("what the facts of a chunk refuse", () => {
  test.each([
    ["CODEC_UNKNOWN", withChunk((_, metadata) => metadata.setI32(ColumnMetaData.codec, 99))],
    ["CHUNK_MALFORMED", withChunk((_, metadata) => metadata.setI64(ColumnMetaData.num_values, 9))],
    ["CHUNK_MALFORMED", withChunk((_, metadata) => metadata.setI32(ColumnMetaData.type, 1))],
    ["CHUNK_MALFORMED", withChunk((_, metadata) => metadata.setI64(ColumnMetaData.data_page_offset, -4))],
    [
      "CHUNK_MALFORMED",
      withChunk((_, metadata) => metadata.setI64(ColumnMetaData.total_compressed_size, undefined)),
    ],
    [
      "THRIFT_MALFORMED",
      withChunk((_, metadata) => metadata.setI64(ColumnMetaData.data_page_offset, 2n ** 60n)),
    ],
  ])("%s", (code, metadata) => {
    const footer = footerOf(metadata);
    expect(thrownCode(() => footer.chunkFacts(0, 1))).toBe(code);
    expect(footer.chunkFacts(0, 0).numValues).toBe(10);
  });
});

function rangeOf(change: (metadata: ThriftStruct) => void, objectBytes = 10_000): ByteRange {
  const footer = footerOf(withChunk((_, metadata) => change(metadata)));
  return chunkByteRange(footer.chunkFacts(0, 1), objectBytes);
}

function offsets(data: number, dictionary: number, compressedBytes = chunkBytes) {
  return (metadata: ThriftStruct) =>
    metadata
      .setI64(ColumnMetaData.data_page_offset, data)
      .setI64(ColumnMetaData.dictionary_page_offset, dictionary)
      .setI64(ColumnMetaData.total_compressed_size, compressedBytes);
}

describe("the bytes of a chunk", () => {
  test.each([
    ["begin at the dictionary", 150, 104, 104],
    ["begin at the data when the dictionary's offset is 0", 104, 0, 104],
    ["begin at the data when the dictionary's offset is behind it", 104, 150, 104],
    ["begin at the dictionary when there are no data pages", 0, 104, 104],
  ])("%s", (_, data, dictionary, start) => {
    expect(rangeOf(offsets(data, dictionary))).toEqual({ start, end: start + chunkBytes });
  });

  test("are none of a chunk without bytes, wherever it claims to be", () => {
    const empty = offsets(0, 0, 0);
    expect(rangeOf(empty)).toEqual({ start: 0, end: 0 });
  });

  test("must lie between the magic and the footer", () => {
    const footerBytes = encodeStruct(withChunk(() => undefined)).length;
    const end = 4 + 2 * chunkBytes;
    expect(rangeOf(() => undefined, end + footerBytes + 8)).toEqual({ start: 104, end });
    expect(thrownCode(() => rangeOf(() => undefined, end + footerBytes + 7))).toBe("CHUNK_OUT_OF_BOUNDS");
    expect(thrownCode(() => rangeOf(offsets(3, 0)))).toBe("CHUNK_OUT_OF_BOUNDS");
  });

  test.each([
    ["parquet-mr version 1.2.8", 100],
    ["parquet-mr", 100],
    ["parquet-mr version 1.2.9 (build x)", 0],
    ["parquet-mr version 1.12.0", 0],
    ["parquet-cpp-arrow version 1.0.0", 0],
    [undefined, 0],
  ])("of %s are longer by %i than it says", (createdBy, slackBytes) => {
    const metadata = fileMetaData(threeLeaves, [10]).setString(FileMetaData.created_by, createdBy);
    const range = chunkByteRange(footerOf(metadata).chunkFacts(0, 0), 10_000);
    expect(range).toEqual({ start: 4, end: 4 + chunkBytes + slackBytes });
  });
});
