/**
 * Streams against the model of `migration-model.ts`: pyarrow writes them in every form that the types have, cut into batches at
 * random, and reads what became of them.
 */
import { createReadStream } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ColonnadeError } from "../../src/base/errors.ts";
import { withFingerprint } from "../../src/schema/fingerprint.ts";
import type { SchemaVersion } from "../../src/schema/schema-version.ts";
import type { BatchMemory } from "../../src/stream/batch-memory.ts";
import { readChunks } from "../../src/stream/byte-source.ts";
import { migrateStream } from "../../src/stream/migrate-stream.ts";
import {
  anyRoll,
  columnsOf,
  isPossible,
  type Roll,
  valueOf,
  withAliases,
  withPolicies,
} from "../support/any-migration.ts";
import { propertyRuns } from "../support/long-runs.ts";
import { migrateRow } from "../support/migration-model.ts";
import { type Row, startPyarrow } from "../support/pyarrow-service.ts";
import { anyPair } from "../support/schema-versions.ts";

const pyarrow = startPyarrow();
const runs = propertyRuns(100);
const day = "2020-01-01";

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), "colonnade-stream-"))));
afterAll(async () => {
  await pyarrow?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** Whoever still looked at what was given back would see that something else is there. */
const usedAgainAtOnce: BatchMemory = {
  take: (bytes) => new Uint8Array(bytes),
  giveBack: (bytes) => void bytes.fill(0xa5),
};

interface Migrated {
  readonly output: Uint8Array;
  readonly quarantine: Uint8Array;
}

async function migrate(
  path: string,
  from: SchemaVersion,
  to: SchemaVersion,
  chunkBytes: number,
): Promise<Migrated> {
  const quarantine: Uint8Array[] = [];
  const output: Uint8Array[] = [];
  const history = { dataset: from.dataset, versions: [from, to] };
  const source = readChunks(createReadStream(path, { highWaterMark: chunkBytes }), usedAgainAtOnce);
  const migrated = migrateStream(source, {
    history,
    from: from.version,
    to: to.version,
    day,
    quarantine: (bytes) => void quarantine.push(new Uint8Array(bytes)),
  });
  for await (const bytes of migrated) output.push(new Uint8Array(bytes));
  return { output: Buffer.concat(output), quarantine: Buffer.concat(quarantine) };
}

/** A stream has no path: partition fields are columns like any other. */
function withoutPath(version: SchemaVersion): SchemaVersion {
  return withFingerprint({ ...version, partitionBy: [] });
}

/** False when the model refuses a row. */
async function checkStream(from: SchemaVersion, to: SchemaVersion, roll: Roll): Promise<boolean> {
  const rows = Array.from({ length: roll(5) === 0 ? 0 : 1 + roll(30) }, (): Row =>
    Object.fromEntries(from.fields.map((field) => [field.name, valueOf(field, roll)])),
  );
  const path = join(folder, "in.arrows");
  const compression = ([null, "zstd", "lz4"] as const)[roll(3)] ?? null;
  await pyarrow?.writeStream(path, from.fields, rows, { seed: roll(1_000_000), compression });
  const expected = rows.map((row) => migrateRow(row, from, to, {}));
  const isRefused = expected.some(({ kind }) => kind === "refused");
  const result = await migrate(path, from, to, [1, 7, 4096, 1 << 20][roll(4)] ?? 1).catch(
    (error: unknown) => error,
  );
  if (result instanceof Error || isRefused) {
    if (!(result instanceof ColonnadeError)) throw new Error("not as the model has it", { cause: result });
    if (!isRefused || !["CAST_INVALID", "NULL_INVALID"].includes(result.code)) throw result;
    if (expected[Number(result.details["row"])]?.kind !== "refused") throw result;
    return false;
  }
  const { output, quarantine } = result as Migrated;
  const [outPath, asidePath] = [join(folder, "out.arrows"), join(folder, "aside.arrows")];
  await Promise.all([writeFile(outPath, output), writeFile(asidePath, quarantine)]);
  const read = await pyarrow?.readStream(outPath);
  expect(read?.rows).toEqual(
    expected.flatMap((one) => (one.kind === "kept" ? [withAliases(to, one.row)] : [])),
  );
  expect(read?.fields).toEqual(columnsOf(to, day));
  const aside = await pyarrow?.readStream(asidePath);
  const numbers = expected.flatMap(({ kind }, row) => (kind === "quarantined" ? [row] : []));
  expect(aside?.rows.map(({ _colonnade_row }) => _colonnade_row)).toEqual(numbers);
  expect(aside?.rows.map(({ _colonnade_reason, _colonnade_row, ...row }) => row)).toEqual(
    numbers.map((row) => rows[row]),
  );
  return true;
}

test.runIf(pyarrow !== undefined)(
  "whatever the versions, the data and the form of the stream, pyarrow reads what an independent model computes",
  { timeout: 60_000 + 2000 * runs },
  async () => {
    const outcomes = new Set<boolean>();
    await fc.assert(
      fc.asyncProperty(anyPair, anyRoll, async ([first, edited], roll) => {
        const [from, to] = [withoutPath(first), withoutPath(withPolicies(edited, roll))];
        fc.pre(isPossible(from, to));
        outcomes.add(await checkStream(from, to, roll));
      }),
      { numRuns: runs, endOnFailure: true },
    );
    expect(outcomes).toEqual(new Set([true, false]));
  },
);

test.runIf(pyarrow !== undefined)(
  "under the version that it has, a stream passes with every message body as it was",
  { timeout: 60_000 + 1000 * runs },
  async () => {
    await fc.assert(
      fc.asyncProperty(anyPair, anyRoll, async ([first], roll) => {
        const version = withoutPath({ ...first, aliases: [] });
        const rows = Array.from({ length: roll(20) }, (): Row =>
          Object.fromEntries(version.fields.map((field) => [field.name, valueOf(field, roll)])),
        );
        const path = join(folder, "same.arrows");
        await pyarrow?.writeStream(path, version.fields, rows, {
          seed: roll(1_000_000),
          compression: "zstd",
        });
        const { output } = await migrate(path, version, version, 4096);
        const outPath = join(folder, "same-out.arrows");
        await writeFile(outPath, output);
        expect(await pyarrow?.readStream(outPath)).toEqual(await pyarrow?.readStream(path));
        expect(Math.abs(output.length - (await readFile(path)).length)).toBeLessThan(4096);
      }),
      { numRuns: runs / 4, endOnFailure: true },
    );
  },
);
