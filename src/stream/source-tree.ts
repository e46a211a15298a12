import { DataType, type Field as ArrowField } from "apache-arrow";
import { formatLeafType, type LeafType } from "../parquet/leaf-type.ts";
import { leafElement } from "../parquet/footer/schema-element.ts";
import type { Repetition } from "../parquet/footer/schema-tree.ts";
import { SchemaElement } from "../parquet/spec.ts";
import type { ThriftStruct } from "../parquet/thrift/thrift.ts";
import { groupElement, wrapperElements } from "../plan/new-elements.ts";
import type { Field, SchemaVersion } from "../schema/schema-version.ts";
import { childFields } from "../schema/walk-fields.ts";
import { leafTypeOfArrow, mayBe } from "./arrow-leaf.ts";
import { spellType } from "./array-shape.ts";
import { unsupportedStream } from "./stream-error.ts";

/**
 * The schema elements of a Parquet file with a stream's columns, the root first: what matching, planning and casting work on, so that
 * a stream becomes exactly what such a file would. Where Arrow has one type for several of ours, `versions` say which is meant, the
 * first of them that knows the column by its path.
 *
 * Throws `data` `STREAM_UNSUPPORTED`, naming the column.
 */
export function sourceElements(
  fields: readonly ArrowField[],
  versions: readonly SchemaVersion[],
): ThriftStruct[] {
  const root = groupElement("schema", "required").setI32(SchemaElement.num_children, fields.length);
  const declared = versions.map((version) => version.fields);
  return [root, ...fields.flatMap((field) => elementsOf(field, named(declared, field.name), field.name, []))];
}

/** The fields of one name, in each list that has it. */
function named(lists: readonly (readonly Field[])[], name: string): Field[] {
  return lists.flatMap((fields) => fields.find((field) => field.name === name) ?? []);
}

function elementsOf(
  { type, nullable }: ArrowField,
  declared: readonly Field[],
  name: string,
  above: readonly string[],
): ThriftStruct[] {
  const path = [...above, name];
  const repetition: Repetition = nullable ? "optional" : "required";
  const children: readonly ArrowField[] = (type as DataType).children ?? [];
  if (DataType.isStruct(type)) {
    const inside = declared.map((field) => childFields(field.type));
    const group = groupElement(name, repetition).setI32(SchemaElement.num_children, children.length);
    return [
      group,
      ...children.flatMap((child) => elementsOf(child, named(inside, child.name), child.name, path)),
    ];
  }
  if (DataType.isMap(type)) {
    const parts = ((children[0]?.type as DataType | undefined)?.children ?? []) as readonly ArrowField[];
    return [
      ...wrapperElements("map", name, repetition, 2),
      ...partsOf(parts, ["key", "value"], declared, path),
    ];
  }
  if (DataType.isList(type) || DataType.isLargeList(type) || DataType.isFixedSizeList(type)) {
    return [
      ...wrapperElements("list", name, repetition, 1),
      ...partsOf(children, ["element"], declared, path),
    ];
  }
  return [leafElement(name, leafTypeAt(type as DataType, declared, path), { nullable })];
}

/** Parts of lists and maps are known by their place; what a writer calls them says nothing. */
function partsOf(
  fields: readonly ArrowField[],
  names: readonly string[],
  declared: readonly Field[],
  path: readonly string[],
): ThriftStruct[] {
  return names.flatMap((name, index) => {
    const field = fields[index];
    if (field === undefined)
      throw unsupportedStream("stream has a list or map without parts", { column: path.join(".") });
    const inside = declared.flatMap(({ type }) => childFields(type)[index] ?? []);
    return elementsOf(field, inside, name, path);
  });
}

function leafTypeAt(type: DataType, declared: readonly Field[], path: readonly string[]): LeafType {
  for (const field of declared) {
    if (field.type.kind === "leaf" && mayBe(type, field.type.leaf)) return field.type.leaf;
  }
  const found = leafTypeOfArrow(type);
  if (found !== undefined) return found;
  const [first] = declared;
  const expected = first?.type.kind === "leaf" ? formatLeafType(first.type.leaf) : undefined;
  throw unsupportedStream("stream has a column of a type that no Parquet column has", {
    column: path.join("."),
    type: spellType(type),
    expected,
  });
}
