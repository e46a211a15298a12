import { type AddHelpTextContext, InvalidArgumentError } from "commander";
import pc from "picocolors";
import type { GlobalOptions } from "./session.ts";
import { wrap } from "./text/measure.ts";
import { concat, plainText } from "./text/styled.ts";

export const jobArgument = "the job file (YAML)";

export type JobOptions = GlobalOptions;

/** For options that may be given more than once. */
export function collect(value: string, previous: readonly string[] = []): string[] {
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

/** In colour whatever the screen: Commander takes it out where there is to be none. */
export const boldTitle = pc.createColors(true).bold;

type Example = readonly [command: string, purpose: string];
type HelpText = (context: AddHelpTextContext) => string;

/** The end of a command's help: what to type, and what it is for. */
export function examples(...lines: readonly Example[]): HelpText {
  return explained([], ...lines);
}

/** The same after paragraphs on what is good to know. */
export function explained(paragraphs: readonly string[], ...lines: readonly Example[]): HelpText {
  // Not wrapped, so that a command can be pasted: 76 columns are what fits into a narrow terminal.
  const shown = lines
    .map(([command, purpose]) => `  # ${purpose}\n  $ ${command.replaceAll("\n", "\n    ")}`)
    .join("\n\n");
  return ({ error, command }) => {
    const output = command.configureOutput();
    const columns = (error ? output.getErrHelpWidth?.() : output.getOutHelpWidth?.()) ?? 80;
    const wrapped = paragraphs.map((words) => wrap(concat(words), columns).map(plainText).join("\n"));
    return [...wrapped.map((words) => `\n${words}\n`), `\n${boldTitle("Examples:")}\n${shown}`]
      .join("")
      .trimEnd();
  };
}
