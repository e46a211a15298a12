import { ColonnadeError, toColonnadeError } from "../base/errors.ts";
import type { FileLine } from "../dataset/formats.ts";
import { parsePartition } from "../dataset/partition.ts";
import { matchTree } from "../schema/match.ts";
import { defaultCastPolicy } from "../schema/schema-version.ts";
import type { OpenOutput } from "./check-object.ts";
import { type LeafComparison, LeafComparisons } from "./compare-chunks.ts";
import type { DeepChecks } from "./deep-checks.ts";
import { isPutAside, type LeafOrigin, leafOrigins, movedColumns, type VersionPair } from "./leaf-origins.ts";
import { matchRowGroups, readDropped, type RowGroupPair } from "./row-groups.ts";
import { readFooter } from "../dataset/read-object.ts";
import type { OpenObject } from "./open-object.ts";

/**
 * Compares a data object with the source object it was made from: copied chunks byte for byte, all other columns value by value, row groups
 * against row groups, quarantined rows taken out and compared for themselves.
 *
 * A source that is gone or was written anew since is no error of the version, which outlives its sources: it is noted and
 * counted (`SOURCE_GONE`).
 */
export async function compareObject(
  line: FileLine,
  data: OpenOutput,
  quarantine: OpenOutput | undefined,
  checks: DeepChecks,
): Promise<void> {
  const { findings, counts } = checks;
  const place = { object: line.key };
  try {
    const source = await openSource(line, checks);
    if (source === undefined) {
      counts.sourcesGone += 1;
      findings.info(
        "values",
        "SOURCE_GONE",
        "source is gone or another by now: nothing to compare with",
        place,
        {
          source: line.source.key,
        },
      );
      return;
    }
    const pair = pairOf(line, source, data, checks);
    if (pair !== undefined) await compareWith(line, source, data, quarantine, pair, checks);
  } catch (thrown) {
    const error = toColonnadeError(thrown);
    if (error.code !== "SOURCE_CHANGED") return findings.caught("values", error, place);
    counts.sourcesGone += 1;
    findings.info("values", "SOURCE_GONE", "source changed while it was compared", place, {
      source: line.source.key,
    });
  }
}

async function openSource(
  line: FileLine,
  { source: store, signal }: DeepChecks,
): Promise<OpenOutput | undefined> {
  const { key, etag, bytes } = line.source;
  const info = await store.head(key);
  if (info === undefined || info.etag !== etag || info.bytes !== bytes) return undefined;
  const object: OpenObject = { store, key, etag, bytes, signal };
  return { object, footer: await readFooter(object, signal) };
}

/** Which column came from which, when the source is what its line says. */
function pairOf(
  line: FileLine,
  source: OpenOutput,
  data: OpenOutput,
  { history, to, findings, partitioning }: DeepChecks,
): VersionPair | undefined {
  const place = { object: line.key };
  const { schemaVersion, key, rows } = line.source;
  const from = history.versions.find(({ version }) => version === schemaVersion);
  if (from === undefined) {
    findings.info(
      "values",
      "SCHEMA_UNKNOWN",
      "schema version of the source is not at hand: nothing to compare by",
      place,
      {
        schemaVersion,
      },
    );
    return undefined;
  }
  const wrong = (code: string, message: string, details: object): undefined => {
    findings.error("values", code, message, place, { source: key, ...details });
  };
  if (source.footer.rows !== rows) {
    return wrong("SOURCE_ROWS_DIFFER", "source has another number of rows than its line says", {
      rows: source.footer.rows,
      listedRows: rows,
    });
  }
  const before = matchTree(source.footer.tree, from);
  if (before.kind === "mismatch") {
    return wrong("SOURCE_SCHEMA_DIFFERS", "source does not have the schema version that its line says", {
      schemaVersion,
      differences: before.differences.slice(0, 20),
    });
  }
  const after = matchTree(data.footer.tree, to);
  // Already found by the check of its schema.
  if (after.kind === "mismatch") return undefined;
  const partition = parsePartition(key, partitioning);
  if (partition instanceof ColonnadeError) return wrong(partition.code, partition.message, {});
  return {
    from,
    to,
    sourceNodes: before.nodes,
    outputNodes: after.nodes,
    sourceFooter: source.footer,
    outputFooter: data.footer,
    partition,
  };
}

async function compareWith(
  line: FileLine,
  source: OpenOutput,
  data: OpenOutput,
  quarantine: OpenOutput | undefined,
  pair: VersionPair,
  checks: DeepChecks,
): Promise<void> {
  const { findings } = checks;
  const dropped = await readDropped(quarantine, source.footer, checks);
  const rowGroups = matchRowGroups(source.footer, data.footer, dropped);
  if (typeof rowGroups === "string") {
    findings.error("values", "ROW_GROUPS_DIFFER", rowGroups, { object: line.key });
    return;
  }
  const origins = leafOrigins(pair);
  const comparisons = new LeafComparisons(line, source, data, checks);
  for (const rowGroup of rowGroups) {
    const leaves = data.footer.leaves.map(({ leafIndex }): LeafComparison => {
      const origin: LeafOrigin = origins[leafIndex] ?? { kind: "unknown", reason: "no such leaf" };
      return { leaf: leafIndex, origin };
    });
    await comparisons.compareRowGroup(rowGroup, leaves);
    await comparisons.compareMoved(rowGroup, movedColumns(pair));
  }
  comparisons.compareInvalid();
  if (quarantine === undefined) return;
  // What the path has to say holds for every row.
  if (!isPutAside(pair, line.partition)) {
    for (const { source: rowGroup, dropped: rows } of rowGroups)
      if (rows.length > 0) comparisons.checkReasons(rowGroup, rows);
  }
  await compareQuarantine(source, quarantine, rowGroups, comparisons);
}

/** The quarantined rows are the source's, whole. */
async function compareQuarantine(
  source: OpenOutput,
  quarantine: OpenOutput,
  rowGroups: readonly RowGroupPair[],
  comparisons: LeafComparisons,
): Promise<void> {
  let next = 0;
  for (const { source: rowGroup, dropped } of rowGroups) {
    if (dropped.length === 0) continue;
    for (const { leafIndex } of source.footer.leaves) {
      await comparisons.compareKept(
        quarantine,
        { rowGroup: next, leafIndex },
        rowGroup,
        dropped,
        defaultCastPolicy,
      );
    }
    next += 1;
  }
}
