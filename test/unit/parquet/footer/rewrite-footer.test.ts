import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type Footer, locateFooter, scanFooter } from "../../../../src/parquet/footer/footer.ts";
import type { LeafType } from "../../../../src/parquet/leaf-type.ts";
import type { OutputChunk } from "../../../../src/parquet/footer/output-chunk.ts";
import {
  frameFooter,
  type OutputRowGroup,
  rewriteFooter,
} from "../../../../src/parquet/footer/rewrite-footer.ts";
import {
  ColumnChunk,
  ColumnMetaData,
  ColumnOrder,
  FileMetaData,
  KeyValue,
  RowGroup,
  SchemaElement,
  SortingColumn,
  Statistics,
} from "../../../../src/parquet/spec.ts";
import { decodeStruct } from "../../../../src/parquet/thrift/thrift-reader.ts";
import { ThriftStruct, thriftType } from "../../../../src/parquet/thrift/thrift.ts";
import { chunkBytes, fileMetaData, footerOf, leaf, root } from "../../../support/build-footer.ts";
import { duckdb } from "../../../support/duckdb.ts";
import { identityRowGroups, identityTarget } from "../../../support/corpus-footer.ts";
import { thrownCode } from "../../../support/thrown-code.ts";

const string: LeafType = { kind: "string" };

function schemaOf(...names: string[]): ThriftStruct[] {
  return root(...names.map((name) => leaf("required", name, string)));
}

/** Three leaves a, b, c and two row groups of 10 and 20 rows; the first row group can be changed. */
function source(change: (metadata: ThriftStruct, rowGroup: ThriftStruct) => void = () => undefined): Footer {
  const metadata = fileMetaData(schemaOf("a", "b", "c"), [10, 20]);
  const [first] = metadata.structs(FileMetaData.row_groups) ?? [];
  change(metadata, first ?? new ThriftStruct());
  return footerOf(metadata);
}

/** The first row group, rewritten alone; its chunks by output leaf. */
function rewriteFirst(
  footer: Footer,
  names: string[],
  chunks: OutputChunk[],
  options: { rows?: number; columnOrders?: (number | undefined)[] } = {},
) {
  const target = {
    ...identityTarget(footer),
    schema: schemaOf(...names),
    columnOrders: options.columnOrders ?? names.map(() => undefined),
  };
  const rows = options.rows ?? 10;
  const metadata = decodeStruct(rewriteFooter(footer, target, [{ source: 0, rows, chunks }]));
  const [rowGroup] = metadata.structs(FileMetaData.row_groups) ?? [];
  if (rowGroup === undefined) throw new Error("no row group was written");
  const columns = (rowGroup.structs(RowGroup.columns) ?? []).map((chunk) => ({
    chunk,
    metadata: chunk.struct(ColumnChunk.meta_data) ?? new ThriftStruct(),
  }));
  return { metadata, rowGroup, columns };
}

function copied(
  sourceLeaf: number,
  shift = 0,
  more: Partial<OutputChunk & { kind: "copied" }> = {},
): OutputChunk {
  return { kind: "copied", sourceLeaf, shift, ...more };
}

function written(offset: number): OutputChunk {
  const metadata = new ThriftStruct()
    .setI32(ColumnMetaData.type, 6)
    .setI32(ColumnMetaData.codec, 0)
    .setI64(ColumnMetaData.num_values, 10)
    .setI64(ColumnMetaData.total_uncompressed_size, 70)
    .setI64(ColumnMetaData.total_compressed_size, 50)
    .setI64(ColumnMetaData.data_page_offset, 20)
    .setI64(ColumnMetaData.dictionary_page_offset, 0);
  const chunk = { bytes: new Uint8Array(50), metadata };
  return { kind: "written", chunk, offset };
}

function sortedBy(...columns: number[]): ThriftStruct[] {
  return columns.map((column) =>
    new ThriftStruct()
      .setI32(SortingColumn.column_idx, column)
      .setBool(SortingColumn.descending, true)
      .setBool(SortingColumn.nulls_first, false),
  );
}

function pathsOf(columns: { metadata: ThriftStruct }[]): string[] {
  const decoder = new TextDecoder();
  return columns.map(({ metadata }) =>
    (metadata.list(ColumnMetaData.path_in_schema)?.elements ?? [])
      .map((name) => (name instanceof Uint8Array ? decoder.decode(name) : ""))
      .join("."),
  );
}

