import type { Command } from "commander";
import { examples } from "../command-parts.ts";

export function configure(command: Command): void {
  command.addHelpText(
    "after",
    examples([
      "colonnade store check jobs/flights.yaml",
      "whether the destination's store is safe to commit to",
    ]),
  );
}
