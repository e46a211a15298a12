import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { ColonnadeError, toColonnadeError } from "../../src/base/errors.ts";
import { applyPlan } from "../../src/execute/apply-job.ts";
import { planJob } from "../../src/execute/plan-job.ts";
import { readFooter } from "../../src/dataset/read-object.ts";
import type { UnreadableObject } from "../../src/plan/plan.ts";
import { withFingerprint } from "../../src/schema/fingerprint.ts";
import { inferSchemaVersion } from "../../src/schema/infer.ts";
import type { JobContext } from "../../src/execute/job-context.ts";
import { formatSchemaVersion, parseSchemaVersion } from "../../src/schema/parse-schema-version.ts";
import type { SchemaVersion } from "../../src/schema/schema-version.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import type { ObjectStore } from "../../src/store/object-store.ts";
import { unconditional } from "../../src/store/object-store.ts";
import { castVariant, plainVariants, type Variant } from "./corpus-variants.ts";
import type { CorpusFile } from "./corpus.ts";
import { linesOf, type Workspace } from "./migration.ts";

/** What became of one migration of one file. */
export type Outcome = { readonly kind: "migrated"; readonly path: string } | Refusal;

export interface Refusal {
  readonly kind: "refused";
  /** Whether it was known before anything was written. */
  readonly stage: "planning" | "applying";
  /** Of the object, or of the job when the job as a whole was refused. */
  readonly error: { readonly kind: string; readonly code: string; readonly message: string };
}

export interface MigratedFile {
  readonly file: CorpusFile;
  /** Top-level columns; 0 when the footer cannot be read. */
  readonly fields: number;
  /** Version 1, which the migrations start from. */
  readonly from: SchemaVersion;
  readonly migrations: readonly Migration[];
}

export interface Migration {
  readonly variant: Variant;
  readonly outcome: Outcome;
  readonly durationMs: number;
}

/** For a file whose own schema cannot be read: the job gets as far as finding that out. */
const anySchema: SchemaVersion = withFingerprint({
  dataset: "corpus",
  version: 1,
  fields: [{ id: 1, name: "any", nullable: true, type: { kind: "leaf", leaf: { kind: "string" } } }],
  partitionBy: [],
  aliases: [],
  constraints: [],
});

const anySchemaText = formatSchemaVersion(anySchema);

/** Longer than any takes by far; what hangs is stopped, and shows as `CANCELLED` or `HANGS`. */
export const timeoutMs = 60_000;

/** Migrates one file of the corpus in every way, each from the untouched source; outputs are left in `workspace`. */
export async function migrateCorpusFile(
  workspace: Workspace,
  file: CorpusFile,
  which: "all" | "representative" = "all",
): Promise<MigratedFile> {
  const key = (file.name.split("/").at(-1) ?? "").replace(/\.encrypted$/, "");
  const source = createMemoryStore();
  await source.put(key, await readFile(file.path), unconditional);
  const schema = await inferredSchema(source, key);
  const from = schema ?? anySchema;
  const plain = plainVariants(from).slice(0, schema === undefined ? 1 : which === "all" ? undefined : 2);
  const cast = schema === undefined ? undefined : castVariant(from, "too");
  const variants = cast === undefined ? plain : [...plain, cast];
  const folder = join(workspace.folder, file.name.replaceAll("/", "-"));
  await mkdir(folder, { recursive: true });
  const migrations: Migration[] = [];
  const run = async (variant: Variant): Promise<Outcome> => {
    const startedAtMs = performance.now();
    const path = join(folder, `${migrations.length}.parquet`);
    const outcome = await migrate(workspace, { source, from, variant, path });
    migrations.push({ variant, outcome, durationMs: performance.now() - startedAtMs });
    return outcome;
  };
  for (const variant of variants) {
    const outcome = await run(variant);
    const isTooFar = outcome.kind === "refused" && outcome.error.code === "CAST_INVALID";
    const others = isTooFar ? castVariant(from, "not") : undefined;
    if (others !== undefined) await run(others);
  }
  return { file, fields: schema?.fields.length ?? 0, from, migrations };
}

/** Version 1 of what a store has under a key; undefined where its schema cannot be read. */
export async function inferredSchema(store: ObjectStore, key: string): Promise<SchemaVersion | undefined> {
  const info = await store.head(key);
  if (info === undefined) throw new Error(`${key} was not put`);
  try {
    const footer = await readFooter({ ...info, store });
    const { version } = inferSchemaVersion([{ key, tree: footer.tree }], "corpus");
    return parseSchemaVersion(formatSchemaVersion(version), "1.yaml");
  } catch (error) {
    if (error instanceof ColonnadeError && error.kind === "data") return undefined;
    throw error;
  }
}

interface Job {
  readonly source: ObjectStore;
  readonly from: SchemaVersion;
  readonly variant: Variant;
  readonly path: string;
}

async function migrate(workspace: Workspace, { source, from, variant, path }: Job): Promise<Outcome> {
  const context = contextOf(workspace, source, from, variant);
  let stage: Refusal["stage"] = "planning";
  const run = async (): Promise<Outcome> => {
    const prepared = await planJob(context);
    if (prepared.plan.objects.unreadable.length === 0) stage = "applying";
    const { manifest } = await applyPlan(context, prepared);
    const [line] = await linesOf(context.destination, manifest);
    const output = line === undefined ? undefined : await context.destination.get(line.key);
    if (output === undefined) throw new Error("nothing was written");
    await writeFile(path, output.body);
    return { kind: "migrated", path };
  };
  try {
    return await withinBounds(run());
  } catch (thrown) {
    const error = toColonnadeError(thrown);
    const objects = error.details["objects"] as readonly UnreadableObject[] | undefined;
    return { kind: "refused", stage, error: objects?.[0] ?? error };
  }
}

function contextOf(
  workspace: Workspace,
  source: ObjectStore,
  from: SchemaVersion,
  { to }: Variant,
): JobContext {
  const { job, ...rest } = workspace.context([anySchemaText], {
    source,
    destination: createMemoryStore(),
    from: 1,
    signal: AbortSignal.timeout(timeoutMs),
  });
  const versions = to.version === from.version ? [from] : [from, withFingerprint(to)];
  return {
    ...rest,
    // A few chunks at most: a second thread takes longer to start than they take.
    job: { ...job, limits: { ...job.limits, workers: 1 } },
    history: { dataset: from.dataset, versions },
  };
}

async function withinBounds<T>(work: Promise<T>): Promise<T> {
  const { promise, resolve } = Promise.withResolvers<"late">();
  const timer = setTimeout(() => resolve("late"), timeoutMs + 5000);
  try {
    const first = await Promise.race([work, promise]);
    if (first === "late") throw new ColonnadeError("internal", "HANGS", "migration does not end");
    return first;
  } finally {
    clearTimeout(timer);
  }
}
