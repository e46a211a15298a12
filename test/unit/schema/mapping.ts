import { parseLeafType } from "../../../src/parquet/leaf-type.ts";
import type { SchemaNode } from "../../../src/parquet/footer/schema-tree.ts";
import type { EmbeddedMapping, OutputField, OutputType } from "../../../src/schema/embedded/mapping.ts";

/** The mapping that changes nothing in objects of this schema. */
export function identityMapping(tree: SchemaNode): EmbeddedMapping {
  const sourcePaths: (readonly string[])[] = [];
  const fields = tree.children.map((node) => identityField(node, node.name, [], sourcePaths));
  return { fields, sourcePaths };
}

function identityField(
  node: SchemaNode,
  name: string,
  above: readonly string[],
  sourcePaths: (readonly string[])[],
): OutputField {
  const path = [...above, name];
  sourcePaths.push(path);
  const child = (inner: SchemaNode, innerName: string): OutputField =>
    identityField(inner, innerName, path, sourcePaths);
  const type = ((): OutputType => {
    switch (node.kind) {
      case "leaf":
        return { kind: "leaf", leaf: node.column.type };
      case "struct":
        return { kind: "struct", fields: node.children.map((member) => child(member, member.name)) };
      case "list":
        return { kind: "list", element: child(node.element, "element") };
      case "map":
        if (node.value === undefined) throw new Error("a set has no mapping here");
        return { kind: "map", key: child(node.key, "key"), value: child(node.value, "value") };
    }
  })();
  return { name, nullable: node.nullable, type, source: { path }, retyped: false };
}

export function renamed(field: OutputField, name: string): OutputField {
  return { ...field, name };
}

export function cast(field: OutputField, type: string): OutputField {
  return { ...field, type: leaf(type), retyped: true };
}

export function added(name: string, type: string): OutputField {
  return { name, nullable: true, type: leaf(type), retyped: false };
}

/** A field by its name, which must be there. */
export function pick({ fields }: { readonly fields: readonly OutputField[] }, name: string): OutputField {
  const field = fields.find((candidate) => candidate.name === name);
  if (field === undefined) throw new Error(`there is no field ${name}`);
  return field;
}

/** The field with other members inside: of a struct, or of a list's struct. */
export function withMembers(
  field: OutputField,
  members: (old: readonly OutputField[]) => OutputField[],
): OutputField {
  const { type } = field;
  if (type.kind === "struct") return { ...field, type: { kind: "struct", fields: members(type.fields) } };
  if (type.kind === "list")
    return { ...field, type: { kind: "list", element: withMembers(type.element, members) } };
  if (type.kind === "map") return { ...field, type: { ...type, value: withMembers(type.value, members) } };
  throw new Error(`${field.name} has no members`);
}

function leaf(text: string): OutputType {
  const type = parseLeafType(text);
  if ("error" in type) throw new Error(type.error);
  return { kind: "leaf", leaf: type };
}
