// Rewrites the objects with DuckDB, one after the other with two threads, and fsyncs each.
import { mkdir, open, readdir } from "node:fs/promises";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";

const [source = "", target = "", select = "", compression = "zstd", rowGroupRows = "122880"] =
  process.argv.slice(2);
await mkdir(target, { recursive: true });
const instance = await DuckDBInstance.create(":memory:", { threads: "2" });
const connection = await instance.connect();
for (const name of await readdir(source)) {
  const path = join(target, name);
  await connection.run(
    `COPY (SELECT ${select} FROM read_parquet('${join(source, name)}')) TO '${path}'
     (FORMAT parquet, COMPRESSION ${compression}, ROW_GROUP_SIZE ${rowGroupRows})`,
  );
  const file = await open(path, "r");
  await file.sync();
  await file.close();
}
