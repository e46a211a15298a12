import pLimit from "p-limit";
import { cancelled, ColonnadeError, toColonnadeError } from "../base/errors.ts";
import { readFileList } from "../dataset/file-list.ts";
import type { FileLine, Manifest } from "../dataset/formats.ts";
import { matchesInclude } from "../dataset/job.ts";
import { listSource, type SourceObject } from "../dataset/list-source.ts";
import { besideGc, type Mark, readMark } from "../dataset/gc/mark.ts";
import { readManifest } from "../dataset/manifest.ts";
import { parsePartition } from "../dataset/partition.ts";
import { type PointerRead, readPointer } from "../dataset/pointer.ts";
import type { Footer } from "../parquet/footer.ts";
import { type PartitionFilter, parsePartitionFilter, passesFilter } from "../plan/partition-filter.ts";
import {
  ColumnSummary,
  costOf,
  type Plan,
  planFormat,
  type PlannedObject,
  type UnreadableObject,
} from "../plan/plan.ts";
import { taskHash } from "../plan/task.ts";
import { deriveChanges } from "../schema/changes.ts";
import { describeChange } from "../schema/describe-change.ts";
import { detectEdits, versionOf } from "../schema/history.ts";
import type { SchemaVersion } from "../schema/schema-version.ts";
import { aliasIsDue, partitionFields } from "../schema/walk-fields.ts";
import { type FinishedTasks, findFinishedTasks } from "./finished-tasks.ts";
import { createCollector, mainGarbageBytes } from "./collect-garbage.ts";
import type { JobContext } from "./job-context.ts";
import { LineCursor, SourceDigest } from "./source-survey.ts";
import { readFooter } from "./read-footer.ts";
import { type AliasNames, type RecognisedSchema, SchemaRecogniser } from "./recognise.ts";

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

/** Footers are kept between planning and doing, up to about so much memory; the others are read again. */
const footerCacheBytesMax = 16 * 1024 * 1024;
/** What a scanned footer takes beyond its bytes, for each element of its schema (measured with forty columns). */
const scannedElementBytes = 1_500;

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
    surveySource(context, options, base?.manifest, { to, aliases }),
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

interface Target {
  readonly to: SchemaVersion;
  readonly aliases: AliasNames;
}

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

interface Survey {
  /** New, changed, or made for another target: their footers have to be read. */
  readonly candidates: readonly SourceObject[];
  readonly carried: number;
  readonly vanished: readonly string[];
  readonly unreadable: readonly UnreadableObject[];
  readonly invalidKeys: readonly string[];
  readonly digest: string;
  readonly filter: PartitionFilter | undefined;
}

/** Walks the source's listing and the base's file list side by side: both are in the order of the source's keys. */
async function surveySource(
  context: JobContext,
  options: PlanOptions,
  manifest: Manifest | undefined,
  target: Target,
): Promise<Survey> {
  const { job, history, destination } = context;
  const unreadable: UnreadableObject[] = [];
  const digest = new SourceDigest();
  const candidates: SourceObject[] = [];
  const vanished: string[] = [];
  let carried = 0;
  let bytes = 0;
  let objects = 0;
  const anyVersion = job.schema.from === "detect" ? target.to : versionOf(history, job.schema.from);
  const columns = new Set(
    history.versions.concat(anyVersion).flatMap((v) => partitionFields(v).map(({ name }) => name)),
  );
  const filter = parsePartitionFilter(options.only ?? [], [...columns]);
  const lines = new LineCursor(
    manifest === undefined ? emptyLines() : readFileList(destination, manifest.parts),
  );
  const leave = (line: FileLine): void => {
    if (isFilteredOut(filter, line.source.key, job.source.partitioning)) carried += 1;
    else vanished.push(line.source.key);
  };
  for await (const object of listedObjects(context, digest, unreadable)) {
    if (context.signal.aborted) throw cancelled();
    await lines.skipTo(object.key, leave);
    const line = await lines.takeEqual(object.key);
    if (!passesFilter(filter, object.partition)) {
      if (line !== undefined) carried += 1;
      continue;
    }
    objects += 1;
    bytes += object.bytes;
    if (line !== undefined && isCarried(line, object, context, target)) carried += 1;
    else candidates.push(object);
  }
  await lines.skipTo(undefined, leave);
  context.onEvent({ event: "listed", objects, bytes, todo: candidates.length });
  return {
    candidates,
    carried,
    // A key that is there but cannot be read is reported as such, not as gone.
    vanished: vanished.filter((key) => !unreadable.some(({ object }) => object === key)),
    unreadable,
    invalidKeys: unreadable.map(({ object }) => object),
    digest: digest.hex(),
    filter,
  };
}