describe("a copied chunk", () => {
  test("has its new name and place, and all the rest of its fields, unknown ones too", () => {
    const footer = source((_, rowGroup) => {
      const chunk = rowGroup.structs(RowGroup.columns)?.[1];
      chunk?.setString(90, "of the chunk").setI64(ColumnChunk.column_index_offset, 700);
      chunk
        ?.struct(ColumnChunk.meta_data)
        ?.setString(91, "of its metadata")
        .setI64(ColumnMetaData.dictionary_page_offset, 104);
      chunk?.struct(ColumnChunk.meta_data)?.setI64(ColumnMetaData.data_page_offset, 124);
    });
    const { columns } = rewriteFirst(
      footer,
      ["B"],
      [
        copied(1, -100, {
          offsetIndex: { offset: 500, length: 9 },
          bloomFilter: { offset: 600, length: 32 },
        }),
      ],
    );
    const [only] = columns;
    expect(pathsOf(columns)).toEqual(["B"]);
    expect(only?.chunk.string(90)).toBe("of the chunk");
    expect(only?.metadata.string(91)).toBe("of its metadata");
    expect(only?.metadata.i64(ColumnMetaData.dictionary_page_offset)).toBe(4);
    expect(only?.metadata.i64(ColumnMetaData.data_page_offset)).toBe(24);
    expect(only?.chunk.i64(ColumnChunk.offset_index_offset)).toBe(500);
    expect(only?.chunk.i32(ColumnChunk.offset_index_length)).toBe(9);
    expect(only?.chunk.has(ColumnChunk.column_index_offset)).toBe(false);
    expect(only?.metadata.i64(ColumnMetaData.bloom_filter_offset)).toBe(600);
    expect(only?.metadata.i32(ColumnMetaData.bloom_filter_length)).toBe(32);
    expect(only?.metadata.struct(ColumnMetaData.statistics)?.string(Statistics.max_value)).toBe("z");
  });

  test("keeps 0 where there is no dictionary, and says 0 for metadata that were beside the pages", () => {
    const footer = source((_, rowGroup) => {
      const [first, second] = rowGroup.structs(RowGroup.columns) ?? [];
      first?.setI64(ColumnChunk.file_offset, 4 + chunkBytes);
      first?.struct(ColumnChunk.meta_data)?.setI64(ColumnMetaData.dictionary_page_offset, 0);
      second?.setI64(ColumnChunk.file_offset, 4 + chunkBytes);
    });
    const { columns } = rewriteFirst(footer, ["a", "b"], [copied(0, 50), copied(1, 50)]);
    expect(columns[0]?.metadata.i64(ColumnMetaData.dictionary_page_offset)).toBe(0);
    expect(columns.map(({ chunk }) => chunk.i64(ColumnChunk.file_offset))).toEqual([0, 54 + chunkBytes]);
  });
});

test("a written chunk's offsets are relative to where it was put, a dictionary at 0 included", () => {
  const { columns } = rewriteFirst(source(), ["x"], [written(1000)]);
  expect(pathsOf(columns)).toEqual(["x"]);
  expect(columns[0]?.metadata.i64(ColumnMetaData.data_page_offset)).toBe(1020);
  expect(columns[0]?.metadata.i64(ColumnMetaData.dictionary_page_offset)).toBe(1000);
  expect(columns[0]?.chunk.i64(ColumnChunk.file_offset)).toBe(0);
});

