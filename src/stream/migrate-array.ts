import { formatValue } from "../cast/format-value.ts";
import { ColonnadeError } from "../base/errors.ts";
import { reasonWords } from "../dataset/quarantine-columns.ts";
import { replaceValues } from "../parquet/values/edit-values.ts";
import { gatherValues } from "../parquet/values/gather-values.ts";
import { formatLeafType, type LeafType } from "../parquet/leaf-type.ts";
import { type Values, valueCount } from "../parquet/values/values.ts";
import type { AddedArrays } from "./added-array.ts";
import { type ArrowArray, type ArrowBatch, isSet, validityOf } from "./arrow-array.ts";
import { BodyBuffer } from "./body-buffer.ts";
import { castSlots } from "./cast-slots.ts";
import { type Dictionaries, readIndices } from "./dictionaries.ts";
import { readSlots } from "./read-slots.ts";
import { type PathStep, rowFinder, slotState, slotStates } from "./slot-path.ts";
import type { AddedColumn, CarriedColumn, CarriedLeaf, StreamColumn } from "./stream-plan.ts";
import { bitsOf, writeSlots } from "./write-slots.ts";

/** A batch in the new schema, rows for the quarantine still among the others. */
export interface MigratedBatch extends ArrowBatch {
  /** Why a row has to go, by row. */
  readonly quarantined: ReadonlyMap<number, string>;
  /** Slots that had no equivalent, or a null where none may be, whatever became of them. */
  readonly invalid: number;
}

/** What a batch shares with those before it. */
export interface BatchContext {
  readonly dictionaries: Dictionaries;
  readonly added: AddedArrays;
  /** Number of the batch's first row in the stream. */
  readonly firstRow: number;
}

/**
 * The batch in the new schema. Throws `data` `CAST_INVALID` and `NULL_INVALID`, which name the first value that the policy of its
 * field has no answer to, and `STREAM_MALFORMED`.
 */
export function migrateBatch(
  columns: readonly StreamColumn[],
  batch: ArrowBatch,
  context: BatchContext,
): MigratedBatch {
  const migration = new BatchMigration(context);
  const migrated: ArrowArray[] = [];
  for (const column of columns) {
    const of = column.kind === "alias" ? migrated[column.of] : undefined;
    migrated.push(
      of === undefined
        ? migration.array(column, batch.columns, batch.rows, [])
        : { ...of, shape: column.shape },
    );
  }
  migration.finish();
  const { quarantined, invalid } = migration;
  return { rows: batch.rows, columns: migrated, quarantined, invalid };
}

/** The slots of a leaf, as values. */
interface Slots {
  readonly values: Values;
  /** Ascending; among them may be slots that hold nothing. */
  readonly invalid: Iterable<number>;
  readonly hasInvalid: boolean;
  /** The leaf's own bits, with the nulls of its dictionary. */
  readonly validity: Uint8Array | undefined;
}

