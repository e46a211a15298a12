import { z } from "zod";
import { ColonnadeError } from "../../base/errors.ts";
import type { ObjectStore } from "../../store/object-store.ts";
import type { Destination } from "../commit.ts";
import { createObject } from "../create-object.ts";
import { encodeDocument, parseDocument } from "../document.ts";
import { epochMax, parseRunKey, registrationKey, runsPrefix, versionMax } from "../layout.ts";
import { type Mark, readMarkBeside, type RunNeeds } from "./mark.ts";

export const registrationFormat = "colonnade/run/1";

/** What a run needs, said before it writes. It keeps a gc from hindering the run; that a gc does no harm never rests on it. */
export const registrationSchema = z.looseObject({
  format: z.literal(registrationFormat),
  run: z.string(),
  job: z.string(),
  epoch: z.number().int().min(0).max(epochMax),
  base: z.number().int().min(1).max(versionMax).nullable(),
  startedAt: z.iso.datetime(),
});

export interface BegunRun {
  readonly run: string;
  /** The mark under which it works. */
  readonly mark: Mark;
  readonly needs: RunNeeds;
}

/** As many gcs may begin while one run does: more of them chase it. */
const gcsMax = 100;

/**
 * Registers a run that was planned under `mark`, before it writes anything. When a gc began meanwhile, which may not have seen it, the
 * run goes on under the new mark, with what is left of its needs. `conflict`: `BASE_REMOVED`, `RUN_OVERTAKEN`.
 */
export async function beginRun(
  destination: Destination,
  job: string,
  planned: Mark,
  needsUnder: (mark: Mark) => RunNeeds,
): Promise<BegunRun> {
  const { store, ids } = destination;
  const registered: string[] = [];
  const forget = async (runs: readonly string[]): Promise<void> => {
    for (const run of runs) await store.delete(registrationKey(run)).catch(() => undefined);
  };
  try {
    let mark = planned;
    for (let gcs = 0; gcs < gcsMax; gcs += 1) {
      const needs = needsUnder(mark);
      const run = ids.next();
      registered.push(run);
      await registerRun(destination, run, job, needs);
      const now = await readMarkBeside(destination, needs.base);
      if (now.epoch === mark.epoch) {
        await forget(registered.slice(0, -1));
        return { run, mark, needs };
      }
      mark = now;
    }
  } catch (error) {
    await forget(registered);
    throw error;
  }
  await forget(registered);
  throw new ColonnadeError("conflict", "RUN_OVERTAKEN", "one gc after the other began while the run did", {
    gcs: gcsMax,
  });
}

export async function registerRun(
  { store, clock, retry }: Destination,
  run: string,
  job: string,
  needs: RunNeeds,
): Promise<void> {
  const startedAt = clock.now().toISOString();
  const registration = { format: registrationFormat, run, job, ...needs, startedAt };
  await createObject(store, registrationKey(run), encodeDocument(registration), clock, retry);
}

/** A run that has not committed: at work, stopped, or dead. */
export interface FoundRun extends RunNeeds {
  readonly run: string;
  /** Of the registration; empty when there is none. */
  readonly job: string;
  /** When the store last heard of it, by its own clock. */
  readonly seenAtMs: number;
  readonly objects: readonly { readonly key: string; readonly bytes: number }[];
}

export async function listRuns(store: ObjectStore): Promise<FoundRun[]> {
  const runs: FoundRun[] = [];
  let current: { run: string; seenAtMs: number; objects: { key: string; bytes: number }[] } | undefined;
  const finish = async (): Promise<void> => {
    if (current !== undefined) runs.push({ ...current, ...(await readRegistration(store, current.run)) });
    current = undefined;
  };
  for await (const { key, bytes, modifiedAtMs } of store.list(runsPrefix)) {
    const run = parseRunKey(key);
    if (run === undefined) continue;
    if (current?.run !== run) await finish();
    current ??= { run, seenAtMs: 0, objects: [] };
    current.seenAtMs = Math.max(current.seenAtMs, modifiedAtMs);
    current.objects.push({ key, bytes });
  }
  await finish();
  return runs;
}

/** A log without a registration is that of an earlier Colonnade, which knew no epochs. */
async function readRegistration(store: ObjectStore, run: string): Promise<RunNeeds & { job: string }> {
  const key = registrationKey(run);
  const object = await store.get(key);
  if (object === undefined) return { job: "", epoch: 0, base: null };
  const { job, epoch, base } = parseDocument(
    object.body,
    registrationSchema,
    registrationFormat,
    "registration",
    key,
  );
  return { job, epoch, base };
}
