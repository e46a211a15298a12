import pLimit from "p-limit";
import { cancelled, ColonnadeError, toColonnadeError, unreachable } from "../base/errors.ts";
import { createCollector, mainGarbageBytes } from "../base/collect-garbage.ts";
import { MemoryBudget } from "../base/memory-budget.ts";
import { assertSafeStore } from "../dataset/check-store.ts";
import type { Destination } from "../dataset/commit.ts";
import type { FileLine, Manifest, Pointer } from "../dataset/formats.ts";
import { besideGc, type Mark, type RunNeeds } from "../dataset/gc/mark.ts";
import { beginRun } from "../dataset/gc/registration.ts";
import { pointerKey } from "../dataset/layout.ts";
import { createRunLog, removeRun, removeShards, type RunLog } from "../dataset/run-log.ts";
import {
  type LostDecision,
  type LostRace,
  isSameContent,
  type Publication,
  publishVersion,
} from "../dataset/publish-version.ts";
import { readManifest } from "../dataset/manifest.ts";
import { codecs } from "../parquet/values/column-data.ts";
import type { PlannedObject, UnreadableObject } from "../plan/plan.ts";
import { canonicalContent } from "../schema/fingerprint.ts";
import { createChunkWorkers } from "./chunks/chunk-workers.ts";
import { epochOf } from "./finished-tasks.ts";
import type { JobContext } from "./job-context.ts";
import { heldBytesMax, heldIfSmall } from "./survey/held-object.ts";
import { type MigrateContext, migrateObject } from "./objects/migrate-object.ts";
import { type PlanOptions, planJob, type PreparedPlan } from "./plan-job.ts";
import { FooterSizes, readFooter } from "../dataset/read-object.ts";
import { describeUnreadable, listedObjects, SourceDigest } from "./survey/survey-source.ts";
import { versionLines, VersionTotals } from "./version-lines.ts";

export interface ApplyResult {
  readonly outcome: "committed" | "upToDate";
  readonly pointer: Pointer;
  readonly manifest: Manifest;
  readonly plan: PreparedPlan["plan"];
}

/** What Node itself and one worker thread take before the first byte of data: not ours to hand out. */
const baselineBytes = 132_000_000;
/** What each further thread takes that has loaded and is at work, with the garbage that may gather in it and what its allocator keeps. */
const threadBytes = 88_000_000;
const budgetBytesMin = 32_000_000;

/**
 * Carries out a plan: migrates every object to do, then publishes a new version and moves the pointer.
 *
 * When objects fail, the others are still done (a rerun finds them), all failures are reported together in one `data` error
 * (`OBJECTS_FAILED`), and nothing is committed. Throws `conflict` when the source or the channel changed meanwhile, `unknown` when it is
 * not known whether the pointer moved, `cancelled`, `unavailable`.
 */
export async function applyPlan(context: JobContext, planned: PreparedPlan): Promise<ApplyResult> {
  const { plan, base } = planned;
  if (plan.upToDate && base !== undefined) {
    return { outcome: "upToDate", pointer: base.pointer.pointer, manifest: base.manifest, plan };
  }
  const { destination, clock, ids } = context;
  if (base === undefined) await assertSafeStore(destination, { clock, ids });
  const target: Destination = { store: destination, clock, ids };
  const { run, mark, needs } = await beginRun(target, context.job.job, planned.mark, (now) =>
    needsOf(underMark(planned, now)),
  );
  const prepared = underMark(planned, mark);
  const log = createRunLog(target, run);
  let isLogged = false;
  let results: FileLine[];
  try {
    results = await migrateAll(context, prepared, (line) => {
      isLogged = true;
      log.record(line);
    });
  } catch (error) {
    // Nothing that a rerun could find, so nothing that gc has to keep for it.
    if (!isLogged) await removeRun(destination, run).catch(() => undefined);
    throw error;
  } finally {
    await closeLog(log, context);
  }
  return publish(context, prepared, target, run, needs.epoch, results);
}

/** A plan as it is when a gc has begun since: what dead runs have left may be gone, and new objects have names of their own. */
function underMark(planned: PreparedPlan, mark: Mark): PreparedPlan {
  if (mark.epoch === planned.mark.epoch) return planned;
  const lines = [...planned.finished.lines].filter(([, line]) => epochOf(line) >= mark.low);
  return { ...planned, mark, finished: { ...planned.finished, lines: new Map(lines) } };
}

/** What gc has to leave for this run. */
function needsOf({ base, mark, finished }: PreparedPlan): RunNeeds {
  let epoch = mark.epoch;
  for (const line of finished.lines.values()) epoch = Math.min(epoch, epochOf(line));
  return { epoch, base: base?.manifest.version ?? null };
}

/** The log saves a rerun time and decides nothing: its failure may not hide what the run itself came to. */
async function closeLog(log: RunLog, { onEvent }: JobContext): Promise<void> {
  try {
    await log.close();
  } catch (thrown) {
    const { message, details } = toColonnadeError(thrown);
    onEvent({ event: "warning", message: `run log could not be written: ${message}`, details });
  }
}

