import { allCommands, type CommandSpec, lastWord, type OptionSpec, type ValueSpec } from "./spec.ts";

/** A completion script for bash 3.2 (the one of macOS) and later. */
export function bashCompletion(program: CommandSpec): string {
  const commands = allCommands(program);
  const named = commands.filter(({ path }) => path !== "");
  return `# colonnade completion for bash: eval "$(colonnade completion bash)"
_colonnade() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD - 1]}"
  local command="" options="" words="" files="" i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$command \${COMP_WORDS[i]}" in
${named.map(({ path }) => `      "${path.includes(" ") ? path : ` ${path}`}") command="${path}" ;;`).join("\n")}
    esac
  done
  case "$command $prev" in
${commands.flatMap(valueCases).join("\n")}
  esac
  case "$command" in
${commands.map(commandCase).join("\n")}
  esac
  if [[ "$cur" == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$cur"))
  elif [[ -n "$words" ]]; then
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
  elif [[ -n "$files" ]]; then
    _colonnade_files "$cur"
  fi
}
# Job files and schema versions are YAML; folders lead to them.
_colonnade_files() {
  local IFS=$'\\n'
  compopt -o filenames 2>/dev/null
  COMPREPLY=($(compgen -f -X '!*.y*ml' -- "$1") $(compgen -d -- "$1"))
}
_colonnade_any_file() {
  local IFS=$'\\n'
  compopt -o filenames 2>/dev/null
  COMPREPLY=($(compgen -f -- "$1"))
}
complete -F _colonnade colonnade
`;
}

function valueCases({ path, options }: CommandSpec): string[] {
  return options.flatMap((option) => {
    const { value } = option;
    if (value === undefined) return [];
    const patterns = flagsOf(option).map((flag) => `"${path} ${flag}"`);
    return [`    ${patterns.join(" | ")}) ${completeValue(value)} return ;;`];
  });
}

function completeValue(value: ValueSpec): string {
  switch (value.kind) {
    case "choices":
      return `COMPREPLY=($(compgen -W "${value.choices.join(" ")}" -- "$cur"));`;
    case "file":
      return `_colonnade_any_file "$cur";`;
    case "text":
    case "none":
      return "";
  }
}

function commandCase({ path, options, children, value }: CommandSpec): string {
  const flags = options.flatMap(flagsOf).join(" ");
  const words =
    children.length > 0
      ? children.map((child) => lastWord(child.path)).join(" ")
      : value.kind === "choices"
        ? value.choices.join(" ")
        : "";
  const files = value.kind === "file" ? " files=yes" : "";
  return `    "${path}") options="${flags}" words="${words}"${files} ;;`;
}

function flagsOf({ long, short }: OptionSpec): string[] {
  return short === undefined ? [long] : [long, short];
}
