import type { DescribedChange } from "../../schema/describe-change.ts";
import { bold, concat, dim, emptyLine, green, red, text, type Text, yellow } from "../text/styled.ts";
import { table } from "../text/table.ts";
import { formatBytes, formatCount, formatInstant } from "../text/units.ts";
import { renderChanges } from "./changes.ts";

/** What `diff --json` prints. */
export interface DiffReport {
  readonly from: DiffSide;
  readonly to: DiffSide;
  readonly changes: readonly DescribedChange[];
  /** What no migration could do, between two versions that were made apart. */
  readonly impossible: readonly string[];
  /** By source object: whose data object is the same, made anew, only in the later, only in the earlier version. */
  readonly objects: {
    readonly same: number;
    readonly changed: number;
    readonly added: number;
    readonly removed: number;
  };
  /** Source keys; `changed`: written anew in the source itself. */
  readonly sources: {
    readonly added: readonly string[];
    readonly removed: readonly string[];
    readonly changed: readonly string[];
  };
  /** Of objects that both versions name: stored once. */
  readonly bytesShared: number;
}

export interface DiffSide {
  readonly version: number;
  readonly schema: number;
  readonly objects: number;
  readonly rows: number;
  readonly rowsQuarantined: number;
  readonly bytes: number;
  readonly createdAt: string;
}

const namedMax = 20;

export function renderDiff(report: DiffReport, columns: number): Text[] {
  const { from, to, changes, impossible, sources } = report;
  return [
    text`version ${bold(String(from.version))} ${dim("→")} version ${bold(String(to.version))}`,
    emptyLine,
    ...sidesTable(report, columns),
    emptyLine,
    bold("schema"),
    ...(changes.length === 0 && impossible.length === 0
      ? [text`  ${dim("the same")}`]
      : renderChanges(changes, columns)),
    ...impossible.map((message) => text`  ${red("✗")} ${message}`),
    emptyLine,
    bold("objects"),
    objectsLine(report),
    ...keys("+", green, sources.added, columns),
    ...keys("-", red, sources.removed, columns),
    ...keys("~", yellow, sources.changed, columns),
  ];
}

function sidesTable({ from, to }: DiffReport, columns: number): Text[] {
  const rows: [string, (side: DiffSide) => string, number][] = [
    ["schema", ({ schema }) => formatCount(schema), to.schema - from.schema],
    ["objects", ({ objects }) => formatCount(objects), to.objects - from.objects],
    ["rows", ({ rows }) => formatCount(rows), to.rows - from.rows],
    [
      "quarantined",
      ({ rowsQuarantined }) => formatCount(rowsQuarantined),
      to.rowsQuarantined - from.rowsQuarantined,
    ],
    ["bytes", ({ bytes }) => formatBytes(bytes), to.bytes - from.bytes],
    ["made", ({ createdAt }) => formatInstant(createdAt), 0],
  ];
  return table(
    [
      { title: "" },
      { title: `version ${from.version}`, align: "right" },
      { title: `version ${to.version}`, align: "right" },
      { title: "", align: "right" },
    ],
    rows.map(([name, show, change]) => [dim(name), show(from), show(to), changeOf(name, change)]),
    { width: columns },
  );
}

function changeOf(name: string, change: number): Text {
  if (change === 0 || name === "schema") return [];
  const amount = name === "bytes" ? formatBytes(Math.abs(change)) : formatCount(Math.abs(change));
  return dim(`${change > 0 ? "+" : "−"}${amount}`);
}

function objectsLine({ objects, bytesShared }: DiffReport): Text {
  const dot = dim(" · ");
  return concat(
    `  ${formatCount(objects.same)} shared`,
    objects.same === 0 ? "" : dim(` (${formatBytes(bytesShared)})`),
    dot,
    `${formatCount(objects.changed)} made anew`,
    dot,
    objects.added > 0 ? green(`${formatCount(objects.added)} added`) : "0 added",
    dot,
    objects.removed > 0 ? red(`${formatCount(objects.removed)} removed`) : "0 removed",
  );
}

function keys(
  mark: string,
  style: (part: string) => Text,
  sources: readonly string[],
  columns: number,
): Text[] {
  const shown = table(
    [{ title: "" }, { title: "", shrink: "cut" }],
    sources.slice(0, namedMax).map((key) => [style(mark), key]),
    { width: columns },
  );
  const more = sources.length - namedMax;
  return more > 0 ? [...shown, text`  ${dim(`and ${formatCount(more)} more; --json has them all`)}`] : shown;
}
