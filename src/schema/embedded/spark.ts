import type { LeafType } from "../../parquet/leaf-type.ts";
import type { ColumnPaths } from "./column-paths.ts";
import { isObject, parseExactJson } from "./exact-json.ts";
import type { JsonObject } from "./exact-json.ts";
import type { EmbeddedMapping, OutputField } from "./mapping.ts";

/**
 * `org.apache.spark.sql.parquet.row.metadata`: Spark's own schema as JSON (`StructType.json`), which it prefers to the
 * Parquet one. Metadata of fields, user-defined types, char and varchar are kept where the values are. Gives the value
 * as it was when nothing changes; undefined when it is not understood or a type is none that Spark reads.
 */
export function rewriteSparkSchema(
  value: string,
  mapping: EmbeddedMapping,
  paths: ColumnPaths,
): string | undefined {
  const schema = parseExactJson(value);
  if (!isStruct(schema)) return undefined;
  try {
    const fields = mapping.fields.map((field) => new SparkRewrite(schema, paths).field(field));
    const rewritten = JSON.stringify({ ...schema, fields });
    return rewritten === JSON.stringify(schema) ? value : rewritten;
  } catch (error) {
    if (error instanceof Unsupported) return undefined;
    throw error;
  }
}

class Unsupported extends Error {}

type SparkStruct = JsonObject & { readonly fields: readonly unknown[] };

function isStruct(type: unknown): type is SparkStruct {
  return isObject(type) && type["type"] === "struct" && Array.isArray(type["fields"]);
}

class SparkRewrite {
  readonly #root: SparkStruct;
  readonly #paths: ColumnPaths;

  constructor(root: SparkStruct, paths: ColumnPaths) {
    this.#root = root;
    this.#paths = paths;
  }

  /** A field of a struct: `{ name, type, nullable, metadata }`. */
  field(field: OutputField): JsonObject {
    const source = field.source === undefined ? undefined : findField(this.#root, field.source.path);
    return {
      ...(source ?? { name: field.name, type: null, nullable: true, metadata: {} }),
      name: field.name,
      type: this.#type(field, source?.["type"]),
      nullable: field.nullable,
    };
  }

  /** The type of a field, after the one that Spark's schema has for its source (undefined: none). */
  #type(field: OutputField, source: unknown): unknown {
    const { type } = field;
    if (type.kind === "leaf")
      return source === undefined || field.retyped ? leafSparkType(type.leaf) : source;
    // A user-defined type has no members of its own: as long as they are all there, it is still one.
    if (isObject(source) && source["type"] === "udt") {
      return this.#paths.isContentCarried(field) ? source : this.#type(field, undefined);
    }
    const known = isObject(source) ? source : {};
    switch (type.kind) {
      case "struct":
        return { ...known, type: "struct", fields: type.fields.map((child) => this.field(child)) };
      case "list":
        return {
          ...known,
          type: "array",
          elementType: this.#type(type.element, known["elementType"]),
          containsNull: type.element.nullable,
        };
      case "map":
        return {
          ...known,
          type: "map",
          keyType: this.#type(type.key, known["keyType"]),
          valueType: this.#type(type.value, known["valueType"]),
          valueContainsNull: type.value.nullable,
        };
    }
  }
}

/** The field object at a path of logical names, where the last step is into a struct. */
function findField(root: SparkStruct, path: readonly string[]): JsonObject | undefined {
  let type: unknown = root;
  let field: JsonObject | undefined;
  for (const name of path) {
    if (isObject(type) && type["type"] === "udt") type = type["sqlType"];
    if (isStruct(type)) {
      field = type.fields.filter(isObject).find((member) => member["name"] === name);
      type = field?.["type"];
    } else if (isObject(type)) {
      const member = { element: "elementType", key: "keyType", value: "valueType" }[name];
      field = undefined;
      type = member === undefined ? undefined : type[member];
    } else return undefined;
  }
  return field;
}

/** As Spark reads a Parquet column without its own schema (`ParquetToSparkSchemaConverter`). */
function leafSparkType(type: LeafType): string {
  switch (type.kind) {
    case "bool":
      return "boolean";
    case "int":
      if (type.signed) return { 8: "byte", 16: "short", 32: "integer", 64: "long" }[type.bits];
      return { 8: "short", 16: "integer", 32: "long", 64: "decimal(20,0)" }[type.bits];
    case "float":
      if (type.bits === 16) throw new Unsupported();
      return type.bits === 32 ? "float" : "double";
    case "decimal":
      if (type.precision > 38) throw new Unsupported();
      return `decimal(${type.precision},${type.scale})`;
    case "string":
    case "json":
    case "enum":
      return "string";
    case "binary":
    case "bson":
    case "fixedBinary":
      return "binary";
    case "date":
      return "date";
    case "timestamp":
      if (type.unit === "ns") throw new Unsupported();
      return type.timezone === null ? "timestamp_ntz" : "timestamp";
    case "time":
    case "uuid":
    case "interval":
    case "geometry":
    case "geography":
    case "null":
      throw new Unsupported();
  }
}