/** Plans and applies in one go. */
export async function applyJob(context: JobContext, options: PlanOptions = {}): Promise<ApplyResult> {
  return applyPlan(context, await planJob(context, options));
}

async function migrateAll(
  context: JobContext,
  prepared: PreparedPlan,
  onDone: (line: FileLine) => void,
): Promise<FileLine[]> {
  const { job, signal, onEvent } = context;
  const { plan, finished, recogniser, footers } = prepared;
  const failures: UnreadableObject[] = [...plan.objects.unreadable];
  const results: FileLine[] = [...finished.lines.values()];
  const todo = plan.objects.todo.filter(({ task }) => !finished.lines.has(task));
  const stop = new AbortController();
  /** What ends the run: what other objects come to after that is only its consequence. */
  let fatal: ColonnadeError | undefined;
  const both = AbortSignal.any([signal, stop.signal]);
  const { budget, threadsAhead } = sharesOf(context);
  const workers = createChunkWorkers({ workers: job.limits.workers, ahead: threadsAhead, signal: both });
  if (todo.some(({ bytesRewritten }) => bytesRewritten > 0)) workers.start();
  const migrateContext = migrateContextOf(context, prepared, { workers, budget, signal: both });
  onEvent({
    event: "started",
    objects: todo.length,
    bytes: todo.reduce((sum, object) => sum + object.bytesCopied + object.bytesRewritten, 0),
    resumed: finished.lines.size,
  });

  const collectGarbage = createCollector(mainGarbageBytes);
  const sizes = new FooterSizes();
  const migrateOne = async (object: PlannedObject): Promise<void> => {
    if (both.aborted) return;
    collectGarbage();
    try {
      const source = await heldIfSmall({ ...object.source, store: context.source }, both);
      const kept = footers.get(object.source.key);
      footers.delete(object.source.key);
      const footer = kept ?? (await readFooter(source, both, sizes));
      const recognised = recogniser.recognise(footer, object.source.partition);
      const line = await migrateObject(object, source, footer, recognised, migrateContext);
      results.push(line);
      onDone(line);
      const { key, rows, bytesCopied, bytesRewritten } = line;
      onEvent({ event: "objectDone", object: object.source.key, key, rows, bytesCopied, bytesRewritten });
    } catch (thrown) {
      const error = toColonnadeError(thrown);
      if (error.kind !== "data" && error.kind !== "conflict") {
        fatal ??= error;
        stop.abort();
        return;
      }
      failures.push(describeUnreadable(object.source.key, error));
      onEvent({ event: "objectFailed", object: object.source.key, code: error.code, message: error.message });
    }
  };

  try {
    const { requests } = job.limits;
    const large = pLimit(largeAtOnce(job.limits));
    // What is held whole takes no turn of its own to cast: here the store's latency counts, and a request is one object.
    const small = pLimit(Math.max(large.concurrency, requests - large.concurrency));
    await Promise.all(
      todo.map((object) => (object.source.bytes <= heldBytesMax ? small : large)(migrateOne, object)),
    );
    if (signal.aborted) throw cancelled();
    if (fatal !== undefined) throw fatal;
  } finally {
    await workers.close();
  }
  if (failures.length > 0) throw objectsFailed(failures, results.length);
  return results;
}

/** Objects that are too large to be held, at one time. */
function largeAtOnce({ requests, workers }: JobContext["job"]["limits"]): number {
  return Math.min(requests, Math.max(2, workers * 2));
}

function migrateContextOf(
  context: JobContext,
  { to, mark }: PreparedPlan,
  shared: Pick<MigrateContext, "workers" | "budget" | "signal">,
): MigrateContext {
  const { job, history, onEvent } = context;
  const { compression } = job.output;
  const wanted = compression.toUpperCase();
  const warned = new Set<string>();
  return {
    ...shared,
    destination: context.destination,
    // A chunk that decodes to more than the job may use is refused by name, with the setting to raise.
    limits: { pageBytesMax: job.limits.memoryBytes, chunkBytesMax: job.limits.memoryBytes },
    to,
    dataset: history.dataset,
    partitioning: job.source.partitioning,
    epoch: mark.epoch,
    compression: codecs.find((codec) => codec === wanted) ?? "keep",
    onBytes: (copied, written) => onEvent({ event: "bytes", copied, written }),
    onWarning: (message, details) => {
      // The same footer is in every object of a dataset: said once, it is a warning, said a million times, a flood.
      if (warned.has(message)) return;
      warned.add(message);
      onEvent({ event: "warning", message, details });
    },
  };
}

