import { basename, dirname } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { toColonnadeError } from "../../../src/base/errors.ts";
import { readFooter } from "../../../src/dataset/read-object.ts";
import { defaultCastPolicy } from "../../../src/schema/schema-version.ts";
import { createFileStore } from "../../../src/store/file.ts";
import { findUnexplained } from "../../../src/validate/explained-bytes.ts";
import type { OpenObject } from "../../../src/validate/open-object.ts";
import { SecondReader } from "../../../src/validate/second-reader.ts";
import { readSingleColumn } from "../../../src/validate/single-column.ts";
import { type CorpusFile, corpusFiles } from "../../support/corpus.ts";

/** parquet-wasm reads it neither as a whole file. */
const unreadable: readonly string[] = ["nation.dict-malformed.parquet"];
/** Two gibibytes in one value, more than an offset of Arrow's binaries holds: it takes long to find that out. */
const tooLarge = "large_string_map.brotli.parquet";

const signal = new AbortController().signal;
// One for all: a thread that a file kills is replaced for the next one.
const reader = new SecondReader(1, signal);
afterAll(() => reader.close());

async function open({ path }: CorpusFile): Promise<OpenObject> {
  const store = createFileStore({ rootPath: dirname(path) });
  const info = await store.head(basename(path));
  if (info === undefined) throw new Error(`${path} is missing`);
  return { store, key: info.key, etag: info.etag, bytes: info.bytes, signal };
}

/** Compares every chunk with itself: what could not be read, and how many entries there were. */
async function readAll(file: CorpusFile): Promise<{ reasons: string[]; entries: number; expected: number }> {
  const object = await open(file);
  const footer = await readFooter(object);
  const reasons: string[] = [];
  let entries = 0;
  let expected = 0;
  for (let rowGroup = 0; rowGroup < footer.rowGroups.length; rowGroup += 1) {
    for (const { leafIndex } of footer.leaves) {
      const [source, output] = await Promise.all([
        readSingleColumn(object, footer, rowGroup, leafIndex),
        readSingleColumn(object, footer, rowGroup, leafIndex),
      ]);
      const choice = { kind: "drop", rows: new Uint32Array(0) } as const;
      const reply = await reader.run({
        kind: "carried",
        source,
        output,
        policy: defaultCastPolicy,
        default: undefined,
        choice,
      });
      expected += footer.chunkFacts(rowGroup, leafIndex).numValues;
      if (reply.kind === "failed") reasons.push(reply.reason);
      if (reply.kind !== "compared") continue;
      entries += reply.result.values + reply.result.unjudged;
      reasons.push(...reply.result.examples.map((example) => JSON.stringify(example)));
    }
  }
  return { reasons, entries, expected };
}

describe.runIf(corpusFiles("data").length > 0)("the corpus, chunk by chunk", () => {
  const files = corpusFiles("data").filter(
    ({ name }) => !name.includes("/") && name.endsWith(".parquet") && name !== tooLarge,
  );

  test.each(files.filter(({ name }) => !unreadable.includes(name)))(
    "$name: the second reader finds every entry that the footer counts, equal to itself",
    async (file) => {
      const { reasons, entries, expected } = await readAll(file);
      expect(reasons).toEqual([]);
      expect(entries).toBe(expected);
    },
  );

  test.each(files.filter(({ name }) => unreadable.includes(name)))(
    "$name: what the second reader cannot read is said",
    async (file) => {
      expect((await readAll(file)).reasons.length).toBeGreaterThan(0);
    },
  );

  test.each(corpusFiles("bad_data"))("bad_data/$name ends in an answer", async (file) => {
    const outcome = await readAll(file).then(
      ({ reasons, entries, expected }) => reasons.length > 0 || entries === expected,
      (error: unknown) => toColonnadeError(error).kind === "data",
    );
    expect(outcome).toBe(true);
  });

  test("the bytes of files of many writers are explained by their footers, gaps of some writers aside", async () => {
    const explained: string[] = [];
    for (const file of files) {
      const object = await open(file);
      const problems = findUnexplained(await readFooter(object), object.bytes);
      if (problems.length === 0) explained.push(file.name);
    }
    expect(explained.length).toBeGreaterThan(files.length / 2);
  });
});
