import { InvalidArgumentError } from "commander";
import type { GlobalOptions } from "./session.ts";

export const jobArgument = "the job file (YAML)";

export type JobOptions = GlobalOptions;

/** For options that may be given more than once. */
export function collect(value: string, previous: readonly string[]): string[] {
  return [...previous, value];
}

/** A version, a generation, a limit: a whole number from 1. */
export function parseCount(text: string): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (value < 1) throw new InvalidArgumentError("It is not a whole number from 1.");
  return value;
}

const durationUnits: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** `30s`, `5m`, `1h`, `500ms`, or seconds; in milliseconds. */
export function parseDuration(text: string): number {
  const [, digits = "", unit = "s"] = /^(\d{1,7})(ms|s|m|h)?$/.exec(text) ?? [];
  const ms = Number(digits) * (durationUnits[unit] ?? 1000);
  if (digits === "" || ms < 1) throw new InvalidArgumentError("It is not a time such as 30s, 5m or 1h.");
  return ms;
}

/** The end of a command's help: what to type, and what it is for. */
export function examples(...lines: readonly (readonly [command: string, purpose: string])[]): string {
  const shown = lines.map(([command, purpose]) => `  # ${purpose}\n  $ ${command}`);
  return `\nExamples:\n${shown.join("\n\n")}`;
}
