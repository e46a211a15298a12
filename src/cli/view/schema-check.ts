import type { CompatibilityMode, Finding } from "../../schema/compatibility.ts";
import { bold, dim, emptyLine, green, red, text, type Text } from "../text/styled.ts";
import { table } from "../text/table.ts";
import { type JudgedChange, renderJudgements } from "./judgements.ts";

/** What `schema check --json` prints. */
export interface SchemaCheckReport {
  readonly dataset: string;
  /** Null when the version is the first. */
  readonly from: number | null;
  readonly to: number | null;
  readonly mode: CompatibilityMode;
  readonly compatible: boolean;
  /** Of `to` with `from`, whatever the mode asks for. */
  readonly backward: boolean;
  readonly forward: boolean;
  /** From the version before. */
  readonly changes: readonly JudgedChange[];
  /** What no migration can do. */
  readonly impossible: readonly string[];
  /** Why the mode does not hold. */
  readonly findings: readonly Finding[];
}

export function renderSchemaCheck(report: SchemaCheckReport, columns: number): Text[] {
  const { dataset, from, to, mode, changes, impossible, findings, compatible } = report;
  return [
    text`${bold(dataset)} ${dim("schema")} ${from === null ? "" : `${from} → `}${to ?? "?"}`,
    ...(changes.length === 0 ? [] : [emptyLine, ...renderJudgements(changes, columns)]),
    ...(impossible.length === 0
      ? []
      : [emptyLine, bold("impossible"), ...impossible.map((message) => text`  ${red("✗")} ${message}`)]),
    ...(findings.length === 0
      ? []
      : [
          emptyLine,
          bold(`not ${mode}`),
          ...table(
            [{ title: "" }, { title: "against" }, { title: "", shrink: "wrap" }],
            findings.map(({ from, message, direction }) => [
              red("✗"),
              `${from}${direction === "both" ? "" : ` ${direction}`}`,
              message,
            ]),
            { width: columns },
          ),
        ]),
    emptyLine,
    compatible ? text`${green("✓")} ${mode} holds` : text`${red("✗")} ${mode} does not hold`,
  ];
}
