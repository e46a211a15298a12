import type { Command } from "commander";
import type { StartCommand } from "./session.ts";

/** Adds a command's arguments, options, examples and action. */
export type Configure = (command: Command, start: StartCommand) => void;

export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  readonly group: string;
  /** Loaded when it is asked for: a command must not wait for what only others need. */
  readonly load: () => Promise<{ readonly configure: Configure }>;
  /** Commands below it, instead of an action of its own. */
  readonly children?: readonly Omit<CommandEntry, "group" | "children">[];
}

const migrate = "Migrate:";

export const commandEntries: readonly CommandEntry[] = [
  {
    name: "plan",
    summary: "show what would be done and what it would cost; change nothing",
    group: migrate,
    load: () => import("./commands/plan.ts"),
  },
  {
    name: "apply",
    summary: "migrate what is new and move the pointer",
    group: migrate,
    load: () => import("./commands/apply.ts"),
  },
];
