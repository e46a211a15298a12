import type { LeafType } from "../../parquet/leaf-type.ts";
import type { ColumnPaths } from "./column-paths.ts";
import { isObject, parseExactJson } from "./exact-json.ts";
import type { JsonObject } from "./exact-json.ts";
import type { EmbeddedMapping, OutputField } from "./mapping.ts";

/**
 * `pandas`: the columns, index and dtypes of the frame that was written
 * (https://pandas.pydata.org/docs/development/developer.html, "Storing pandas DataFrame objects in Apache Parquet format").
 * A range index stays unless rows were dropped. Gives the value as it was when nothing changes, undefined when it
 * is not understood or no longer fits (labels of several levels beside new names).
 */
export function rewritePandas(
  value: string,
  mapping: EmbeddedMapping,
  paths: ColumnPaths,
): string | undefined {
  const metadata = parseExactJson(value);
  if (!isObject(metadata) || !Array.isArray(metadata["columns"])) return undefined;
  const columns = new Map<string, JsonObject>();
  for (const column of metadata["columns"] as unknown[]) {
    if (!isObject(column)) return undefined;
    // Before pandas 0.20 there was no field_name.
    const fieldName = column["field_name"] ?? column["name"];
    if (typeof fieldName !== "string") return undefined;
    columns.set(fieldName, column);
  }
  const entries = mapping.fields.flatMap((field) => entryOf(field, columns, paths));
  const sources = new Set(mapping.fields.map((field) => field.source?.path[0]));
  const sameColumns =
    Array.from(columns.keys()).every((name) => sources.has(name)) &&
    mapping.fields.every((field) => field.source?.path[0] === field.name && paths.isContentCarried(field));
  const index = indexColumns(metadata["index_columns"], paths, mapping.rowsDropped === true);
  const sameIndex = JSON.stringify(index) === JSON.stringify(metadata["index_columns"]);
  if (sameColumns && sameIndex) return value;
  const labels = columnIndexes(metadata["column_indexes"], sameNames(mapping));
  if (labels === undefined) return undefined;
  return JSON.stringify({
    ...metadata,
    ...("index_columns" in metadata ? { index_columns: index } : {}),
    ...("column_indexes" in metadata ? { column_indexes: labels } : {}),
    ...(Array.isArray(metadata["partition_columns"])
      ? { partition_columns: renamed(metadata["partition_columns"], paths) }
      : {}),
    columns: sameColumns ? metadata["columns"] : entries,
  });
}

function sameNames({ fields }: EmbeddedMapping): boolean {
  return fields.every((field) => field.source?.path[0] === field.name);
}

function entryOf(
  field: OutputField,
  columns: ReadonlyMap<string, JsonObject>,
  paths: ColumnPaths,
): JsonObject[] {
  const old = field.source === undefined ? undefined : columns.get(field.source.path[0] ?? "");
  // A column that pandas knew nothing of stays one.
  if (old === undefined && field.source !== undefined) return [];
  // An index without a name has one in the file only.
  const name = old?.["name"] === null ? null : field.name;
  const entry = { ...old, name, field_name: field.name };
  return [old !== undefined && paths.isContentCarried(field) ? entry : { ...entry, ...dtypeOf(field) }];
}

function indexColumns(index: unknown, paths: ColumnPaths, rowsDropped: boolean): unknown {
  if (!Array.isArray(index)) return index;
  const columns = index.filter((column) => typeof column === "string" || !rowsDropped);
  return renamed(columns, paths);
}

/** Names of columns as they are called now, without those that are gone; what is no name is kept. */
function renamed(names: readonly unknown[], paths: ColumnPaths): unknown[] {
  return names.flatMap((name): readonly unknown[] => {
    if (typeof name !== "string") return [name];
    return paths.find([name]) ?? [];
  });
}

/**
 * What kind of labels the columns have. Readers turn the names back into it (integers, tuples, …), which new names are not:
 * one level becomes text; several levels have no such way out (undefined).
 */
function columnIndexes(indexes: unknown, sameNames: boolean): unknown {
  if (!Array.isArray(indexes) || sameNames) return indexes ?? null;
  const [only, ...more] = indexes as unknown[];
  if (more.length > 0) return undefined;
  if (!isObject(only)) return indexes;
  const kind = only["pandas_type"];
  if (kind === "unicode" || kind === "string" || kind === "empty") return indexes;
  return [{ ...only, pandas_type: "unicode", numpy_type: "object", metadata: { encoding: "UTF-8" } }];
}

interface Dtype {
  readonly pandas_type: string;
  readonly numpy_type: string;
  readonly metadata: JsonObject | null;
}

/** As pyarrow spells them (`pyarrow/pandas_compat.py`, `get_logical_type` and `get_column_metadata`). */
function dtypeOf(field: OutputField): {
  pandas_type: string;
  numpy_type: string;
  metadata: JsonObject | null;
} {
  const { type } = field;
  if (type.kind === "leaf") return leafDtype(type.leaf);
  return { pandas_type: logicalType(field), numpy_type: "object", metadata: null };
}

function logicalType({ type }: OutputField): string {
  if (type.kind === "leaf") return leafDtype(type.leaf).pandas_type;
  return type.kind === "list" ? `list[${logicalType(type.element)}]` : "object";
}

function leafDtype(type: LeafType): Dtype {
  switch (type.kind) {
    case "bool":
      return plain("bool");
    case "int":
      return plain(`${type.signed ? "int" : "uint"}${type.bits}`);
    case "float":
      return plain(`float${type.bits}`);
    case "decimal":
      return { ...object("decimal"), metadata: { precision: type.precision, scale: type.scale } };
    case "timestamp": {
      const numpy_type = `datetime64[${type.unit}]`;
      if (type.timezone === null) return { pandas_type: "datetime", numpy_type, metadata: null };
      return { pandas_type: "datetimetz", numpy_type, metadata: { timezone: type.timezone } };
    }
    case "date":
      return object("date");
    case "time":
      return object("time");
    case "string":
    case "json":
    case "enum":
      return object("unicode");
    case "null":
      return object("empty");
    case "binary":
    case "fixedBinary":
    case "bson":
    case "uuid":
    case "interval":
    case "geometry":
    case "geography":
      return object("bytes");
  }
}

function plain(name: string): Dtype {
  return { pandas_type: name, numpy_type: name, metadata: null };
}

function object(name: string): Dtype {
  return { pandas_type: name, numpy_type: "object", metadata: null };
}
