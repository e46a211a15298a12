import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { columns } from "./columns.ts";

export interface DataShape {
  readonly rows: number;
  readonly objects: number;
  readonly rowGroupRows: number;
  readonly compression: "zstd" | "snappy";
}

/** Writes the data once; the same shape gives the same values. Returns its folder. */
export async function makeData(cache: string, shape: DataShape): Promise<string> {
  const { rows, objects, rowGroupRows, compression } = shape;
  // A hash for every column and row, so that no two columns compress alike and every run makes the same values.
  const select = columns
    .map(({ name, sql }, i) => `${sql.replaceAll(/\bh\b/g, `(hash(i * 64 + ${i}) >> 1)`)} AS "${name}"`)
    .join(",\n");
  const digest = createHash("sha256").update(select).digest("hex").slice(0, 8);
  const folder = join(cache, `${rows}x${columns.length}-${objects}-${rowGroupRows}-${compression}-${digest}`);
  if (existsSync(folder)) return folder;
  const building = `${folder}.building`;
  await rm(building, { recursive: true, force: true });
  await mkdir(building, { recursive: true });
  const instance = await DuckDBInstance.create(":memory:", { threads: "2" });
  const connection = await instance.connect();
  const perObject = Math.ceil(rows / objects);
  for (let object = 0; object < objects; object += 1) {
    const from = object * perObject;
    await connection.run(
      `COPY (SELECT ${select} FROM range(${from}, ${Math.min(from + perObject, rows)}) AS t(i))
       TO '${join(building, `part-${object}.parquet`)}'
       (FORMAT parquet, COMPRESSION ${compression}, ROW_GROUP_SIZE ${rowGroupRows})`,
    );
  }
  connection.closeSync();
  instance.closeSync();
  await rename(building, folder);
  return folder;
}
