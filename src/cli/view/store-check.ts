import type { StoreCheckReport } from "../../dataset/check-store.ts";
import { table } from "../text/table.ts";
import { bold, concat, dim, emptyLine, green, red, text, type Text, yellow } from "../text/styled.ts";

export function renderStoreCheck({ uri, checks, safe }: StoreCheckReport, columns: number): Text[] {
  const rows = checks.map(({ name, isNeeded, outcome, detail }) => [
    outcome === "holds" ? green("✓") : isNeeded ? red("✗") : yellow("!"),
    name,
    dim(detail ?? ""),
  ]);
  return [
    text`${bold(uri)}`,
    emptyLine,
    ...table([{ title: "" }, { title: "", shrink: "wrap" }, { title: "", shrink: "wrap" }], rows, {
      width: columns,
    }),
    emptyLine,
    safe
      ? text`${green("✓")} commits are safe here`
      : concat(red("✗"), " commits are not safe here: what is marked would let one overwrite another"),
  ];
}
