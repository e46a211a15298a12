import type { Judgement } from "../../schema/compatibility.ts";
import type { DescribedChange } from "../../schema/describe-change.ts";
import type { Reversal } from "../../schema/reversibility.ts";
import { dim, green, type Part, red, type Text, yellow } from "../text/styled.ts";
import { table } from "../text/table.ts";
import { changeMark } from "./changes.ts";

/** A change with what it means, as `schema check --json` and `schema diff --json` print it. */
export interface JudgedChange extends DescribedChange {
  /** Why a consumer of the new version cannot read old data; null when it can. */
  readonly backward: string | null;
  /** Why a consumer of the old version cannot read new data; null when it can. */
  readonly forward: string | null;
  readonly undo: Reversal;
}

export function describeJudgements(judgements: readonly Judgement[]): JudgedChange[] {
  return judgements.map(({ described, backward, forward, reversal }) => ({
    kind: described.kind,
    field: described.field,
    path: described.path,
    detail: described.detail,
    backward: backward ?? null,
    forward: forward ?? null,
    undo: reversal,
  }));
}

const undoWords: Readonly<Record<Reversal["kind"], (part: Part) => Text>> = {
  free: green,
  needsSource: yellow,
  losesValues: red,
};
const undoNames: Readonly<Record<Reversal["kind"], string>> = {
  free: "free",
  needsSource: "needs the source",
  losesValues: "loses values",
};

/** One change a line: what it is, and what undoing it takes. */
export function renderJudgements(changes: readonly JudgedChange[], columns: number): Text[] {
  return table(
    [
      { title: "" },
      { title: "change" },
      { title: "field", shrink: "cut" },
      { title: "", shrink: "wrap" },
      { title: "to undo" },
      { title: "", shrink: "wrap" },
    ],
    changes.map(({ kind, path, detail, undo }) => [
      changeMark(kind),
      kind,
      path,
      detail,
      undoWords[undo.kind](undoNames[undo.kind]),
      dim(undo.words),
    ]),
    { width: columns },
  );
}
