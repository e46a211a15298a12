import { ColonnadeError } from "../../base/errors.ts";
import { malformedPage } from "../page-error.ts";
import { DataPageHeader, DataPageHeaderV2, DictionaryPageHeader, PageHeader, PageType } from "../spec.ts";
import { ThriftReader } from "../thrift/thrift-reader.ts";
import { encodeStruct } from "../thrift/thrift-writer.ts";
import { ThriftStruct } from "../thrift/thrift.ts";

/** A PageHeader of parquet.thrift with what the reader of the page needs. Sizes are checked to be non-negative. */
export interface PageHead {
  /** Bytes of the header itself. */
  readonly headerBytes: number;
  readonly uncompressedBytes: number;
  readonly compressedBytes: number;
  readonly crc: number | undefined;
  readonly page: DataPageV1 | DataPageV2 | DictionaryPage | { readonly type: "index" };
}

export interface DataPageV1 {
  readonly type: "data";
  readonly numValues: number;
  readonly encoding: number;
  readonly definitionLevelEncoding: number;
  readonly repetitionLevelEncoding: number;
}

export interface DataPageV2 {
  readonly type: "dataV2";
  readonly numValues: number;
  readonly numNulls: number;
  readonly numRows: number;
  readonly encoding: number;
  readonly definitionLevelsBytes: number;
  readonly repetitionLevelsBytes: number;
  readonly compressed: boolean;
}

export interface DictionaryPage {
  readonly type: "dictionary";
  readonly numValues: number;
  readonly encoding: number;
}

/** The header at `position`. Throws `data` `PAGE_MALFORMED`. */
export function readPageHeader(bytes: Uint8Array, position: number): PageHead {
  try {
    const reader = new ThriftReader(bytes, position);
    const header = reader.struct();
    return {
      headerBytes: reader.position - position,
      uncompressedBytes: size(header, PageHeader.uncompressed_page_size, "uncompressed_page_size"),
      compressedBytes: size(header, PageHeader.compressed_page_size, "compressed_page_size"),
      crc: header.i32(PageHeader.crc),
      page: pageOf(header),
    };
  } catch (cause) {
    if (!(cause instanceof ColonnadeError) || cause.code === "PAGE_MALFORMED") throw cause;
    const details = { reason: cause.message, ...cause.details };
    throw new ColonnadeError("data", "PAGE_MALFORMED", "a page header is malformed", details, { cause });
  }
}

function pageOf(header: ThriftStruct): PageHead["page"] {
  const type = header.i32(PageHeader.type);
  switch (type) {
    case PageType.DATA_PAGE: {
      const page = member(header, PageHeader.data_page_header, "data_page_header");
      return {
        type: "data",
        numValues: size(page, DataPageHeader.num_values, "num_values"),
        encoding: size(page, DataPageHeader.encoding, "encoding"),
        definitionLevelEncoding: size(
          page,
          DataPageHeader.definition_level_encoding,
          "definition_level_encoding",
        ),
        repetitionLevelEncoding: size(
          page,
          DataPageHeader.repetition_level_encoding,
          "repetition_level_encoding",
        ),
      };
    }
    case PageType.DATA_PAGE_V2: {
      const page = member(header, PageHeader.data_page_header_v2, "data_page_header_v2");
      const levels = DataPageHeaderV2;
      return {
        type: "dataV2",
        numValues: size(page, levels.num_values, "num_values"),
        numNulls: size(page, levels.num_nulls, "num_nulls"),
        numRows: size(page, levels.num_rows, "num_rows"),
        encoding: size(page, levels.encoding, "encoding"),
        definitionLevelsBytes: size(
          page,
          levels.definition_levels_byte_length,
          "definition_levels_byte_length",
        ),
        repetitionLevelsBytes: size(
          page,
          levels.repetition_levels_byte_length,
          "repetition_levels_byte_length",
        ),
        compressed: page.bool(levels.is_compressed) ?? true,
      };
    }
    case PageType.DICTIONARY_PAGE: {
      const page = member(header, PageHeader.dictionary_page_header, "dictionary_page_header");
      return {
        type: "dictionary",
        numValues: size(page, DictionaryPageHeader.num_values, "num_values"),
        encoding: size(page, DictionaryPageHeader.encoding, "encoding"),
      };
    }
    case PageType.INDEX_PAGE:
      return { type: "index" };
    case undefined:
    default:
      throw malformedPage("a page has an unknown type", { type });
  }
}

function member(header: ThriftStruct, id: number, field: string): ThriftStruct {
  const struct = header.struct(id);
  if (struct === undefined) throw malformedPage("a page header lacks the header of its type", { field });
  return struct;
}

function size(struct: ThriftStruct, id: number, field: string): number {
  const value = struct.i32(id);
  if (value === undefined || value < 0) throw malformedPage("a page header lacks a field", { field, value });
  return value;
}

/** The serialised header of a page of the given sizes; `crc` is undefined when the page has none. */
export function writePageHeader(
  page: DataPageV1 | DataPageV2 | DictionaryPage,
  uncompressedBytes: number,
  compressedBytes: number,
  crc: number | undefined,
): Uint8Array<ArrayBuffer> {
  const header = new ThriftStruct()
    .setI32(PageHeader.type, pageTypeOf(page))
    .setI32(PageHeader.uncompressed_page_size, uncompressedBytes)
    .setI32(PageHeader.compressed_page_size, compressedBytes)
    .setI32(PageHeader.crc, crc === undefined ? undefined : crc | 0);
  switch (page.type) {
    case "data":
      header.setStruct(
        PageHeader.data_page_header,
        new ThriftStruct()
          .setI32(DataPageHeader.num_values, page.numValues)
          .setI32(DataPageHeader.encoding, page.encoding)
          .setI32(DataPageHeader.definition_level_encoding, page.definitionLevelEncoding)
          .setI32(DataPageHeader.repetition_level_encoding, page.repetitionLevelEncoding),
      );
      break;
    case "dataV2":
      header.setStruct(
        PageHeader.data_page_header_v2,
        new ThriftStruct()
          .setI32(DataPageHeaderV2.num_values, page.numValues)
          .setI32(DataPageHeaderV2.num_nulls, page.numNulls)
          .setI32(DataPageHeaderV2.num_rows, page.numRows)
          .setI32(DataPageHeaderV2.encoding, page.encoding)
          .setI32(DataPageHeaderV2.definition_levels_byte_length, page.definitionLevelsBytes)
          .setI32(DataPageHeaderV2.repetition_levels_byte_length, page.repetitionLevelsBytes)
          .setBool(DataPageHeaderV2.is_compressed, page.compressed),
      );
      break;
    case "dictionary":
      header.setStruct(
        PageHeader.dictionary_page_header,
        new ThriftStruct()
          .setI32(DictionaryPageHeader.num_values, page.numValues)
          .setI32(DictionaryPageHeader.encoding, page.encoding),
      );
      break;
  }
  return encodeStruct(header);
}

/** The PageType of parquet.thrift. */
export function pageTypeOf(page: DataPageV1 | DataPageV2 | DictionaryPage): number {
  switch (page.type) {
    case "data":
      return PageType.DATA_PAGE;
    case "dataV2":
      return PageType.DATA_PAGE_V2;
    case "dictionary":
      return PageType.DICTIONARY_PAGE;
  }
}
