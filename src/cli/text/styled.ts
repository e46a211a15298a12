import type { createColors } from "picocolors";

/**
 * Text for people, as data: what is said, and how it looks. Everything that reaches a terminal is made here, so that control
 * characters in an object's key or a value are escaped in one place, and widths are those of what is seen.
 */
export interface Span {
  readonly text: string;
  readonly styles: readonly Style[];
}

export type Text = readonly Span[];
export type Style = "bold" | "dim" | "red" | "green" | "yellow" | "blue" | "magenta" | "cyan";
export type Part = string | number | Text;
export type Colors = ReturnType<typeof createColors>;

// C0, DEL and C1 (a terminal may take U+009B for ESC [), line and paragraph separators, and what turns the direction of
// the text around it (https://trojansource.codes): none of it may act on a terminal, all of it must be seen.
const unsafe = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/gu;

/** The text with everything that would act on a terminal spelled as `\u001b`. */
export function escapeControls(text: string): string {
  return text.replaceAll(unsafe, (character) => {
    if (character === "\n") return "\\n";
    if (character === "\t") return "\\t";
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

function toText(part: Part): Text {
  return typeof part === "object" ? part : [{ text: escapeControls(String(part)), styles: [] }];
}

/** A template of literal words and values; values are escaped, styled ones keep their style. */
export function text(words: TemplateStringsArray, ...parts: readonly Part[]): Text {
  return words.flatMap((word, index) => {
    const part = parts[index];
    return [
      ...(word === "" ? [] : [{ text: word, styles: [] }]),
      ...(part === undefined ? [] : toText(part)),
    ];
  });
}

export function concat(...parts: readonly Part[]): Text {
  return parts.flatMap(toText);
}

export function join(parts: readonly Part[], separator: Part): Text {
  return parts.flatMap((part, index) =>
    index === 0 ? toText(part) : [...toText(separator), ...toText(part)],
  );
}

function withStyle(part: Part, style: Style): Text {
  return toText(part).map((span) => ({ text: span.text, styles: [...span.styles, style] }));
}

export const bold = (part: Part): Text => withStyle(part, "bold");
export const dim = (part: Part): Text => withStyle(part, "dim");
export const red = (part: Part): Text => withStyle(part, "red");
export const green = (part: Part): Text => withStyle(part, "green");
export const yellow = (part: Part): Text => withStyle(part, "yellow");
export const blue = (part: Part): Text => withStyle(part, "blue");
export const magenta = (part: Part): Text => withStyle(part, "magenta");
export const cyan = (part: Part): Text => withStyle(part, "cyan");

export const emptyLine: Text = [];

export function plainText(text: Text): string {
  return text.map((span) => span.text).join("");
}

/** One line for a terminal. */
export function paint(text: Text, colors: Colors): string {
  return text
    .map((span) => span.styles.reduce((painted, style) => colors[style](painted), span.text))
    .join("");
}
