import { type Command, InvalidArgumentError, Option } from "commander";
import { didYouMean } from "../../base/nearest.ts";
import {
  checkCompatibility,
  type CompatibilityMode,
  compatibilityModes,
  judgeCompatibility,
} from "../../schema/compatibility.ts";
import type { SchemaHistory } from "../../schema/history.ts";
import { explained, type JobOptions } from "../command-parts.ts";
import { readSchemaHistory } from "../read-schemas.ts";
import type { Outcome, Session, StartCommand } from "../session.ts";
import { renderSchemaCheck, type SchemaCheckReport } from "../view/schema-check.ts";
import { describeJudgements } from "../view/judgements.ts";

interface SchemaCheckOptions extends JobOptions {
  readonly compatibility: CompatibilityMode;
}

export function configure(command: Command, start: StartCommand): void {
  command
    .argument(
      "<schemas>",
      "a folder of schema versions, or the file of one: the newest is judged by those before it",
    )
    .addOption(
      new Option("--compatibility <mode>", "what must hold, in the words of Schema Registry")
        .choices(compatibilityModes)
        .default("BACKWARD")
        .argParser(parseMode),
    )
    .addHelpText(
      "after",
      explained(
        [
          "BACKWARD: consumers of the new version read old data. FORWARD: consumers of the old version read new data. FULL: both. _TRANSITIVE: against all earlier versions, not just the last. NONE: only what no migration can do. Exits with 13 when the mode does not hold.",
        ],
        ["colonnade schema check schemas/flights", "the newest version, BACKWARD"],
        [
          "colonnade schema check schemas/flights --compatibility FULL_TRANSITIVE",
          "for consumers that are never updated",
        ],
        ["colonnade schema check schemas/flights/3.yaml --json", "for a bot that comments on pull requests"],
      ),
    )
    .action((path: string, options: SchemaCheckOptions) =>
      start(options, (session) => runCheck(session, path, options.compatibility)),
    );
}

async function runCheck(session: Session, path: string, mode: CompatibilityMode): Promise<Outcome> {
  const report = checkSchemas(await readSchemaHistory(path), mode);
  session.result(report, (columns) => renderSchemaCheck(report, columns));
  return report.compatible ? undefined : { kind: "validation" };
}

function checkSchemas(history: SchemaHistory, mode: CompatibilityMode): SchemaCheckReport {
  const to = history.versions.at(-1);
  const from = history.versions.at(-2);
  const { findings } = checkCompatibility(history, mode);
  const judged = from === undefined || to === undefined ? undefined : judgeCompatibility(from, to);
  const impossible = judged?.impossible.map(({ message }) => message) ?? [];
  return {
    dataset: history.dataset,
    from: from?.version ?? null,
    to: to?.version ?? null,
    mode,
    compatible: findings.length === 0 && impossible.length === 0,
    backward: judged?.backward ?? true,
    forward: judged?.forward ?? true,
    changes: describeJudgements(judged?.judgements ?? []),
    impossible,
    findings,
  };
}

/** A mode in lowercase is clear enough. */
function parseMode(text: string): CompatibilityMode {
  const wanted = text.toUpperCase().replaceAll("-", "_");
  const mode = compatibilityModes.find((one) => one === wanted);
  if (mode !== undefined) return mode;
  throw new InvalidArgumentError(
    `It is none of ${compatibilityModes.join(", ")}${didYouMean(wanted, compatibilityModes)}`,
  );
}
