import { type CommandSpec, lastWord, type OptionSpec, type ValueSpec } from "./spec.ts";

/** A completion script for zsh: in a file \`_colonnade\` on the \`fpath\`, or evaluated after \`compinit\`. */
export function zshCompletion(program: CommandSpec): string {
  return `#compdef colonnade
# colonnade completion for zsh: eval "$(colonnade completion zsh)" after compinit
${functionsOf(program, "_colonnade").join("\n")}
if [[ "\${funcstack[1]}" == _colonnade ]]; then
  _colonnade "$@"
else
  compdef _colonnade colonnade
fi
`;
}

function functionsOf(spec: CommandSpec, name: string): string[] {
  const options = spec.options.map((option) => `    ${optionSpec(option)} \\`);
  if (spec.children.length === 0) {
    return [
      `${name}() {
  _arguments -s \\
${options.join("\n")}
    '*:${spec.value.kind === "file" ? "file" : "word"}:${action(spec.value)}'
}`,
    ];
  }
  const children = spec.children.map((child) => ({ child, word: lastWord(child.path) }));
  return [
    ...children.flatMap(({ child, word }) => functionsOf(child, `${name}_${word}`)),
    `${name}() {
  local curcontext="$curcontext" state line
  local -a commands
  commands=(
${children.map(({ child, word }) => `    ${quote(`${word}:${child.summary}`)}`).join("\n")}
  )
  _arguments -C \\
${options.join("\n")}
    '1:command:->command' \\
    '*::argument:->argument'
  case "$state" in
    command) _describe command commands ;;
    argument)
      case "$line[1]" in
${children.map(({ word }) => `        ${word}) ${name}_${word} ;;`).join("\n")}
      esac ;;
  esac
}`,
  ];
}

function optionSpec({ long, short, description, value }: OptionSpec): string {
  const explained = `[${description.replaceAll(/[[\]\\:]/g, "\\$&")}]`;
  const tail = value === undefined ? "" : `:value:${action(value)}`;
  if (short === undefined) return quote(`*${long}${explained}${tail}`);
  return `${quote(`(${short} ${long})`)}{${short},${long}}${quote(`${explained}${tail}`)}`;
}

function action(value: ValueSpec): string {
  switch (value.kind) {
    case "choices":
      return `(${value.choices.join(" ")})`;
    case "file":
      return "_files";
    case "text":
    case "none":
      return "";
  }
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
