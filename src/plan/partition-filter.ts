import { ColonnadeError } from "../base/errors.ts";
import { didYouMean } from "../base/nearest.ts";
import type { PartitionedKey } from "../dataset/partition.ts";

/** `--only month=2001-03`: all named partition values must be equal; values of one name are alternatives. */
export interface PartitionFilter {
  readonly wanted: ReadonlyMap<string, ReadonlySet<string | null>>;
}

const hiveNull = "__HIVE_DEFAULT_PARTITION__";

/** Throws `invalid` `FILTER_INVALID` when a term is not `name=value` or names no partition column. */
export function parsePartitionFilter(
  terms: readonly string[],
  columns: readonly string[],
): PartitionFilter | undefined {
  if (terms.length === 0) return undefined;
  const wanted = new Map<string, Set<string | null>>();
  for (const term of terms) {
    const at = term.indexOf("=");
    const name = term.slice(0, Math.max(at, 0));
    if (at < 1) {
      throw new ColonnadeError("invalid", "FILTER_INVALID", "filter is not name=value", { filter: term });
    }
    if (!columns.includes(name)) {
      const details = { filter: term, partitionColumns: columns };
      throw new ColonnadeError(
        "invalid",
        "FILTER_INVALID",
        `filter names no partition column of the source${didYouMean(name, columns)}`,
        details,
      );
    }
    const value = term.slice(at + 1);
    const values = wanted.get(name) ?? new Set();
    wanted.set(name, values.add(value === hiveNull ? null : value));
  }
  return { wanted };
}

export function passesFilter(filter: PartitionFilter | undefined, partition: PartitionedKey): boolean {
  if (filter === undefined) return true;
  return [...filter.wanted].every(([name, values]) => {
    const found = partition.values.find((value) => value.name === name);
    return found !== undefined && values.has(found.value);
  });
}
