import { padStart, widthOf } from "../text/measure.ts";
import { concat, cyan, dim, join, type Text } from "../text/styled.ts";
import { formatDuration } from "../text/units.ts";

const barColumnsMax = 32;
const barColumnsMin = 8;
const frameMs = 100;

export interface ProgressLine {
  readonly label: string;
  /** From 0 to 1. */
  readonly fraction: number;
  /** Empty ones are left out. */
  readonly facts: readonly Text[];
  readonly columns: number;
}

/** `objects ━━━━━━━━╸────────  43% · 3/7 · 5.1 MB · 14 MB/s · 2 s left`; the bar takes what room there is. */
export function progressLine({ label, fraction, facts, columns }: ProgressLine): Text {
  const share = Math.min(Math.max(fraction, 0), 1);
  const percent = padStart(concat(`${Math.floor(share * 100)}%`), 4);
  const tail = join([percent, ...facts.filter((fact) => widthOf(fact) > 0)], dim(" · "));
  const room = Math.min(barColumnsMax, columns - widthOf(concat(label)) - widthOf(tail) - 3);
  return concat(label, " ", room >= barColumnsMin ? concat(bar(share, room), " ") : "", tail);
}

function bar(fraction: number, columns: number): Text {
  const halves = Math.round(fraction * columns * 2);
  const whole = Math.floor(halves / 2);
  const half = halves % 2 === 1 ? "╸" : "";
  return concat(cyan("━".repeat(whole) + half), dim("─".repeat(columns - whole - half.length)));
}

const spinnerFrames = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];

export function spinner(nowMs: number): Text {
  return cyan(spinnerFrames[Math.floor(nowMs / frameMs) % spinnerFrames.length] ?? "");
}

/** Nothing before there is something to judge by. */
export function timeLeft(fraction: number, elapsedMs: number): Text {
  if (fraction <= 0.01 || fraction >= 1 || elapsedMs < 1000) return [];
  return concat(`${formatDuration((elapsedMs / fraction) * (1 - fraction))} left`);
}
