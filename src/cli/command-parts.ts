import type { GlobalOptions } from "./session.ts";

export const jobArgument = "the job file (YAML)";

export type JobOptions = GlobalOptions;

/** For options that may be given more than once. */
export function collect(value: string, previous: readonly string[]): string[] {
  return [...previous, value];
}

/** The end of a command's help: what to type, and what it is for. */
export function examples(...lines: readonly (readonly [command: string, purpose: string])[]): string {
  const shown = lines.map(([command, purpose]) => `  # ${purpose}\n  $ ${command}`);
  return `\nExamples:\n${shown.join("\n\n")}`;
}