class BatchMigration {
  readonly quarantined = new Map<number, string>();
  invalid = 0;
  /** What policies have no answer to, unless another column's puts the row aside. */
  readonly #refusals: {
    readonly rows: readonly number[];
    readonly error: (index: number) => ColonnadeError;
  }[] = [];
  readonly #context: BatchContext;

  constructor(context: BatchContext) {
    this.#context = context;
  }

  /** Throws for the first row that stays although it cannot. */
  finish(): void {
    for (const { rows, error } of this.#refusals) {
      const first = rows.findIndex((row) => !this.quarantined.has(row));
      if (first >= 0) throw error(first);
    }
  }

  array(
    column: StreamColumn,
    siblings: readonly ArrowArray[],
    length: number,
    above: readonly PathStep[],
  ): ArrowArray {
    if (column.kind === "added") {
      this.#refuseMissingParents(column, above);
      return this.#context.added.get(column, length);
    }
    const source = column.kind === "carried" ? siblings[column.child] : undefined;
    if (column.kind === "alias" || source === undefined) {
      throw new ColonnadeError("internal", "COLUMN_MISSING", "column is not where the plan has it");
    }
    const path = [...above, { array: source, refusesNulls: column.refusesNulls }];
    return column.leaf === undefined
      ? this.#nested(column, source, path)
      : this.#leaf(column, column.leaf, source, path);
  }

  /** Nobody says what a new field is where the struct around it was null and may not be. */
  #refuseMissingParents({ shape }: AddedColumn, above: readonly PathStep[]): void {
    const parent = above.at(-1);
    if (parent === undefined || !above.some(mayRefuse)) return;
    const { states, rowsOfRefusedLists } = slotStates(above, validityOf(parent.array));
    const rowOf = rowFinder(above, above.length - 1);
    const rows = [...rowsOfRefusedLists];
    for (const [slot, state] of states?.entries() ?? []) {
      if (state === slotState.refusedNull) rows.push(rowOf(slot));
    }
    const column = [...above.map(({ array }) => array.shape.name), shape.name].join(".");
    this.invalid += rows.length;
    this.#refuse(rows, (row) => this.#refusal(column, undefined, row, undefined));
  }

  #nested(column: CarriedColumn, source: ArrowArray, path: readonly PathStep[]): ArrowArray {
    const { layout } = source.shape;
    const children = column.children.map((child) => {
      // Children of a struct may be longer than it is; new ones stand beside the others.
      const length = layout.kind === "struct" ? source.length : (source.children[0]?.length ?? 0);
      return this.array(child, source.children, length, path);
    });
    // A null that is not allowed any more has been refused, filled or put aside by the leaves below.
    const present = column.refusesNulls ? { nullCount: 0, validity: BodyBuffer.empty } : {};
    return { ...source, ...present, shape: column.shape, children };
  }

  #leaf(column: CarriedColumn, leaf: CarriedLeaf, source: ArrowArray, path: readonly PathStep[]): ArrowArray {
    const { shape } = column;
    const { rewrite } = leaf;
    const refuses = path.some(mayRefuse);
    if (leaf.keepsBuffers && rewrite?.cast === undefined && !refuses) return { ...source, shape };
    const slots = this.#slots(leaf, source);
    if (!slots.hasInvalid && !refuses) {
      return this.#written(column, leaf, source, slots.values, slots.validity, false);
    }
    return this.#resolved(column, leaf, source, path, slots);
  }

  #slots(leaf: CarriedLeaf, source: ArrowArray): Slots {
    const { rewrite } = leaf;
    const validity = validityOf(source);
    const { dictionary } = source.shape;
    if (dictionary === undefined) {
      const read = readSlots(source, source.shape.layout, leaf.source);
      if (rewrite?.cast === undefined) return { values: read, invalid: [], hasInvalid: false, validity };
      const { values, invalid } = castSlots(read, rewrite.cast, leaf.target);
      return { values, invalid, hasInvalid: invalid.length > 0, validity };
    }
    const entries = this.#context.dictionaries.entries(
      dictionary.id,
      leaf.source,
      leaf.target,
      rewrite?.cast,
    );
    const indices = readIndices(source, valueCount(entries.values));
    const values = gatherValues(entries.values, indices, 0, indices.length, gatheredBytesMax);
    const { nulls, invalid } = entries;
    const flags = nulls === undefined ? undefined : new Uint8Array(indices.length);
    if (flags !== undefined && nulls !== undefined) {
      for (let slot = 0; slot < indices.length; slot += 1) {
        const isPresent = validity === undefined || isSet(validity, slot);
        flags[slot] = isPresent && nulls[indices[slot] as number] !== 1 ? 1 : 0;
      }
    }
    return {
      values,
      invalid: invalid === undefined ? [] : slotsOf(indices, invalid),
      hasInvalid: invalid !== undefined,
      validity: flags === undefined ? validity : bitsOf(flags),
    };
  }

  /** Slots that need an answer get the one of their field's policy. */
  #resolved(
    column: CarriedColumn,
    leaf: CarriedLeaf,
    source: ArrowArray,
    path: readonly PathStep[],
    { values, invalid, validity }: Slots,
  ): ArrowArray {
    const { states, rowsOfRefusedLists } = slotStates(path, validity);
    const wrong: number[] = [];
    for (const slot of invalid) {
      if (states === undefined || states[slot] === slotState.value) wrong.push(slot);
    }
    const nulls: number[] = [];
    for (let slot = 0; slot < (states?.length ?? 0); slot += 1) {
      if (states?.[slot] === slotState.refusedNull) nulls.push(slot);
    }
    this.invalid += wrong.length + nulls.length + rowsOfRefusedLists.length;
    const onInvalid = leaf.rewrite?.onInvalid ?? "fail";
    const rowOf = rowFinder(path, path.length - 1);
    const name = leaf.source.path.join(".");
    if (onInvalid === "quarantine") {
      const { source: from, target } = leaf;
      const words = reasonWords(target.path.join("."), from.type, target.type);
      for (const row of [...wrong.map(rowOf), ...nulls.map(rowOf), ...rowsOfRefusedLists])
        this.#putAside(row, words);
      return this.#written(column, leaf, source, values, validity, false);
    }
    this.#refuse(rowsOfRefusedLists, (row) => this.#refusal(name, undefined, row, undefined));
    if (onInvalid !== "default")
      this.#refuse(nulls.map(rowOf), (row) => this.#refusal(name, undefined, row, undefined));
    if (onInvalid === "fail") {
      this.#refuse(wrong.map(rowOf), (row, index) =>
        this.#refusal(name, leaf.target.type, row, this.#spell(leaf, source, wrong[index] as number)),
      );
    }
    if (onInvalid === "default" && leaf.rewrite?.replacement !== undefined) {
      const positions = Uint32Array.from([...wrong, ...nulls]).toSorted();
      const filled = replaceValues(values, positions, leaf.rewrite.replacement);
      const bits = withBits(validity, source.length, nulls, true);
      return this.#written(column, leaf, source, filled, bits, positions.length > 0);
    }
    return this.#written(
      column,
      leaf,
      source,
      values,
      withBits(validity, source.length, wrong, false),
      false,
    );
  }

  /** `isFilled`: some slots hold values that were not there, so that the buffers cannot stay. */
  #written(
    { shape }: CarriedColumn,
    leaf: CarriedLeaf,
    source: ArrowArray,
    values: Values,
    validity: Uint8Array | undefined,
    isFilled: boolean,
  ): ArrowArray {
    const { length } = source;
    const nullCount = validity === undefined ? 0 : length - countSet(validity, length);
    const bits = nullCount === 0 || validity === undefined ? BodyBuffer.empty : BodyBuffer.of(validity);
    const buffers = leaf.keepsBuffers && !isFilled ? source.buffers : writeSlots(values, shape, leaf.target);
    return { shape, length, nullCount, validity: bits, buffers, children: [] };
  }

  #refuse(rows: readonly number[], error: (row: number, index: number) => ColonnadeError): void {
    if (rows.length > 0) this.#refusals.push({ rows, error: (index) => error(rows[index] as number, index) });
  }

  #putAside(row: number, words: string): void {
    const before = this.quarantined.get(row);
    if (before === undefined) this.quarantined.set(row, words);
    else if (!before.split("; ").includes(words)) this.quarantined.set(row, `${before}; ${words}`);
  }

  #refusal(column: string, to: LeafType | undefined, row: number, value: string | undefined): ColonnadeError {
    const isNull = to === undefined || value === undefined;
    return new ColonnadeError(
      "data",
      isNull ? "NULL_INVALID" : "CAST_INVALID",
      isNull
        ? "column holds nulls where the new schema allows none"
        : `column holds values that have no equivalent as ${formatLeafType(to)}`,
      { column, row: this.#context.firstRow + row, value: value ?? "null" },
    );
  }

  #spell(leaf: CarriedLeaf, source: ArrowArray, slot: number): string {
    const { dictionary, layout } = source.shape;
    if (dictionary === undefined)
      return formatValue(readSlots(source, layout, leaf.source), slot, leaf.source);
    const { values } = this.#context.dictionaries.entries(dictionary.id, leaf.source, leaf.source, undefined);
    return formatValue(values, readIndices(source, valueCount(values))[slot] as number, leaf.source);
  }
}