/** What there is for the work of a job, by its limit, and how many threads can be at it with that, of those that it may have. */
function sharesOf({ job, source, destination }: JobContext): {
  readonly budget: MemoryBudget;
  readonly threadsAhead: number;
} {
  const { memoryBytes, workers } = job.limits;
  // What is S3's in both is there once.
  const besideBytes = Math.max(
    source.bytesBeside?.(0) ?? 0,
    destination.bytesBeside?.(largeAtOnce(job.limits)) ?? 0,
  );
  const aloneBytes = Math.max(budgetBytesMin, memoryBytes - baselineBytes - besideBytes);
  const threads = Math.min(workers, threadsCounted);
  const sharedBytes = aloneBytes - (threads - 1) * threadBytes;
  const affordable = 1 + Math.floor((aloneBytes - budgetBytesMin) / threadBytes);
  return {
    budget: new MemoryBudget(Math.max(budgetBytesMin, sharedBytes), aloneBytes),
    threadsAhead: Math.min(threads, affordable),
  };
}

/** More threads than this at once find no memory to work with under a small limit, and wait. They start when work waits for them. */
const threadsCounted = 4;

function objectsFailed(failures: readonly UnreadableObject[], done: number): ColonnadeError {
  const [first] = failures;
  const kinds = new Set(failures.map(({ kind }) => kind));
  const sorted = failures.toSorted((a, b) => (a.object < b.object ? -1 : 1));
  if (kinds.size === 1 && first?.kind === "conflict") {
    return new ColonnadeError("conflict", "SOURCE_CHANGED", "source changed while it was read; plan again", {
      objects: sorted,
    });
  }
  return new ColonnadeError(
    "data",
    "OBJECTS_FAILED",
    `${failures.length === 1 ? "an object" : `${failures.length} objects`} cannot be migrated; nothing was committed`,
    { objects: sorted, objectsDone: done },
  );
}

async function publish(
  context: JobContext,
  prepared: PreparedPlan,
  target: Destination,
  run: string,
  epoch: number,
  results: readonly FileLine[],
): Promise<ApplyResult> {
  const { job, history, destination, signal, onEvent } = context;
  const { plan, base, to, finished } = prepared;
  const totals = new VersionTotals(plan);
  onEvent({ event: "publishing", objects: results.length + plan.objects.carried });
  const publication: Publication = {
    channel: job.destination.channel,
    base: base?.pointer,
    epoch,
    facts: {
      dataset: history.dataset,
      job: job.job,
      run,
      schema: { version: to.version, fingerprint: to.fingerprint, content: canonicalContent(to) },
      from: [...plan.from],
      changes: [...plan.changes],
      source: { uri: context.source.uri },
    },
    lines: totals.over(versionLines(destination, base?.manifest, prepared.replaced, results)),
    summarise: () => totals.summary(),
    reason: `apply ${job.job}`,
    model: base?.pointer.pointer.model,
    onLost: (lost) => decideLost(context, prepared, lost),
    signal,
  };
  const result = await besideGc(destination, base?.pointer.pointer, () =>
    publishVersion(target, publication),
  );
  switch (result.outcome) {
    case "committed": {
      const { generation, version } = result.pointer;
      const pointer = `${destination.uri}/${pointerKey(job.destination.channel)}`;
      onEvent({ event: "committed", generation, version, pointer });
      await removeRun(destination, run);
      await removeShards(destination, finished.shards);
      return { outcome: "committed", pointer: result.pointer, manifest: result.manifest, plan };
    }
    case "accepted": {
      await removeRun(destination, run);
      const manifest = await readManifest(destination, result.current.pointer.manifest);
      return { outcome: "upToDate", pointer: result.current.pointer, manifest, plan };
    }
    case "conflict":
      throw new ColonnadeError(
        "conflict",
        "POINTER_MOVED",
        "another job moved the channel meanwhile; plan again",
        {
          channel: job.destination.channel,
          generation: result.current.pointer.generation,
          servedSchema: result.current.pointer.schema.version,
        },
      );
    case "unknown":
      throw new ColonnadeError(
        "unknown",
        "COMMIT_UNKNOWN",
        "whether the pointer moved is not known; a rerun decides",
        {
          channel: job.destination.channel,
          version: result.manifest.version,
          writeId: result.pointer.writeId,
        },
        { cause: result.cause },
      );
    default:
      return unreachable(result);
  }
}

/**
 * Somebody else committed while we worked. What we made depends on the source and the schema alone, so while both are as we
 * found them it may follow theirs; unless theirs is the same already, or of another schema, or ours was built upon lines that
 * are no longer served.
 */
async function decideLost(
  context: JobContext,
  { base, to, filter, sourceDigest }: PreparedPlan,
  { current, manifest }: LostRace,
): Promise<LostDecision> {
  const { onEvent, destination } = context;
  const decide = (decision: LostDecision): LostDecision => {
    onEvent({ event: "lost", generation: current.pointer.generation, decision });
    return decision;
  };
  const theirs = await readManifest(destination, current.pointer.manifest);
  if (isSameContent(theirs, manifest)) return decide("accept");
  const schemas = [to.fingerprint, base?.manifest.schema.fingerprint];
  if (filter !== undefined || !schemas.includes(theirs.schema.fingerprint)) return decide("conflict");
  const now = new SourceDigest();
  for await (const _ of now.over(listedObjects(context, []))) if (context.signal.aborted) throw cancelled();
  return decide(now.hex() === sourceDigest ? "rebase" : "conflict");
}