export function listedObjects(
  { job, source }: JobContext,
  digest: SourceDigest,
  unreadable: UnreadableObject[],
): AsyncIterable<SourceObject> {
  const objects = listSource(source, {
    partitioning: job.source.partitioning,
    matches: (key) => matchesInclude(key, job.source.include, job.source.exclude),
    onInvalid: (error) => {
      const key = error.details["key"];
      unreadable.push(describeUnreadable(typeof key === "string" ? key : "", error));
    },
  });
  return digest.over(objects);
}

/** The line stands for the same source object under the same schemas: nothing about it would come out differently. */
function isCarried(
  line: FileLine,
  object: SourceObject,
  { job, history }: JobContext,
  target: Target,
): boolean {
  const from = history.versions.find(({ version }) => version === line.source.schemaVersion);
  if (from === undefined || line.source.etag !== object.etag || line.source.bytes !== object.bytes)
    return false;
  if (job.schema.from !== "detect" && job.schema.from !== from.version) return false;
  return line.task === taskOf(object, from, target, job.output.compression);
}

function taskOf(
  object: SourceObject,
  from: SchemaVersion,
  { to, aliases }: Target,
  compression: string,
): string {
  const { key, etag, bytes } = object;
  return taskHash({
    source: { key, etag, bytes },
    from: from.fingerprint,
    to: to.fingerprint,
    aliases,
    compression,
  });
}

interface FooterSurvey {
  readonly planned: readonly PlannedObject[];
  readonly unreadable: readonly UnreadableObject[];
  readonly columns: ColumnSummary;
  readonly notes: readonly string[];
  readonly kept: Map<string, Footer>;
}

async function readFooters(
  context: JobContext,
  candidates: readonly SourceObject[],
  recogniser: SchemaRecogniser,
  target: Target,
): Promise<FooterSurvey> {
  const { source, signal, job, onEvent } = context;
  const limit = pLimit(job.limits.requests);
  const unreadable: UnreadableObject[] = [];
  const columns = new ColumnSummary();
  const notes = new Set<string>();
  const kept = new Map<string, Footer>();
  let keptBytes = 0;
  let done = 0;
  const collectGarbage = createCollector(mainGarbageBytes);
  const planOne = async (object: SourceObject): Promise<PlannedObject | undefined> => {
    if (signal.aborted) throw cancelled();
    collectGarbage();
    try {
      const footer = await readFooter({ ...object, store: source }, signal);
      const recognised: RecognisedSchema = recogniser.recognise(footer, object.partition);
      const cost = costOf(footer, recognised.output.leaves, object.bytes);
      columns.add(recognised.output.leaves, cost);
      for (const note of recognised.notes) notes.add(note);
      keptBytes += footer.bytes.length + scannedElementBytes * footer.schema.length;
      if (keptBytes <= footerCacheBytesMax) kept.set(object.key, footer);
      return {
        source: object,
        task: taskOf(object, recognised.from, target, job.output.compression),
        from: recognised.from.version,
        rows: footer.rows,
        rowGroups: footer.rowGroups.length,
        bytesCopied: cost.bytesCopied,
        bytesRewritten: cost.bytesRewritten,
      };
    } catch (thrown) {
      const error = toColonnadeError(thrown);
      // An object is one thing; a store that does not answer or a job that is wrong concerns them all.
      if (error.kind !== "data" && error.kind !== "conflict") throw error;
      unreadable.push(describeUnreadable(object.key, error));
      return undefined;
    } finally {
      done += 1;
      onEvent({ event: "footersRead", done, total: candidates.length });
    }
  };
  const planned = await Promise.all(candidates.map((object) => limit(planOne, object)));
  return {
    planned: planned.filter((object) => object !== undefined),
    unreadable: unreadable.toSorted((a, b) => (a.object < b.object ? -1 : 1)),
    columns,
    notes: [...notes],
    kept,
  };
}

export function describeUnreadable(object: string, error: ColonnadeError): UnreadableObject {
  const { kind, code, message, details } = error;
  return { object, kind, code, message, details };
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

function isFilteredOut(
  filter: PartitionFilter | undefined,
  key: string,
  partitioning: "hive" | "flat",
): boolean {
  if (filter === undefined) return false;
  const partition = parsePartition(key, partitioning);
  return !(partition instanceof ColonnadeError) && !passesFilter(filter, partition);
}

// oxlint-disable-next-line require-yield -- a channel that serves nothing has no lines
async function* emptyLines(): AsyncIterable<FileLine> {}
