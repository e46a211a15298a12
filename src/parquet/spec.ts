/**
 * Field ids and enum numbers of parquet.thrift, by the names the format gives them.
 * Source: https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift
 */

export const FileMetaData = {
  version: 1,
  schema: 2,
  num_rows: 3,
  row_groups: 4,
  key_value_metadata: 5,
  created_by: 6,
  column_orders: 7,
  encryption_algorithm: 8,
  footer_signing_key_metadata: 9,
} as const;

export const SchemaElement = {
  type: 1,
  type_length: 2,
  repetition_type: 3,
  name: 4,
  num_children: 5,
  converted_type: 6,
  scale: 7,
  precision: 8,
  field_id: 9,
  logicalType: 10,
} as const;

export const RowGroup = {
  columns: 1,
  total_byte_size: 2,
  num_rows: 3,
  sorting_columns: 4,
  file_offset: 5,
  total_compressed_size: 6,
  ordinal: 7,
} as const;

export const SortingColumn = { column_idx: 1, descending: 2, nulls_first: 3 } as const;

export const ColumnChunk = {
  file_path: 1,
  file_offset: 2,
  meta_data: 3,
  offset_index_offset: 4,
  offset_index_length: 5,
  column_index_offset: 6,
  column_index_length: 7,
  crypto_metadata: 8,
  encrypted_column_metadata: 9,
} as const;

export const ColumnMetaData = {
  type: 1,
  encodings: 2,
  path_in_schema: 3,
  codec: 4,
  num_values: 5,
  total_uncompressed_size: 6,
  total_compressed_size: 7,
  key_value_metadata: 8,
  data_page_offset: 9,
  index_page_offset: 10,
  dictionary_page_offset: 11,
  statistics: 12,
  encoding_stats: 13,
  bloom_filter_offset: 14,
  bloom_filter_length: 15,
  size_statistics: 16,
  geospatial_statistics: 17,
} as const;

export const Statistics = {
  max: 1,
  min: 2,
  null_count: 3,
  distinct_count: 4,
  max_value: 5,
  min_value: 6,
  is_max_value_exact: 7,
  is_min_value_exact: 8,
  nan_count: 9,
} as const;

export const SizeStatistics = {
  unencoded_byte_array_data_bytes: 1,
  repetition_level_histogram: 2,
  definition_level_histogram: 3,
} as const;

export const GeospatialStatistics = { bbox: 1, geospatial_types: 2 } as const;

export const PageEncodingStats = { page_type: 1, encoding: 2, count: 3 } as const;

export const KeyValue = { key: 1, value: 2 } as const;

/** A union: the one field that is set says which order. */
export const ColumnOrder = { TYPE_ORDER: 1, IEEE_754_TOTAL_ORDER: 2, INT96_TIMESTAMP_ORDER: 3 } as const;

export const ColumnCryptoMetaData = { ENCRYPTION_WITH_FOOTER_KEY: 1, ENCRYPTION_WITH_COLUMN_KEY: 2 } as const;
export const EncryptionWithColumnKey = { path_in_schema: 1, key_metadata: 2 } as const;

/** A union: the one field that is set says which type. 9 is reserved (INTERVAL has only its ConvertedType). */
export const LogicalType = {
  STRING: 1,
  MAP: 2,
  LIST: 3,
  ENUM: 4,
  DECIMAL: 5,
  DATE: 6,
  TIME: 7,
  TIMESTAMP: 8,
  INTEGER: 10,
  UNKNOWN: 11,
  JSON: 12,
  BSON: 13,
  UUID: 14,
  FLOAT16: 15,
  VARIANT: 16,
  GEOMETRY: 17,
  GEOGRAPHY: 18,
  FILE: 19,
} as const;

export const DecimalType = { scale: 1, precision: 2 } as const;
export const TimestampType = { isAdjustedToUTC: 1, unit: 2 } as const;
export const TimeType = { isAdjustedToUTC: 1, unit: 2 } as const;
export const TimeUnit = { MILLIS: 1, MICROS: 2, NANOS: 3 } as const;
export const IntType = { bitWidth: 1, isSigned: 2 } as const;
export const GeometryType = { crs: 1 } as const;
export const GeographyType = { crs: 1, algorithm: 2 } as const;

