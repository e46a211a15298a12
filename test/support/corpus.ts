import { existsSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";

const repository = resolve(import.meta.dirname, "../..");

export interface CorpusFile {
  /** Path below `data/` or `bad_data/`, with `/` between segments. */
  readonly name: string;
  readonly path: string;
}

/**
 * The folder of https://github.com/apache/parquet-testing: PARQUET_TESTING, else the corpus beside the
 * repository; undefined when there is neither.
 */
export function corpusDirectory(): string | undefined {
  const named = process.env["PARQUET_TESTING"];
  const directory =
    named === undefined || named === ""
      ? join(repository, "../shared/corpus/parquet-testing")
      : resolve(named);
  return existsSync(join(directory, "data")) ? directory : undefined;
}

/** Every Parquet file of a part of the corpus, at any depth, sorted by name; none when the corpus is absent. */
export function corpusFiles(part: "data" | "bad_data"): CorpusFile[] {
  const directory = corpusDirectory();
  if (directory === undefined) return [];
  const root = join(directory, part);
  return readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((name) => /\.parquet(\.encrypted)?$/.test(name))
    .map((name) => ({ name: name.replaceAll("\\", "/"), path: join(root, name) }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
