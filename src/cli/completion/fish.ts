import { allCommands, type CommandSpec, lastWord, type OptionSpec } from "./spec.ts";

/** A completion script for fish. */
export function fishCompletion(program: CommandSpec): string {
  const groups = program.children.filter(({ children }) => children.length > 0).map(({ path }) => path);
  return `# colonnade completion for fish: colonnade completion fish > ~/.config/fish/completions/colonnade.fish
complete -c colonnade -f
${allCommands(program)
  .flatMap((spec) => linesOf(spec, groups))
  .join("\n")}
`;
}

function linesOf(spec: CommandSpec, groups: readonly string[]): string[] {
  const condition = conditionOf(spec, groups);
  const on = `complete -c colonnade -n ${quote(condition)}`;
  const names = spec.children.map(({ path }) => lastWord(path));
  const none = names.length === 0 ? "" : `; and not __fish_seen_subcommand_from ${names.join(" ")}`;
  return [
    ...spec.children.map(
      (child) =>
        `complete -c colonnade -n ${quote(`${condition}${none}`)} -a ${lastWord(child.path)} -d ${quote(child.summary)}`,
    ),
    ...spec.options.map((option) => `${on} ${optionWords(option)}`),
    ...(spec.value.kind === "file" ? [`${on} -F`] : []),
    ...(spec.value.kind === "choices" ? [`${on} -a ${quote(spec.value.choices.join(" "))}`] : []),
  ];
}

/** `diff` is a command of its own and one below `schema`. */
function conditionOf({ path }: CommandSpec, groups: readonly string[]): string {
  if (path === "") return "__fish_use_subcommand";
  const words = path.split(" ").map((word) => `__fish_seen_subcommand_from ${word}`);
  const isGroup = groups.includes(path.split(" ")[0] ?? "");
  const others =
    isGroup || groups.length === 0 ? [] : [`not __fish_seen_subcommand_from ${groups.join(" ")}`];
  return [...others, ...words].join("; and ");
}

function optionWords({ long, short, description, value }: OptionSpec): string {
  const names = `-l ${long.slice(2)}${short === undefined ? "" : ` -s ${short.slice(1)}`}`;
  return `${names}${valueWords(value)} -d ${quote(description)}`;
}

function valueWords(value: OptionSpec["value"]): string {
  switch (value?.kind) {
    case undefined:
      return "";
    case "choices":
      return ` -x -a ${quote(value.choices.join(" "))}`;
    case "file":
      return " -r -F";
    case "text":
    case "none":
      return " -x";
  }
}

function quote(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
