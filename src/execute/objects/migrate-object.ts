import type { PathFindings } from "./output-partition.ts";
import type { SourceObjectReader } from "../chunks/output-piece.ts";
import { chunkOperations } from "../chunks/chunk-operations.ts";
import { rewriteOf } from "../../plan/leaf-action.ts";
import { quarantinedRows } from "./quarantined-rows.ts";
import { ColonnadeError, toColonnadeError, withDetails } from "../../base/errors.ts";
import type { MemoryBudget } from "../../base/memory-budget.ts";
import { crc32Hex, updateCrc32 } from "../../base/digest.ts";
import type { FileLine } from "../../dataset/formats.ts";
import { dataKey, quarantineKey } from "../../dataset/layout.ts";
import { formatPartition } from "../../dataset/partition.ts";
import type { Codec } from "../../parquet/values/column-data.ts";
import type { Footer } from "../../parquet/footer/footer.ts";
import type { KeyValue } from "../../parquet/footer/footer-scan.ts";
import type { ReadLimits } from "../../parquet/pages/read-page.ts";
import type { OutputLeaf } from "../../plan/output-schema.ts";
import type { PlannedObject } from "../../plan/plan.ts";
import type { SchemaVersion } from "../../schema/schema-version.ts";
import { partitionFields } from "../../schema/walk-fields.ts";
import { createOnly, type ObjectStore, type ObjectWriter } from "../../store/object-store.ts";
import type { ChunkWorkers } from "../chunks/chunk-workers.ts";
import type { QuarantinedCount } from "./quarantine.ts";
import { type RecognisedSchema, schemaKey } from "../survey/recognise.ts";
import { type RowSelection, selectedRows } from "../chunks/select-rows.ts";
import { SpliceWriter } from "./splice-writer.ts";
import { type PlannedRowGroup, writeObject } from "./write-object.ts";

/** What the tasks of one run share. */
export interface MigrateContext {
  readonly destination: ObjectStore;
  readonly workers: ChunkWorkers;
  readonly budget: MemoryBudget;
  readonly signal: AbortSignal;
  readonly limits: ReadLimits;
  readonly to: SchemaVersion;
  readonly dataset: string;
  readonly partitioning: "hive" | "flat";
  /** Of the keys of what is written (`dataset/gc/mark.ts`). */
  readonly epoch: number;
  readonly compression: Codec | "keep";
  readonly onBytes: (copied: number, written: number) => void;
  readonly onWarning: (message: string, details: object) => void;
}

/**
 * Migrates one source object, read from `source`, and writes its output (and quarantine) object, create-only: when it is there already,
 * from a run that died before it could say so, it is compared and taken. Returns the object's line for the file list.
 *
 * Throws `data` for what is wrong with the object (its key is in the details), `conflict` `SOURCE_CHANGED`.
 */
export async function migrateObject(
  planned: PlannedObject,
  source: SourceObjectReader["object"],
  footer: Footer,
  recognised: RecognisedSchema,
  context: MigrateContext,
): Promise<FileLine> {
  try {
    return await migrate(planned, source, footer, recognised, context);
  } catch (error) {
    throw withDetails(toColonnadeError(error), { object: planned.source.key });
  }
}

