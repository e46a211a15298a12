import { bold, dim, emptyLine, green, red, text, type Text, yellow } from "../text/styled.ts";
import { table } from "../text/table.ts";
import { type JudgedChange, renderJudgements } from "./judgements.ts";

/** What `schema diff --json` prints. */
export interface SchemaDiffReport {
  readonly dataset: string;
  readonly from: number;
  readonly to: number;
  readonly changes: readonly JudgedChange[];
  readonly impossible: readonly string[];
  readonly backward: boolean;
  readonly forward: boolean;
}

export function renderSchemaDiff(report: SchemaDiffReport, columns: number): Text[] {
  const { dataset, from, to, changes, impossible } = report;
  return [
    text`${bold(dataset)} ${dim("schema")} ${from} → ${to}`,
    emptyLine,
    ...(changes.length === 0 && impossible.length === 0 ? [text`  ${dim("no difference")}`] : []),
    ...(changes.length === 0 ? [] : renderJudgements(changes, columns)),
    ...impossible.map((message) => text`  ${red("✗")} ${message}`),
    ...consumerLines(report, columns),
  ];
}

/** What the two kinds of consumers find, and the reasons when they find something else than they expect. */
function consumerLines({ changes, backward, forward }: SchemaDiffReport, columns: number): Text[] {
  if (changes.length === 0) return [];
  const reasons = (of: (change: JudgedChange) => string | null): Text[][] =>
    changes.flatMap((change) => {
      const reason = of(change);
      return reason === null ? [] : [[text``, text`${change.path}: ${dim(reason)}`]];
    });
  return [
    emptyLine,
    bold("consumers"),
    ...table(
      [{ title: "" }, { title: "", shrink: "wrap" }],
      [
        [mark(backward), text`of the new version ${backward ? "read" : "do not read all of the"} old data`],
        ...reasons((change) => change.backward),
        [mark(forward), text`of the old version ${forward ? "read" : "do not read all of the"} new data`],
        ...reasons((change) => change.forward),
      ],
      { width: columns },
    ),
  ];
}

function mark(holds: boolean): Text {
  return holds ? green("✓") : yellow("!");
}
