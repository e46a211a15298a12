import type { Argument, Command, Option } from "commander";

/** What shells complete: the commands with their options and arguments, as data. */
export interface CommandSpec {
  /** Empty for the program itself, `schema check` for a command below another. */
  readonly path: string;
  readonly summary: string;
  readonly options: readonly OptionSpec[];
  readonly value: ValueSpec;
  readonly children: readonly CommandSpec[];
}

export interface OptionSpec {
  readonly long: string;
  readonly short: string | undefined;
  readonly description: string;
  /** Undefined for a switch. */
  readonly value: ValueSpec | undefined;
}

/** What stands where a value is expected. */
export type ValueSpec =
  | { readonly kind: "file" }
  | { readonly kind: "choices"; readonly choices: readonly string[] }
  | { readonly kind: "text" }
  | { readonly kind: "none" };

export function describeCommand(command: Command, path = ""): CommandSpec {
  const children = command.commands.map((child) =>
    describeCommand(child, path === "" ? child.name() : `${path} ${child.name()}`),
  );
  const help: OptionSpec = { long: "--help", short: "-h", description: "help", value: undefined };
  return {
    path,
    summary: command.summary(),
    options: [...command.options.flatMap(describeOption), help],
    value: describeArguments(command.registeredArguments),
    children,
  };
}

function describeOption(option: Option): OptionSpec[] {
  if (option.long === undefined || option.long === null) return [];
  const { long, short, description } = option;
  const takesValue = option.required || option.optional;
  return [
    {
      long,
      short: short ?? undefined,
      description,
      value: takesValue ? describeValue(option.argChoices, option.flags) : undefined,
    },
  ];
}

function describeArguments(args: readonly Argument[]): ValueSpec {
  const [first] = args;
  return first === undefined ? { kind: "none" } : describeValue(first.argChoices, first.name());
}

const files = /\b(file|job|schemas|from)\b/;

function describeValue(choices: readonly string[] | undefined, words: string): ValueSpec {
  if (choices !== undefined) return { kind: "choices", choices };
  return files.test(words) ? { kind: "file" } : { kind: "text" };
}

/** A command and everything below it. */
export function allCommands(spec: CommandSpec): CommandSpec[] {
  return [spec, ...spec.children.flatMap(allCommands)];
}

export function lastWord(path: string): string {
  return path.split(" ").at(-1) ?? "";
}
