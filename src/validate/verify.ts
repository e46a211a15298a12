import { toColonnadeError } from "../base/errors.ts";
import { readFileList } from "../dataset/file-list.ts";
import type { FileLine } from "../dataset/formats.ts";
import type { ObjectStore } from "../store/object-store.ts";
import { LineChecks } from "./check-line.ts";
import { checkObject, type ObjectChecks } from "./check-object.ts";
import { findVersion } from "./find-version.ts";
import { forEachConcurrently } from "./for-each-concurrently.ts";
import { Findings, type VerifyReport } from "./report.ts";
import { SecondReader } from "./second-reader.ts";

export interface VerifyInput {
  readonly destination: ObjectStore;
  /** `current` when absent. */
  readonly channel?: string;
  /** What the channel serves when absent. */
  readonly version?: number;
  /** Objects looked at together; 4 when absent. */
  readonly concurrency?: number;
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

/**
 * Verifies a version on a path of its own: pointer, manifest and file lists by their digests; every data object and quarantine by
 * size, CRC-32 of its whole content, footer, rows, schema and the place of each byte; footers and page indexes once
 * more by parquet-wasm; and the totals. Writes nothing.
 *
 * What is wrong with the version is in the report (`passed: false`), not thrown. Throws `invalid` `CHANNEL_EMPTY`,
 * `VERSION_MISSING`, `FORMAT_NEWER`; `unavailable` when the store cannot be reached; `cancelled`.
 */
export async function verifyVersion(input: VerifyInput): Promise<VerifyReport> {
  const { destination, channel = "current", version, concurrency = 4 } = input;
  const signal = input.signal ?? new AbortController().signal;
  const findings = new Findings();
  const found = await findVersion(destination, channel, version, findings);
  const { manifest, schema, pointer } = found;
  const counts = { objects: 0, rows: 0, bytesRead: 0 };
  if (manifest !== undefined) {
    const secondReader = new SecondReader(Math.min(2, concurrency), signal);
    const checks: ObjectChecks = {
      store: destination,
      schema,
      findings,
      secondReader,
      signal,
      onBytes: (bytes) => void (counts.bytesRead += bytes),
    };
    const lines = new LineChecks(findings, manifest, schema);
    const verifyOne = async (line: FileLine): Promise<void> => {
      const { data } = await checkObject(line, checks);
      counts.objects += 1;
      counts.rows += data?.footer.rows ?? 0;
      input.onProgress?.({
        objectsDone: counts.objects,
        objects: manifest.totals.objects,
        bytesRead: counts.bytesRead,
        bytes: manifest.totals.bytes,
      });
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
    deep: false,
    objects: counts.objects,
    rows: counts.rows,
    checks,
    findings: list,
    findingsOmitted: omitted,
    bytesRead: counts.bytesRead,
    copiedBytesCompared: 0,
    valuesCompared: 0,
    sourcesGone: 0,
  };
}

async function* readLines(
  store: ObjectStore,
  parts: Parameters<typeof readFileList>[1],
  checks: LineChecks,
): AsyncIterable<FileLine> {
  for await (const line of readFileList(store, parts)) {
    checks.add(line);
    yield line;
  }
}
