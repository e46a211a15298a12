import { describe, expect, test } from "vitest";
import {
  decodeOffsetIndex,
  encodeOffsetIndex,
  pagePlaces,
  relocateOffsetIndex,
} from "../../../../src/parquet/indexes/page-index.ts";
import { OffsetIndex, PageLocation } from "../../../../src/parquet/spec.ts";
import { ThriftStruct, thriftType } from "../../../../src/parquet/thrift/thrift.ts";
import { corpusFiles } from "../../../support/corpus.ts";
import { readFileFooter } from "../../../support/corpus-footer.ts";
import { thrownCode } from "../../../support/thrown-code.ts";

function page(offset: number, compressedBytes: number, firstRow: number): ThriftStruct {
  return new ThriftStruct()
    .setI64(PageLocation.offset, offset)
    .setI32(PageLocation.compressed_page_size, compressedBytes)
    .setI64(PageLocation.first_row_index, firstRow);
}

const index = new ThriftStruct()
  .setStructs(OffsetIndex.page_locations, [page(4, 100, 0), page(104, 50, 10).setString(9, "unknown")])
  .set(OffsetIndex.unencoded_byte_array_data_bytes, thriftType.list, {
    elementType: thriftType.i64,
    elements: [7n, 8n],
  });

test("pages move, and everything else stays, unknown fields and sizes included", () => {
  const moved = decodeOffsetIndex(encodeOffsetIndex(relocateOffsetIndex(index, 1000)));
  expect(pagePlaces(moved)).toEqual([
    { offset: 1004, compressedBytes: 100, firstRow: 0 },
    { offset: 1104, compressedBytes: 50, firstRow: 10 },
  ]);
  expect(relocateOffsetIndex(moved, -1000)).toEqual(index);
  expect(pagePlaces(index)[0]?.offset).toBe(4);
});

test("an index without pages, without an offset, or moved before the object is a data error", () => {
  expect(thrownCode(() => relocateOffsetIndex(new ThriftStruct(), 0))).toBe("PAGE_INDEX_MALFORMED");
  expect(thrownCode(() => relocateOffsetIndex(index, -5))).toBe("PAGE_INDEX_MALFORMED");
  const without = new ThriftStruct().setStructs(OffsetIndex.page_locations, [new ThriftStruct()]);
  expect(thrownCode(() => relocateOffsetIndex(without, 0))).toBe("PAGE_INDEX_MALFORMED");
  expect(thrownCode(() => pagePlaces(without))).toBe("PAGE_INDEX_MALFORMED");
});

const indexed = corpusFiles("data")
  .filter(({ name }) => !name.endsWith(".encrypted"))
  .filter((file) => readFileFooter(file).footer.rowGroups.length > 0)
  .filter((file) => readFileFooter(file).footer.chunkFacts(0, 0).offsetIndex !== undefined);

describe.skipIf(indexed.length === 0)("offset indexes of the corpus", () => {
  test.each(indexed)("$name comes back byte for byte from a move there and back", (file) => {
    const { object, footer } = readFileFooter(file);
    const place = footer.chunkFacts(0, 0).offsetIndex;
    const bytes = object.slice(place?.offset, (place?.offset ?? 0) + (place?.length ?? 0));
    const away = encodeOffsetIndex(relocateOffsetIndex(decodeOffsetIndex(bytes), 12_345));
    expect(encodeOffsetIndex(relocateOffsetIndex(decodeOffsetIndex(away), -12_345))).toEqual(bytes);
    expect(pagePlaces(decodeOffsetIndex(bytes))[0]?.offset).toBe(footer.chunkFacts(0, 0).dataPageOffset);
  });
});
