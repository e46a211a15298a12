import { formatLeafType } from "../../parquet/leaf-type.ts";
import type { LeafType } from "../../parquet/leaf-type.ts";
import type { ColumnPaths } from "./column-paths.ts";
import { isObject, parseExactJson } from "./exact-json.ts";
import type { JsonObject } from "./exact-json.ts";
import type { EmbeddedMapping, OutputField } from "./mapping.ts";

/**
 * `huggingface`: the features of the `datasets` library, `{"info": {"features": {…}}}`, to which it casts the table on
 * reading and fails when the columns are others (https://huggingface.co/docs/datasets/about_dataset_features). Features
 * (images, class labels, translations, …) stay where their values do. Gives the value as it was when nothing changes;
 * undefined when it is not understood or a type is none that the library has.
 */
export function rewriteHuggingface(
  value: string,
  mapping: EmbeddedMapping,
  paths: ColumnPaths,
): string | undefined {
  const metadata = parseExactJson(value);
  const info = isObject(metadata) ? metadata["info"] : undefined;
  if (!isObject(metadata) || !isObject(info)) return undefined;
  const { features } = info;
  if (features === undefined || features === null) return value;
  if (!isObject(features)) return undefined;
  try {
    const rewritten: JsonObject = {};
    for (const field of mapping.fields) {
      const source = field.source === undefined ? undefined : features[field.source.path[0] ?? ""];
      define(rewritten, field.name, rewriteFeature(field, source, paths));
    }
    if (JSON.stringify(rewritten) === JSON.stringify(features)) return value;
    // The fingerprint names cached content, which this is not any more.
    const { fingerprint: _, ...rest } = metadata;
    return JSON.stringify({ ...rest, info: { ...info, features: rewritten } });
  } catch (error) {
    if (error instanceof Unsupported) return undefined;
    throw error;
  }
}

class Unsupported extends Error {}

/** A column may be called `__proto__`. */
function define(object: JsonObject, name: string, value: unknown): void {
  Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true });
}

function rewriteFeature(field: OutputField, source: unknown, paths: ColumnPaths): unknown {
  if (source !== undefined && paths.isContentCarried(field)) return source;
  const { type } = field;
  switch (type.kind) {
    case "leaf":
      return { dtype: dtypeOf(type.leaf), _type: "Value" };
    case "struct": {
      const members: JsonObject = {};
      // A struct is a plain mapping; one with a `_type` is a feature whose parts we do not know.
      const known = isObject(source) && source["_type"] === undefined ? source : {};
      for (const member of type.fields) {
        define(members, member.name, rewriteFeature(member, known[member.source?.path.at(-1) ?? ""], paths));
      }
      return members;
    }
    case "list": {
      if (Array.isArray(source)) return [rewriteFeature(type.element, source[0], paths)];
      const feature = isObject(source) ? source["feature"] : undefined;
      // In older releases a Sequence of a mapping is a mapping of lists: not what the columns are.
      const isPlain = isObject(source) && (source["_type"] !== "Sequence" || !isMapping(feature));
      if (isPlain && feature !== undefined)
        return { ...source, feature: rewriteFeature(type.element, feature, paths) };
      return [rewriteFeature(type.element, undefined, paths)];
    }
    case "map":
      throw new Unsupported();
  }
}

function isMapping(feature: unknown): boolean {
  return isObject(feature) && feature["_type"] === undefined;
}

/** As `string_to_arrow` of the library reads them back. */
function dtypeOf(type: LeafType): string {
  switch (type.kind) {
    case "bool":
    case "int":
    case "float":
    case "decimal":
    case "string":
    case "binary":
    case "date":
    case "timestamp":
    case "null":
      return formatLeafType(type);
    case "time":
      return type.unit === "ms" ? "time32[ms]" : `time64[${type.unit}]`;
    case "json":
    case "enum":
      return "string";
    case "bson":
    case "geometry":
    case "geography":
      return "binary";
    case "fixedBinary":
    case "uuid":
    case "interval":
      throw new Unsupported();
  }
}
