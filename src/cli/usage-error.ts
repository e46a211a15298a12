import type { Command, CommanderError } from "commander";
import { ColonnadeError } from "../base/errors.ts";
import { nearest } from "../base/nearest.ts";

/** A mistake on the command line as one of our errors; the nearest right word is in its message and its details. */
export function usageError(error: CommanderError, command: Command): ColonnadeError {
  const [first = ""] = error.message.split("\n");
  const message = first.replace(/^error: /, "");
  const suggestion =
    /\(Did you mean (?:one of )?(.+?)\?\)/s.exec(error.message)?.[1] ?? nearestCommand(message, command);
  const tail = suggestion === undefined ? "" : `, did you mean ${suggestion}?`;
  return new ColonnadeError("invalid", "USAGE", `${message}${tail}`, {
    ...(suggestion === undefined ? {} : { didYouMean: suggestion }),
    help: `${pathOf(command)} --help`,
  });
}

/** Swapped letters are beyond Commander. */
function nearestCommand(message: string, command: Command): string | undefined {
  const wanted = /unknown command '(.*)'/.exec(message)?.[1];
  if (wanted === undefined) return undefined;
  return nearest(
    wanted,
    command.commands.map((one) => one.name()),
  );
}

function pathOf(command: Command): string {
  const { parent } = command;
  return parent === null ? command.name() : `${pathOf(parent)} ${command.name()}`;
}