async function migrate(
  planned: PlannedObject,
  source: SourceObjectReader["object"],
  footer: Footer,
  recognised: RecognisedSchema,
  context: MigrateContext,
): Promise<FileLine> {
  const { source: object, task } = planned;
  const reader: SourceObjectReader = {
    object: source,
    footer,
    workers: context.workers,
    budget: context.budget,
    signal: context.signal,
    limits: context.limits,
    compression: context.compression,
  };
  const isPartitioned = [recognised.from, context.to].some((version) => partitionFields(version).length > 0);
  const partitions = isPartitioned ? await import("./output-partition.ts") : undefined;
  const inPath: PathFindings = { replaced: new Set(), aside: new Map() };
  const partition =
    (await partitions?.outputPartition(reader, recognised, object.partition, context.to, inPath)) ?? [];
  const constant = partitions?.partitionConstant(recognised, object.partition, inPath) ?? (() => null);
  // Before any row is written, since one of them may put all rows aside.
  for (const leaf of recognised.output.leaves) {
    const { action } = leaf;
    if (action.action === "constant" && action.value.kind === "partition") constant(action.value.field, leaf);
  }
  const aside = [...inPath.aside.values()];
  const directory =
    context.partitioning === "flat" && partition.length === 0
      ? object.partition.directory
      : formatPartition(partition);
  const key = dataKey(directory, object.partition.stem, task, context.epoch);
  const quarantined: QuarantinedCount[] = [];
  const { leaves, elements } = recognised.output;
  const invalid = new Map<string, number>();

  const outputOf = (rowGroup: number, rows: number, selection?: RowSelection): PlannedRowGroup => ({
    rowGroup,
    rows,
    operations: chunkOperations(reader, leaves, rowGroup, selection, constant),
  });

  function* wholeRowGroups(): Iterable<PlannedRowGroup> {
    for (const [rowGroup, { rows }] of footer.rowGroups.entries()) yield outputOf(rowGroup, rows);
  }

  async function* checkedRowGroups(): AsyncIterable<PlannedRowGroup> {
    for (const [rowGroup, { rows }] of footer.rowGroups.entries()) {
      const found = await quarantinedRows(reader, leaves, rowGroup, aside);
      for (const [column, count] of found.invalid) invalid.set(column, (invalid.get(column) ?? 0) + count);
      const selection = found.rows.length === 0 ? undefined : ({ kind: "drop", rows: found.rows } as const);
      if (selection !== undefined) quarantined.push({ rowGroup, rows: found.rows.length });
      const left = selectedRows(rows, selection);
      // A row group that is empty now would only puzzle readers; one that always was is carried.
      if (left > 0 || rows === 0) yield outputOf(rowGroup, left, selection);
    }
  }

  const written = await writeOutput(context, reader, key, async (writer) => {
    const metadata = await outputMetadata(footer, recognised, context);
    const counted = await writeObject(
      reader,
      writer,
      { elements, leaves, keyValueMetadata: metadata },
      aside.length > 0 || mayQuarantine(recognised) ? checkedRowGroups() : wholeRowGroups(),
    );
    for (const [leaf, count] of counted) {
      const column = leaves[leaf]?.column.path.join(".") ?? "";
      if (!invalid.has(column)) invalid.set(column, count);
    }
  });
  const quarantine = await keepQuarantine(
    context,
    reader,
    quarantineKey(directory, object.partition.stem, task, context.epoch),
    leaves,
    quarantined,
    aside,
  );
  const rowsQuarantined = quarantine?.rows ?? 0;
  // One value of the path is one of every row: of those that stay, or of all.
  for (const column of inPath.replaced) invalid.set(column, footer.rows - rowsQuarantined);
  for (const column of inPath.aside.keys()) invalid.set(column, footer.rows);
  return {
    key,
    partition: Object.fromEntries(partition.map(({ name, value }) => [name, value])),
    rows: footer.rows - rowsQuarantined,
    bytes: written.bytes,
    crc32: written.crc32,
    etag: written.etag,
    source: {
      key: object.key,
      etag: object.etag,
      bytes: object.bytes,
      rows: footer.rows,
      schemaVersion: recognised.from.version,
    },
    task,
    columns: actionsOf(recognised),
    bytesCopied: written.bytesCopied,
    bytesRewritten: written.bytesWritten,
    invalid: Object.fromEntries(invalid),
    quarantine: quarantine ?? null,
  };
}

/** Of each schema once: the lines of a run are all in memory, and there may be many more of them than of schemas. */
const knownActions = new WeakMap<RecognisedSchema, FileLine["columns"]>();

function actionsOf(recognised: RecognisedSchema): FileLine["columns"] {
  const known = knownActions.get(recognised);
  if (known !== undefined) return known;
  const actions = Object.fromEntries(
    recognised.output.leaves.map(({ column, action }) => [
      column.path.join("."),
      // To whoever reads the manifest it is a constant.
      action.action === "borrowLevels" ? "constant" : action.action,
    ]),
  );
  knownActions.set(recognised, actions);
  return actions;
}

