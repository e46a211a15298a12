import type { Json } from "../base/canonical-json.ts";
import type { LeafColumn } from "../parquet/leaf-type.ts";
import type { CastPolicy } from "../schema/schema-version.ts";
import { meaningOf } from "./cast-meaning.ts";
import { Comparison, type ComparisonResult } from "./comparison.ts";
import { invalid, type Meaning } from "./expected.ts";
import { LeafEntries } from "./leaf-entries.ts";
import { logicalReader, type Raw } from "./logical-values.ts";
import { type ConstantText, readConstant } from "./read-constant.ts";
import type { SingleColumn } from "./single-column.ts";

/** Rows of a row group, ascending, that are in quarantine: they are not in the data object, and alone in the other. */
export interface RowChoice {
  readonly kind: "drop" | "keep";
  readonly rows: Uint32Array;
}

export type ColumnShape = Pick<SingleColumn, "column" | "repetitions"> & { readonly file: undefined };

/** A chunk of the source, and the one it became. Serialisable. */
export interface CarriedLeaf {
  readonly kind: "carried";
  readonly source: SingleColumn;
  /** Without a file when no row is left of the row group: then only what is invalid is found. */
  readonly output: SingleColumn | ColumnShape;
  readonly policy: CastPolicy;
  /** The field's, for what the policy `default` put in the place of invalid values. */
  readonly default: Json | undefined;
  readonly choice: RowChoice;
}

/** Compares chunk with chunk, entry by entry. */
export function compareCarried(leaf: CarriedLeaf): ComparisonResult {
  const { source, output, policy, choice } = leaf;
  const comparison = new Comparison(output.column.type);
  const meaning = rawMeaning(source.column, output.column, policy);
  const readOutput = logicalReader(output.column);
  const standIn = policy.onInvalid === "default" ? readDefault(leaf.default, output.column) : undefined;
  const from = new LeafEntries(source, "source");
  const to = output.file === undefined ? undefined : new LeafEntries(output, "output");
  const isChosen = rowChooser(choice);
  const present = source.repetitions.length;
  while (from.next()) {
    const isValue = from.stop === present;
    const isForbidden = !isValue && violates(source, output, from.stop);
    const said = isForbidden ? invalid : isValue ? meaning(from.value) : undefined;
    const isKept = isChosen(from.row);
    // In a row that another column put into quarantine, this one's policy has nothing to decide any more.
    if (said?.kind === "invalid" && (isKept || policy.onInvalid === "quarantine"))
      comparison.noteInvalid(from.row);
    if (to === undefined || !isKept) continue;
    if (!to.next() || to.repetition !== from.repetition) {
      comparison.differs(from.row, "an entry", "none in this place");
      return comparison.finish();
    }
    const found = to.stop === present ? (readOutput?.(to.value) ?? null) : null;
    if (said === undefined) comparison.expectStop(from.row, from.stop, to.stop);
    else if (said.kind === "unjudged") comparison.unjudged += 1;
    else if (said.kind !== "invalid") comparison.expect(from.row, said, found);
    else {
      comparison.expectStandIn(from.row, policy.onInvalid, standIn, found);
      // A null in the place of a value takes nothing above it away.
      if (isValue && found === null) comparison.expectStop(from.row, present - 1, to.stop);
    }
  }
  if (to?.next() === true) comparison.differs(from.row, "no more entries", "one more");
  return comparison.finish();
}

/** Whether a null stands where the output allows none. An empty list is none. */
function violates(source: SingleColumn, output: Pick<SingleColumn, "repetitions">, stop: number): boolean {
  return source.repetitions[stop] === "optional" && output.repetitions[stop] === "required";
}

function rowChooser({ kind, rows }: RowChoice): (row: number) => boolean {
  if (rows.length === 0) return () => kind === "drop";
  const chosen = new Set(rows);
  return kind === "drop" ? (row) => !chosen.has(row) : (row) => chosen.has(row);
}

/** What a stored value must have become; values that nobody here can judge are `unjudged` one by one. */
function rawMeaning(from: LeafColumn, to: LeafColumn, policy: CastPolicy): (raw: Raw) => ReturnType<Meaning> {
  const read = logicalReader(from);
  const meaning = meaningOf(from.type, to.type, policy);
  if (read === undefined || meaning === undefined) return () => ({ kind: "unjudged" });
  return (raw) => {
    const value = read(raw);
    return value === undefined ? { kind: "unjudged" } : meaning(value);
  };
}

