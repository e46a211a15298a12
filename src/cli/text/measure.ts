import stringWidth from "string-width";
import { concat, dim, plainText, type Span, type Text } from "./styled.ts";

const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });

/** Columns that a text takes on a screen. */
export function widthOf(text: Text): number {
  return stringWidth(plainText(text));
}

function isPlainAscii(text: string): boolean {
  return /^[\u0020-\u007e]*$/.test(text);
}

/** The beginning of a text, at most `columns` wide. */
export function takeStart(text: Text, columns: number): Text {
  const taken: Span[] = [];
  let left = columns;
  for (const span of text) {
    let kept = "";
    if (isPlainAscii(span.text)) kept = span.text.slice(0, Math.max(0, left));
    else {
      let width = 0;
      for (const { segment } of graphemes.segment(span.text)) {
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
    if (isPlainAscii(span.text)) kept = left <= 0 ? "" : span.text.slice(-left);
    else {
      let width = 0;
      for (const { segment } of [...graphemes.segment(span.text)].toReversed()) {
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

/** Breaks at spaces into lines of at most `columns`; a word that is longer stands alone, cut in pieces. */
export function wrap(text: Text, columns: number): Text[] {
  if (columns < 1 || widthOf(text) <= columns) return [text];
  const lines: Span[][] = [[]];
  let used = 0;
  for (const span of text) {
    for (const word of span.text.split(/(?<=\s)(?=\S)/)) {
      let rest: Text = [{ ...span, text: word }];
      const width = stringWidth(word.trimEnd());
      if (used > 0 && used + width > columns) {
        lines.push([]);
        used = 0;
      }
      while (widthOf(rest) > columns && widthOf(takeStart(rest, columns)) > 0 && width > columns) {
        const piece = takeStart(rest, columns);
        lines.at(-1)?.push(...piece);
        lines.push([]);
        rest = [{ ...span, text: plainText(rest).slice(plainText(piece).length) }];
      }
      lines.at(-1)?.push(...rest);
      used += widthOf(rest);
    }
  }
  return lines.map(trimLineEnd).filter((line, index) => line.length > 0 || index === 0);
}

function trimLineEnd(line: readonly Span[]): Text {
  const last = line.at(-1);
  if (last === undefined) return line;
  const trimmed = last.text.trimEnd();
  const rest = line.slice(0, -1);
  return trimmed === "" ? trimLineEnd(rest) : [...rest, { ...last, text: trimmed }];
}
