import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { tableFromIPC } from "apache-arrow";
import { parquetReadObjects } from "hyparquet";
import { compressors } from "./compressors.ts";
import { readParquet } from "parquet-wasm";

/** All rows of a Parquet file as canonical text, one a row, by a reader that is not ours. Throws where it cannot read. */
export type RowReader = (file: Uint8Array) => Promise<string[]>;

export const rowReaders: Readonly<Record<"duckdb" | "hyparquet" | "parquet-wasm", RowReader>> = {
  duckdb: readWithDuckdb,
  hyparquet: readWithHyparquet,
  "parquet-wasm": readWithParquetWasm,
};

/** Runs SQL over a file that `{file}` stands for in it, in a fresh in-memory database. */
export async function queryFile(file: Uint8Array, sql: string): Promise<Record<string, unknown>[]> {
  const folder = mkdtempSync(join(tmpdir(), "colonnade-rows-"));
  const database = await DuckDBInstance.create(":memory:", { threads: "1" });
  const connection = await database.connect();
  try {
    const path = join(folder, "file.parquet");
    writeFileSync(path, file);
    const reader = await connection.runAndReadAll(sql.replaceAll("{file}", path));
    return reader.getRowObjectsJson();
  } finally {
    connection.closeSync();
    database.closeSync();
    rmSync(folder, { recursive: true });
  }
}

/** A Parquet file that DuckDB writes from a query, with options of its COPY statement. */
export async function writeWithDuckdb(sql: string, options: string): Promise<Uint8Array> {
  const folder = mkdtempSync(join(tmpdir(), "colonnade-rows-"));
  const database = await DuckDBInstance.create(":memory:", { threads: "1" });
  const connection = await database.connect();
  try {
    const path = join(folder, "file.parquet");
    await connection.run(`COPY (${sql}) TO '${path}' (FORMAT parquet, ${options})`);
    return new Uint8Array(readFileSync(path));
  } finally {
    connection.closeSync();
    database.closeSync();
    rmSync(folder, { recursive: true });
  }
}

async function readWithDuckdb(file: Uint8Array): Promise<string[]> {
  const rows = await queryFile(file, "SELECT * FROM read_parquet('{file}')");
  return rows.map((row) => canonicalText(row));
}

async function readWithHyparquet(file: Uint8Array): Promise<string[]> {
  const rows = await parquetReadObjects({
    file: file.slice().buffer,
    compressors,
    utf8: false,
  });
  return rows.map((row) => canonicalText(row));
}

function readWithParquetWasm(file: Uint8Array): Promise<string[]> {
  const table = tableFromIPC(readParquet(file).intoIPCStream());
  return Promise.resolve(table.toArray().map((row) => canonicalText(row)));
}

/** JSON that keeps apart what JSON would not: bigints, bytes, dates, NaN, signed zero. */
export function canonicalText(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) => {
    if (typeof member === "bigint") return `${member}n`;
    if (typeof member === "number" && !Number.isFinite(member)) return String(member);
    if (Object.is(member, -0)) return "-0";
    if (member instanceof Map) return [...member];
    if (ArrayBuffer.isView(member)) {
      return Buffer.from(member.buffer, member.byteOffset, member.byteLength).toString("hex");
    }
    return member;
  });
}
