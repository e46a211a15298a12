import { open } from "node:fs/promises";
import type { Command } from "commander";
import { systemClock } from "../../base/clock.ts";
import { ColonnadeError } from "../../base/errors.ts";
import { describeChange } from "../../schema/describe-change.ts";
import { migrateStream, type StreamProgress } from "../../stream/migrate-stream.ts";
import type { StreamPlan } from "../../stream/stream-plan.ts";
import { explained, jobArgument, type JobOptions } from "../command-parts.ts";
import { readJobFile, readSchemaDirectory, schemaDirectoryOf } from "../open-job.ts";
import type { Session, StartCommand } from "../session.ts";
import { isInputTerminal, openStandardInput, openStandardOutput } from "../standard-streams.ts";
import { toJson, toJsonLine } from "../text/json.ts";
import { fitLines } from "../text/measure.ts";
import { renderStream, type StreamReport } from "../view/stream.ts";

interface StreamCommandOptions extends JobOptions {
  readonly quarantine?: string;
}

export function configure(command: Command, start: StartCommand): void {
  command
    .argument("<job>", jobArgument)
    .option("--quarantine <file>", "where rows go that a policy puts aside: an Arrow IPC stream")
    .addHelpText(
      "after",
      explained(
        [
          "Reads an Arrow IPC stream on standard input and writes the migrated one on standard output: the job's schema versions, changes and policies, so that a service migrates events while the batch job migrates history. The job's source and destination are not touched. What happened is told on standard error.",
        ],
        ["producer | colonnade stream jobs/flights.yaml | consumer", "between two programs"],
        [
          "colonnade stream jobs/flights.yaml --quarantine aside.arrows \\\n  < old.arrows > new.arrows",
          "from a file to a file, and what has no equivalent to a third",
        ],
      ),
    )
    .action((job: string, options: StreamCommandOptions) =>
      start(options, (session) => runStream(session, job, options)),
    );
}

async function runStream(
  session: Session,
  path: string,
  { quarantine }: StreamCommandOptions,
): Promise<void> {
  const { environment, signal } = session;
  const job = await readJobFile(path, environment);
  const history = await readSchemaDirectory(schemaDirectoryOf(job, path));
  refuseTerminals(session);
  const startMs = systemClock.monotonicMs();
  let plan: StreamPlan | undefined;
  let progress: StreamProgress = { batches: 0, rows: 0, rowsQuarantined: 0, invalid: 0 };
  const output = openStandardOutput();
  const file = quarantine === undefined ? undefined : await openQuarantine(quarantine);
  try {
    const migrated = migrateStream(openStandardInput(signal, output), {
      history,
      ...job.schema,
      day: systemClock.now().toISOString().slice(0, 10),
      ...(file && { quarantine: (bytes: Uint8Array) => file.writeFile(bytes) }),
      onPlan: (made) => (plan = made),
      onBatch: (now) => (progress = now),
    });
    for await (const bytes of migrated) await output.write(bytes);
    await output.written();
  } finally {
    await output.written().catch(() => undefined);
    await file?.close();
  }
  if (plan === undefined) return;
  tell(session, {
    dataset: plan.to.dataset,
    from: plan.from.version,
    to: plan.to.version,
    changes: plan.changes.map(describeChange),
    ...progress,
    ...(quarantine === undefined ? {} : { quarantine }),
    warnings: plan.warnings,
    elapsedMs: Math.round(systemClock.monotonicMs() - startMs),
  });
}

/** Neither end of a binary stream is a person. */
function refuseTerminals({ out }: Session): void {
  const end = out.isTerminal ? "output" : isInputTerminal() ? "input" : undefined;
  if (end === undefined) return;
  throw new ColonnadeError(
    "invalid",
    "STREAM_TERMINAL",
    `standard ${end} is a terminal; an Arrow IPC stream is binary`,
  );
}

async function openQuarantine(path: string): ReturnType<typeof open> {
  try {
    return await open(path, "w");
  } catch (cause) {
    throw new ColonnadeError(
      "invalid",
      "FILE_UNWRITABLE",
      "quarantine file cannot be written",
      { file: path },
      { cause },
    );
  }
}

/** On standard error, whatever is asked for: standard output is the stream. */
function tell({ json, logsJson, err }: Session, report: StreamReport): void {
  if (json) err.write(toJson(report));
  else if (logsJson) {
    err.write(
      toJsonLine({ level: "info", time: systemClock.now().toISOString(), event: "streamed", ...report }),
    );
  } else err.print(...fitLines(renderStream(report, err.columns), err.columns));
}
