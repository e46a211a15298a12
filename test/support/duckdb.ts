import { DuckDBInstance, type Json } from "@duckdb/node-api";

/** Runs SQL in a DuckDB of its own; the rows of the last statement as JSON. */
export async function duckdb(...statements: string[]): Promise<Record<string, Json>[]> {
  const instance = await DuckDBInstance.create(":memory:", { threads: "2" });
  const connection = await instance.connect();
  try {
    let rows: Record<string, Json>[] = [];
    for (const statement of statements)
      rows = (await connection.runAndReadAll(statement)).getRowObjectsJson();
    return rows;
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

/** A SQL string literal. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** A SQL name. */
export function identifier(text: string): string {
  return `"${text.replaceAll('"', '""')}"`;
}
