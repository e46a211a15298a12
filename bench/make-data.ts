import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";

export interface DataShape {
  readonly rows: number;
  readonly objects: number;
  readonly rowGroupRows: number;
  readonly compression: "zstd" | "snappy";
}

/** Forty columns: integers of all widths, floats, decimals, strings of low and high cardinality, times as such and as text, nulls. */
export const columns: readonly (readonly [name: string, type: string, sql: string])[] = [
  ["id", "int64", "i"],
  ...numbered("i8", 2, "int8", (n) => `((h${n}) % 100)::TINYINT`),
  ...numbered("i16", 2, "int16", (n) => `((h${n}) % 30000)::SMALLINT`),
  ...numbered("i32", 6, "int32", (n) => `((h${n}) % 2000000000)::INTEGER`),
  ...numbered("i64", 6, "int64", (n) => `((h${n}) % 4000000000000)::BIGINT`),
  ...numbered("u32", 2, "uint32", (n) => `((h${n}) % 4000000000)::UINTEGER`),
  ...numbered("f32", 3, "float32", (n) => `(((h${n}) % 1000000) / 997.0)::FLOAT`),
  ...numbered("f64", 5, "float64", (n) => `((h${n}) % 100000000) / 9973.0`),
  ...numbered("dec", 2, "decimal128(12, 2)", (n) => `(((h${n}) % 1000000000) / 100)::DECIMAL(12, 2)`),
  ...numbered("cat", 4, "string", (n) => `'category ' || ((h${n}) % 50)`),
  ...numbered("txt", 1, "string", (n) => `md5((h${n})::VARCHAR)[:12]`),
  ...numbered("when", 1, "string", (n) => `strftime(${moment(n)}, '%Y-%m-%d %H:%M:%S')`),
  ...numbered("ts", 3, "timestamp[us]", (n) => moment(n)),
  ...numbered(
    "nul",
    2,
    "int32",
    (n) => `CASE WHEN (h${n}) % 3 = 0 THEN NULL ELSE ((h${n}) % 5000)::INTEGER END`,
  ),
];

function moment(hash: string): string {
  return `make_timestamp(1600000000000000 + ((h${hash}) % 100000000000000)::BIGINT)`;
}

function numbered(
  name: string,
  count: number,
  type: string,
  sql: (hash: string) => string,
): [string, string, string][] {
  return Array.from({ length: count }, (_, i) => [`${name}_${i}`, type, sql(`_${name}_${i}`)]);
}

/** Writes the data once; the same shape gives the same values. Returns its folder. */
export async function makeData(cache: string, shape: DataShape): Promise<string> {
  const { rows, objects, rowGroupRows, compression } = shape;
  // A hash for every column and row, so that no two columns compress alike and every run makes the same values.
  const select = columns
    .map(([name, , sql], i) => `${sql.replaceAll(/\(h_\w+\)/g, `(hash(i * 64 + ${i}) >> 1)`)} AS ${name}`)
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
