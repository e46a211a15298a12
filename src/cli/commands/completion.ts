import { Argument, type Command } from "commander";
import { examples, type JobOptions } from "../command-parts.ts";
import { bashCompletion } from "../completion/bash.ts";
import { fishCompletion } from "../completion/fish.ts";
import { type CommandSpec, describeCommand } from "../completion/spec.ts";
import { zshCompletion } from "../completion/zsh.ts";
import { createWholeProgram } from "../program.ts";
import type { StartCommand } from "../session.ts";

const shells = ["bash", "zsh", "fish"] as const;
type Shell = (typeof shells)[number];

const scripts: Readonly<Record<Shell, (program: CommandSpec) => string>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
};

export function configure(command: Command, start: StartCommand): void {
  command
    .addArgument(new Argument("<shell>", "the shell that the script is for").choices(shells))
    .addHelpText(
      "after",
      examples(
        [`echo 'eval "$(colonnade completion bash)"' >> ~/.bashrc`, "bash"],
        [`echo 'eval "$(colonnade completion zsh)"' >> ~/.zshrc`, "zsh, after compinit"],
        ["colonnade completion fish > ~/.config/fish/completions/colonnade.fish", "fish"],
      ),
    )
    .action((shell: Shell, options: JobOptions) =>
      start(options, async (session) => {
        session.out.write(scripts[shell](describeCommand(await createWholeProgram())));
      }),
    );
}
