import { DuckDBInstance } from "@duckdb/node-api";
import { existsSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";

const source = new URL("../node_modules/vega-datasets/data/flights-3m.parquet", import.meta.url).pathname;

/**
 * Lays the flights of the vega-datasets package (3,000,000 rows, US departures of early 2001) out as a Hive dataset by month,
 * once. Writes beside `directory` and renames, so that a run that was stopped leaves nothing half done.
 */
export async function layOutFlights(directory: string): Promise<void> {
  if (existsSync(directory)) return;
  const building = `${directory}.building`;
  await rm(building, { recursive: true, force: true });
  await mkdir(building, { recursive: true });
  const instance = await DuckDBInstance.create(":memory:", { threads: "1" });
  const connection = await instance.connect();
  await connection.run(`
    COPY (SELECT *, strftime(date, '%Y-%m') AS month FROM read_parquet(${quote(source)}))
    TO ${quote(building)} (FORMAT parquet, COMPRESSION zstd, PARTITION_BY (month), FILENAME_PATTERN 'flights-{i}', OVERWRITE_OR_IGNORE)`);
  connection.closeSync();
  instance.closeSync();
  await rename(building, directory);
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
