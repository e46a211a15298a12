import { createRequire } from "node:module";
import type stringWidthOf from "string-width";
import { concat, dim, plainText, type Span, type Text } from "./styled.ts";

// It builds its tables when it is loaded, which takes longer than most commands: only text beyond `isPlain` needs them.
const require = createRequire(import.meta.url);
let loaded: typeof stringWidthOf | undefined;

function stringWidth(text: string): number {
  if (isPlain(text)) return text.length;
  loaded ??= (require("string-width") as { readonly default: typeof stringWidthOf }).default;
  return loaded(text);
}

let segmenter: Intl.Segmenter | undefined;

function graphemes(text: string): Intl.Segments {
  segmenter ??= new Intl.Segmenter("en", { granularity: "grapheme" });
  return segmenter.segment(text);
}

/** Columns that a text takes on a screen. */
export function widthOf(text: Text): number {
  return stringWidth(plainText(text));
}

/** A column for each character: ASCII, western letters, and the signs that our own views are drawn with. */
function isPlain(text: string): boolean {
  return /^[\u0020-\u007e\u00a1-\u00ac\u00ae-\u00ff\u2010-\u2015\u2026\u2190-\u2195\u2212\u2500-\u257f\u2713\u2717\u2800-\u28ff]*$/.test(
    text,
  );
}

/** The beginning of a text, at most `columns` wide. */
export function takeStart(text: Text, columns: number): Text {
  const taken: Span[] = [];
  let left = columns;
  for (const span of text) {
    let kept = "";
    if (isPlain(span.text)) kept = span.text.slice(0, Math.max(0, left));
    else {
      let width = 0;
      for (const { segment } of graphemes(span.text)) {
        width += stringWidth(segment);
        if (width > left) break;
        kept += segment;
      }
    }
    if (kept !== "") taken.push({ ...span, text: kept });
    if (kept.length < span.text.length) break;
    left -= stringWidth(kept);
  }
  return taken;
}

function takeEnd(text: Text, columns: number): Text {
  const taken: Span[] = [];
  let left = columns;
  for (const span of text.toReversed()) {
    let kept = "";
    if (isPlain(span.text)) kept = left <= 0 ? "" : span.text.slice(-left);
    else {
      let width = 0;
      for (const { segment } of [...graphemes(span.text)].toReversed()) {
        width += stringWidth(segment);
        if (width > left) break;
        kept = segment + kept;
      }
    }
    if (kept !== "") taken.unshift({ ...span, text: kept });
    if (kept.length < span.text.length) break;
    left -= stringWidth(kept);
  }
  return taken;
}

/** At most `columns` wide: both ends of a key tell more than its beginning alone. */
export function cutMiddle(text: Text, columns: number): Text {
  if (widthOf(text) <= columns) return text;
  if (columns <= 1) return takeStart(concat("…"), columns);
  const start = Math.ceil((columns - 1) / 2);
  return concat(takeStart(text, start), dim("…"), takeEnd(text, columns - 1 - start));
}

export function padEnd(text: Text, columns: number): Text {
  const missing = columns - widthOf(text);
  return missing <= 0 ? text : concat(text, " ".repeat(missing));
}

export function padStart(text: Text, columns: number): Text {
  const missing = columns - widthOf(text);
  return missing <= 0 ? text : concat(" ".repeat(missing), text);
}

/**
 * Breaks at spaces into lines of at most `columns`; a word that is longer is cut in pieces. `indent` is what lines after the
 * first begin with.
 */
export function wrap(text: Text, columns: number, indent = ""): Text[] {
  if (columns - indent.length < 1 || widthOf(text) <= columns) return [text];
  const lines: Span[][] = [[]];
  let used = 0;
  const breakLine = (): void => {
    lines.push(indent === "" ? [] : [{ text: indent, styles: [] }]);
    used = indent.length;
  };
  for (const span of text) {
    for (const word of span.text.split(/(?<=\s)(?=\S)/)) {
      const begin = lines.length === 1 ? 0 : indent.length;
      if (used > begin && used + stringWidth(word.trimEnd()) > columns) breakLine();
      let rest = word;
      while (used + stringWidth(rest.trimEnd()) > columns) {
        const piece = plainText(takeStart([{ ...span, text: rest }], columns - used));
        if (piece === "") break;
        lines.at(-1)?.push({ ...span, text: piece });
        rest = rest.slice(piece.length);
        breakLine();
      }
      lines.at(-1)?.push({ ...span, text: rest });
      used += stringWidth(rest);
    }
  }
  return lines.map(trimEnd).filter((line, index) => index === 0 || plainText(line).trim() !== "");
}

/** Lines that fit: those that are too long go on below, a little further in. */
export function fitLines(lines: readonly Text[], columns: number): Text[] {
  return lines.flatMap((line) => {
    const indent = /^ */.exec(plainText(line))?.[0] ?? "";
    return wrap(line, columns, `${indent}  `);
  });
}

/** Without spaces at the end, which would only show when somebody selects the text. */
export function trimEnd(line: Text): Text {
  const kept = [...line];
  for (let last = kept.at(-1); last !== undefined; last = kept.at(-1)) {
    const text = last.text.trimEnd();
    if (text !== "") {
      kept[kept.length - 1] = { ...last, text };
      break;
    }
    kept.pop();
  }
  return kept;
}
