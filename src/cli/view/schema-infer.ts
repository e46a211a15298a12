import type { UnreadableObject } from "../../plan/plan.ts";
import type { Conflict } from "../../schema/infer.ts";
import { bold, dim, emptyLine, green, magenta, red, text, type Text, yellow } from "../text/styled.ts";
import { table } from "../text/table.ts";
import { countOf, formatCount } from "../text/units.ts";
import { renderObjects } from "./objects.ts";

/** What `schema infer --json` prints. */
export interface InferReport {
  readonly dataset: string;
  /** Where it was written; null with `--dry-run`. */
  readonly file: string | null;
  readonly yaml: string;
  readonly fields: readonly {
    readonly id: number;
    readonly name: string;
    readonly type: string;
    readonly nullable: boolean;
    readonly partition: boolean;
  }[];
  /** Listed, and whose footer was read. */
  readonly objects: number;
  readonly objectsRead: number;
  readonly notes: readonly string[];
  readonly conflicts: readonly Conflict[];
  readonly unreadable: readonly UnreadableObject[];
}

const namedMax = 10;

export function renderInference(report: InferReport, columns: number): Text[] {
  const { file, notes, conflicts, unreadable, objects, objectsRead, dataset, fields } = report;
  // The YAML is what was asked for: nothing else beside it, so that it can go into a file.
  if (file === null)
    return report.yaml
      .trimEnd()
      .split("\n")
      .map((line) => text`${line}`);
  return [
    text`${bold(dataset)} ${dim("from")} ${countOf(objectsRead, "footer")} ${dim("of")} ${countOf(objects, "object")}`,
    emptyLine,
    ...table(
      [
        { title: "id", align: "right" },
        { title: "field", shrink: "cut" },
        { title: "type", shrink: "wrap" },
        { title: "" },
      ],
      fields.map(({ id, name, type, nullable, partition }) => [
        formatCount(id),
        name,
        type,
        partition ? magenta("in the path") : nullable ? "" : dim("not null"),
      ]),
      { width: columns },
    ),
    ...section(
      "look at",
      notes.map((note) => text`  ${yellow("!")} ${note}`),
    ),
    ...section("objects that differ", conflictTable(conflicts, columns)),
    ...section(
      "unreadable",
      unreadable.length === 0 ? [] : renderObjects(unreadable.slice(0, namedMax), columns),
    ),
    emptyLine,
    text`${green("✓")} wrote ${file}`,
  ];
}

function section(title: string, lines: readonly Text[]): Text[] {
  return lines.length === 0 ? [] : [emptyLine, bold(title), ...lines];
}

function conflictTable(conflicts: readonly Conflict[], columns: number): Text[] {
  if (conflicts.length === 0) return [];
  return table(
    [
      { title: "column", shrink: "cut" },
      { title: "what differs", shrink: "wrap" },
      { title: "objects", align: "right" },
      { title: "such as", shrink: "cut" },
    ],
    conflicts.map(({ path, detail, objects }) => [
      path,
      red(detail),
      formatCount(objects.length),
      objects[0] ?? "",
    ]),
    { width: columns },
  );
}
