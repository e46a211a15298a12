import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { layOutFlights } from "../../scripts/flights-data.ts";
import { sha256Hex } from "../../src/base/digest.ts";
import { unconditional } from "../../src/store/object-store.ts";
import { readServed, type Served } from "../support/check-destination.ts";
import { runCli } from "../support/cli-workspace.ts";
import { duckdb } from "../support/duckdb.ts";
import { describeS3 } from "../support/minio.ts";
import { type Place, storesUnderTest } from "../support/stores-under-test.ts";

const project = resolve(import.meta.dirname, "../..");
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "colonnade-flights-"));
  await layOutFlights(join(folder, "raw"));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** The example job of the repository, reading and writing elsewhere. */
async function migrate(name: string, source: string, destination: Place): Promise<Served> {
  const text = await readFile(join(project, "jobs/flights.yaml"), "utf8");
  const job = join(folder, `${name}.yaml`);
  await writeFile(
    job,
    text
      .replace("file:../.data/flights/raw", source)
      .replace("file:../.data/flights/migrated", destination.uri)
      .replace("../schemas/flights", join(project, "schemas/flights")),
  );
  const done = await runCli(["apply", job], destination.environment);
  expect(done).toMatchObject({ code: 0 });
  return (await readServed(destination.store)) as Served;
}

/** Digest of each output object by the key of its source. */
async function digests(place: Place, served: Served): Promise<Record<string, string>> {
  const entries = served.lines.map(async (line) => {
    const object = await place.store.get(line.key);
    return [line.source.key, sha256Hex(object?.body ?? "")] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

async function uploadSource(place: Place): Promise<void> {
  for (const month of await readdir(join(folder, "raw"))) {
    for (const name of await readdir(join(folder, "raw", month))) {
      const body = await readFile(join(folder, "raw", month, name));
      await place.store.put(`${month}/${name}`, body, unconditional);
    }
  }
}

test("the example migrates three million rows, and another reader finds every value", async () => {
  const [file] = storesUnderTest();
  const place = await (file as NonNullable<typeof file>).place(folder);
  const served = await migrate("file", `file:${join(folder, "raw")}`, place);
  expect(served.manifest.totals).toMatchObject({
    objects: 7,
    rowsIn: 3_000_000,
    rows: 3_000_000,
    invalid: {},
  });
  // Filters, dictionaries and indexes are as large as they were: nothing grows but by a footer.
  const bytesIn = served.lines.reduce((sum, { source }) => sum + source.bytes, 0);
  const bytesOut = served.lines.reduce((sum, { bytes }) => sum + bytes, 0);
  expect(bytesOut).toBeLessThan(1.02 * bytesIn);
  const out = served.lines.map(({ key }) => `'${place.uri.slice("file:".length)}/${key}'`).join(", ");
  const [row] = await duckdb(`
    WITH source AS (SELECT date, delay::FLOAT, distance::INTEGER, origin, destination, month
                    FROM read_parquet('${folder}/raw/*/*.parquet', hive_partitioning = true)),
         result AS (SELECT departed_at, delay_minutes, distance_miles, origin, destination, month
                    FROM read_parquet([${out}], hive_partitioning = true))
    SELECT (SELECT count(*) FROM (FROM source EXCEPT ALL FROM result))::INT AS missing,
           (SELECT count(*) FROM (FROM result EXCEPT ALL FROM source))::INT AS extra`);
  expect(row).toEqual({ missing: 0, extra: 0 });
});

describeS3("with the same data in MinIO", () => {
  test("the example on s3: has the totals and the object bytes that it has on file:", async () => {
    const [file, s3] = storesUnderTest() as [
      ReturnType<typeof storesUnderTest>[0],
      ReturnType<typeof storesUnderTest>[0],
    ];
    const onFile = await file.place(folder);
    const onS3 = await s3.place(folder);
    const source = await s3.place(folder);
    await uploadSource(source);
    const fromFile = await migrate("file-again", `file:${join(folder, "raw")}`, onFile);
    const fromS3 = await migrate("s3", source.uri, onS3);
    expect(fromS3.manifest.totals).toEqual(fromFile.manifest.totals);
    expect(await digests(onS3, fromS3)).toEqual(await digests(onFile, fromFile));
  });
});
