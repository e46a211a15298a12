import type { Field, SchemaVersion, TypeOf } from "./schema-version.ts";

/** A field with its place: its names from the top down, and the id of the field around it. */
export interface PlacedField {
  readonly field: Field;
  readonly path: readonly string[];
  readonly parent: Field | undefined;
  /** Position among the fields of the same parent. */
  readonly index: number;
}

/** The fields directly inside a type: a struct's fields, a list's element, a map's key and value. */
export function childFields<F>(type: TypeOf<F>): readonly F[] {
  switch (type.kind) {
    case "leaf":
      return [];
    case "struct":
      return type.fields;
    case "list":
      return [type.element];
    case "map":
      return [type.key, type.value];
  }
}

/** All fields, depth first, parents before their children. */
export function* walkFields(
  fields: readonly Field[],
  parent?: PlacedField,
): Generator<PlacedField, void, undefined> {
  for (const [index, field] of fields.entries()) {
    const placed = { field, path: [...(parent?.path ?? []), field.name], parent: parent?.field, index };
    yield placed;
    yield* walkFields(childFields(field.type), placed);
  }
}

/** Every field of a version by its id. */
export function fieldsById(version: SchemaVersion): Map<number, PlacedField> {
  return new Map(Array.from(walkFields(version.fields), (placed) => [placed.field.id, placed]));
}

/** The fields that live inside the objects: all but the partition fields, in order. */
export function storedFields(version: SchemaVersion): Field[] {
  return version.fields.filter((field) => !version.partitionBy.includes(field.id));
}

/** The fields that live in the path, outermost first. */
export function partitionFields(version: SchemaVersion): Field[] {
  return version.partitionBy.flatMap((id) => version.fields.filter((field) => field.id === id));
}

/** Whether the version carries the alias on a day (UTC, YYYY-MM-DD): up to and including `until`. */
export function aliasIsDue(alias: { readonly until?: string }, day: string): boolean {
  return alias.until === undefined || day <= alias.until;
}
