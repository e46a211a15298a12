import type { Command } from "commander";
import { type ColonnadeError, toColonnadeError } from "../../base/errors.ts";
import type { Manifest, Pointer } from "../../dataset/formats.ts";
import { readManifest } from "../../dataset/manifest.ts";
import { readPointer } from "../../dataset/pointer.ts";
import { listChannels } from "../../dataset/resolve-version.ts";
import type { JobContext } from "../../execute/job-context.ts";
import { readSourceStatus } from "../../execute/source-status.ts";
import { versionOf } from "../../schema/history.ts";
import { examples, jobArgument, type JobOptions } from "../command-parts.ts";
import type { Session, StartCommand } from "../session.ts";
import { type ChannelStatus, renderStatus, type StatusReport } from "../view/status.ts";

interface StatusOptions extends JobOptions {
  /** Commander leaves it undefined when the option is not given: the command is configured after it looked. */
  readonly source?: boolean;
}

export function configure(command: Command, start: StartCommand): void {
  command
    .argument("<job>", jobArgument)
    .option("--no-source", "do not list the source to see whether it has moved on")
    .addHelpText(
      "after",
      examples(
        [
          "colonnade status jobs/flights.yaml",
          "what each channel serves, and whether there is something to do",
        ],
        ["colonnade status jobs/flights.yaml --json | jq -e .upToDate", "for a monitor: fails when there is"],
      ),
    )
    .action((job: string, options: StatusOptions) =>
      start(options, (session) => runStatus(session, job, options)),
    );
}

async function runStatus(session: Session, job: string, options: StatusOptions): Promise<void> {
  await using context = await session.openJob(job);
  const report = await readStatus(context, options);
  session.result(report, (columns) => renderStatus(report, columns, context.clock.now()));
}

async function readStatus(context: JobContext, options: StatusOptions): Promise<StatusReport> {
  const { job, history, destination } = context;
  const to = versionOf(history, job.schema.to);
  const channels: ChannelStatus[] = [];
  let served: { readonly pointer: Pointer; readonly manifest: Manifest } | undefined;
  for await (const channel of listChannels(destination)) {
    const read = await readPointer(destination, channel);
    if (read === undefined) continue;
    const { pointer } = read;
    const manifest = await readManifest(destination, pointer.manifest);
    if (channel === job.destination.channel) served = { pointer, manifest };
    channels.push(describeChannel(pointer, manifest));
  }
  const source = options.source === false ? undefined : await describeSource(context, served?.manifest);
  const schemaServed = served?.pointer.schema.fingerprint === to.fingerprint;
  const sourceSame =
    source === undefined || source.state !== "listed"
      ? undefined
      : source.added + source.changed + source.vanished + source.invalid === 0;
  return {
    job: job.job,
    dataset: history.dataset,
    destination: destination.uri,
    channel: job.destination.channel,
    channels,
    target: { schema: to.version, fingerprint: to.fingerprint, served: schemaServed },
    source: source ?? null,
    upToDate: sourceSame === undefined ? null : schemaServed && sourceSame,
  };
}

function describeChannel(pointer: Pointer, { totals }: Manifest): ChannelStatus {
  const { channel, generation, version, schema, reason, publishedAt, model } = pointer;
  const { objects, rows, bytes } = totals;
  return {
    channel,
    generation,
    version,
    schema: schema.version,
    fingerprint: schema.fingerprint,
    objects,
    rows,
    bytes,
    reason,
    publishedAt,
    ...(model === undefined ? {} : { model }),
  };
}

/** What is served is worth telling even when the source cannot be listed now. */
async function describeSource(
  context: JobContext,
  manifest: Manifest | undefined,
): Promise<NonNullable<StatusReport["source"]>> {
  const { uri } = context.source;
  try {
    return { state: "listed", uri, ...(await readSourceStatus(context, manifest)) };
  } catch (thrown) {
    const error: ColonnadeError = toColonnadeError(thrown);
    if (error.kind !== "unavailable" && error.kind !== "invalid") throw error;
    const { kind, code, message } = error;
    return { state: "unreachable", uri, error: { kind, code, message } };
  }
}
