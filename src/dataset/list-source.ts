import { ColonnadeError } from "../base/errors.ts";
import type { ObjectStore } from "../store/object-store.ts";
import { parsePartition } from "./partition.ts";
import type { PartitionedKey, Partitioning } from "./partition.ts";

export interface SourceObject {
  /** Relative to the source's root. */
  readonly key: string;
  readonly etag: string;
  readonly bytes: number;
  readonly partition: PartitionedKey;
}

export interface SourceRules {
  readonly partitioning: Partitioning;
  /** The job's `include` and `exclude` patterns. */
  readonly matches: (key: string) => boolean;
  /** Takes the error of one object, so that a listing can go on and report all of them; thrown when absent. */
  readonly onInvalid?: (error: ColonnadeError) => void;
}

/**
 * The objects of a dataset, in ascending order of the keys' UTF-8 bytes, page by page. Hidden ones are skipped as Spark
 * skips them. An object whose folders are not those of the dataset is a `data` error that names its key.
 */
export async function* listSource(store: ObjectStore, rules: SourceRules): AsyncIterable<SourceObject> {
  let first: SourceObject | undefined;
  for await (const { key, etag, bytes } of store.list("")) {
    // A key with a trailing slash is the marker that consoles make for an empty folder.
    if (key.endsWith("/") || isHidden(key) || !rules.matches(key)) continue;
    const partition = parsePartition(key, rules.partitioning);
    const problem =
      partition instanceof ColonnadeError ? partition : comparePartitions(first, key, partition);
    if (problem !== undefined) {
      if (rules.onInvalid === undefined) throw problem;
      rules.onInvalid(problem);
      continue;
    }
    const object: SourceObject = { key, etag, bytes, partition: partition as PartitionedKey };
    first ??= object;
    yield object;
  }
}

/**
 * Whether Spark would not look at it: a name that begins with `.`, or with `_` unless it is a partition
 * (`_year=2001`), at any depth, or a copy under way (InMemoryFileIndex.shouldFilterOutPathName; the summary
 * files `_metadata` and `_common_metadata`, which that lets through, are not data either). And the checksums
 * that Hadoop leaves beside objects.
 */
export function isHidden(key: string): boolean {
  if (key.endsWith(".crc")) return true;
  return key
    .split("/")
    .some(
      (segment) =>
        segment.startsWith(".") ||
        (segment.startsWith("_") && !segment.includes("=")) ||
        segment.endsWith("._COPYING_"),
    );
}

/** One dataset has one list of partition columns (Spark: "Conflicting partition column names detected"). */
function comparePartitions(
  first: SourceObject | undefined,
  key: string,
  partition: PartitionedKey,
): ColonnadeError | undefined {
  if (first === undefined) return undefined;
  const expected = columns(first.partition);
  const found = columns(partition);
  if (expected === found) return undefined;
  return new ColonnadeError(
    "data",
    "PARTITION_COLUMNS_DIFFER",
    "source object's key has other partition columns than the dataset's first",
    { key, columns: found, firstKey: first.key, firstColumns: expected },
  );
}

function columns(partition: PartitionedKey): string {
  return partition.values.map(({ name }) => name).join("/");
}
