import { readFileSync } from "node:fs";
import { type DuckDBConnection, DuckDBInstance, type DuckDBType } from "@duckdb/node-api";
import { type DataType, type Field, tableFromIPC } from "apache-arrow";
import { parquetMetadata, parquetReadObjects } from "hyparquet";
import { compressors } from "./compressors.ts";
import { readParquet, readSchema } from "parquet-wasm";

import { sha256Hex } from "../../src/base/digest.ts";
import { renamedPrefix, type Variant } from "./corpus-variants.ts";
import { quote } from "./duckdb.ts";
import { canonicalText } from "./read-rows.ts";

/** What a reader makes of a Parquet file; renames (everything that begins with `renamedPrefix`) are undone but in `name`. */
export interface ReadFile {
  readonly rows: number;
  readonly columns: readonly ReadColumn[];
}

export interface ReadColumn {
  readonly name: string;
  /** The whole type as the reader spells it, nested names included. */
  readonly type: string;
  /** Whether names inside the type are new. */
  readonly renamedInside: boolean;
  /** Of all values in order; empty when only the schema is read. */
  readonly digest: string;
}

export type FileReader = (path: string, only?: "schema") => Promise<ReadFile>;

/** The readers that run in this process; call `close` at the end. */
export interface NodeReaders {
  readonly readers: Readonly<Record<"DuckDB" | "parquet-wasm" | "hyparquet", FileReader>>;
  /** The values of expressions over a file, one digest of each, and their types. */
  readonly queryDuckdb: (sql: string) => Promise<ReadFile>;
  /** The types of a file's columns as DuckDB reads them. */
  readonly duckdbTypes: (path: string) => Promise<readonly DuckDBType[]>;
  close(): void;
}

export async function openNodeReaders(): Promise<NodeReaders> {
  const instance = await DuckDBInstance.create(":memory:", { threads: "2" });
  const connection = await instance.connect();
  await connection.run("SET TimeZone = 'UTC'");
  const queryDuckdb = (sql: string): Promise<ReadFile> => query(connection, sql);
  return {
    readers: {
      async DuckDB(path, only) {
        const file = `read_parquet(${quote(path)})`;
        if (only === undefined) return queryDuckdb(`SELECT * FROM ${file}`);
        const [schema, rows] = [
          await queryDuckdb(`SELECT * FROM ${file} LIMIT 0`),
          await connection.runAndReadAll(`SELECT count(*)::INTEGER FROM ${file}`),
        ];
        return { ...schema, rows: Number(rows.value(0, 0)) };
      },
      "parquet-wasm": readWithParquetWasm,
      hyparquet: readWithHyparquet,
    },
    queryDuckdb,
    async duckdbTypes(path) {
      const reader = await connection.runAndReadAll(`SELECT * FROM read_parquet(${quote(path)}) LIMIT 0`);
      return reader.columnTypes();
    },
    close() {
      connection.closeSync();
      instance.closeSync();
    },
  };
}

/** How an output differs from its source, as one reader sees both; undefined when it does not. */
export function differenceOf(
  source: ReadFile,
  output: ReadFile,
  { columns: pairs, renamesInside }: Pick<Variant, "columns" | "renamesInside">,
): string | undefined {
  if (output.rows !== source.rows) return `${output.rows} rows instead of ${source.rows}`;
  const names = output.columns.map(({ name }) => name);
  const expected = pairs.map((pair) => pair.output);
  if (names.join("\n") !== expected.join("\n")) return `columns ${names.join(", ")}`;
  for (const [i, pair] of pairs.entries()) {
    const before = source.columns.find(({ name }) => name === pair.source);
    const after = output.columns[i];
    if (before === undefined || after === undefined) return `column ${pair.source} is not read`;
    if (after.type !== before.type) return `${pair.output} is ${after.type} instead of ${before.type}`;
    if (after.digest !== before.digest) return `${pair.output} has other values`;
  }
  const isRenamed = output.columns.some(({ renamedInside }) => renamedInside);
  return isRenamed === renamesInside ? undefined : `names inside are ${isRenamed ? "new" : "old"}`;
}

/** What a reader says when it cannot, fit for a table: one line, no paths, not long. */
export function shortError(thrown: unknown): string {
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  const line = (text.split("\n").find((part) => part.trim() !== "") ?? "no message")
    .replaceAll(/"?\/[^\s"']*\/([^\s"'/]+)"?/g, "$1")
    .replaceAll("|", "/")
    .replaceAll("`", "'")
    .replaceAll(/\bId\(\d+\)/g, "Id")
    .trim();
  return line.length > 110 ? `${line.slice(0, 109)}…` : line;
}

