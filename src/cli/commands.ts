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
const look = "Look:";
const serve = "Serve:";
const prepare = "Prepare:";

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
  {
    name: "stream",
    summary: "migrate an Arrow IPC stream, from standard input to standard output",
    group: migrate,
    load: () => import("./commands/stream.ts"),
  },
  {
    name: "rollback",
    summary: "serve an older version again: data and schema together",
    group: migrate,
    load: () => import("./commands/rollback.ts"),
  },
  {
    name: "status",
    summary: "what each channel serves, and whether the source has moved on",
    group: look,
    load: () => import("./commands/status.ts"),
  },
  {
    name: "history",
    summary: "the generations of the channel, newest first",
    group: look,
    load: () => import("./commands/history.ts"),
  },
  {
    name: "diff",
    summary: "what differs between two versions: schema, objects, totals",
    group: look,
    load: () => import("./commands/diff.ts"),
  },
  {
    name: "verify",
    summary: "check a version object by object, on a path of its own",
    group: look,
    load: () => import("./commands/verify.ts"),
  },
  {
    name: "files",
    summary: "the objects of a version, one a line, for any Parquet reader",
    group: serve,
    load: () => import("./commands/files.ts"),
  },
  {
    name: "watch",
    summary: "print each new generation, and run a command for it",
    group: serve,
    load: () => import("./commands/watch.ts"),
  },
  {
    name: "gc",
    summary: "remove versions and objects that nobody needs any more",
    group: serve,
    load: () => import("./commands/gc.ts"),
  },
  {
    name: "schema",
    summary: "infer, check and compare schema versions",
    group: prepare,
    load: () => import("./commands/schema.ts"),
    children: [
      {
        name: "infer",
        summary: "write version 1 from the source's objects",
        load: () => import("./commands/schema-infer.ts"),
      },
      {
        name: "check",
        summary: "judge the newest version by those before it; for CI",
        load: () => import("./commands/schema-check.ts"),
      },
      {
        name: "diff",
        summary: "what differs between two versions, and what it takes to undo it",
        load: () => import("./commands/schema-diff.ts"),
      },
    ],
  },
  {
    name: "store",
    summary: "ask a store what it can do",
    group: prepare,
    load: () => import("./commands/store.ts"),
    children: [
      {
        name: "check",
        summary: "prove on the destination that commits are safe there",
        load: () => import("./commands/store-check.ts"),
      },
    ],
  },
  {
    name: "completion",
    summary: "print a completion script for bash, zsh or fish",
    group: prepare,
    load: () => import("./commands/completion.ts"),
  },
];
