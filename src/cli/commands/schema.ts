import type { Command } from "commander";
import { examples } from "../command-parts.ts";

export function configure(command: Command): void {
  command.addHelpText(
    "after",
    examples(
      ["colonnade schema infer jobs/flights.yaml", "version 1 from real objects"],
      [
        "colonnade schema check schemas/flights --compatibility BACKWARD",
        "in CI: exits with 13 when it breaks",
      ],
      ["colonnade schema diff schemas/flights/1.yaml schemas/flights/2.yaml", "what changed, for a person"],
    ),
  );
}
