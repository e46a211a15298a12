import { dirname } from "node:path";
import type { Command } from "commander";
import { ColonnadeError } from "../../base/errors.ts";
import { judgeCompatibility } from "../../schema/compatibility.ts";
import type { SchemaVersion } from "../../schema/schema-version.ts";
import { examples, type JobOptions } from "../command-parts.ts";
import { isDirectory, readSchemaFile, readSchemaHistory } from "../read-schemas.ts";
import type { Session, StartCommand } from "../session.ts";
import { describeJudgements } from "../view/judgements.ts";
import { renderSchemaDiff, type SchemaDiffReport } from "../view/schema-diff.ts";

export function configure(command: Command, start: StartCommand): void {
  command
    .argument("<from>", "a schema version's file; or a folder, for its last two versions")
    .argument("[to]", "another version's file; the last in the same folder by default")
    .addHelpText(
      "after",
      examples(
        ["colonnade schema diff schemas/flights", "what the last version changed"],
        ["colonnade schema diff schemas/flights/1.yaml schemas/flights/3.yaml", "between any two"],
      ),
    )
    .action((from: string, to: string | undefined, options: JobOptions) =>
      start(options, (session) => runDiff(session, from, to)),
    );
}

async function runDiff(session: Session, fromPath: string, toPath: string | undefined): Promise<void> {
  const { from, to } = await readPair(fromPath, toPath);
  const { judgements, impossible, backward, forward } = judgeCompatibility(from, to);
  const report: SchemaDiffReport = {
    dataset: to.dataset,
    from: from.version,
    to: to.version,
    changes: describeJudgements(judgements),
    impossible: impossible.map(({ message }) => message),
    backward,
    forward,
  };
  session.result(report, (columns) => renderSchemaDiff(report, columns));
}

async function readPair(
  fromPath: string,
  toPath: string | undefined,
): Promise<{ from: SchemaVersion; to: SchemaVersion }> {
  if (toPath !== undefined) {
    const [from, to] = await Promise.all([readSchemaFile(fromPath), readSchemaFile(toPath)]);
    if (from.dataset === to.dataset) return { from, to };
    throw new ColonnadeError("invalid", "DATASET_DIFFERS", "schema versions are of different datasets", {
      [fromPath]: from.dataset,
      [toPath]: to.dataset,
    });
  }
  const folder = await isDirectory(fromPath);
  const { versions } = await readSchemaHistory(folder ? fromPath : dirname(fromPath));
  const to = versions.at(-1);
  const from = folder ? versions.at(-2) : await readSchemaFile(fromPath);
  if (from !== undefined && to !== undefined) return { from, to };
  throw new ColonnadeError(
    "invalid",
    "NOTHING_BEFORE",
    "folder has only one schema version: nothing to compare",
    {
      folder: fromPath,
    },
  );
}
