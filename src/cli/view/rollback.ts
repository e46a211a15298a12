import type { Pointer } from "../../dataset/formats.ts";
import { bold, concat, emptyLine, green, text, type Text } from "../text/styled.ts";
import { pairs } from "../text/table.ts";

/** What `rollback --json` prints. */
export interface RollbackReport {
  readonly outcome: "committed";
  readonly dataset: string;
  readonly channel: string;
  readonly generation: number;
  readonly version: number;
  readonly schema: number;
  readonly previous: Pointer["previous"];
  readonly previousSchema: number | null;
  readonly reason: string;
  readonly pointer: string;
}

export function renderRollback(report: RollbackReport, columns: number): Text[] {
  const { dataset, channel, version, generation, schema, previous, previousSchema } = report;
  const before =
    previous === null
      ? concat("nothing")
      : text`version ${previous.version} (generation ${previous.generation}, schema ${previousSchema ?? "?"})`;
  return [
    text`${green("✓")} ${bold(dataset)}: ${channel} serves version ${bold(String(version))} again (generation ${generation}, schema ${schema})`,
    emptyLine,
    ...pairs(
      [
        ["before", before],
        ["reason", report.reason],
        ["pointer", report.pointer],
      ],
      { width: columns },
    ),
  ];
}
