import { ColonnadeError } from "../../base/errors.ts";
import { OffsetIndex, PageLocation } from "../spec.ts";
import { decodeStruct } from "../thrift/thrift-reader.ts";
import { encodeStruct } from "../thrift/thrift-writer.ts";
import type { ThriftStruct } from "../thrift/thrift.ts";

/**
 * An OffsetIndex whose pages moved by `shift` bytes; everything else (unencoded_byte_array_data_bytes, fields that we do
 * not know) stays. A ColumnIndex holds no offsets and is copied as it is (PageIndex.md). The input is not changed.
 * Throws `data` `PAGE_INDEX_MALFORMED`.
 */
export function relocateOffsetIndex(index: ThriftStruct, shift: number): ThriftStruct {
  const pages = index.structs(OffsetIndex.page_locations);
  if (pages === undefined) throw malformed("an offset index has no page locations", {});
  return index.clone().setStructs(
    OffsetIndex.page_locations,
    pages.map((page, i) => {
      const offset = page.i64(PageLocation.offset);
      if (offset === undefined || offset < 0 || offset + shift < 0) {
        throw malformed("a page location has an impossible offset", { page: i, offset, shift });
      }
      return page.clone().setI64(PageLocation.offset, offset + shift);
    }),
  );
}

/** Throws `data` `THRIFT_MALFORMED`. */
export function decodeOffsetIndex(bytes: Uint8Array): ThriftStruct {
  return decodeStruct(bytes);
}

export function encodeOffsetIndex(index: ThriftStruct): Uint8Array<ArrayBuffer> {
  return encodeStruct(index);
}

export interface PagePlace {
  readonly offset: number;
  /** With the page's header. */
  readonly compressedBytes: number;
  /** In its row group. */
  readonly firstRow: number;
}

/** Where the data pages are. Throws `data` `PAGE_INDEX_MALFORMED`. */
export function pagePlaces(index: ThriftStruct): PagePlace[] {
  return (index.structs(OffsetIndex.page_locations) ?? []).map((page, i) => {
    const offset = page.i64(PageLocation.offset);
    const compressedBytes = page.i32(PageLocation.compressed_page_size);
    const firstRow = page.i64(PageLocation.first_row_index);
    if (offset === undefined || compressedBytes === undefined || firstRow === undefined) {
      throw malformed("a page location lacks a field", { page: i });
    }
    if (offset < 0 || compressedBytes < 0 || firstRow < 0) {
      throw malformed("a page location is negative", { page: i, offset, compressedBytes, firstRow });
    }
    return { offset, compressedBytes, firstRow };
  });
}

function malformed(message: string, details: Record<string, unknown>): ColonnadeError {
  return new ColonnadeError("data", "PAGE_INDEX_MALFORMED", message, details);
}
