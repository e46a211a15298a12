import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ColonnadeError } from "../../src/base/errors.ts";
import { applyJob } from "../../src/execute/apply-job.ts";
import { type Footer, locateFooter, scanFooter } from "../../src/parquet/footer/footer.ts";
import { withFingerprint } from "../../src/schema/fingerprint.ts";
import { inferSchemaVersion } from "../../src/schema/infer.ts";
import { formatSchemaVersion, parseSchemaVersion } from "../../src/schema/parse-schema-version.ts";
import type { Field, FieldType, SchemaVersion } from "../../src/schema/schema-version.ts";
import { storedFields } from "../../src/schema/walk-fields.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { unconditional } from "../../src/store/object-store.ts";
import { propertyRuns, recordFigures } from "../support/long-runs.ts";
import { corpusFiles } from "../support/corpus.ts";
import { createWorkspace, linesOf, version, type Workspace } from "../support/migration.ts";
import { type PyarrowService, startPyarrow } from "../support/pyarrow-service.ts";

const runs = propertyRuns(200);

/** Small ones: what is damaged is mostly structure then. */
const objectBytesMax = 12_000;

interface Sample {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly footerStart: number;
  /** Page indexes and Bloom filters, as a start and an end each. */
  readonly auxiliary: readonly (readonly [start: number, end: number])[];
  /** The version that the file has; the same renamed; and one for which every chunk is written anew. */
  readonly versions: readonly [string, string, string];
}

let workspace: Workspace;
let samples: Sample[] = [];
let pyarrow: PyarrowService | undefined;

beforeAll(async () => {
  workspace = await createWorkspace();
  pyarrow = startPyarrow();
  await workspace.write(
    "own.parquet",
    `SELECT range AS i, 'v' || range % 7 AS s, {'a': range::INT, 'b': ['x', NULL]} AS n, MAP {range: 'v'} AS m
     FROM range(40)`,
  );
  const indexed = join(workspace.folder, "raw/indexed.parquet");
  await pyarrow?.write(indexed, indexedFields, indexedRows, indexedOptions);
  const files = [
    { name: "own", path: join(workspace.folder, "raw/own.parquet") },
    ...(pyarrow === undefined ? [] : [{ name: "indexed", path: indexed }]),
    ...corpusFiles("data").filter(({ name }) => !name.includes("encrypt")),
  ];
  const read = await Promise.all(files.map(async ({ name, path }) => sampleOf(name, await readFile(path))));
  samples = read.filter((sample) => sample !== undefined);
});

afterAll(async () => {
  await pyarrow?.[Symbol.asyncDispose]();
  await workspace[Symbol.asyncDispose]();
});

/** A file with all that may stand beside its chunks: few files of the corpus are as small and have page indexes. */
const indexedFields = storedFields(
  parseSchemaVersion(
    version(1, "- { id: 1, name: k, type: int64, nullable: false }\n- { id: 2, name: s, type: string }"),
    "indexed",
  ),
);
const indexedRows = Array.from({ length: 30 }, (_, k) => ({ k, s: k % 5 === 0 ? null : `v${k % 9}` }));
const indexedOptions = {
  row_group_size: 16,
  compression: "ZSTD",
  use_dictionary: true,
  max_rows_per_page: 4,
  write_batch_size: 4,
  write_page_index: true,
  bloom: true,
};

function sampleOf(name: string, bytes: Uint8Array): Sample | undefined {
  if (bytes.length > objectBytesMax) return undefined;
  try {
    const { footerStart } = locateFooter(bytes, bytes.length);
    const footer = scanFooter(bytes.subarray(footerStart, bytes.length - 8));
    const { tree } = footer;
    const { version } = inferSchemaVersion([{ key: name, tree }], "hostile");
    const renamed = { ...version, version: 2, fields: version.fields.map((field) => rename(field)) };
    const rewritten = { ...version, version: 2, fields: version.fields.map((field) => rewrite(field)) };
    return {
      name,
      bytes,
      footerStart,
      auxiliary: auxiliaryOf(footer),
      versions: [formatSchemaVersion(version), text(renamed), text(rewritten)],
    };
  } catch (error) {
    if (error instanceof ColonnadeError) return undefined;
    throw error;
  }
}

