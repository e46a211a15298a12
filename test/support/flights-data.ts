/** The flights of vega-datasets as a Hive dataset: real data in as many objects as a test wants. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";

import { repository } from "./packed-app.ts";

const flights = join(repository, "node_modules/vega-datasets/data/flights-3m.parquet");

export interface FlightsData {
  /** Of the 3,000,000 flights, so many evenly over the seven months. */
  readonly rows: number;
  /** Objects in each month's partition. */
  readonly objectsPerMonth: number;
}

/** Writes `month=2001-01/part-0.parquet` and so on below `directory`, in schema version 1 of the example. */
export async function writeFlights(directory: string, { rows, objectsPerMonth }: FlightsData): Promise<void> {
  await mkdir(directory, { recursive: true });
  const database = await DuckDBInstance.create(":memory:", { threads: "1" });
  const connection = await database.connect();
  try {
    const every = Math.floor(3_000_000 / rows);
    await connection.run(`
      create table flights as
      select date, delay, distance, origin, destination, strftime(date, '%Y-%m') as month, slice
      from (
        select *, (file_row_number // ${every}) % ${objectsPerMonth} as slice
        from read_parquet('${flights}', file_row_number = true)
        where file_row_number % ${every} = 0
      )`);
    for (let slice = 0; slice < objectsPerMonth; slice += 1) {
      await connection.run(`
        copy (select * exclude (slice) from flights where slice = ${slice})
        to '${directory}' (format parquet, compression zstd, partition_by (month), overwrite_or_ignore,
          filename_pattern 'part-${slice}-')`);
    }
  } finally {
    connection.closeSync();
    database.closeSync();
  }
}