/** What all column chunks of a file are when decompressed, as its footer has it. */
export function decodedBytes(path: string): number {
  const { row_groups: rowGroups } = footerOf(path);
  return rowGroups.reduce((sum, { total_byte_size: bytes }) => sum + Number(bytes), 0);
}

/** Whether two files have the same column chunks, byte for byte. */
export function sameChunks(path: string, otherPath: string): boolean {
  const [chunks, others] = [path, otherPath].map((one) => {
    const file = readFileSync(one);
    return footerOf(one).row_groups.flatMap(({ columns }) =>
      columns.map(({ meta_data: chunk }) => {
        if (chunk === undefined) throw new Error(`${one} has a column chunk without metadata`);
        const start = Number(chunk.dictionary_page_offset ?? chunk.data_page_offset);
        return sha256Hex(file.subarray(start, start + Number(chunk.total_compressed_size)));
      }),
    );
  });
  return chunks?.join() === others?.join();
}

function rowsOf(path: string): number {
  return Number(footerOf(path).num_rows);
}

function footerOf(path: string): ReturnType<typeof parquetMetadata> {
  return parquetMetadata(new Uint8Array(readFileSync(path)).buffer);
}

function undone(text: string): string {
  return text.replaceAll(renamedPrefix, "");
}

async function query(connection: DuckDBConnection, sql: string): Promise<ReadFile> {
  const reader = await connection.runAndReadAll(sql);
  const names = reader.columnNames();
  const types = reader.columnTypes();
  const columns = reader.getColumnsJson();
  return {
    rows: reader.currentRowCount,
    columns: names.map((name, i) =>
      // A name is quoted or not as its characters need it.
      columnOf(name, String(types[i]).replaceAll('"', ""), JSON.stringify(columns[i] ?? [])),
    ),
  };
}

function columnOf(name: string, type: string, values: string): ReadColumn {
  return {
    name,
    type: undone(type),
    renamedInside: type.includes(renamedPrefix),
    digest: sha256Hex(undone(values)),
  };
}

async function readWithParquetWasm(path: string, only?: "schema"): Promise<ReadFile> {
  const bytes = readFileSync(path);
  const stream = only === "schema" ? readSchema(bytes).intoIPCStream() : readParquet(bytes).intoIPCStream();
  const table = tableFromIPC(stream);
  return {
    rows: only === "schema" ? rowsOf(path) : table.numRows,
    columns: table.schema.fields.map((field, i) =>
      columnOf(field.name, arrowType(field), canonicalText([...(table.getChildAt(i) ?? [])])),
    ),
  };
}

/** With what the footer's Arrow schema says of extension types, but not with the field ids, which migrations set. */
function arrowType(field: Field): string {
  const metadata = [...field.metadata].filter(([key]) => key !== "PARQUET:field_id");
  const type: DataType = field.type;
  const children: Field[] = type.children ?? [];
  return [
    `${typeText(type)}${field.nullable ? "" : " required"}`,
    ...metadata.map((pair) => pair.join("=")),
    ...children.map(arrowType),
  ].join(" ");
}

/** Every Arrow type spells itself; that the declared class might not is for the linter. */
function typeText(type: { toString(): string }): string {
  return type.toString();
}

async function readWithHyparquet(path: string, only?: "schema"): Promise<ReadFile> {
  const file = new Uint8Array(readFileSync(path)).buffer;
  const { schema } = parquetMetadata(file);
  const rows = only === "schema" ? [] : await parquetReadObjects({ file, compressors, utf8: false });
  const columns: ReadColumn[] = [];
  for (let start = 1; start < schema.length;) {
    const end = subtreeEnd(schema, start);
    const name = schema[start]?.name ?? "";
    const elements = schema
      .slice(start, end)
      .map(({ name: own, ...element }, i) => ({ ...element, field_id: undefined, name: i === 0 ? "" : own }));
    const values = rows.map((row): unknown => row[name]);
    columns.push(columnOf(name, JSON.stringify(elements), canonicalText(values)));
    start = end;
  }
  return { rows: only === "schema" ? rowsOf(path) : rows.length, columns };
}

function subtreeEnd(schema: readonly { readonly num_children?: number }[], index: number): number {
  let end = index + 1;
  for (let left = schema[index]?.num_children ?? 0; left > 0; left -= 1) end = subtreeEnd(schema, end);
  return end;
}
