import type { Command } from "commander";
import type { Pointer } from "../../dataset/formats.ts";
import { readHistory } from "../../dataset/history.ts";
import { readManifest } from "../../dataset/manifest.ts";
import { toColonnadeError } from "../../base/errors.ts";
import type { ObjectStore } from "../../store/object-store.ts";
import { systemClock } from "../../base/clock.ts";
import { examples, jobArgument, type JobOptions, parseCount } from "../command-parts.ts";
import { openDestination } from "../open-job.ts";
import type { Session, StartCommand } from "../session.ts";
import { type GenerationEntry, type HistoryReport, renderHistory } from "../view/history.ts";

interface HistoryOptions extends JobOptions {
  readonly limit: number;
}

export function configure(command: Command, start: StartCommand): void {
  command
    .argument("<job>", jobArgument)
    .option("-n, --limit <count>", "how many generations to show", parseCount, 20)
    .addHelpText(
      "after",
      examples(
        ["colonnade history jobs/flights.yaml", "what the channel served, newest first"],
        ["colonnade history jobs/flights.yaml -n 1 --json | jq .generations[0].version", "the version now"],
      ),
    )
    .action((job: string, options: HistoryOptions) =>
      start(options, (session) => runHistory(session, job, options)),
    );
}

async function runHistory(session: Session, job: string, { limit }: HistoryOptions): Promise<void> {
  await using destination = await openDestination(job, session.environment);
  const { store, channel } = destination;
  const generations: GenerationEntry[] = [];
  let more = false;
  for await (const entry of readHistory(store, channel)) {
    more = generations.length === limit;
    if (more) break;
    generations.push(
      entry.kind === "missing"
        ? { kept: false, generation: entry.generation, version: entry.version }
        : await describe(store, entry.pointer),
    );
  }
  const report: HistoryReport = { destination: store.uri, channel, generations, more };
  session.result(report, (columns) => renderHistory(report, columns, systemClock.now()));
}

async function describe(store: ObjectStore, pointer: Pointer): Promise<GenerationEntry> {
  const { generation, version, schema, reason, publishedAt, previous, model } = pointer;
  return {
    kept: true,
    generation,
    version,
    schema: schema.version,
    reason,
    publishedAt,
    previous,
    ...(model === undefined ? {} : { model }),
    ...(await readFacts(store, pointer)),
  };
}

/** What the version itself says. That it can no longer be read must not hide what the history says. */
async function readFacts(
  store: ObjectStore,
  pointer: Pointer,
): Promise<Pick<Extract<GenerationEntry, { kept: true }>, "totals" | "changes" | "problem">> {
  try {
    const { totals, changes } = await readManifest(store, pointer.manifest);
    return { totals, changes, problem: null };
  } catch (thrown) {
    const error = toColonnadeError(thrown);
    if (error.kind !== "data" && error.kind !== "invalid") throw error;
    return { totals: null, changes: [], problem: { code: error.code, message: error.message } };
  }
}
