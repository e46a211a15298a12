import { isObject, parseExactJson } from "./exact-json.ts";
import type { ColumnPaths } from "./column-paths.ts";
import type { EmbeddedMapping, OutputField } from "./mapping.ts";

/**
 * Whether an Avro or Iceberg schema (JSON, https://avro.apache.org/docs/current/specification/,
 * https://iceberg.apache.org/spec/#schemas) still says what the columns are: the same names in the same order at every
 * depth that both know, nothing retyped. Neither is rewritten: both carry what columns do not (names of records, defaults, ids).
 */
export function stillDescribes(value: string, mapping: EmbeddedMapping, paths: ColumnPaths): boolean {
  return paths.isEverythingCarried() && describes(parseExactJson(value), mapping.fields);
}

/** Named types of Avro that are only referred to, and everything else without fields, are taken at their word. */
function describes(schema: unknown, fields: readonly OutputField[]): boolean {
  const members = fieldsOf(schema);
  if (members === undefined) return true;
  if (members.length !== fields.length) return false;
  return fields.every((field, index) => {
    const member = members[index];
    return isObject(member) && member["name"] === field.name && typeDescribes(member["type"], field);
  });
}

function typeDescribes(type: unknown, field: OutputField): boolean {
  if (Array.isArray(type)) {
    const branches = type.filter((branch) => branch !== "null");
    // A union of several types is a struct of members in Parquet, named by Avro's own rules.
    return branches.length !== 1 || typeDescribes(branches[0], field);
  }
  if (!isObject(type)) return true;
  switch (field.type.kind) {
    case "struct":
      return describes(type, field.type.fields);
    case "list":
      return typeDescribes(type["items"] ?? type["element"], field.type.element);
    case "map":
      return typeDescribes(type["values"] ?? type["value"], field.type.value);
    case "leaf":
      return true;
  }
}

/** The fields of an Avro record or an Iceberg struct. */
function fieldsOf(schema: unknown): readonly unknown[] | undefined {
  if (!isObject(schema) || !Array.isArray(schema["fields"])) return undefined;
  return schema["fields"];
}
