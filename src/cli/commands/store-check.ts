import type { Command } from "commander";
import { randomIds, systemClock } from "../../base/clock.ts";
import { checkStore } from "../../dataset/check-store.ts";
import { explained, jobArgument, type JobOptions } from "../command-parts.ts";
import { openDestination, openJobSource } from "../open-job.ts";
import type { Outcome, Session, StartCommand } from "../session.ts";
import { renderStoreCheck } from "../view/store-check.ts";

export function configure(command: Command, start: StartCommand): void {
  command
    .argument("<job>", jobArgument)
    .addHelpText(
      "after",
      explained(
        [
          "Asks the destination's store itself for what commits rest on: conditional writes under a race, on absent keys and on large uploads, reads after writes, ranges, listings. Works below checks/, and leaves it empty. Asks too whether the job's role may read the source, and whether it may write what no job writes. A first apply asks for the most important by itself.",
        ],
        ["colonnade store check jobs/flights.yaml", "exits with 13 when something is missing"],
      ),
    )
    .action((job: string, options: JobOptions) => start(options, (session) => runStoreCheck(session, job)));
}

async function runStoreCheck(session: Session, job: string): Promise<Outcome> {
  await using destination = await openDestination(job, session.environment);
  const source = await openJobSource(destination.job, job, session.environment);
  try {
    const options = { source, clock: systemClock, ids: randomIds(), isShort: false };
    const report = await checkStore(destination.store, options);
    session.result(report, (columns) => renderStoreCheck(report, columns));
    return report.safe ? undefined : { kind: "validation" };
  } finally {
    await source.close();
  }
}
