import type { Command } from "commander";
import { ColonnadeError } from "../../base/errors.ts";
import { compareFileLists } from "../../dataset/compare-versions.ts";
import type { FileLine, Manifest } from "../../dataset/formats.ts";
import { resolveVersion } from "../../dataset/resolve-version.ts";
import { compareVersions } from "../../schema/changes.ts";
import { describeChange } from "../../schema/describe-change.ts";
import { schemaVersionFromContent } from "../../schema/fingerprint.ts";
import { examples, jobArgument, type JobOptions, parseCount } from "../command-parts.ts";
import { openDestination } from "../open-job.ts";
import type { Session, StartCommand } from "../session.ts";
import { type DiffReport, type DiffSide, renderDiff } from "../view/diff.ts";
import type { ObjectStore } from "../../store/object-store.ts";

export function configure(command: Command, start: StartCommand): void {
  command
    .argument("<job>", jobArgument)
    .argument("[from]", "a version; the one before by default", parseCount)
    .argument("[to]", "another version; what the channel serves by default", parseCount)
    .addHelpText(
      "after",
      examples(
        ["colonnade diff jobs/flights.yaml", "what the last commit changed"],
        ["colonnade diff jobs/flights.yaml 1 3", "between two versions"],
      ),
    )
    .action((job: string, from: number | undefined, to: number | undefined, options: JobOptions) =>
      start(options, (session) => runDiff(session, job, from, to)),
    );
}

async function runDiff(
  session: Session,
  job: string,
  fromVersion: number | undefined,
  toVersion: number | undefined,
): Promise<void> {
  await using destination = await openDestination(job, session.environment);
  const { store, channel } = destination;
  const to = await resolveVersion(store, channel, toVersion);
  const before = fromVersion ?? to.pointer?.previous?.version;
  if (before === undefined) {
    throw new ColonnadeError("invalid", "NOTHING_BEFORE", "version has none before it to compare with", {
      channel,
      version: to.manifest.version,
    });
  }
  const from = await resolveVersion(store, channel, before);
  const report = await compareManifests(store, from.manifest, to.manifest);
  session.result(report, (columns) => renderDiff(report, columns));
}

async function compareManifests(store: ObjectStore, from: Manifest, to: Manifest): Promise<DiffReport> {
  const [older, newer] = [from, to].map(({ schema }) => schemaVersionFromContent(schema.content));
  const { changes, impossible } =
    older === undefined || newer === undefined
      ? { changes: [], impossible: [] }
      : compareVersions(older, newer);
  const objects = { same: 0, changed: 0, added: 0, removed: 0 };
  const added: string[] = [];
  const removed: string[] = [];
  const changed: string[] = [];
  let bytesShared = 0;
  for await (const difference of compareFileLists(store, from, to)) {
    objects[difference.kind] += 1;
    if (difference.kind === "same") bytesShared += difference.to.bytes;
    else if (difference.kind === "added") added.push(sourceOf(difference.to));
    else if (difference.kind === "removed") removed.push(sourceOf(difference.from));
    else if (difference.from.source.etag !== difference.to.source.etag) changed.push(sourceOf(difference.to));
  }
  return {
    from: sideOf(from),
    to: sideOf(to),
    changes: changes.map(describeChange),
    impossible: impossible.map(({ message }) => message),
    objects,
    sources: { added, removed, changed },
    bytesShared,
  };
}

function sourceOf({ source }: FileLine): string {
  return source.key;
}

function sideOf({ version, schema, totals, createdAt }: Manifest): DiffSide {
  const { objects, rows, rowsQuarantined, bytes } = totals;
  return { version, schema: schema.version, objects, rows, rowsQuarantined, bytes, createdAt };
}
