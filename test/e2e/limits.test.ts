import { join } from "node:path";
import { expect, test } from "vitest";
import { createWorkspace, version } from "../support/migration.ts";
import { pythonWith, runPython } from "../support/python.ts";
import { storesUnderTest } from "../support/stores-under-test.ts";

const python = pythonWith(["pyarrow"]) !== undefined;

/** Chunks of many pages: words that outgrow their dictionary in mid-chunk, lists, nulls, and numbers as text. */
const writeMany = `
import sys, pyarrow as pa, pyarrow.parquet as pq
rows = 300_000
numbers = [None if i % 11 == 0 else i * 2654435761 % 2**40 for i in range(rows)]
table = pa.table({
    "number": pa.array(numbers, pa.int64()),
    "text": pa.array([None if n is None else str(n) for n in numbers]),
    "word": pa.array(["word %d" % (i % 40 if i < 100_000 else i) for i in range(rows)]),
    "list": pa.array([[] if i % 7 == 0 else [i, None, i + 1][: i % 4] for i in range(rows)], pa.list_(pa.int32())),
})
for version, codec in (("1.0", "snappy"), ("2.0", "zstd")):
    pq.write_table(table, sys.argv[1] + "/" + codec + ".parquet", compression=codec, row_group_size=170_000,
                   data_page_size=40_000, data_page_version=version, dictionary_pagesize_limit=200_000,
                   use_dictionary=["word"], write_page_index=version == "2.0")`;

const fields = (number: string, text: string, element: string): string => `
    - { id: 1, name: number, type: ${number} }
    - { id: 2, name: text, type: "${text}" }
    - { id: 3, name: word, type: string }
    - id: 4
      name: list
      type: list
      element: { id: 5, type: ${element} }`;

test.runIf(python)(
  "whatever the workers and the memory of a job, its objects have the same bytes",
  async () => {
    await using workspace = await createWorkspace();
    await runPython(writeMany, undefined, [join(workspace.folder, "raw")]);
    const versions = [
      version(1, fields("int64", "string", "int32")),
      version(2, fields("string", "decimal128(20, 2)", "string")),
    ];
    const [expected] = await workspace.sql(
      `SELECT count(*)::INT AS rows, count(number)::INT AS numbers, sum(number)::VARCHAR AS sum,
            sum(text::DECIMAL(20, 2))::VARCHAR AS decimals, count(DISTINCT word)::INT AS words,
            sum(list_sum(list::BIGINT[]))::BIGINT::VARCHAR AS elements FROM '$raw'`,
    );
    const bytes: string[][] = [];
    for (const limits of [
      { workers: 1, memory: "1GB" },
      { workers: 2, memory: "150MB" },
      { workers: 4, memory: "300MB" },
    ]) {
      await using again = await createWorkspace();
      const { lines } = await again.apply(versions, {
        ...limits,
        from: 1,
        source: workspace.context(versions).source,
      });
      bytes.push(lines.map(({ source, bytes, crc32 }) => `${source.key} ${bytes} ${crc32}`));
      const [counted] = await again.sql(
        `SELECT count(*)::INT AS rows, count(number)::INT AS numbers, sum(number::BIGINT)::VARCHAR AS sum,
              sum(text)::VARCHAR AS decimals, count(DISTINCT word)::INT AS words,
              sum(list_sum(list::BIGINT[]))::BIGINT::VARCHAR AS elements FROM '$out'`,
      );
      expect(counted).toEqual(expected);
    }
    expect(bytes[1]).toEqual(bytes[0]);
    expect(bytes[2]).toEqual(bytes[0]);
  },
);

/** Texts of 19 characters that compress to half at best, all in one page. */
const largePage = `SELECT strftime(TIMESTAMP '2024-01-01' + INTERVAL (hash(i) % 1_000_000_000) SECOND, '%Y-%m-%d %H:%M:%S') AS at FROM range(1_000_000) t(i)`;

test("the default limit has room for a page of a million texts, in a folder and beside what S3 takes", async () => {
  await using workspace = await createWorkspace();
  await workspace.write("a.parquet", largePage, "COMPRESSION snappy, ROW_GROUP_SIZE 1_000_000");
  const versions = ["string", "timestamp[us]"].map((type, i) =>
    version(i + 1, `- { id: 1, name: at, type: "${type}" }`),
  );
  const stores = storesUnderTest();
  const written: object[] = [];
  for (const store of stores) {
    const { store: destination } = await store.place(workspace.folder);
    const { lines } = await workspace.apply(versions, { from: 1, destination });
    written.push(...lines.map(({ rows, bytes, crc32 }) => ({ rows, bytes, crc32 })));
  }
  const [first] = written;
  expect(first).toMatchObject({ rows: 1_000_000 });
  expect(written).toEqual(stores.map(() => first));
});