function auxiliaryOf(footer: Footer): (readonly [number, number])[] {
  return footer.rowGroups.flatMap((_, rowGroup) =>
    footer.leaves.flatMap((_leaf, column) => {
      const { columnIndex, offsetIndex, bloomFilter } = footer.chunkFacts(rowGroup, column);
      // Where older writers do not say how long a filter is, its header is what there is to damage.
      return [columnIndex, offsetIndex, bloomFilter].flatMap((place) =>
        place === undefined ? [] : [[place.offset, place.offset + (place.length ?? 16)] as const],
      );
    }),
  );
}

function text(version: Omit<SchemaVersion, "fingerprint">): string {
  return formatSchemaVersion(withFingerprint(version));
}

function rename(field: Field): Field {
  return { ...field, name: `${field.name}_new` };
}

/** Other nullability, types and members wherever there may be: every leaf is decoded. */
function rewrite(field: Field): Field {
  const { type, name, nullable } = field;
  if (type.kind === "leaf") {
    const { kind } = type.leaf;
    const isCast = ["int", "float", "decimal", "bool"].includes(kind) && name !== "key";
    const leaf: FieldType = isCast ? { kind: "leaf", leaf: { kind: "string" } } : type;
    return { ...field, type: leaf, nullable: name === "key" ? nullable : !nullable, cast: quarantined };
  }
  return { ...field, type: rewriteInside(type) };
}

const quarantined = { onInvalid: "quarantine", rounding: "error" } as const;

function rewriteInside(type: FieldType): FieldType {
  switch (type.kind) {
    case "leaf":
      return type;
    case "struct":
      return { ...type, fields: [...type.fields.map(rewrite), addedTo(type.fields)] };
    case "list":
      return { ...type, element: rewrite(type.element) };
    case "map":
      return { ...type, key: rewrite(type.key), value: rewrite(type.value) };
  }
}

/** An id that no other has: a struct's first field has one of its own. */
function addedTo([first]: readonly Field[]): Field {
  const id = 100_000 + (first?.id ?? 0);
  return {
    id,
    name: `added_${id}`,
    nullable: true,
    type: { kind: "leaf", leaf: { kind: "string" } },
    default: "x",
  };
}

/** Evenly spread: most doubles are next to zero. */
const share = fc.nat({ max: 999_999 }).map((number) => number / 1_000_000);

const damage = fc.record({
  region: fc.constantFrom("footer", "data", "auxiliary"),
  /** Which of the indexes and filters. */
  which: share,
  edits: fc.array(
    fc.record({
      at: share,
      mask: fc.oneof(
        fc.integer({ min: 0, max: 7 }).map((bit) => 1 << bit),
        fc.integer({ min: 1, max: 255 }),
      ),
    }),
    {
      minLength: 1,
      maxLength: 3,
    },
  ),
  cut: fc.oneof({ weight: 8, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: share }),
});

function damaged(
  { bytes, footerStart, auxiliary }: Sample,
  { region, which, edits, cut }: typeof damage extends fc.Arbitrary<infer T> ? T : never,
): Uint8Array {
  const copy = new Uint8Array(bytes);
  const [start, end] = regionOf(region);
  for (const { at, mask } of edits) {
    const position = start + Math.floor(at * (end - start));
    copy[position] = (copy[position] as number) ^ mask;
  }
  if (cut === null) return copy;
  // The end of the file stays its end: a footer whose beginning is gone says more than one that is not found.
  const cutAt = Math.floor(cut * (copy.length - 8));
  return Buffer.concat([copy.subarray(0, cutAt), copy.subarray(copy.length - 8)]);

  function regionOf(name: typeof region): readonly [number, number] {
    if (name === "footer") return [footerStart, copy.length];
    const place = auxiliary[Math.floor(which * auxiliary.length)];
    return name === "auxiliary" && place !== undefined ? place : [0, footerStart];
  }
}

