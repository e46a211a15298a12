import type { Command } from "commander";
import { verifyVersion, type VerifyInput } from "../../validate/verify.ts";
import { explained, jobArgument, type JobOptions, parseCount } from "../command-parts.ts";
import { openDestination } from "../open-job.ts";
import type { Outcome, Session, StartCommand } from "../session.ts";
import { renderVerify } from "../view/verify.ts";

interface VerifyOptions extends JobOptions {
  readonly version?: number;
  readonly deep?: boolean;
}

export function configure(command: Command, start: StartCommand): void {
  command
    .argument("<job>", jobArgument)
    .option("--version <n>", "another version than the channel serves", parseCount)
    .option("--deep", "compare with the source: copied bytes as bytes, every other column value by value")
    .addHelpText(
      "after",
      explained(
        [
          "A second opinion: it shares no code with what wrote the data. Every object's size, CRC-32, footer, rows, schema and the place of each byte; footers and page indexes once more by another reader; the totals. Exits with 13 when something is not as the version says. Writes nothing.",
        ],
        ["colonnade verify jobs/flights.yaml", "what the channel serves"],
        ["colonnade verify jobs/flights.yaml --deep", "prove that unchanged columns are unchanged"],
        ["colonnade verify jobs/flights.yaml --version 1", "before a rollback to it"],
      ),
    )
    .action((job: string, options: VerifyOptions) =>
      start(options, (session) => runVerify(session, job, options)),
    );
}

async function runVerify(session: Session, path: string, options: VerifyOptions): Promise<Outcome> {
  if (options.deep !== true) {
    await using destination = await openDestination(path, session.environment);
    const { store, channel } = destination;
    // Awaited here: the store must stay open as long as it is read.
    return await verify(session, { ...versionIn(options), destination: store, channel });
  }
  await using context = await session.openJob(path, "verifying");
  const { job, history, source, destination } = context;
  return await verify(session, {
    ...versionIn(options),
    deep: true,
    destination,
    channel: job.destination.channel,
    source,
    history,
    partitioning: job.source.partitioning,
  });
}

function versionIn({ version }: VerifyOptions): Pick<VerifyInput, "version"> {
  return version === undefined ? {} : { version };
}

async function verify(session: Session, input: VerifyInput): Promise<Outcome> {
  const progress = await session.progress();
  progress.begin("verifying");
  const started = performance.now();
  const report = await verifyVersion({
    ...input,
    signal: session.signal,
    onProgress: ({ objectsDone, objects, bytesRead }) =>
      progress.advance({ label: "verifying", done: objectsDone, total: objects, bytes: bytesRead }),
  });
  const elapsedMs = performance.now() - started;
  session.result(report, (columns) => renderVerify(report, elapsedMs, columns));
  return report.passed ? undefined : { kind: "validation" };
}
