import type { LeafType } from "../../src/parquet/leaf-type.ts";
import { formatLeafType } from "../../src/parquet/leaf-type.ts";
import type { Field, FieldType, SchemaVersion } from "../../src/schema/schema-version.ts";
import { walkFields } from "../../src/schema/walk-fields.ts";

/** What every renamed field's name begins with; no name and no value of the corpus has it. */
export const renamedPrefix = "new ✓ ";

/** One migration of a file: the version it goes to, and where each column of the output comes from. */
export interface Variant {
  readonly name: string;
  readonly to: Omit<SchemaVersion, "fingerprint">;
  readonly columns: readonly ColumnPair[];
  /** Whether names inside of structs are new, which a reader has to notice. */
  readonly renamesInside: boolean;
  /** The leaf casts it makes, spelled `int32→int64`; none for those that must not change a value. */
  readonly casts: readonly string[];
}

export interface ColumnPair {
  readonly output: string;
  readonly source: string;
}

/**
 * The migrations that change no value: none, every name at once, every name inside of structs, each column alone, another
 * order with a column less, a second name.
 */
export function plainVariants(from: SchemaVersion): Variant[] {
  const { fields } = from;
  const names = fields.map(({ name }) => name);
  const identity = variant(from, "identity", fields, names);
  const variants = [{ ...identity, to: from }, variant(from, "all renamed", fields.map(renamed), names)];
  if (fields.some(({ type }) => hasMembers(type))) {
    const inside = variant(from, "all inside renamed", fields.map(renamedInside), names);
    variants.push({ ...inside, renamesInside: true });
  }
  if (fields.length > 1) {
    for (const one of fields) {
      const edited = fields.map((field) => (field === one ? renamed(field) : field));
      variants.push(variant(from, `${one.name} renamed`, edited, names));
    }
    const rest = fields.slice(1).toReversed();
    variants.push(
      variant(
        from,
        "reordered, one dropped",
        rest,
        rest.map(({ name }) => name),
      ),
    );
  }
  const flat = fields.find(({ type }) => type.kind === "leaf");
  if (flat !== undefined) {
    const alias = `${renamedPrefix}alias`;
    variants.push({
      ...identity,
      name: "alias",
      to: { ...from, version: 2, aliases: [{ name: alias, field: flat.id }] },
      columns: [...identity.columns, { output: alias, source: flat.name }],
    });
  }
  return variants;
}

/**
 * Every leaf that has a wider type becomes it, at any depth; undefined when none has. Timestamps may be left as they are: far
 * ones have no place in a finer unit.
 */
export function castVariant(from: SchemaVersion, timestamps: "too" | "not"): Variant | undefined {
  const casts: string[] = [];
  const wider = (type: LeafType): LeafType | undefined =>
    type.kind === "timestamp" && timestamps === "not" ? undefined : widened(type);
  const fields = from.fields.map((field) => widenedField(field, wider, casts));
  if (casts.length === 0) return undefined;
  const names = fields.map(({ name }) => name);
  const name = timestamps === "too" ? "cast" : "cast without timestamps";
  return { ...variant(from, name, fields, names), casts };
}

function variant(
  from: SchemaVersion,
  name: string,
  fields: readonly Field[],
  sources: readonly string[],
): Variant {
  return {
    name,
    to: { ...from, version: 2, fields },
    columns: fields.map((field, i) => ({ output: field.name, source: sources[i] ?? "" })),
    renamesInside: false,
    casts: [],
  };
}

function renamed(field: Field): Field {
  return { ...field, name: `${renamedPrefix}${field.name}` };
}

function hasMembers(type: FieldType): boolean {
  return walkFields([{ id: 0, name: "", nullable: true, type }]).some(
    ({ field }) => field.type.kind === "struct",
  );
}

/** The fields of structs get new names, at any depth; the field itself keeps its own. */
function renamedInside(field: Field): Field {
  return { ...field, type: mapType(field.type, renamedInside, (inner) => renamed(renamedInside(inner))) };
}

function widenedField(field: Field, wider: (type: LeafType) => LeafType | undefined, casts: string[]): Field {
  if (field.type.kind === "leaf") {
    const leaf = wider(field.type.leaf);
    if (leaf === undefined) return field;
    casts.push(`${formatLeafType(field.type.leaf)}→${formatLeafType(leaf)}`);
    return { ...field, type: { kind: "leaf", leaf } };
  }
  const inside = (inner: Field): Field =>
    // A set, which is a map without values, cannot get any.
    isNull(inner.type) && field.type.kind === "map" ? inner : widenedField(inner, wider, casts);
  return { ...field, type: mapType(field.type, inside, inside) };
}

function isNull(type: FieldType): boolean {
  return type.kind === "leaf" && type.leaf.kind === "null";
}

function mapType(type: FieldType, part: (field: Field) => Field, member: (field: Field) => Field): FieldType {
  switch (type.kind) {
    case "leaf":
      return type;
    case "struct":
      return { kind: "struct", fields: type.fields.map(member) };
    case "list":
      return { kind: "list", element: part(type.element) };
    case "map":
      return { kind: "map", key: part(type.key), value: part(type.value) };
  }
}

/** The next type that has room for every value, one for each family. */
function widened(type: LeafType): LeafType | undefined {
  switch (type.kind) {
    case "bool":
      return { kind: "int", bits: 8, signed: true };
    case "int":
      return type.bits === 64
        ? { kind: "decimal", precision: 20, scale: 0 }
        : { ...type, bits: ({ 8: 16, 16: 32, 32: 64 } as const)[type.bits] };
    case "float":
      return type.bits === 64 ? { kind: "string" } : { kind: "float", bits: type.bits === 16 ? 32 : 64 };
    case "decimal":
      return type.precision > 36
        ? undefined
        : { kind: "decimal", precision: type.precision + 2, scale: type.scale + 1 };
    case "string":
    case "fixedBinary":
      return { kind: "binary" };
    case "json":
    case "enum":
    case "uuid":
      return { kind: "string" };
    case "date":
      return { kind: "timestamp", unit: "ms", timezone: null };
    case "time":
    case "timestamp":
      return type.unit === "ns" ? undefined : { ...type, unit: type.unit === "ms" ? "us" : "ns" };
    case "null":
      return { kind: "int", bits: 32, signed: true };
    case "binary":
    case "bson":
    case "interval":
    case "geometry":
    case "geography":
      return undefined;
  }
}
