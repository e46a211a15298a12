import type { LeafType } from "../parquet/leaf-type.ts";
import type { Repetition } from "../parquet/footer/schema-tree.ts";
import { ConvertedType, FieldRepetitionType, LogicalType, SchemaElement } from "../parquet/spec.ts";
import { leafElement } from "../parquet/footer/schema-element.ts";
import { type Storage, storageOf } from "../parquet/footer/storage.ts";
import { ThriftStruct } from "../parquet/thrift/thrift.ts";
import type { Field } from "../schema/schema-version.ts";

export interface NewElement {
  readonly element: ThriftStruct;
  /** For leaves: */
  readonly leaf?: {
    readonly field: Field;
    readonly type: LeafType;
    readonly storage: Storage;
    readonly path: readonly string[];
    /** Of the added elements down to the leaf. */
    readonly repetitions: readonly Repetition[];
    /** Whether a value can stand here: no added struct or list above it is null or empty. */
    readonly present: boolean;
  };
}

/** The schema elements of an added field, depth first: three-level lists and maps, as LogicalTypes.md asks of writers. */
export function newElements(field: Field, above: readonly string[]): NewElement[] {
  return emit(field, field.name, above, [], true);
}

function emit(
  field: Field,
  name: string,
  above: readonly string[],
  repetitionsAbove: readonly Repetition[],
  present: boolean,
): NewElement[] {
  const { type } = field;
  const path = [...above, name];
  const repetitions: Repetition[] = [...repetitionsAbove, field.nullable ? "optional" : "required"];
  if (type.kind === "leaf") {
    const leaf = { field, type: type.leaf, storage: storageOf(type.leaf), path, repetitions, present };
    return [{ element: leafElement(name, type.leaf, { nullable: field.nullable, fieldId: field.id }), leaf }];
  }
  if (type.kind === "struct") {
    const group = groupElement(name, field.nullable ? "optional" : "required", field.id);
    // A nullable struct without a default of its own is null; inside one that is not nullable, defaults count.
    const inside = present && !field.nullable;
    const children = type.fields.flatMap((child) => emit(child, child.name, path, repetitions, inside));
    group.setI32(SchemaElement.num_children, type.fields.length);
    return [{ element: group }, ...children];
  }
  const isList = type.kind === "list";
  const parts = isList ? [{ name: "element", part: type.element }] : mapParts(type);
  const repetition = field.nullable ? "optional" : "required";
  const [outer, repeated] = wrapperElements(type.kind, name, repetition, parts.length, field.id);
  const below = parts.flatMap(({ name, part }) =>
    emit(part, name, [...path, repeatedNames[type.kind]], [...repetitions, "repeated"], false),
  );
  return [{ element: outer }, { element: repeated }, ...below];
}

function mapParts(type: Extract<Field["type"], { kind: "map" }>): { name: string; part: Field }[] {
  return [
    { name: "key", part: { ...type.key, nullable: false } },
    { name: "value", part: type.value },
  ];
}

const repeatedNames = { list: "list", map: "key_value" } as const;

/** The annotated group of a list or map, and the repeated one inside it, which has so many `parts`. */
export function wrapperElements(
  kind: "list" | "map",
  name: string,
  repetition: Repetition,
  parts: number,
  fieldId?: number,
): [ThriftStruct, ThriftStruct] {
  const [converted, logical] =
    kind === "list" ? [ConvertedType.LIST, LogicalType.LIST] : [ConvertedType.MAP, LogicalType.MAP];
  const outer = groupElement(name, repetition, fieldId)
    .setI32(SchemaElement.num_children, 1)
    .setI32(SchemaElement.converted_type, converted)
    .setStruct(SchemaElement.logicalType, new ThriftStruct().setStruct(logical, new ThriftStruct()));
  const repeated = groupElement(repeatedNames[kind], "repeated").setI32(SchemaElement.num_children, parts);
  return [outer, repeated];
}

export function groupElement(name: string, repetition: Repetition, fieldId?: number): ThriftStruct {
  const { OPTIONAL, REPEATED, REQUIRED } = FieldRepetitionType;
  const number = { optional: OPTIONAL, repeated: REPEATED, required: REQUIRED }[repetition];
  return new ThriftStruct()
    .setI32(SchemaElement.repetition_type, number)
    .setString(SchemaElement.name, name)
    .setI32(SchemaElement.field_id, fieldId);
}