describe("a row group", () => {
  test("counts the bytes of an alias once, and begins at its first page wherever that is in the order", () => {
    const footer = source((_, rowGroup) => rowGroup.setI64(RowGroup.file_offset, 4));
    const { rowGroup } = rewriteFirst(
      footer,
      ["c", "c_alias", "new"],
      [copied(2, 0), copied(2, 0), written(150)],
    );
    expect(rowGroup.i64(RowGroup.total_compressed_size)).toBe(chunkBytes + 50);
    expect(rowGroup.i64(RowGroup.total_byte_size)).toBe(2 * chunkBytes + 70);
    expect(rowGroup.i64(RowGroup.file_offset)).toBe(150);
  });

  test("keeps what its writer said of its bytes when all of them are still there", () => {
    const footer = source((_, rowGroup) => rowGroup.setI64(RowGroup.total_byte_size, 12_345));
    const all = rewriteFirst(footer, ["c", "b", "a"], [copied(2, 9), copied(1, 9), copied(0, 9)]);
    expect(all.rowGroup.i64(RowGroup.total_byte_size)).toBe(12_345);
    expect(all.rowGroup.has(RowGroup.total_compressed_size)).toBe(false);
    const fewer = rewriteFirst(footer, ["c"], [copied(2)]);
    expect(fewer.rowGroup.i64(RowGroup.total_byte_size)).toBe(2 * chunkBytes);
  });

  test("has the ordinal of its place in the output and the rows that are left", () => {
    const footer = source((metadata) => {
      for (const [i, rowGroup] of (metadata.structs(FileMetaData.row_groups) ?? []).entries()) {
        rowGroup.set(RowGroup.ordinal, thriftType.i16, i);
      }
    });
    const chunks = [written(4)];
    const target = { ...identityTarget(footer), schema: schemaOf("x"), columnOrders: [undefined] };
    const output = rewriteFooter(footer, target, [{ source: 1, rows: 7, chunks }]);
    const metadata = decodeStruct(output);
    expect(metadata.i64(FileMetaData.num_rows)).toBe(7);
    const [rowGroup, ...others] = metadata.structs(FileMetaData.row_groups) ?? [];
    expect(others).toEqual([]);
    expect(rowGroup?.i32(RowGroup.ordinal)).toBe(0);
    expect(rowGroup?.i64(RowGroup.num_rows)).toBe(7);
  });

  test.each<[string, number[], OutputChunk[], number[] | undefined]>([
    ["is sorted by the same columns at their new places", [0, 2], [copied(2), copied(1), copied(0)], [2, 0]],
    ["is sorted only up to the first column that is gone", [0, 1, 2], [copied(2), copied(0)], [1]],
    ["is not sorted when the first column is gone", [1, 0], [copied(0)], undefined],
    ["is sorted up to a column that was rewritten", [0, 1], [copied(0), written(4)], [0]],
  ])("%s", (_, sorting, chunks, expected) => {
    const footer = source((_metadata, rowGroup) =>
      rowGroup.setStructs(RowGroup.sorting_columns, sortedBy(...sorting)),
    );
    const { rowGroup } = rewriteFirst(
      footer,
      chunks.map((_chunk, i) => `x${i}`),
      chunks,
    );
    const kept = rowGroup.structs(RowGroup.sorting_columns);
    expect(kept?.map((column) => column.i32(SortingColumn.column_idx))).toEqual(expected);
    expect(kept?.every((column) => column.bool(SortingColumn.descending))).toBe(
      expected === undefined ? undefined : true,
    );
  });
});

describe("column orders", () => {
  const typed = new ThriftStruct().setStruct(ColumnOrder.TYPE_ORDER, new ThriftStruct());
  const ieee = new ThriftStruct().setStruct(ColumnOrder.IEEE_754_TOTAL_ORDER, new ThriftStruct());

  test("are carried for the leaves that keep them", () => {
    const footer = source((metadata) =>
      metadata.setStructs(FileMetaData.column_orders, [typed, ieee, typed]),
    );
    const { metadata } = rewriteFirst(footer, ["b", "new"], [copied(1), written(4)], {
      columnOrders: [1, undefined],
    });
    expect(metadata.structs(FileMetaData.column_orders)).toEqual([ieee, typed]);
  });

  test("stay absent where the source has none, as its bounds have no defined order", () => {
    const { metadata } = rewriteFirst(source(), ["a", "new"], [copied(0), written(4)]);
    expect(metadata.has(FileMetaData.column_orders)).toBe(false);
  });

  test("are named when everything was written anew", () => {
    const { metadata } = rewriteFirst(source(), ["new"], [written(4)]);
    expect(metadata.structs(FileMetaData.column_orders)).toEqual([typed]);
  });
});

test("unknown fields of the file, and key-value pairs that are not text, are carried byte for byte", () => {
  const pair = new ThriftStruct()
    .setString(KeyValue.key, "raw")
    .setBinary(KeyValue.value, Uint8Array.of(0xff, 0xfe))
    .setString(9, "unknown");
  const footer = source((metadata) =>
    metadata
      .setStructs(FileMetaData.key_value_metadata, [pair, new ThriftStruct().setString(KeyValue.key, "gone")])
      .setString(50, "unknown")
      .setBool(51, true),
  );
  const target = {
    ...identityTarget(footer),
    keyValueMetadata: [["new", "value"] as const, ...footer.keyValueMetadata.slice(0, 1)],
    createdBy: "somebody",
  };
  const metadata = decodeStruct(rewriteFooter(footer, target, identityRowGroups(footer)));
  const added = new ThriftStruct().setString(KeyValue.key, "new").setString(KeyValue.value, "value");
  expect(metadata.structs(FileMetaData.key_value_metadata)).toEqual([added, pair]);
  expect(metadata.string(50)).toBe("unknown");
  expect(metadata.bool(51)).toBe(true);
  expect(metadata.string(FileMetaData.created_by)).toBe("somebody");
  expect(metadata.fields.map((field) => field.id)).toEqual([1, 2, 3, 4, 5, 6, 50, 51]);
});

