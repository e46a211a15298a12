import { type Command, Option } from "commander";
import { randomIds, systemClock } from "../../base/clock.ts";
import { cancelled, ColonnadeError, toColonnadeError } from "../../base/errors.ts";
import { beginReceipt } from "../../dataset/gc/receipts.ts";
import { type GenerationEvent, type WatchState, watchPointer } from "../../publish/watch.ts";
import { createFileWatchState } from "../../publish/watch-state.ts";
import { explained, jobArgument, type JobOptions, parseDuration } from "../command-parts.ts";
import { type JobDestination, openDestination } from "../open-job.ts";
import { runCommand } from "../run-command.ts";
import type { Session, StartCommand } from "../session.ts";
import { toJsonLine } from "../text/json.ts";

interface WatchCommandOptions extends JobOptions {
  readonly exec?: string;
  readonly interval: number;
  readonly state?: string;
  readonly once?: boolean;
  readonly consumer?: string;
}

/** A line of `watch`: one generation of the channel. */
export interface WatchLine {
  readonly destination: string;
  readonly dataset: string;
  readonly channel: string;
  readonly generation: number;
  readonly version: number;
  readonly schema: { readonly version: number; readonly fingerprint: string };
  /** Of the manifest, as an openable URI. */
  readonly manifest: string;
  readonly model?: { readonly uri: string; readonly version: string };
  readonly previous: GenerationEvent["pointer"]["previous"];
  readonly reason: string;
  readonly publishedAt: string;
  /** A later generation is there already. */
  readonly superseded: boolean;
  readonly attempt: number;
}

export function configure(command: Command, start: StartCommand): void {
  command
    .argument("<job>", jobArgument)
    .option("--exec <command>", "run this for each generation; one that fails gets it again")
    .addOption(
      new Option("--interval <time>", "between two looks: 30s, 5m, 1h")
        .argParser(parseDuration)
        .default(30_000, "30s"),
    )
    .option("--state <file>", "remember here what was handled, over restarts")
    .option("--consumer <name>", "while --exec runs, gc keeps the version for this consumer")
    .option("--once", "look once, deal with what is new, and end")
    .addHelpText(
      "after",
      explained(
        [
          "Each new generation of the channel is one line of JSON, in order and at least once; rollbacks too. Without --state it begins with what is served now. Looking when nothing is new costs one small request, and a store that cannot be reached is waited for.",
          "The --exec command runs in a shell, gets the line on its standard input, and the essentials as COLONNADE_DATASET, COLONNADE_CHANNEL, COLONNADE_GENERATION, COLONNADE_VERSION, COLONNADE_SCHEMA, COLONNADE_MANIFEST, COLONNADE_REASON, COLONNADE_SUPERSEDED (true or false) and COLONNADE_ATTEMPT. What it prints goes to standard error.",
          "With --consumer, a receipt at the destination says what the command works on: gc keeps that version until the command has succeeded, however long it takes (retention.consumerDays at most).",
        ],
        ["colonnade watch jobs/flights.yaml --state trained.json --exec ./retrain.sh", "retrain on each"],
        [
          "colonnade watch jobs/flights.yaml --consumer nightly --exec ./retrain.sh",
          "and keep what it reads from gc",
        ],
        [
          "colonnade watch jobs/flights.yaml \\\n  --exec 'test $COLONNADE_SUPERSEDED = true || ./retrain.sh'",
          "only on the latest",
        ],
        [
          "colonnade watch jobs/flights.yaml --state seen.json --once",
          "from cron: what is new since the last time",
        ],
      ),
    )
    .action((job: string, options: WatchCommandOptions) =>
      start(options, (session) => runWatch(session, job, options)),
    );
}