/** The migrated object, or undefined when it is refused as it must be: as bad data, by its name. */
async function migrate(sample: Sample, bytes: Uint8Array, to: string): Promise<Uint8Array | undefined> {
  const source = createMemoryStore();
  await source.put("object.parquet", bytes, unconditional);
  const context = workspace.context([sample.versions[0], to], {
    source,
    destination: createMemoryStore(),
    from: 1,
    signal: AbortSignal.timeout(20_000),
  });
  try {
    const { manifest } = await applyJob({
      ...context,
      job: { ...context.job, limits: { ...context.job.limits, workers: 1 } },
    });
    const [line] = await linesOf(context.destination, manifest);
    return (await context.destination.get(line?.key ?? ""))?.body;
  } catch (error) {
    // Anything else is a fault of ours, and fails the test.
    if (!(error instanceof ColonnadeError)) throw error;
    const [object] = (error.details["objects"] ?? []) as { object: string; kind: string }[];
    if (error.kind !== "data" || object?.object !== "object.parquet" || object.kind !== "data") throw error;
    return undefined;
  }
}

async function readRows(name: string, bytes: Uint8Array): Promise<string | undefined> {
  const path = join(workspace.folder, name);
  await writeFile(path, bytes);
  try {
    const read = await pyarrow?.read(path);
    return JSON.stringify(read?.rows.map((row) => Object.values(row)));
  } catch {
    if (pyarrow?.isAlive === false) pyarrow = startPyarrow();
    return undefined;
  }
}

test("undamaged, every sample is migrated under both versions", { timeout: 120_000 }, async () => {
  const refused: string[] = [];
  for (const sample of samples) {
    for (const to of [1, 2] as const)
      if ((await migrate(sample, sample.bytes, sample.versions[to])) === undefined)
        refused.push(`${sample.name} ${to}`);
  }
  // Its checksum is wrong, which the second version makes us look at.
  expect(refused.filter((name) => name !== "rle-dict-uncompressed-corrupt-checksum.parquet 2")).toEqual([]);
});

const limitMs = 120_000 + 600 * runs;
const options = { numRuns: runs, endOnFailure: true, interruptAfterTimeLimit: limitMs };

test(
  "a damaged object is refused by name or, where a second reader can still read it, migrated to what that reads",
  {
    timeout: limitMs + 80_000,
  },
  async () => {
    const outcomes = { refused: 0, compared: 0 };
    const faults: string[] = [];
    await fc.assert(
      fc.asyncProperty(fc.nat(), damage, async (which, how) => {
        const sample = samples[which % samples.length] as Sample;
        const bytes = damaged(sample, how);
        const output = await migrate(sample, bytes, sample.versions[1]);
        if (output === undefined) {
          outcomes.refused += 1;
          return;
        }
        const before = await readRows("before.parquet", bytes);
        if (before === undefined) return;
        outcomes.compared += 1;
        if ((await readRows("after.parquet", output)) !== before) faults.push(sample.name);
      }),
      options,
    );
    recordFigures("whole migrations of damaged files of the corpus", { cases: runs, ...outcomes });
    expect(faults).toEqual([]);
    expect(outcomes.refused).toBeGreaterThan(0);
    expect(outcomes.compared > 0).toBe(pyarrow !== undefined);
  },
);

test(
  "a damaged object of which every chunk is written anew is refused by name or migrated, in bounded memory",
  {
    timeout: limitMs + 80_000,
  },
  async () => {
    const before = process.memoryUsage.rss();
    let most = 0;
    await fc.assert(
      fc.asyncProperty(fc.nat(), damage, async (which, how) => {
        const sample = samples[which % samples.length] as Sample;
        await migrate(sample, damaged(sample, how), sample.versions[2]);
        most = Math.max(most, process.memoryUsage.rss());
      }),
      { ...options, numRuns: runs / 2 },
    );
    recordFigures("whole migrations of damaged files of the corpus", { cases: runs / 2 });
    expect(most - before).toBeLessThan(600_000_000);
  },
);
