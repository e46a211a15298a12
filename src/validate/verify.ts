import { ColonnadeError, toColonnadeError } from "../base/errors.ts";
import { readFileList } from "../dataset/file-list.ts";
import type { FileLine, Part } from "../dataset/formats.ts";
import type { SchemaHistory } from "../schema/history.ts";
import type { SchemaVersion } from "../schema/schema-version.ts";
import type { ObjectStore } from "../store/object-store.ts";
import { LineChecks } from "./check-line.ts";
import { checkObject, type ObjectChecks } from "./check-object.ts";
import { compareObject } from "./compare-object.ts";
import type { DeepChecks } from "./deep-checks.ts";
import { findVersion } from "./find-version.ts";
import { forEachConcurrently } from "../base/for-each-concurrently.ts";
import { MemoryLimit } from "./memory-limit.ts";
import { Findings, type VerifyReport } from "./report.ts";
import { SecondReader } from "./second-reader.ts";

export interface VerifyInput {
  readonly destination: ObjectStore;
  /** `current` when absent. */
  readonly channel?: string;
  /** What the channel serves when absent. */
  readonly version?: number;
  /** Compares with the source objects as well; needs `source` and `history`. */
  readonly deep?: boolean;
  readonly source?: ObjectStore;
  /** The schema versions that the sources have: a manifest holds only its own. */
  readonly history?: SchemaHistory;
  /** Of the source; `hive` when absent. */
  readonly partitioning?: "hive" | "flat";
  /** Objects looked at together; 4 when absent. */
  readonly concurrency?: number;
  /** What chunks may take while they are compared; 256 MiB when absent. A larger chunk is compared alone. */
  readonly memoryBytes?: number;
  readonly signal?: AbortSignal;
  /** After every object. */
  readonly onProgress?: (progress: VerifyProgress) => void;
}

export interface VerifyProgress {
  readonly objectsDone: number;
  /** As the manifest says. */
  readonly objects: number;
  readonly bytesRead: number;
  /** As the manifest says, quarantines aside. */
  readonly bytes: number;
}

/** Threads of the second reader: each has a WebAssembly memory of its own. */
const threadsMax = 2;
const memoryBytesDefault = 256 * 1024 * 1024;

/**
 * Verifies a version on a path of its own: pointer, manifest and file lists by their digests; every data object and quarantine by
 * size, CRC-32 of its whole content, footer, rows, schema and the place of each byte; footers and page indexes once
 * more by parquet-wasm; and the totals. `deep` compares with the source: copied chunks byte for byte, every other column
 * value by value, as parquet-wasm and apache-arrow decode both sides, under a statement of what each cast means that shares
 * nothing with the casts. What nobody could compare is an `info` finding and is counted. Writes nothing.
 *
 * What is wrong with the version is in the report (`passed: false`), not thrown. Throws `invalid` `CHANNEL_EMPTY`,
 * `VERSION_MISSING`, `FORMAT_NEWER`, `DEEP_NEEDS_SOURCE`; `unavailable` when a store cannot be reached; `cancelled`.
 */
export async function verifyVersion(input: VerifyInput): Promise<VerifyReport> {
  const { destination, channel = "current", version, concurrency = 4, deep = false } = input;
  if (deep && (input.source === undefined || input.history === undefined)) {
    throw new ColonnadeError(
      "invalid",
      "DEEP_NEEDS_SOURCE",
      "a deep verification needs the source and its schema versions",
    );
  }
  const signal = input.signal ?? new AbortController().signal;
  const findings = new Findings();
  const { manifest, schema, pointer } = await findVersion(destination, channel, version, findings);
  const counts = {
    objects: 0,
    rows: 0,
    bytesRead: 0,
    copiedBytesCompared: 0,
    valuesCompared: 0,
    valuesNotCompared: 0,
    sourcesGone: 0,
  };
  if (manifest !== undefined) {
    const secondReader = new SecondReader(Math.min(threadsMax, concurrency), signal);
    const checks: ObjectChecks = {
      store: destination,
      schema,
      findings,
      secondReader,
      signal,
      onBytes: (bytes) => void (counts.bytesRead += bytes),
    };
    const deepChecks = schema === undefined ? undefined : deepChecksOf(input, schema, { ...checks, counts });
    const lines = new LineChecks(findings, manifest, schema);
    const verifyOne = async (line: FileLine): Promise<void> => {
      const { data, quarantine } = await checkObject(line, checks);
      counts.objects += 1;
      counts.rows += data?.footer.rows ?? 0;
      // Without its quarantine nobody knows which rows are missing.
      const isWhole = data !== undefined && (line.quarantine === null || quarantine !== undefined);
      if (deepChecks !== undefined && isWhole) await compareObject(line, data, quarantine, deepChecks);
      const { bytesRead, objects: objectsDone } = counts;
      const { objects, bytes } = manifest.totals;
      input.onProgress?.({ objectsDone, objects, bytesRead, bytes });
    };
    try {
      findings.looked("file lists", manifest.parts.length);
      await forEachConcurrently(
        readLines(destination, manifest.parts, lines),
        concurrency,
        signal,
        verifyOne,
      );
      lines.finish();
    } catch (thrown) {
      findings.caught("file lists", toColonnadeError(thrown));
    } finally {
      await secondReader.close();
    }
  }
  const { findings: list, omitted } = findings.list();
  const checks = findings.checks();
  return {
    passed: checks.every(({ passed }) => passed),
    dataset: manifest?.dataset ?? pointer?.dataset ?? null,
    channel,
    generation: pointer?.generation ?? null,
    version: manifest?.version ?? pointer?.version ?? version ?? null,
    deep,
    ...counts,
    checks,
    findings: list,
    findingsOmitted: omitted,
  };
}

/** Undefined when a deep look was not asked for. */
function deepChecksOf(
  input: VerifyInput,
  to: SchemaVersion,
  shared: Pick<DeepChecks, "findings" | "secondReader" | "signal" | "counts">,
): DeepChecks | undefined {
  const { deep = false, source, history, partitioning = "hive", memoryBytes = memoryBytesDefault } = input;
  if (!deep || source === undefined || history === undefined) return undefined;
  const noted = new Set<string>();
  return {
    ...shared,
    source,
    history,
    partitioning,
    to,
    memory: new MemoryLimit(memoryBytes),
    // The same column is in every object of a dataset: said once, it is a note, said a million times, a flood.
    noteUnjudged: (column, types) => {
      const key = `${column} ${types}`;
      if (noted.has(key)) return;
      noted.add(key);
      shared.findings.info(
        "values",
        "DECODED_NOT_COMPARED",
        "values were decoded and not all compared: nothing here says a second time what they must be",
        { column },
        { types },
      );
    },
  };
}

async function* readLines(
  store: ObjectStore,
  parts: readonly Part[],
  checks: LineChecks,
): AsyncIterable<FileLine> {
  for await (const line of readFileList(store, parts)) {
    checks.add(line);
    yield line;
  }
}
