import { cutMiddle, padEnd, padStart, trimEnd, widthOf, wrap } from "./measure.ts";
import { concat, dim, emptyLine, type Part, type Text } from "./styled.ts";

export interface TableColumn {
  readonly title: string;
  /** Numbers stand right, so that their digits compare. */
  readonly align?: "left" | "right";
  /**
   * How a column gives way when the table is wider than the screen: `cut` in the middle of its cells (keys, names), `wrap` over
   * several lines (sentences), or never.
   */
  readonly shrink?: "cut" | "wrap";
}

const gap = 2;
const shrunkWidthMin = 10;
/** Three or four words. */
const wrappedWidthMin = 26;

/** A table without rules: a dim heading, two spaces between columns, no wider than `columns`. */
export function table(
  columns: readonly TableColumn[],
  rows: readonly (readonly Part[])[],
  options: { readonly width: number; readonly indent?: number },
): Text[] {
  const indent = " ".repeat(options.indent ?? 2);
  const cells = rows.map((row) => row.map((part) => concat(part)));
  const titles = columns.map(({ title }) => dim(title));
  const hasTitles = columns.some(({ title }) => title !== "");
  const widths = columns.map((_, column) =>
    Math.max(widthOf(titles[column] ?? emptyLine), ...cells.map((row) => widthOf(row[column] ?? emptyLine))),
  );
  fit(columns, widths, options.width - indent.length - gap * (columns.length - 1));
  const lay = (row: readonly Text[]): Text[] => {
    const blocks = columns.map(({ align, shrink }, column) => {
      const cell = row[column] ?? emptyLine;
      const width = widths[column] ?? 0;
      const lines = shrink === "wrap" ? wrap(cell, width) : [cutMiddle(cell, width)];
      return lines.map((line) => (align === "right" ? padStart(line, width) : padEnd(line, width)));
    });
    const height = Math.max(...blocks.map((block) => block.length));
    return Array.from({ length: height }, (_, line) =>
      trimEnd(
        concat(
          indent,
          ...blocks.flatMap((block, column) => [
            column === 0 ? "" : " ".repeat(gap),
            block[line] ?? " ".repeat(widths[column] ?? 0),
          ]),
        ),
      ),
    );
  };
  return [...(hasTitles ? lay(titles) : []), ...cells.flatMap(lay)];
}

/**
 * Takes from the widest column that can give, one screen column at a time, until the table fits. Sentences first, for wrapping
 * loses nothing, until they are narrow.
 */
function fit(columns: readonly TableColumn[], widths: number[], available: number): void {
  const widest = (shrinks: readonly TableColumn["shrink"][], min: number): number =>
    columns.reduce((best, { shrink }, column) => {
      const width = widths[column] ?? 0;
      return shrinks.includes(shrink) && width > min && width > (widths[best] ?? 0) ? column : best;
    }, -1);
  for (let over = widths.reduce((sum, width) => sum + width, 0) - available; over > 0; over -= 1) {
    const sentence = widest(["wrap"], wrappedWidthMin);
    const column = sentence >= 0 ? sentence : widest(["wrap", "cut"], shrunkWidthMin);
    if (column < 0) return;
    widths[column] = (widths[column] ?? 0) - 1;
  }
}

/** Names and values, one pair a line, the names dim and aligned. */
export function pairs(
  entries: readonly (readonly [name: string, value: Part])[],
  options: { readonly width: number; readonly indent?: number },
): Text[] {
  return table(
    [{ title: "" }, { title: "", shrink: "wrap" }],
    entries.map(([name, value]) => [dim(name), value]),
    options,
  );
}
