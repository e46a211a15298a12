import { formatLeafType, type LeafType } from "../parquet/leaf-type.ts";

/**
 * Names of the two columns that a quarantine has beside those of its source, and after them: why a row is there, and its
 * number in the source object (from 0). They get a number behind where the source has a column of that name in any case,
 * which not every reader tells apart.
 */
export function quarantineColumns(source: readonly string[]): {
  readonly reason: string;
  readonly row: string;
} {
  const taken = new Set(source.map((name) => name.toLowerCase()));
  const free = (name: string): string => {
    let candidate = name;
    for (let number = 2; taken.has(candidate); number += 1) candidate = `${name}_${number}`;
    return candidate;
  };
  return { reason: free("_colonnade_reason"), row: free("_colonnade_row") };
}

/** Why a row is kept out, for people. */
export function reasonWords(column: string, from: LeafType | undefined, to: LeafType): string {
  return `${column}: no ${formatLeafType(to)} for this ${from === undefined ? "value" : formatLeafType(from)}`;
}