/** Whether nulls stand here that may not: those of a dictionary do not count among the array's. */
function mayRefuse({ array, refusesNulls }: PathStep): boolean {
  return refusesNulls && (array.nullCount > 0 || array.shape.dictionary !== undefined);
}

/** A few indices can name a long text many times. */
const gatheredBytesMax = 2 ** 31 - 1;

function* slotsOf(indices: Int32Array, flags: Uint8Array): Generator<number, void, undefined> {
  for (let slot = 0; slot < indices.length; slot += 1) if (flags[indices[slot] as number] === 1) yield slot;
}

/** The bits with some of them set, or cleared. */
function withBits(
  validity: Uint8Array | undefined,
  length: number,
  slots: readonly number[],
  isPresent: boolean,
): Uint8Array | undefined {
  if (slots.length === 0 || (validity === undefined && isPresent)) return validity;
  const bits = validity?.slice() ?? new Uint8Array((length + 7) >>> 3).fill(0xff);
  for (const slot of slots) {
    const mask = 1 << (slot & 7);
    const byte = bits[slot >>> 3] as number;
    bits[slot >>> 3] = isPresent ? byte | mask : byte & ~mask;
  }
  return bits;
}

function countSet(bits: Uint8Array, length: number): number {
  let count = 0;
  for (let i = 0; i < length >>> 3; i += 1) count += ones[bits[i] as number] as number;
  if ((length & 7) !== 0) count += ones[(bits[length >>> 3] as number) & ((1 << (length & 7)) - 1)] as number;
  return count;
}

/** How many bits of a byte are set. */
const ones = Uint8Array.from({ length: 256 }, (_, byte) => byte.toString(2).replaceAll("0", "").length);
