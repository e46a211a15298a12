import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { corpusDocument, renderCorpus, withoutPython } from "../../scripts/corpus-table.ts";
import {
  collectCorpusResults,
  type CorpusResults,
  type FileResult,
  judge,
  judgeInPython,
  nodeReaders,
  pythonReaders,
} from "../support/corpus-results.ts";
import { type MigratedFile, timeoutMs } from "../support/corpus-migration.ts";
import { plainVariants } from "../support/corpus-variants.ts";
import { corpusFiles } from "../support/corpus.ts";
import { pythonWith } from "../support/python.ts";
import { type NodeReaders, openNodeReaders } from "../support/readers.ts";

const dataNames = corpusFiles("data").map(({ name }) => name);
const badNames = corpusFiles("bad_data").map(({ name }) => name);

/** Why a cast is refused: the file contradicts its own checksums, or its microseconds are nanoseconds and too far for a finer unit. */
const refusedCasts: Record<string, string> = {
  "datapage_v1-corrupt-checksum.parquet": "PAGE_CHECKSUM",
  "rle-dict-uncompressed-corrupt-checksum.parquet": "PAGE_CHECKSUM",
  "nested_structs.rust.parquet": "CAST_INVALID",
};

const badCodes: Record<string, readonly string[]> = {
  "ARROW-GH-41317.parquet": ["CHUNK_MALFORMED", "CHUNK_MALFORMED", "CHUNK_MALFORMED"],
  "ARROW-GH-41321.parquet": ["PAGE_MALFORMED"],
  "ARROW-GH-43605.parquet": [],
  "ARROW-GH-45185.parquet": ["PAGE_MALFORMED"],
  "ARROW-GH-47662.parquet": ["PAGE_MALFORMED"],
  "ARROW-RS-GH-6229-DICTHEADER.parquet": [
    "CHUNK_OUT_OF_BOUNDS",
    "CHUNK_OUT_OF_BOUNDS",
    "CHUNK_OUT_OF_BOUNDS",
  ],
  "ARROW-RS-GH-6229-LEVELS.parquet": ["PAGE_MALFORMED"],
  "PARQUET-1481.parquet": ["SCHEMA_MALFORMED"],
};

/** Reader by reader, what is not as it was. */
function differencesOf(file: FileResult): string[] {
  const verdicts = [...Object.entries(file.readers), ["cast", file.castVerdict] as const];
  return verdicts.flatMap(([reader, verdict]) =>
    verdict?.kind === "different" ? verdict.differences.map((difference) => `${reader}: ${difference}`) : [],
  );
}

describe.skipIf(dataNames.length === 0)("the corpus, migrated", () => {
  let results: CorpusResults;

  beforeAll(async () => {
    results = await collectCorpusResults();
  }, 400_000);

  function resultOf(part: "data" | "badData", name: string): FileResult {
    const found = results[part].find((file) => file.name === name);
    if (found === undefined) throw new Error(`${name} has no result`);
    return found;
  }

  test.each(dataNames.filter((name) => !name.endsWith(".encrypted")))(
    "%s reads back equal in every reader after every migration",
    (name) => {
      const file = resultOf("data", name);
      expect(differencesOf(file)).toEqual([]);
      expect(file.outputs).toBeGreaterThanOrEqual(2);
      expect(Object.keys(file.readers)).toEqual(results.readers);
      expect(file.refusals.map(({ variant, refusal }) => [variant, refusal.error.code])).toEqual(
        refusedCasts[name] === undefined ? [] : [["cast", refusedCasts[name]]],
      );
    },
  );

  test.each(dataNames.filter((name) => name.endsWith(".encrypted")))(
    "%s is refused in planning as encrypted",
    (name) => {
      const { outputs, refusals } = resultOf("data", name);
      expect(outputs).toBe(0);
      expect(refusals).toEqual([
        {
          variant: "identity",
          refusal: {
            kind: "refused",
            stage: "planning",
            error: expect.objectContaining({
              kind: "data",
              code: name.includes("plaintext_footer") ? "COLUMN_ENCRYPTED" : "FOOTER_ENCRYPTED",
            }) as unknown,
          },
        },
      ]);
    },
  );

  test.each(badNames)("%s ends soon in a data error, or in what readers think of the source", (name) => {
    const file = resultOf("badData", name);
    expect(differencesOf(file)).toEqual([]);
    expect(file.refusals.map(({ refusal }) => refusal.error.code)).toEqual(badCodes[name]);
    expect(file.refusals.filter(({ refusal }) => refusal.error.kind !== "data")).toEqual([]);
    expect(file.durationMs).toBeLessThan(timeoutMs);
  });

  test("docs/CORPUS.md is what the script prints (run `npm run corpus`)", () => {
    const document = readFileSync(corpusDocument, "utf8");
    const isWhole = results.readers.length > nodeReaders.length;
    expect(renderCorpus(results)).toBe(isWhole ? document : withoutPython(document));
    expect(renderCorpus({ ...results, readers: nodeReaders })).toBe(withoutPython(document));
  });
});

describe.skipIf(dataNames.length === 0)("a comparison", () => {
  let folder: string;
  let readers: NodeReaders;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "colonnade-corpus-"));
    readers = await openNodeReaders();
  });

  afterAll(async () => {
    readers.close();
    await rm(folder, { recursive: true });
  });

  /** As if the migration of one file had made the other out of it. */
  async function passedOff(source: string, output: string): Promise<MigratedFile> {
    const path = join(folder, "0.parquet");
    const file = corpusFiles("data").find(({ name }) => name === source);
    const other = corpusFiles("data").find(({ name }) => name === output);
    if (file === undefined || other === undefined) throw new Error("the corpus lacks a file");
    await copyFile(other.path, path);
    const { columns } = await readers.readers.hyparquet(file.path);
    const [identity] = plainVariants({
      dataset: "corpus",
      version: 1,
      fields: columns.map(({ name }, i) => ({
        id: i + 1,
        name,
        nullable: true,
        type: { kind: "leaf", leaf: { kind: "binary" } },
      })),
      partitionBy: [],
      aliases: [],
      constraints: [],
      fingerprint: "",
    });
    if (identity === undefined) throw new Error("there is no identity");
    return {
      file,
      fields: 1,
      from: { ...identity.to, fingerprint: "" },
      migrations: [{ variant: identity, outcome: { kind: "migrated", path }, durationMs: 0 }],
    };
  }

  test.each([
    ["other values", "single_nan.parquet", "nan_in_stats.parquet"],
    ["another type", "int32_decimal.parquet", "int64_decimal.parquet"],
    ["another number of rows", "alltypes_plain.parquet", "alltypes_dictionary.parquet"],
    ["other names", "float16_zeros_and_nans.parquet", "single_nan.parquet"],
  ])("notices %s, whichever the reader", async (_, source, output) => {
    const migrated = await passedOff(source, output);
    const verdicts = await Promise.all(
      nodeReaders.map((name) => judge(readers.readers[name], migrated, false)),
    );
    expect(verdicts.map(({ kind }) => kind)).toEqual(nodeReaders.map(() => "different"));
  });

  test.skipIf(pythonWith(pythonReaders) === undefined)("notices them in pyarrow and polars", async () => {
    const migrated = [
      await passedOff("alltypes_plain.parquet", "alltypes_dictionary.parquet"),
      await passedOff("int32_decimal.parquet", "int64_decimal.parquet"),
    ];
    const verdicts = await judgeInPython(migrated);
    for (const one of migrated) {
      expect(Object.values(verdicts?.get(one) ?? {}).map(({ kind }) => kind)).toEqual([
        "different",
        "different",
      ]);
    }
  });
});
