import type { Command } from "commander";
import { randomIds, systemClock } from "../../base/clock.ts";
import { collect } from "../../dataset/gc/collect.ts";
import { explained, jobArgument, type JobOptions } from "../command-parts.ts";
import { openDestination } from "../open-job.ts";
import type { Session, StartCommand } from "../session.ts";
import { renderGc } from "../view/gc.ts";

interface GcCommandOptions extends JobOptions {
  readonly delete?: boolean;
}

export function configure(command: Command, start: StartCommand): void {
  command
    .argument("<job>", jobArgument)
    .option("--delete", "remove what is shown; without it, nothing is touched")
    .addHelpText(
      "after",
      explained(
        [
          "Keeps what any channel serves, what the job's retention says (10 versions of each channel and 30 days by default), and what running jobs need. Safe beside them and beside another gc: a job that is at work goes on, one that was silent for days and wakes up stops with 11 and is run again.",
        ],
        ["colonnade gc jobs/flights.yaml", "what would go, and why the rest stays"],
        ["colonnade gc jobs/flights.yaml --delete", "remove it"],
      ),
    )
    .action((job: string, options: GcCommandOptions) =>
      start(options, (session) => runGc(session, job, options)),
    );
}

async function runGc(session: Session, path: string, options: GcCommandOptions): Promise<void> {
  await using destination = await openDestination(path, session.environment);
  const { store, job } = destination;
  const progress = await session.progress();
  progress.begin("looking through the destination");
  const result = await collect(
    { store, clock: systemClock, ids: randomIds() },
    {
      retention: job.retention,
      isReal: options.delete === true,
      requests: job.limits.requests,
      signal: session.signal,
    },
  );
  const report = { destination: store.uri, ...result };
  session.result(report, (columns) => renderGc(report, columns));
}
