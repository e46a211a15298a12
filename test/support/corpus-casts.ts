import { DuckDBListType, DuckDBMapType, DuckDBStructType, type DuckDBType } from "@duckdb/node-api";

import { type LeafType, sameLeafType } from "../../src/parquet/leaf-type.ts";
import type { Field, SchemaVersion } from "../../src/schema/schema-version.ts";
import { fieldsById } from "../../src/schema/walk-fields.ts";
import type { Verdict } from "./corpus-results.ts";
import { identifier, quote } from "./duckdb.ts";
import { type NodeReaders, type ReadFile, shortError } from "./readers.ts";

interface CastFile {
  readonly source: string;
  readonly output: string;
  readonly from: SchemaVersion;
  readonly to: Pick<SchemaVersion, "fields">;
}

/**
 * What DuckDB makes of a cast's result, column by column: its type is the wanted one, and its values are those of DuckDB's own
 * cast of the source. A float64 that became text is read back instead, since there are many spellings of one.
 */
export async function compareCasts(
  { queryDuckdb, duckdbTypes }: NodeReaders,
  file: CastFile,
): Promise<Verdict> {
  const read = (path: string, expressions: readonly string[]): Promise<ReadFile> =>
    queryDuckdb(`SELECT ${expressions.join(", ")} FROM read_parquet(${quote(path)})`);
  const before = fieldsById(file.from);
  let columns: CastColumn[];
  let own: ReadFile;
  try {
    const types = await duckdbTypes(file.source);
    columns = file.to.fields.map((field, i) => castColumn(field, before, types[i]));
    own = await read(
      file.source,
      columns.map(({ ownCast }) => ownCast),
    );
  } catch (error) {
    return { kind: "unreadable", error: shortError(error) };
  }
  const ours = await read(
    file.output,
    columns.map(({ comparable }) => comparable),
  );
  const types = await duckdbTypes(file.output);
  const differences = columns.flatMap(({ name, type }, i) => {
    const problems: string[] = [];
    if (unquoted(String(types[i])) !== unquoted(type))
      problems.push(`${name} is ${String(types[i])} instead of ${type}`);
    if (ours.columns[i]?.digest !== own.columns[i]?.digest) problems.push(`${name} has other values`);
    return problems;
  });
  return differences.length === 0 ? { kind: "equal" } : { kind: "different", differences };
}

interface CastColumn {
  readonly name: string;
  /** What DuckDB has to read the new column as. */
  readonly type: string;
  /** Expressions over the source and over the output, which have to give the same. */
  readonly ownCast: string;
  readonly comparable: string;
}

type FieldsById = ReturnType<typeof fieldsById>;

function castColumn(field: Field, before: FieldsById, read: DuckDBType | undefined): CastColumn {
  const { name } = field;
  const column = identifier(name);
  const type = castType(field, before, read, false);
  if (type === String(read)) return { name, type, ownCast: column, comparable: column };
  // DuckDB takes `\x41` in a text for a byte when it casts; encode() takes the text as it is.
  const compared = castType(field, before, read, true);
  const ownCast = String(read) === "VARCHAR" ? `encode(${column})` : `CAST(${column} AS ${compared})`;
  return { name, type, ownCast, comparable: `CAST(${column} AS ${compared})` };
}

/** DuckDB's type of the new column: what is not cast is read as it was. `backToDouble` for what became text. */
function castType(
  field: Field,
  before: FieldsById,
  read: DuckDBType | undefined,
  backToDouble: boolean,
): string {
  const part = (inner: Field, type: DuckDBType | undefined): string =>
    castType(inner, before, type, backToDouble);
  const { type } = field;
  if (type.kind === "leaf") {
    const old = before.get(field.id)?.field.type;
    if (old?.kind === "leaf" && sameLeafType(old.leaf, type.leaf)) return String(read);
    return backToDouble && String(read) === "DOUBLE" ? "DOUBLE" : leafTypeName(type.leaf);
  }
  if (type.kind === "struct" && read instanceof DuckDBStructType) {
    const members = type.fields.map(
      (member, i) => `${identifier(member.name)} ${part(member, read.entryTypes[i])}`,
    );
    return `STRUCT(${members.join(", ")})`;
  }
  if (type.kind === "list" && read instanceof DuckDBListType)
    return `${part(type.element, read.valueType)}[]`;
  if (type.kind === "map" && read instanceof DuckDBMapType) {
    return `MAP(${part(type.key, read.keyType)}, ${part(type.value, read.valueType)})`;
  }
  throw new Error(`DuckDB reads ${field.name}, a ${type.kind}, as ${String(read)}`);
}

/** DuckDB quotes a name where its characters need it. */
function unquoted(type: string): string {
  return type.replaceAll('"', "");
}

function leafTypeName(type: LeafType): string {
  switch (type.kind) {
    case "bool":
      return "BOOLEAN";
    case "int": {
      const signed = { 8: "TINYINT", 16: "SMALLINT", 32: "INTEGER", 64: "BIGINT" }[type.bits];
      return type.signed ? signed : `U${signed}`;
    }
    case "float":
      return type.bits === 64 ? "DOUBLE" : "FLOAT";
    case "decimal":
      return `DECIMAL(${type.precision},${type.scale})`;
    case "string":
    case "enum":
      return "VARCHAR";
    case "json":
      return "JSON";
    case "uuid":
      return "UUID";
    case "date":
      return "DATE";
    case "time":
      return type.unit === "ns" ? "TIME_NS" : "TIME";
    case "timestamp":
      if (type.timezone !== null) return "TIMESTAMP WITH TIME ZONE";
      return type.unit === "ns" ? "TIMESTAMP_NS" : "TIMESTAMP";
    case "interval":
      return "INTERVAL";
    case "binary":
    case "fixedBinary":
    case "bson":
    case "geometry":
    case "geography":
      return "BLOB";
    case "null":
      return '"NULL"';
  }
}
