import type { ColumnData } from "../../parquet/values/column-data.ts";
import { dropRows, keepRows } from "../../parquet/values/filter-rows.ts";

/** Rows of a row group, ascending, that stay out of the output, or that alone stay in. */
export interface RowSelection {
  readonly kind: "drop" | "keep";
  readonly rows: Uint32Array;
}

/** The rows of a page that are left; `rowStart` is the number in the row group of the first row that begins in it. */
export function selectRows(data: ColumnData, selection: RowSelection, rowStart: number): ColumnData {
  const { kind, rows } = selection;
  const from = firstAtLeast(rows, rowStart);
  const own = rows.subarray(from, firstAtLeast(rows, rowStart + data.rows)).map((row) => row - rowStart);
  const namesBegun = from > 0 && rows[from - 1] === rowStart - 1;
  return kind === "drop" ? dropRows(data, own, !namesBegun) : keepRows(data, own, namesBegun);
}

/** The number in its row group of the row that is left as number `row` of those of a page. */
export function sourceRow(row: number, selection: RowSelection | undefined, rowStart: number): number {
  if (selection === undefined || row < 0) return rowStart + row;
  const { kind, rows } = selection;
  const from = firstAtLeast(rows, rowStart);
  if (kind === "keep") return rows[from + row] ?? rowStart + row;
  let number = rowStart + row;
  for (let i = from; i < rows.length && (rows[i] as number) <= number; i += 1) number += 1;
  return number;
}

/** How many of a row group's rows are left. */
export function selectedRows(rows: number, selection: RowSelection | undefined): number {
  if (selection === undefined) return rows;
  return selection.kind === "keep" ? selection.rows.length : rows - selection.rows.length;
}

/** Position of the first of ascending `rows` that is not below `row`. */
function firstAtLeast(rows: Uint32Array, row: number): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((rows[middle] as number) < row) low = middle + 1;
    else high = middle;
  }
  return low;
}
