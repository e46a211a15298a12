import { createHash } from "node:crypto";
import { cancelled, ColonnadeError } from "../../base/errors.ts";
import { readFileList } from "../../dataset/file-list.ts";
import type { FileLine, Manifest } from "../../dataset/formats.ts";
import { type Job, matchesInclude } from "../../dataset/job.ts";
import { listSource, type SourceObject } from "../../dataset/list-source.ts";
import { parsePartition } from "../../dataset/partition.ts";
import { type PartitionFilter, parsePartitionFilter, passesFilter } from "../../plan/partition-filter.ts";
import type { UnreadableObject } from "../../plan/plan.ts";
import { taskHash } from "../../plan/task.ts";
import { versionOf } from "../../schema/history.ts";
import type { SchemaVersion } from "../../schema/schema-version.ts";
import { partitionFields } from "../../schema/walk-fields.ts";
import type { ObjectStore } from "../../store/object-store.ts";
import type { JobContext } from "../job-context.ts";
import { LineCursor } from "./line-cursor.ts";
import type { AliasNames } from "./recognise.ts";

/** What everything is to become. */
export interface Target {
  readonly to: SchemaVersion;
  readonly aliases: AliasNames;
}

export interface Survey {
  /** New, changed, or made for another target: their footers have to be read. */
  readonly candidates: readonly SourceObject[];
  readonly carried: number;
  readonly vanished: readonly string[];
  readonly unreadable: readonly UnreadableObject[];
  readonly invalidKeys: ReadonlySet<string>;
  readonly digest: string;
  readonly filter: PartitionFilter | undefined;
}

/** Walks the source's listing and the base's file list side by side: both are in the order of the source's keys. */
export async function surveySource(
  context: JobContext,
  only: readonly string[],
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
  const filter = parsePartitionFilter(only, [...columns]);
  const lines = new LineCursor(
    manifest === undefined ? emptyLines() : readFileList(destination, manifest.parts),
  );
  const leave = (line: FileLine): void => {
    if (isFilteredOut(filter, line.source.key, job.source.partitioning)) carried += 1;
    else vanished.push(line.source.key);
  };
  for await (const object of digest.over(listedObjects(context, unreadable))) {
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
  const invalidKeys = new Set(unreadable.map(({ object }) => object));
  return {
    candidates,
    carried,
    // A key that is there but cannot be read is reported as such, not as gone.
    vanished: vanished.filter((key) => !invalidKeys.has(key)),
    unreadable,
    invalidKeys,
    digest: digest.hex(),
    filter,
  };
}

/** The objects that the job includes, in the order of their keys; what has an invalid key goes to `unreadable`. */
export function listedObjects(
  { job, source }: { readonly job: Pick<Job, "source">; readonly source: ObjectStore },
  unreadable: UnreadableObject[],
): AsyncIterable<SourceObject> {
  return listSource(source, {
    partitioning: job.source.partitioning,
    matches: (key) => matchesInclude(key, job.source.include, job.source.exclude),
    onInvalid: (error) => {
      const key = error.details["key"];
      unreadable.push(describeUnreadable(typeof key === "string" ? key : "", error));
    },
  });
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

export function taskOf(
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

export function describeUnreadable(object: string, error: ColonnadeError): UnreadableObject {
  const { kind, code, message, details } = error;
  return { object, kind, code, message, details };
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

/** Whether two listings are of the same source: a digest over its keys and ETags, taken as they go by. */
export class SourceDigest {
  readonly #hash = createHash("sha256");

  async *over(objects: AsyncIterable<SourceObject>): AsyncIterable<SourceObject> {
    for await (const object of objects) {
      this.#hash.update(`${JSON.stringify([object.key, object.etag, object.bytes])}\n`);
      yield object;
    }
  }

  hex(): string {
    return this.#hash.copy().digest("hex");
  }
}
