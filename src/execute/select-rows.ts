import type { ColumnData } from "../parquet/column-data.ts";
import { dropRows, keepRows } from "../parquet/filter-rows.ts";

/** Rows of a row group, ascending, that stay out of the output, or that alone stay in. */
export interface RowSelection {
  readonly kind: "drop" | "keep";
  readonly rows: Uint32Array;
}

export function selectRows(data: ColumnData, selection: RowSelection | undefined): ColumnData {
  if (selection === undefined) return data;
  return selection.kind === "drop" ? dropRows(data, selection.rows) : keepRows(data, selection.rows);
}

/** The number in its row group of a row that is left. */
export function sourceRow(row: number, selection: RowSelection | undefined): number {
  if (selection === undefined) return row;
  if (selection.kind === "keep") return selection.rows[row] ?? row;
  let number = row;
  for (const dropped of selection.rows) {
    if (dropped > number) break;
    number += 1;
  }
  return number;
}

/** How many of a row group's rows are left. */
export function selectedRows(rows: number, selection: RowSelection | undefined): number {
  if (selection === undefined) return rows;
  return selection.kind === "keep" ? selection.rows.length : rows - selection.rows.length;
}
