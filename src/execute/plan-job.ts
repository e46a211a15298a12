import { ColonnadeError } from "../base/errors.ts";
import type { Manifest } from "../dataset/formats.ts";
import { besideGc, type Mark, readMark } from "../dataset/gc/mark.ts";
import { readManifest } from "../dataset/manifest.ts";
import { type PointerRead, readPointer } from "../dataset/pointer.ts";
import type { Footer } from "../parquet/footer/footer.ts";
import type { PartitionFilter } from "../plan/partition-filter.ts";
import { type Plan, planFormat, type PlannedObject } from "../plan/plan.ts";
import { deriveChanges } from "../schema/changes.ts";
import { describeChange } from "../schema/describe-change.ts";
import { detectEdits, versionOf } from "../schema/history.ts";
import type { SchemaVersion } from "../schema/schema-version.ts";
import { aliasIsDue } from "../schema/walk-fields.ts";
import { type FinishedTasks, findFinishedTasks } from "./finished-tasks.ts";
import type { JobContext } from "./job-context.ts";
import { type AliasNames, SchemaRecogniser } from "./survey/recognise.ts";
import { readFooters } from "./survey/survey-footers.ts";
import { surveySource } from "./survey/survey-source.ts";

export interface PlanOptions {
  /** `name=value` terms of `--only`. */
  readonly only?: readonly string[];
}

/** A plan with what carrying it out needs beside it: none of it is written anywhere. */
export interface PreparedPlan {
  readonly plan: Plan;
  readonly base: { readonly pointer: PointerRead; readonly manifest: Manifest } | undefined;
  readonly to: SchemaVersion;
  readonly aliases: AliasNames;
  readonly recogniser: SchemaRecogniser;
  /** Source keys whose lines in the base are not carried: to do, unreadable or vanished. */
  readonly replaced: ReadonlySet<string>;
  readonly finished: FinishedTasks;
  /** Footers that were small enough to keep; whoever uses one takes it out. */
  readonly footers: Map<string, Footer>;
  /** Over keys and ETags of the listing: whether the source is still as it was. */
  readonly sourceDigest: string;
  readonly filter: PartitionFilter | undefined;
  /** What gc had said before anything else was read at the destination. */
  readonly mark: Mark;
}

/**
 * Lists the source, compares it with what the channel serves, reads the footers of what is new, and says what will be
 * done. Writes nothing.
 *
 * Throws `invalid` for a job that cannot be planned (`SCHEMA_EDITED`, `DATASET_DIFFERS`, …). Objects that cannot be read or
 * recognised are in the plan, not thrown.
 */
export async function planJob(context: JobContext, options: PlanOptions = {}): Promise<PreparedPlan> {
  const { job, history, destination, clock } = context;
  const to = versionOf(history, job.schema.to);
  const day = clock.now().toISOString().slice(0, 10);
  const aliases = to.aliases
    .filter((alias) => aliasIsDue(alias, day))
    .map(({ name, field }) => ({ name, field }));
  const { mark } = await readMark(destination);
  const base = await readBase(context);
  const recogniser = new SchemaRecogniser(history, job.schema.from, to, aliases);
  const survey = await besideGc(destination, base?.pointer.pointer, () =>
    surveySource(context, options.only ?? [], base?.manifest, { to, aliases }),
  );
  const footers = await readFooters(context, survey.candidates, recogniser, { to, aliases });
  const finished = await findFinishedTasks(destination, footers.planned, mark.low, context);
  const changes = describeChanges(history, footers.planned, base?.manifest, to);
  const { pointer, manifest } = base ?? {};
  const unreadable = [...survey.unreadable, ...footers.unreadable];
  const warnings = [...uncheckedConstraints(to), ...footers.notes];
  const upToDate =
    base !== undefined &&
    manifest?.schema.fingerprint === to.fingerprint &&
    footers.planned.length + unreadable.length + survey.vanished.length === 0;
  const plan: Plan = {
    format: planFormat,
    job: job.job,
    dataset: history.dataset,
    channel: job.destination.channel,
    source: context.source.uri,
    destination: destination.uri,
    from: [...new Set(footers.planned.map(({ from }) => from))].toSorted((a, b) => a - b),
    to: { version: to.version, fingerprint: to.fingerprint },
    base:
      pointer === undefined
        ? null
        : {
            generation: pointer.pointer.generation,
            version: pointer.pointer.version,
            schema: pointer.pointer.schema.version,
          },
    changes,
    columns: footers.columns.list(),
    objects: {
      todo: footers.planned,
      finished: finished.lines.size,
      carried: survey.carried,
      vanished: survey.vanished,
      unreadable,
    },
    totals: totalsOf(footers.planned),
    warnings,
    upToDate,
  };
  return {
    plan,
    base: base === undefined ? undefined : base,
    to,
    aliases,
    recogniser,
    replaced: new Set([
      ...survey.candidates.map(({ key }) => key),
      ...survey.vanished,
      ...survey.invalidKeys,
    ]),
    finished,
    footers: footers.kept,
    sourceDigest: survey.digest,
    filter: survey.filter,
    mark,
  };
}

