import { formatLeafType } from "../../src/parquet/leaf-type.ts";
import { defaultCastPolicy, type Field, type SchemaVersion } from "../../src/schema/schema-version.ts";
import { childFields, fieldsById, partitionFields, storedFields } from "../../src/schema/walk-fields.ts";
import type { Row, Value } from "./pyarrow-service.ts";

/**
 * What a migration means, a row at a time: written from docs/SEMANTICS.md and the policies' definitions, with nothing of
 * the planner, of levels or of chunks in it. Types: those of `schema-versions.ts`.
 */
export type Migrated =
  | { readonly kind: "kept"; readonly row: Row }
  | { readonly kind: "quarantined" }
  | { readonly kind: "refused" };

export function migrateRow(
  row: Row,
  from: SchemaVersion,
  to: SchemaVersion,
  partition: Readonly<Record<string, string | null>>,
): Migrated {
  const model = new RowModel(from, to, partition);
  const migrated = model.fields(storedFields(to), row);
  model.checkPath(partitionFields(to), row);
  if (model.quarantined) return { kind: "quarantined" };
  return model.refused ? { kind: "refused" } : { kind: "kept", row: migrated };
}

class RowModel {
  quarantined = false;
  refused = false;
  readonly #from: SchemaVersion;
  readonly #old: ReturnType<typeof fieldsById>;
  readonly #partition: Readonly<Record<string, string | null>>;

  constructor(from: SchemaVersion, _to: SchemaVersion, partition: Readonly<Record<string, string | null>>) {
    this.#from = from;
    this.#old = fieldsById(from);
    this.#partition = partition;
  }

  fields(fields: readonly Field[], values: Row): Row {
    return Object.fromEntries(fields.map((field) => [field.name, this.#field(field, values)]));
  }

  /** Values for the path are no part of a row, but may put it aside. */
  checkPath(fields: readonly Field[], values: Row): void {
    for (const field of fields) {
      const before = this.#old.get(field.id)?.field;
      if (before === undefined || field.cast?.onInvalid !== "quarantine") continue;
      const isText = this.#from.partitionBy.includes(field.id);
      const text = this.#partition[before.name] ?? null;
      const value = isText ? text && castLeaf(text, "string", typeOf(before)) : values[before.name];
      if (value === null || value === undefined) continue;
      if (castLeaf(value, typeOf(before), typeOf(field)) === undefined) this.quarantined = true;
    }
  }

  #field(field: Field, values: Row): Value {
    const before = this.#old.get(field.id)?.field;
    if (before === undefined) return addedValue(field);
    if (!this.#from.partitionBy.includes(field.id))
      return this.#carried(values[before.name] ?? null, before, field);
    const text = this.#partition[before.name] ?? null;
    const value = text === null ? null : castLeaf(text, "string", typeOf(before));
    // A null of the path does not become a default.
    const keepsPolicy = value !== null && value !== undefined;
    return this.#carried(value ?? null, before, keepsPolicy ? field : { ...field, cast: defaultCastPolicy });
  }

  #carried(value: Value, before: Field, field: Field): Value {
    if (value === null) return field.nullable ? null : this.#missing(before, field, false);
    const { type } = field;
    const old = before.type;
    if (type.kind === "leaf") return this.#leaf(value, before, field);
    if (type.kind === "struct") return this.fields(type.fields, value as Row);
    if (type.kind === "list" && old.kind === "list")
      return (value as Value[]).map((one) => this.#carried(one, old.element, type.element));
    if (type.kind === "map" && old.kind === "map") {
      return (value as [Value, Value][]).map(([key, one]) => [
        this.#carried(key, old.key, type.key),
        this.#carried(one, old.value, type.value),
      ]);
    }
    throw new Error("kinds differ");
  }

  #leaf(value: Value, before: Field, field: Field): Value {
    const cast = castLeaf(value, typeOf(before), typeOf(field));
    if (cast !== undefined) return cast;
    switch ((field.cast ?? defaultCastPolicy).onInvalid) {
      case "null":
        return null;
      case "default":
        return addedValue(field);
      case "quarantine":
        this.quarantined = true;
        return null;
      case "fail":
        this.refused = true;
        return null;
    }
  }

  /** A null that may no longer be: every leaf below it decides for itself, and nobody invents entries of lists. */
  #missing(before: Field, field: Field, inList: boolean): Value {
    const { type } = field;
    if (type.kind === "leaf") {
      const { onInvalid } = field.cast ?? defaultCastPolicy;
      const isAdded = this.#old.get(field.id) === undefined;
      if (!isAdded && onInvalid === "quarantine") this.quarantined = true;
      else if (isAdded || onInvalid !== "default" || inList) this.refused = true;
      return addedValue(field);
    }
    const children = childFields(type).map((child) => [
      child.name,
      this.#missing(before, child, inList || type.kind !== "struct"),
    ]);
    return Object.fromEntries(children) as Row;
  }
}

/** What stands in a field that rows did not have. */
export function addedValue(field: Field): Value {
  const { type } = field;
  if (type.kind === "leaf") {
    if (field.default === undefined || field.default === null) return null;
    return castLeaf(field.default as string, "string", formatLeafType(type.leaf)) ?? null;
  }
  if (field.nullable) return null;
  if (type.kind !== "struct") return [];
  return Object.fromEntries(type.fields.map((child) => [child.name, addedValue(child)]));
}

function typeOf({ type }: Field): string {
  if (type.kind !== "leaf") throw new Error("leaf expected");
  return formatLeafType(type.leaf);
}

const decimalMax = 10_000_000;

/** Undefined: no equivalent. Throws for a pair that has no meaning. */
export function castLeaf(value: Value, from: string, to: string): Value | undefined {
  if (from === to) return value;
  if (to === "string") return textOf(value as number | string, from);
  if (from === "string") return parse(value as string, to);
  if (from === "int64" && to === "timestamp[us]") return value;
  if (from === "timestamp[us]" && to === "int64") return value;
  const number = Number(value);
  switch (to) {
    case "int32":
      return Number.isInteger(number) && Math.abs(number) < 2 ** 31 ? number : undefined;
    case "int64":
      return Number.isInteger(number) ? number : undefined;
    case "decimal128(9, 2)":
      return Math.abs(number) < decimalMax ? number.toFixed(2) : undefined;
    default:
      throw new Error(`${from} to ${to}`);
  }
}

function textOf(value: number | string, from: string): string {
  if (from !== "timestamp[us]") return String(value);
  const micros = Number(value);
  const seconds = new Date(Math.floor(micros / 1_000_000) * 1000)
    .toISOString()
    .slice(0, 19)
    .replace("T", " ");
  return `${seconds}.${String(((micros % 1_000_000) + 1_000_000) % 1_000_000).padStart(6, "0")}`;
}

function parse(text: string, to: string): Value | undefined {
  if (to === "timestamp[us]") {
    const parts = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d)?)(?:\.(\d{1,6}))?$/.exec(text);
    if (parts === null) return undefined;
    const [, day, time, fraction = ""] = parts;
    return Date.parse(`${day}T${time}Z`) * 1000 + Number(fraction.padEnd(6, "0"));
  }
  if (to === "decimal128(9, 2)") {
    return /^-?\d{1,7}(?:\.\d{1,2}0*)?$/.test(text) ? Number(text).toFixed(2) : undefined;
  }
  if (!/^-?\d+$/.test(text)) return undefined;
  return castLeaf(Number(text), "int64", to);
}