test("key-value metadata and the creator can go", () => {
  const footer = source((metadata) =>
    metadata
      .setStructs(FileMetaData.key_value_metadata, [new ThriftStruct().setString(KeyValue.key, "k")])
      .setString(FileMetaData.created_by, "x"),
  );
  const target = { ...identityTarget(footer), keyValueMetadata: [], createdBy: undefined };
  const metadata = decodeStruct(rewriteFooter(footer, target, identityRowGroups(footer)));
  expect(metadata.fields.map((field) => field.id)).toEqual([1, 2, 3, 4]);
});

test("a wrong number of rows in the source stays as it is while no row goes", () => {
  const footer = source((metadata) => metadata.setI64(FileMetaData.num_rows, 0));
  expect([footer.rows, footer.declaredRows]).toEqual([30, 0]);
  const same = rewriteFooter(footer, identityTarget(footer), identityRowGroups(footer));
  expect(decodeStruct(same).i64(FileMetaData.num_rows)).toBe(0);
  const fewer = identityRowGroups(footer).map((rowGroup) => ({ ...rowGroup, rows: 5 }));
  expect(decodeStruct(rewriteFooter(footer, identityTarget(footer), fewer)).i64(FileMetaData.num_rows)).toBe(
    10,
  );
});

test("chunks or orders that are not one per leaf are a bug, and say so", () => {
  const footer = source();
  const short: OutputRowGroup[] = [{ source: 0, rows: 10, chunks: [copied(0)] }];
  expect(thrownCode(() => rewriteFooter(footer, identityTarget(footer), short))).toBe("FOOTER_INCONSISTENT");
  const target = { ...identityTarget(footer), columnOrders: [] };
  expect(thrownCode(() => rewriteFooter(footer, target, []))).toBe("FOOTER_INCONSISTENT");
});

test("DuckDB reads renamed, reordered and aliased columns where the bytes are, and never a dropped one", async () => {
  const directory = mkdtempSync(join(tmpdir(), "colonnade-footer-"));
  try {
    const from = join(directory, "from.parquet");
    await duckdb(
      `COPY (SELECT range::INTEGER AS a, 'text ' || range AS b, {x: range * 2, y: [range]} AS c FROM range(50000))
       TO '${from}' (FORMAT parquet, ROW_GROUP_SIZE 20000)`,
    );
    const object = new Uint8Array(readFileSync(from));
    const { footerStart, footerBytes } = locateFooter(object.subarray(-8), object.length);
    const footer = scanFooter(object.subarray(footerStart, footerStart + footerBytes));
    const byName = (name: string) => {
      const node = footer.tree.children.find((child) => child.name === name);
      return footer.schema.slice(node?.elementIndex, node?.elementEnd).map((element) => element.clone());
    };
    const renamed = byName("c").with(
      0,
      byName("c")[0]?.setString(SchemaElement.name, "struct") ?? new ThriftStruct(),
    );
    const alias = byName("b").map((element) => element.setString(SchemaElement.name, "again"));
    const schema = [footer.schema[0] ?? new ThriftStruct(), ...renamed, ...byName("b"), ...alias];
    schema[0] = schema[0]?.clone().setI32(SchemaElement.num_children, 3) ?? new ThriftStruct();
    const leaves = footer.leaves.map((node) => node.leafIndex);
    const [, b, ...c] = leaves;
    const order = [...c, b, b] as number[];
    const output = rewriteFooter(
      footer,
      { ...identityTarget(footer), schema, columnOrders: order },
      footer.rowGroups.map(({ rows }, i) => ({
        source: i,
        rows,
        chunks: order.map((source) => copied(source)),
      })),
    );
    const to = join(directory, "to.parquet");
    writeFileSync(to, Buffer.concat([object.subarray(0, footerStart), frameFooter(output)]));
    const rows = await duckdb(
      `SELECT t.struct.x, t.struct.y[1] AS y, t.b, t.again FROM '${to}' t WHERE t.again = 'text 31415' OR t.b = 'text 7'`,
    );
    expect(rows.map((row) => Object.values(row).map(String))).toEqual([
      ["14", "7", "text 7", "text 7"],
      ["62830", "31415", "text 31415", "text 31415"],
    ]);
    const described = await duckdb(`DESCRIBE SELECT * FROM '${to}'`);
    expect(described.map((row) => row["column_name"])).toEqual(["struct", "b", "again"]);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