/** Said rather than left to be believed: a version with constraints is not yet held against them. */
function uncheckedConstraints({ version, constraints }: SchemaVersion): string[] {
  if (constraints.length === 0) return [];
  return [
    `schema version ${version} declares constraints; apply carries them in the manifest and does not check them`,
  ];
}

type Base = NonNullable<PreparedPlan["base"]>;

async function readBase({ job, history, destination }: JobContext): Promise<Base | undefined> {
  const pointer = await readPointer(destination, job.destination.channel);
  if (pointer === undefined) return undefined;
  if (pointer.pointer.dataset !== history.dataset) {
    throw new ColonnadeError("invalid", "DATASET_DIFFERS", "channel serves another dataset", {
      channel: job.destination.channel,
      served: pointer.pointer.dataset,
      dataset: history.dataset,
    });
  }
  const manifest = await besideGc(destination, pointer.pointer, () =>
    readManifest(destination, pointer.pointer.manifest),
  );
  const edits = detectEdits(history, [pointer.pointer.schema]);
  const [edit] = edits;
  if (edit !== undefined) {
    throw new ColonnadeError(
      "invalid",
      "SCHEMA_EDITED",
      `schema version ${edit.version} was applied and ${edit.fingerprint === undefined ? "removed" : "edited"} afterwards; restore it, and put the edit into a new version`,
      { version: edit.version, applied: edit.appliedFingerprint, now: edit.fingerprint },
    );
  }
  return { pointer, manifest };
}

function describeChanges(
  history: JobContext["history"],
  planned: readonly PlannedObject[],
  manifest: Manifest | undefined,
  to: SchemaVersion,
): Plan["changes"] {
  const versions = new Set(planned.map(({ from }) => from));
  if (versions.size === 0) return manifest?.changes ?? [];
  const described = [...versions]
    .toSorted((a, b) => a - b)
    .flatMap((version) =>
      deriveChanges(versionOf(history, version), to).map((change) => ({ ...describeChange(change) })),
    );
  return [...new Map(described.map((change) => [JSON.stringify(change), change])).values()];
}

function totalsOf(planned: readonly PlannedObject[]): Plan["totals"] {
  const sum = (of: (object: PlannedObject) => number): number =>
    planned.reduce((total, object) => total + of(object), 0);
  const sourceBytes = sum(({ source }) => source.bytes);
  const bytesCopied = sum((object) => object.bytesCopied);
  const bytesRewritten = sum((object) => object.bytesRewritten);
  return {
    rows: sum(({ rows }) => rows),
    sourceBytes,
    bytesCopied,
    bytesRewritten,
    bytesDropped: Math.max(0, sourceBytes - bytesCopied - bytesRewritten),
  };
}
