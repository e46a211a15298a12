import { sameLeafType } from "../parquet/leaf-type.ts";
import type { EmbeddedMapping, OutputField, OutputType } from "../schema/embedded/mapping.ts";
import type { Field } from "../schema/schema-version.ts";
import { fieldsById, storedFields, walkFields } from "../schema/walk-fields.ts";
import { type SchemaPair, targetRepetition } from "./output-schema.ts";

/** What becomes of the columns, for the schemas that pandas, Arrow, Spark and others leave in the key-value metadata. */
export function embeddedMapping(pair: SchemaPair, rowsDropped: boolean): EmbeddedMapping {
  const old = fieldsById(pair.from);
  const mapField = (field: Field): OutputField => {
    const before = old.get(field.id);
    const node = pair.nodes.get(field.id);
    const type = mapType(field, mapField);
    if (node === undefined || before === undefined) {
      return { name: field.name, nullable: field.nullable, type, retyped: false };
    }
    const source = node.nullable ? "optional" : "required";
    return {
      name: field.name,
      // As it is stored: what an object says beyond the schema version stays true of it.
      nullable: targetRepetition(source, before.field, field, node) === "optional",
      type,
      source: { path: before.path },
      retyped: isRetyped(field, before.field),
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

/** By the versions, not by the footer: of a time zone Parquet keeps only that there is one. */
function isRetyped({ type }: Field, { type: before }: Field): boolean {
  return type.kind === "leaf" && before.kind === "leaf" && !sameLeafType(type.leaf, before.leaf);
}