async function runWatch(session: Session, job: string, options: WatchCommandOptions): Promise<void> {
  const { consumer } = options;
  if (consumer !== undefined && options.exec === undefined)
    throw new ColonnadeError("invalid", "USAGE", "--consumer needs --exec, whose end is that of the reading");
  await using destination = await openDestination(job, session.environment);
  const progress = await session.progress();
  const { store, channel } = destination;
  const warn = ({ message, code, details }: ColonnadeError): void =>
    progress.handle({ event: "warning", message, details: { code, ...details } });
  const once = new AbortController();
  let warning: ColonnadeError | undefined;
  let failure: ColonnadeError | undefined;
  const events = watchPointer({
    store,
    channel,
    intervalMs: options.interval,
    state:
      options.state === undefined ? memoryState() : createFileWatchState(options.state, store.uri, channel),
    // Nothing new (or nothing that could be done) means waiting: where --once ends.
    clock: options.once === true ? { ...systemClock, sleep: async () => once.abort() } : systemClock,
    signal: AbortSignal.any([session.signal, once.signal]),
    onWarning: (error) => {
      warning = error;
      warn(error);
    },
  });
  progress.begin(`watching ${channel} in ${store.uri}`);
  for await (const event of events) {
    warning = undefined;
    const begun = await begin(destination, consumer, event);
    if ("failure" in begun) failure = begun.failure;
    else {
      failure = await deliver(session, destination, event, options.exec);
      // What was done stays done: a receipt that cannot be finished only keeps the version for longer.
      if (failure === undefined)
        await begun.finish().catch((thrown: unknown) => warn(toColonnadeError(thrown)));
    }
    if (failure !== undefined) warn(failure);
    if (failure === undefined || failure.code === "VERSION_REMOVED") await event.acknowledge();
    progress.begin(`watching ${channel} in ${store.uri}`);
  }
  if (session.signal.aborted) throw cancelled();
  const last = failure ?? warning;
  if (last !== undefined) throw last;
}

interface Begun {
  readonly finish: () => Promise<void>;
}

/**
 * Has the version kept while the consumer reads it. `VERSION_REMOVED`, when gc was there before; and what the next try may
 * not have, are values.
 */
async function begin(
  { store }: JobDestination,
  consumer: string | undefined,
  { pointer }: GenerationEvent,
): Promise<Begun | { readonly failure: ColonnadeError }> {
  if (consumer === undefined) return { finish: async () => {} };
  try {
    const destination = { store, clock: systemClock, ids: randomIds() };
    return { finish: await beginReceipt(destination, consumer, pointer) };
  } catch (thrown) {
    const failure = toColonnadeError(thrown);
    if (!["unavailable", "unknown", "conflict"].includes(failure.kind)) throw failure;
    return { failure };
  }
}

/** Shows an event and runs the command for it; a failure that the next try may not have is a value. */
async function deliver(
  session: Session,
  destination: JobDestination,
  event: GenerationEvent,
  command: string | undefined,
): Promise<ColonnadeError | undefined> {
  const line = toJsonLine(describeEvent(destination, event));
  session.pauseProgress();
  session.out.write(line);
  if (command === undefined) return undefined;
  try {
    await runCommand({
      command,
      input: line,
      variables: { ...session.environment.variables, ...variablesOf(describeEvent(destination, event)) },
      signal: session.signal,
    });
    return undefined;
  } catch (thrown) {
    const error = toColonnadeError(thrown);
    if (error.code !== "COMMAND_FAILED") throw error;
    const { generation } = event.pointer;
    return new ColonnadeError(error.kind, error.code, error.message, { ...error.details, generation });
  }
}

function describeEvent(
  { store, channel }: JobDestination,
  { pointer, superseded, attempt }: GenerationEvent,
): WatchLine {
  const { dataset, generation, version, schema, manifest, model, previous, reason, publishedAt } = pointer;
  return {
    destination: store.uri,
    dataset,
    channel,
    generation,
    version,
    schema: { version: schema.version, fingerprint: schema.fingerprint },
    manifest: `${store.uri}/${manifest.key}`,
    ...(model === undefined ? {} : { model: { uri: model.uri, version: model.version } }),
    previous,
    reason,
    publishedAt,
    superseded,
    attempt,
  };
}

function variablesOf(line: WatchLine): Record<string, string> {
  return {
    COLONNADE_DATASET: line.dataset,
    COLONNADE_CHANNEL: line.channel,
    COLONNADE_GENERATION: String(line.generation),
    COLONNADE_VERSION: String(line.version),
    COLONNADE_SCHEMA: String(line.schema.version),
    COLONNADE_MANIFEST: line.manifest,
    COLONNADE_REASON: line.reason,
    COLONNADE_SUPERSEDED: String(line.superseded),
    COLONNADE_ATTEMPT: String(line.attempt),
  };
}

/** For a watch that begins anew each time it is started. */
function memoryState(): WatchState {
  return { load: async () => undefined, save: async () => {} };
}