export const PageHeader = {
  type: 1,
  uncompressed_page_size: 2,
  compressed_page_size: 3,
  crc: 4,
  data_page_header: 5,
  index_page_header: 6,
  dictionary_page_header: 7,
  data_page_header_v2: 8,
} as const;

export const DataPageHeader = {
  num_values: 1,
  encoding: 2,
  definition_level_encoding: 3,
  repetition_level_encoding: 4,
  statistics: 5,
} as const;

export const DictionaryPageHeader = { num_values: 1, encoding: 2, is_sorted: 3 } as const;

export const DataPageHeaderV2 = {
  num_values: 1,
  num_nulls: 2,
  num_rows: 3,
  encoding: 4,
  definition_levels_byte_length: 5,
  repetition_levels_byte_length: 6,
  is_compressed: 7,
  statistics: 8,
} as const;

export const BloomFilterHeader = { numBytes: 1, algorithm: 2, hash: 3, compression: 4 } as const;
export const BloomFilterAlgorithm = { BLOCK: 1 } as const;
export const BloomFilterHash = { XXHASH: 1 } as const;
export const BloomFilterCompression = { UNCOMPRESSED: 1 } as const;

export const PageLocation = { offset: 1, compressed_page_size: 2, first_row_index: 3 } as const;
export const OffsetIndex = { page_locations: 1, unencoded_byte_array_data_bytes: 2 } as const;

export const ColumnIndex = {
  null_pages: 1,
  min_values: 2,
  max_values: 3,
  boundary_order: 4,
  null_counts: 5,
  repetition_level_histograms: 6,
  definition_level_histograms: 7,
  nan_counts: 8,
} as const;

export const Type = {
  BOOLEAN: 0,
  INT32: 1,
  INT64: 2,
  INT96: 3,
  FLOAT: 4,
  DOUBLE: 5,
  BYTE_ARRAY: 6,
  FIXED_LEN_BYTE_ARRAY: 7,
} as const;

export const ConvertedType = {
  UTF8: 0,
  MAP: 1,
  MAP_KEY_VALUE: 2,
  LIST: 3,
  ENUM: 4,
  DECIMAL: 5,
  DATE: 6,
  TIME_MILLIS: 7,
  TIME_MICROS: 8,
  TIMESTAMP_MILLIS: 9,
  TIMESTAMP_MICROS: 10,
  UINT_8: 11,
  UINT_16: 12,
  UINT_32: 13,
  UINT_64: 14,
  INT_8: 15,
  INT_16: 16,
  INT_32: 17,
  INT_64: 18,
  JSON: 19,
  BSON: 20,
  INTERVAL: 21,
} as const;

export const FieldRepetitionType = { REQUIRED: 0, OPTIONAL: 1, REPEATED: 2 } as const;

export const Encoding = {
  PLAIN: 0,
  PLAIN_DICTIONARY: 2,
  RLE: 3,
  BIT_PACKED: 4,
  DELTA_BINARY_PACKED: 5,
  DELTA_LENGTH_BYTE_ARRAY: 6,
  DELTA_BYTE_ARRAY: 7,
  RLE_DICTIONARY: 8,
  BYTE_STREAM_SPLIT: 9,
  ALP: 10,
} as const;

export const CompressionCodec = {
  UNCOMPRESSED: 0,
  SNAPPY: 1,
  GZIP: 2,
  LZO: 3,
  BROTLI: 4,
  LZ4: 5,
  ZSTD: 6,
  LZ4_RAW: 7,
} as const;

export const PageType = { DATA_PAGE: 0, INDEX_PAGE: 1, DICTIONARY_PAGE: 2, DATA_PAGE_V2: 3 } as const;

export const BoundaryOrder = { UNORDERED: 0, ASCENDING: 1, DESCENDING: 2 } as const;
