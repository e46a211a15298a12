import { Field, Int64, Utf8 } from "apache-arrow";
import { ColonnadeError } from "../base/errors.ts";
import { quarantineColumns } from "../dataset/quarantine-columns.ts";
import { type ArrowArray, type ArrowBatch, readArrays } from "./arrow-array.ts";
import { AddedArrays } from "./added-array.ts";
import { type ArrayShape, shapeOf } from "./array-shape.ts";
import { BodyBuffer } from "./body-buffer.ts";
import { type ByteSource, readChunks } from "./byte-source.ts";
import { Dictionaries } from "./dictionaries.ts";
import { endOfStream, type IpcMessage, readMessages } from "./ipc-reader.ts";
import { migrateBatch, type MigratedBatch } from "./migrate-array.ts";
import { malformedStream } from "./stream-error.ts";
import { planStream, type StreamPlan, type StreamVersions } from "./stream-plan.ts";
import { batchMessage, schemaMessage } from "./stream-writer.ts";
import { takeRows } from "./take-rows.ts";

export interface StreamOptions extends StreamVersions {
  /**
   * Takes the stream of rows that a policy puts aside: whole source rows beside their reasons, an Arrow IPC stream of its own.
   * Without it a schema version that may put rows aside is refused before the first batch.
   */
  readonly quarantine?: (bytes: Uint8Array) => void | Promise<void>;
  /** Once, before the first batch. */
  readonly onPlan?: (plan: StreamPlan) => void;
  /** After each batch. */
  readonly onBatch?: (progress: StreamProgress) => void;
}

/** What has passed so far. */
export interface StreamProgress {
  readonly batches: number;
  /** Rows that came in: as many as went out and were put aside. */
  readonly rows: number;
  readonly rowsQuarantined: number;
  /** Values without an equivalent, and nulls where none may be, whatever became of them. */
  readonly invalid: number;
}

/**
 * Migrates an Arrow IPC stream from one schema version to another, batch by batch, by the same plan and the same casts as a batch job.
 * Buffers of columns that do not change are passed on as they are, compressed ones without being decompressed.
 *
 * Throws before the first batch: `data` `SCHEMA_DIFFERS`, `SCHEMA_AMBIGUOUS`, `STREAM_UNSUPPORTED`; `invalid` `QUARANTINE_MISSING`, and what
 * planning throws. Later: `data` `CAST_INVALID` and `NULL_INVALID` with column, row and value, `STREAM_MALFORMED`, `STREAM_TRUNCATED`;
 * what was given out until then is right, and has no end-of-stream marker.
 */
export async function* migrateStream(
  input: AsyncIterable<Uint8Array> | ByteSource,
  options: StreamOptions,
): AsyncGenerator<Uint8Array, StreamProgress, undefined> {
  const migration = new StreamMigration(options);
  const source = Symbol.asyncIterator in input ? readChunks(input) : input;
  for await (const message of readMessages(source)) {
    yield* migration.pass(message);
    // Dictionaries are looked at as long as the stream lasts.
    if (message.kind === "batch") source.giveBack?.(message.body);
  }
  yield* migration.finish();
  return migration.progress;
}

class StreamMigration {
  readonly #options: StreamOptions;
  readonly #dictionaries = new Dictionaries();
  readonly #added = new AddedArrays();
  #plan: StreamPlan | undefined;
  #quarantine: QuarantineStream | undefined;
  #carriedDictionaries: ReadonlySet<number> = new Set();
  #dictionaryShapes: ReadonlyMap<number, ArrayShape> = new Map();
  progress: StreamProgress = { batches: 0, rows: 0, rowsQuarantined: 0, invalid: 0 };

  constructor(options: StreamOptions) {
    this.#options = options;
  }