function readDefault(json: Json | undefined, column: LeafColumn): ReturnType<typeof readConstant> {
  return readConstant({ kind: "default", json: json ?? null }, column.type);
}

/** An added leaf, and what it must hold. Serialisable. */
export interface AddedLeaf {
  readonly kind: "added";
  readonly output: SingleColumn;
  readonly value: ConstantText;
  readonly choice: RowChoice;
  /** Rows of the source's row group. */
  readonly sourceRows: number;
  /** A leaf of the source inside of the same struct: it says how many there are, and which are null. */
  readonly neighbour?: { readonly column: SingleColumn; readonly parentDepth: number };
}

/** Compares an added leaf with its one value, wherever there is a place for it. */
export function compareAdded(leaf: AddedLeaf): ComparisonResult {
  const { output, value, choice } = leaf;
  const comparison = new Comparison(output.column.type);
  const readOutput = logicalReader(output.column);
  const expectedValue = readConstant(value, output.column.type);
  const parentDepth = leaf.neighbour?.parentDepth ?? 0;
  const own = output.repetitions.slice(parentDepth).findIndex((repetition) => repetition !== "required");
  const present = output.repetitions.length;
  const nullStop = own < 0 ? present : parentDepth + own;
  const to = new LeafEntries(output, "output");
  const isChosen = rowChooser(choice);
  for (const place of placesOf(leaf)) {
    if (!isChosen(place.row)) continue;
    if (!to.next() || to.repetition !== place.repetition) {
      comparison.differs(place.row, "an entry", "none in this place");
      return comparison.finish();
    }
    const found = to.stop === present ? (readOutput?.(to.value) ?? null) : null;
    if (place.stop < parentDepth) comparison.expectStop(place.row, place.stop, to.stop);
    else if (expectedValue === undefined) comparison.unjudged += 1;
    else if (expectedValue.value === null) comparison.expectStop(place.row, nullStop, to.stop);
    else comparison.expect(place.row, { kind: "value", value: expectedValue.value }, found);
  }
  if (to.next()) comparison.differs(to.row, "no more entries", "one more");
  return comparison.finish();
}

interface EntryPlace {
  readonly row: number;
  readonly repetition: number;
  readonly stop: number;
}

/** One entry a row, or one for each place that the struct around the added leaf has. */
function* placesOf({ neighbour, sourceRows }: AddedLeaf): Generator<EntryPlace, void, undefined> {
  if (neighbour === undefined) {
    for (let row = 0; row < sourceRows; row += 1) yield { row, repetition: 0, stop: 0 };
    return;
  }
  const entries = new LeafEntries(neighbour.column, "source");
  while (entries.next()) {
    // Entries that repeat below the struct are of a list inside of it.
    if (entries.repetition > neighbour.parentDepth) continue;
    yield {
      row: entries.row,
      repetition: entries.repetition,
      stop: Math.min(entries.stop, neighbour.parentDepth),
    };
  }
}

/** A column whose values went into the path: each of them must be the one that the path says. Serialisable. */
export interface MovedLeaf {
  readonly kind: "moved";
  readonly source: SingleColumn;
  readonly target: LeafColumn["type"];
  readonly policy: CastPolicy;
  /** The field's, for what the policy `default` put into the path. */
  readonly default: Json | undefined;
  readonly value: ConstantText;
}

export function compareMoved({ source, target, policy, value, ...field }: MovedLeaf): ComparisonResult {
  const comparison = new Comparison(target);
  const inPath = readConstant(value, target);
  const column = { ...source.column, type: target };
  const meaning = rawMeaning(source.column, column, policy);
  const standIn = policy.onInvalid === "default" ? readDefault(field.default, column) : undefined;
  const from = new LeafEntries(source, "source");
  while (from.next()) {
    if (inPath === undefined) comparison.unjudged += 1;
    else if (from.stop < source.repetitions.length) {
      if (inPath.value === null) comparison.values += 1;
      else comparison.differs(from.row, "null", "a value in the path");
    } else {
      const said = meaning(from.value);
      if (said.kind !== "invalid") comparison.expect(from.row, said, inPath.value);
      else comparison.expectStandIn(from.row, policy.onInvalid, standIn, inPath.value);
    }
  }
  return comparison.finish();
}

/** All values of a chunk of INT64 without nulls. */
export function readIntegers(column: SingleColumn): BigInt64Array {
  const values = new BigInt64Array(column.rows);
  const entries = new LeafEntries(column, "output");
  for (let i = 0; entries.next() && i < values.length; i += 1) values[i] = entries.value as bigint;
  return values;
}
