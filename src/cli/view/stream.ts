import type { DescribedChange } from "../../schema/describe-change.ts";
import type { StreamProgress } from "../../stream/migrate-stream.ts";
import { bold, dim, emptyLine, green, text, type Text, yellow } from "../text/styled.ts";
import { countOf, formatDuration } from "../text/units.ts";
import { renderChanges } from "./changes.ts";

/** What `stream` tells at its end. */
export interface StreamReport extends StreamProgress {
  readonly dataset: string;
  readonly from: number;
  readonly to: number;
  readonly changes: readonly DescribedChange[];
  readonly quarantine?: string;
  readonly warnings: readonly string[];
  readonly elapsedMs: number;
}

export function renderStream(report: StreamReport, columns: number): Text[] {
  const { dataset, from, to, rows, batches, rowsQuarantined, invalid, quarantine, elapsedMs } = report;
  return [
    text`${green("✓")} ${bold(dataset)}: ${countOf(rows, "row")} in ${countOf(batches, "batch", "batches")} from schema ${from} to ${bold(String(to))} ${dim(formatDuration(elapsedMs))}`,
    ...(report.changes.length === 0 ? [] : [emptyLine, ...renderChanges(report.changes, columns)]),
    ...(invalid === 0 ? [] : [text`${yellow("!")} ${countOf(invalid, "value")} without an equivalent`]),
    ...(rowsQuarantined === 0
      ? []
      : [text`${yellow("!")} ${countOf(rowsQuarantined, "row")} put aside in ${quarantine ?? ""}`]),
    ...report.warnings.map((warning) => text`${yellow("!")} ${warning}`),
  ];
}