  async *pass(message: IpcMessage): AsyncGenerator<Uint8Array, void, undefined> {
    if (message.kind === "schema") {
      if (this.#plan !== undefined) throw malformedStream("stream has a second schema");
      yield* this.#begin(message);
      return;
    }
    const plan = this.#plan;
    if (plan === undefined) throw malformedStream("stream does not begin with a schema");
    if (message.kind === "dictionary") {
      const { id, isDelta, header, body, framed } = message;
      const shape = this.#dictionaryShapes.get(id);
      if (shape === undefined) throw malformedStream("no column has this dictionary", { id });
      this.#dictionaries.add(id, isDelta, shape, header, body);
      if (this.#carriedDictionaries.has(id)) yield* framed;
      for (const bytes of framed) await this.#quarantine?.write(bytes);
      return;
    }
    const batch = readArrays(plan.source, message.header, message.body);
    const migrated = migrateBatch(plan.columns, batch, {
      dictionaries: this.#dictionaries,
      added: this.#added,
      firstRow: this.progress.rows,
    });
    const kept = await this.#putAside(batch, migrated);
    yield* batchMessage(kept, message.header.codec, message.metadata);
    this.progress = {
      batches: this.progress.batches + 1,
      rows: this.progress.rows + batch.rows,
      rowsQuarantined: this.progress.rowsQuarantined + migrated.quarantined.size,
      invalid: this.progress.invalid + migrated.invalid,
    };
    this.#options.onBatch?.(this.progress);
  }

  async *finish(): AsyncGenerator<Uint8Array, void, undefined> {
    if (this.#plan === undefined) throw malformedStream("stream has no schema");
    await this.#quarantine?.write(endOfStream);
    yield endOfStream;
  }

  async *#begin({
    schema,
  }: Extract<IpcMessage, { kind: "schema" }>): AsyncGenerator<Uint8Array, void, undefined> {
    const plan = planStream(schema, this.#options);
    const { quarantine } = this.#options;
    if (plan.quarantining.length > 0 && quarantine === undefined) {
      throw new ColonnadeError(
        "invalid",
        "QUARANTINE_MISSING",
        "schema version may put rows aside, and there is nowhere to put them",
        { columns: plan.quarantining },
      );
    }
    this.#plan = plan;
    this.#carriedDictionaries = new Set(dictionariesOf(plan.columns.map(({ shape }) => shape)).keys());
    this.#dictionaryShapes = dictionariesOf(plan.source);
    this.#options.onPlan?.(plan);
    if (quarantine !== undefined) {
      this.#quarantine = new QuarantineStream(schema.fields, quarantine);
      await this.#quarantine.begin();
    }
    yield schemaMessage(plan.schema.fields, plan.schema.metadata);
  }

  async #putAside(batch: ArrowBatch, migrated: MigratedBatch): Promise<ArrowBatch> {
    const { quarantined, rows } = migrated;
    if (quarantined.size === 0) return migrated;
    const gone = Int32Array.from(quarantined.keys()).toSorted();
    const reasons = Array.from(gone, (row) => quarantined.get(row) ?? "");
    await this.#quarantine?.add(takeRows(batch, gone), reasons, gone, this.progress.rows);
    const stays = Int32Array.from({ length: rows }, (_, row) => row).filter((row) => !quarantined.has(row));
    return takeRows(migrated, stays);
  }
}

/** The dictionaries that columns are encoded with, by number, each as an array of its own. */
function dictionariesOf(shapes: readonly ArrayShape[]): Map<number, ArrayShape> {
  const found = new Map<number, ArrayShape>();
  const visit = (shape: ArrayShape): void => {
    const { dictionary, ...plain } = shape;
    if (dictionary !== undefined) found.set(dictionary.id, { ...plain, layout: dictionary.values });
    shape.children.forEach(visit);
  };
  shapes.forEach(visit);
  return found;
}

/** The rows that were put aside, under the source's own schema, with why and where. */
class QuarantineStream {
  readonly #fields: readonly Field[];
  readonly #added: readonly [ArrayShape, ArrayShape];
  readonly write: (bytes: Uint8Array) => void | Promise<void>;

  constructor(fields: readonly Field[], write: (bytes: Uint8Array) => void | Promise<void>) {
    const names = quarantineColumns(fields.map(({ name }) => name));
    const added = [
      new Field(names.reason, new Utf8(), false),
      new Field(names.row, new Int64(), false),
    ] as const;
    this.#fields = [...fields, ...added];
    this.#added = [shapeOf(added[0]), shapeOf(added[1])];
    this.write = write;
  }

  async begin(): Promise<void> {
    await this.write(schemaMessage(this.#fields, new Map()));
  }

  async add(
    batch: ArrowBatch,
    reasons: readonly string[],
    rows: Int32Array,
    firstRow: number,
  ): Promise<void> {
    const { rows: count } = batch;
    const [reason, row] = this.#added;
    const texts = reasons.map((words) => Buffer.from(words));
    const offsets = new Int32Array(count + 1);
    for (const [i, text] of texts.entries()) offsets[i + 1] = (offsets[i] as number) + text.length;
    const numbers = BigInt64Array.from(rows, (number) => BigInt(firstRow + number));
    const plain = { length: count, nullCount: 0, validity: BodyBuffer.empty, children: [] };
    const added: ArrowArray[] = [
      { ...plain, shape: reason, buffers: [BodyBuffer.of(offsets), BodyBuffer.of(Buffer.concat(texts))] },
      { ...plain, shape: row, buffers: [BodyBuffer.of(numbers)] },
    ];
    const whole = { rows: count, columns: [...batch.columns, ...added] };
    for (const bytes of batchMessage(whole, undefined, new Map())) await this.write(bytes);
  }
}
