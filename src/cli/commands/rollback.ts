import type { Command } from "commander";
import { randomIds, systemClock } from "../../base/clock.ts";
import { ColonnadeError, unreachable } from "../../base/errors.ts";
import { pointerKey } from "../../dataset/layout.ts";
import { readPointer } from "../../dataset/pointer.ts";
import { rollback } from "../../dataset/rollback.ts";
import { explained, jobArgument, type JobOptions, parseCount } from "../command-parts.ts";
import { openDestination } from "../open-job.ts";
import type { Session, StartCommand } from "../session.ts";
import { renderRollback, type RollbackReport } from "../view/rollback.ts";

interface RollbackOptions extends JobOptions {
  readonly to: number;
  readonly reason?: string;
  readonly ifGeneration?: number;
}

export function configure(command: Command, start: StartCommand): void {
  command
    .argument("<job>", jobArgument)
    .requiredOption("--to <version>", "the version to serve again", parseCount)
    .option("--reason <text>", "why, for whoever reads the history")
    .option("--if-generation <n>", "only while the channel is at this generation", parseCount)
    .addHelpText(
      "after",
      explained(
        [
          "Data and schema go back together, as a new generation that names an older version: nothing is deleted, consumers see it as they see any commit, and it can be rolled back in turn. Suspend scheduled jobs first, or the next run goes forward again.",
        ],
        ["colonnade history jobs/flights.yaml", "which versions there are"],
        ["colonnade rollback jobs/flights.yaml --to 1 --reason 'delays are off'", "go back"],
      ),
    )
    .action((job: string, options: RollbackOptions) =>
      start(options, (session) => runRollback(session, job, options)),
    );
}

async function runRollback(session: Session, job: string, options: RollbackOptions): Promise<void> {
  await using destination = await openDestination(job, session.environment);
  const { store, channel } = destination;
  const before = await readPointer(store, channel);
  const result = await rollback(
    { store, clock: systemClock, ids: randomIds() },
    {
      channel,
      toVersion: options.to,
      reason: options.reason ?? "",
      ...(options.ifGeneration === undefined ? {} : { expectedGeneration: options.ifGeneration }),
    },
  );
  switch (result.outcome) {
    case "committed": {
      const { pointer } = result;
      const report: RollbackReport = {
        outcome: "committed",
        dataset: pointer.dataset,
        channel,
        generation: pointer.generation,
        version: pointer.version,
        schema: pointer.schema.version,
        previous: pointer.previous,
        previousSchema: before?.pointer.schema.version ?? null,
        reason: pointer.reason,
        pointer: `${store.uri}/${pointerKey(channel)}`,
      };
      session.result(report, (columns) => renderRollback(report, columns));
      return;
    }
    case "lost":
      throw new ColonnadeError(
        "conflict",
        "POINTER_MOVED",
        "somebody else moved the channel meanwhile; nothing was rolled back",
        {
          channel,
          generation: result.current.pointer.generation,
          version: result.current.pointer.version,
        },
      );
    case "unknown":
      throw new ColonnadeError(
        "unknown",
        "COMMIT_UNKNOWN",
        "whether the pointer moved is not known",
        { channel, version: options.to, writeId: result.pointer.writeId },
        { cause: result.cause },
      );
    default:
      return unreachable(result);
  }
}
