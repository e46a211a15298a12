import { sameLeafType } from "../parquet/leaf-type.ts";
import type { SchemaNode } from "../parquet/schema-tree.ts";
import type { EmbeddedMapping, OutputField, OutputType } from "../schema/embedded/mapping.ts";
import type { Field } from "../schema/schema-version.ts";
import { fieldsById, storedFields, walkFields } from "../schema/walk-fields.ts";
import type { SchemaPair } from "./output-schema.ts";

/** What becomes of the columns, for the schemas that pandas, Arrow, Spark and others leave in the key-value metadata. */
export function embeddedMapping(pair: SchemaPair, rowsDropped: boolean): EmbeddedMapping {
  const old = fieldsById(pair.from);
  const mapField = (field: Field): OutputField => {
    const node = pair.nodes.get(field.id);
    const path = node === undefined ? undefined : old.get(field.id)?.path;
    return {
      name: field.name,
      nullable: field.nullable,
      type: mapType(field, mapField),
      ...(path === undefined ? {} : { source: { path } }),
      retyped: node !== undefined && isRetyped(field, node),
    };
  };
  const fields = storedFields(pair.to).map(mapField);
  const aliases = pair.aliases.flatMap(({ name, field }) => {
    const of = pair.to.fields.findIndex((candidate) => candidate.id === field);
    const target = pair.to.fields[of];
    return target === undefined ? [] : [{ ...mapField(target), name }];
  });
  const sourcePaths = Array.from(walkFields(storedFields(pair.from)), ({ path }) => path);
  return { fields: [...fields, ...aliases], sourcePaths, rowsDropped };
}

function mapType({ type }: Field, mapField: (field: Field) => OutputField): OutputType {
  switch (type.kind) {
    case "leaf":
      return type;
    case "struct":
      return { kind: "struct", fields: type.fields.map(mapField) };
    case "list":
      return { kind: "list", element: mapField(type.element) };
    case "map":
      return { kind: "map", key: mapField(type.key), value: mapField(type.value) };
  }
}

function isRetyped(field: Field, node: SchemaNode): boolean {
  return (
    field.type.kind === "leaf" && node.kind === "leaf" && !sameLeafType(field.type.leaf, node.column.type)
  );
}