function mayQuarantine({ output }: RecognisedSchema): boolean {
  return output.leaves.some(({ action }) => rewriteOf(action)?.onInvalid === "quarantine");
}

async function outputMetadata(
  footer: Footer,
  recognised: RecognisedSchema,
  context: MigrateContext,
): Promise<KeyValue[]> {
  const carried = footer.keyValueMetadata.filter(([key]) => key !== schemaKey);
  const { version, fingerprint } = context.to;
  const own: KeyValue = [schemaKey, JSON.stringify({ dataset: context.dataset, version, fingerprint })];
  if (carried.length === 0) return [own];
  // Arrow takes longer to load than a small object to copy.
  const { rewriteKeyValueMetadata } = await import("../../schema/embedded/rewrite.ts");
  // A pandas index that counts the rows is only true of all of them; the metadata is written before any row is known to go.
  const rowsDropped = mayQuarantine(recognised);
  const { pairs, warnings } = rewriteKeyValueMetadata(carried, { ...recognised.mapping, rowsDropped });
  for (const warning of warnings) context.onWarning(warning, { schema: recognised.from.version });
  return [...pairs, own];
}

interface WrittenOutput {
  readonly etag: string;
  readonly bytes: number;
  readonly crc32: string;
  readonly bytesCopied: number;
  readonly bytesWritten: number;
}

/** Writes one object, create-only and atomic; a failure leaves nothing behind. */
async function writeOutput(
  { destination, signal, onBytes }: MigrateContext,
  { object }: SourceObjectReader,
  key: string,
  write: (writer: SpliceWriter) => Promise<void>,
): Promise<WrittenOutput> {
  const writer = await destination.createWriter(key, { precondition: createOnly, signal });
  const splice = new SpliceWriter(writer, object, onBytes);
  try {
    await write(splice);
    const done = await splice.complete();
    const etag = await settleOutput(destination, key, done);
    const { bytesCopied, bytesWritten } = splice;
    return { etag, bytes: done.bytes, crc32: crc32Hex(done.crc32), bytesCopied, bytesWritten };
  } catch (error) {
    await writer.abort();
    throw error;
  }
}

/**
 * The output is named after everything it depends on, so an object that is there already is ours: from a run that died, from
 * another run at the same time, or from this one when the reply was lost. It is read back to be sure.
 */
async function settleOutput(
  destination: ObjectStore,
  key: string,
  done: Awaited<ReturnType<ObjectWriter["complete"]>>,
): Promise<string> {
  if (done.result.outcome === "written") return done.result.etag;
  const found = await destination.getStream(key);
  if (found === undefined) {
    const cause = "cause" in done.result ? done.result.cause : undefined;
    throw new ColonnadeError(
      "unavailable",
      "WRITE_FAILED",
      "output object could not be written",
      { key },
      { cause },
    );
  }
  let crc = 0;
  let bytes = 0;
  for await (const chunk of found.body) {
    crc = updateCrc32(chunk, crc);
    bytes += chunk.length;
  }
  if (bytes !== done.bytes || crc >>> 0 !== done.crc32 >>> 0) {
    throw new ColonnadeError(
      "data",
      "OUTPUT_DIFFERS",
      "an object with other content stands where the output belongs",
      {
        key,
        bytes,
        expectedBytes: done.bytes,
        crc32: crc32Hex(crc),
        expectedCrc32: crc32Hex(done.crc32),
      },
    );
  }
  return found.etag;
}

async function keepQuarantine(
  context: MigrateContext,
  reader: SourceObjectReader,
  key: string,
  leaves: readonly OutputLeaf[],
  quarantined: readonly QuarantinedCount[],
  ofPath: readonly string[],
): Promise<NonNullable<FileLine["quarantine"]> | undefined> {
  if (quarantined.length === 0) return undefined;
  const { writeQuarantine } = await import("./quarantine.ts");
  const { bytes, crc32 } = await writeOutput(context, reader, key, (writer) =>
    writeQuarantine(reader, writer, leaves, quarantined, ofPath),
  );
  return { key, rows: quarantined.reduce((rows, group) => rows + group.rows, 0), bytes, crc32 };
}
