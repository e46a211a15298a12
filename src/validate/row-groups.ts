import { ColonnadeError } from "../base/errors.ts";
import type { Footer } from "../parquet/footer/footer.ts";
import type { OpenOutput } from "./check-object.ts";
import { quarantineColumns } from "../dataset/quarantine-columns.ts";
import type { SecondReader } from "./second-reader.ts";
import { readSingleColumn } from "./single-column.ts";

/** A row group of the source, and what is left of it. */
export interface RowGroupPair {
  readonly source: number;
  /** Undefined when all of its rows are in quarantine. */
  readonly output: number | undefined;
  readonly rows: number;
  /** Number of the first row in the source object. */
  readonly firstRow: number;
  /** Rows in quarantine, counted in the row group, ascending. */
  readonly dropped: Uint32Array;
}

/** The numbers of the quarantined rows, by row group of the source. Throws `data` when they are no such numbers. */
export async function readDropped(
  quarantine: OpenOutput | undefined,
  source: Footer,
  { secondReader }: { readonly secondReader: SecondReader },
): Promise<Uint32Array[]> {
  const dropped: number[][] = source.rowGroups.map(() => []);
  if (quarantine !== undefined) {
    const { object, footer } = quarantine;
    const { row: rowColumn } = quarantineColumns(source.tree.children.map(({ name }) => name));
    const leaf = footer.leaves.at(-1);
    if (leaf?.name !== rowColumn) throw unreadable(object.key, `no column ${rowColumn}`);
    let rowGroup = 0;
    let firstRow = 0;
    let before = -1;
    for (let i = 0; i < footer.rowGroups.length; i += 1) {
      const column = await readSingleColumn(object, footer, i, leaf.leafIndex);
      const reply = await secondReader.run({ kind: "integers", column });
      if (reply.kind !== "integers")
        throw unreadable(object.key, reply.kind === "failed" ? reply.reason : "");
      for (const value of reply.values) {
        const row = Number(value);
        if (row <= before || row >= source.rows)
          throw unreadable(object.key, `row ${row} after row ${before}`);
        before = row;
        while (row >= firstRow + (source.rowGroups[rowGroup]?.rows ?? 0)) {
          firstRow += source.rowGroups[rowGroup]?.rows ?? 0;
          rowGroup += 1;
        }
        dropped[rowGroup]?.push(row - firstRow);
      }
    }
  }
  return dropped.map((rows) => Uint32Array.from(rows));
}

function unreadable(key: string, reason: string): ColonnadeError {
  return new ColonnadeError("data", "QUARANTINE_ROWS", "quarantine does not say which rows it holds", {
    key,
    reason,
  });
}

/** Row groups keep their order; one whose rows are all in quarantine is left out. A string says what does not fit. */
export function matchRowGroups(
  source: Footer,
  output: Footer,
  dropped: readonly Uint32Array[],
): RowGroupPair[] | string {
  const pairs: RowGroupPair[] = [];
  let next = 0;
  let firstRow = 0;
  for (const [i, { rows }] of source.rowGroups.entries()) {
    const out = dropped[i] ?? new Uint32Array(0);
    const left = rows - out.length;
    const isLeftOut = left === 0 && rows > 0;
    if (!isLeftOut && output.rowGroups[next]?.rows !== left) {
      return `row group ${i} of the source has ${left} rows to keep, and ${next} of the output has ${output.rowGroups[next]?.rows ?? "none"}`;
    }
    pairs.push({ source: i, output: isLeftOut ? undefined : next, rows, firstRow, dropped: out });
    if (!isLeftOut) next += 1;
    firstRow += rows;
  }
  return next === output.rowGroups.length ? pairs : "the output has more row groups than the source";
}
