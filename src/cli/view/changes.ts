import type { DescribedChange } from "../../schema/describe-change.ts";
import { table } from "../text/table.ts";
import { cyan, dim, green, magenta, type Part, red, type Text, yellow } from "../text/styled.ts";

const marks: Readonly<Record<DescribedChange["kind"], Part>> = {
  rename: cyan("→"),
  cast: yellow("~"),
  add: green("+"),
  drop: red("-"),
  reorder: dim("↕"),
  nullability: yellow("?"),
  partition: magenta("/"),
  alias: dim("="),
};

export function changeMark(kind: DescribedChange["kind"]): Part {
  return marks[kind];
}

/** One change a line: a mark, the kind, the column, what happens to it. */
export function renderChanges(changes: readonly DescribedChange[], columns: number): Text[] {
  return table(
    [{ title: "" }, { title: "" }, { title: "", shrink: "cut" }, { title: "", shrink: "wrap" }],
    changes.map(({ kind, path, detail }) => [changeMark(kind), kind, path, dim(detail)]),
    { width: columns },
  );
}
