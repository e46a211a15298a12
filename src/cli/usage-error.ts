import type { Command, CommanderError } from "commander";
import { ColonnadeError } from "../base/errors.ts";
import { nearest } from "../base/nearest.ts";

/** A mistake on the command line as one of our errors; the nearest right word is in its details. */
export function usageError(error: CommanderError, command: Command): ColonnadeError {
  const [first = ""] = error.message.split("\n");
  const suggestion = /\(Did you mean (?:one of )?(.+?)\?\)/s.exec(error.message)?.[1];
  return new ColonnadeError(
    "invalid",
    "USAGE",
    first.replace(/^error: /, "").toLowerCase() === ""
      ? "command line is wrong"
      : first.replace(/^error: /, ""),
    {
      ...(suggestion === undefined ? nearestCommand(error, command) : { didYouMean: suggestion }),
      help: `${pathOf(command)} --help`,
    },
  );
}

/** Commander compares options with options; `colonnade aply` it knows, `colonnade schema chek` too. */
function nearestCommand(error: CommanderError, command: Command): { didYouMean?: string } {
  const wanted = /unknown command '(.*)'/.exec(error.message)?.[1];
  if (wanted === undefined) return {};
  const found = nearest(
    wanted,
    command.commands.map((one) => one.name()),
  );
  return found === undefined ? {} : { didYouMean: found };
}

export function pathOf(command: Command): string {
  const parent = command.parent;
  return parent === null ? command.name() : `${pathOf(parent)} ${command.name()}`;
}
