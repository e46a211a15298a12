import type { Plan } from "../../plan/plan.ts";
import { table } from "../text/table.ts";
import {
  bold,
  concat,
  dim,
  emptyLine,
  green,
  type Part,
  red,
  text,
  type Text,
  yellow,
} from "../text/styled.ts";
import { countOf, formatBytes, formatCount } from "../text/units.ts";
import { costsLine } from "./apply.ts";
import { renderObjects } from "./objects.ts";

/** How many objects of a kind are named; the others are counted. `--json` has them all. */
const namedMax = 10;

export function renderPlan(plan: Plan, columns: number): Text[] {
  return [
    ...heading(plan, columns),
    ...(plan.upToDate ? upToDate(plan) : []),
    ...section("columns", columnsTable(plan, columns)),
    ...(plan.columns.length === 0 ? [] : [emptyLine, text`  ${costsLine(plan.totals, hasDrops(plan))}`]),
    ...section("objects", objectsLines(plan, columns)),
    ...section(
      "warnings",
      plan.warnings.map((warning) => text`  ${yellow("!")} ${warning}`),
    ),
  ];
}

function section(title: string, lines: readonly Text[]): Text[] {
  return lines.length === 0 ? [] : [emptyLine, bold(title), ...lines];
}

function heading(plan: Plan, columns: number): Text[] {
  const from = plan.from.length === 0 ? "" : `${plan.from.join(", ")} → `;
  const serves =
    plan.base === null
      ? "nothing yet"
      : `version ${plan.base.version}, schema ${plan.base.schema} (generation ${plan.base.generation})`;
  return [
    text`${bold(plan.dataset)} ${dim("schema")} ${from}${String(plan.to.version)}`,
    ...table(
      [{ title: "" }, { title: "", shrink: "cut" }],
      [
        [dim("source"), plan.source],
        [dim("destination"), plan.destination],
        [dim("channel"), text`${plan.channel} ${dim("serves")} ${serves}`],
      ],
      { width: columns },
    ),
  ];
}

function upToDate({ channel }: Plan): Text[] {
  return [emptyLine, text`${green("✓")} nothing to do: ${channel} serves exactly this`];
}

const actionStyle: Readonly<Record<string, (part: Part) => Text>> = {
  copy: green,
  relabel: green,
  alias: green,
  constant: green,
  borrowLevels: green,
  relevel: yellow,
  recodeDictionary: yellow,
  transcode: yellow,
};

/** What is dropped beside columns (footers, above all) is not worth a number. */
function hasDrops({ changes }: Plan): boolean {
  return changes.some(({ kind }) => kind === "drop");
}

function columnsTable({ columns: planned, changes }: Plan, columns: number): Text[] {
  if (planned.length === 0) return [];
  const dropped = changes.filter(({ kind }) => kind === "drop");
  const counts = new Set(planned.map(({ objects }) => objects));
  // Where all objects are alike, their number on every line says nothing.
  const differ = counts.size > 1;
  return table(
    [
      { title: "action" },
      { title: "column", shrink: "cut" },
      { title: "reason", shrink: "wrap" },
      ...(differ ? [{ title: "objects", align: "right" } as const] : []),
      { title: "bytes", align: "right" },
    ],
    [
      ...planned.map(({ path, action, reason, objects, bytes }) => [
        (actionStyle[action] ?? concat)(action),
        path,
        dim(reason),
        ...(differ ? [formatCount(objects)] : []),
        bytes === 0 ? dim("0") : formatBytes(bytes),
      ]),
      ...dropped.map(({ path }) => [
        red("drop"),
        path,
        dim("its bytes are not carried"),
        ...(differ ? [""] : []),
        "",
      ]),
    ],
    { width: columns },
  );
}

function objectsLines({ objects, totals }: Plan, columns: number): Text[] {
  const { todo, finished, carried, vanished, unreadable } = objects;
  const rows: Part[][] = [
    [
      formatCount(todo.length),
      "to do",
      dim(todo.length === 0 ? "" : `${countOf(totals.rows, "row")}, ${formatBytes(totals.sourceBytes)}`),
    ],
    ...(finished > 0
      ? [[formatCount(finished), "of these done", dim("by an earlier run that did not come to its commit")]]
      : []),
    [formatCount(carried), "already served", dim(carried === 0 ? "" : "unchanged: neither read nor written")],
    ...(vanished.length > 0
      ? [
          [
            yellow(formatCount(vanished.length)),
            "vanished",
            dim("gone from the source: they leave the next version"),
          ],
        ]
      : []),
    ...(unreadable.length > 0
      ? [[red(formatCount(unreadable.length)), "unreadable", dim("an apply would refuse to commit")]]
      : []),
  ];
  return [
    ...table([{ title: "", align: "right" }, { title: "" }, { title: "", shrink: "wrap" }], rows, {
      width: columns,
    }),
    ...named("vanished", vanished, columns),
    ...(unreadable.length === 0
      ? []
      : [emptyLine, ...renderObjects(unreadable.slice(0, namedMax), columns), ...more(unreadable.length)]),
  ];
}

function named(what: string, keys: readonly string[], columns: number): Text[] {
  if (keys.length === 0) return [];
  return [
    emptyLine,
    ...table(
      [{ title: what, shrink: "cut" }],
      keys.slice(0, namedMax).map((key) => [key]),
      { width: columns },
    ),
    ...more(keys.length),
  ];
}

function more(count: number): Text[] {
  return count <= namedMax
    ? []
    : [text`  ${dim(`and ${formatCount(count - namedMax)} more; --json has them all`)}`];
}
