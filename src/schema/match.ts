import { formatLeafType } from "../parquet/leaf-type.ts";
import type { LeafType } from "../parquet/leaf-type.ts";
import type { SchemaNode } from "../parquet/footer/schema-tree.ts";
import { ColonnadeError } from "../base/errors.ts";
import type { Field, SchemaVersion } from "./schema-version.ts";
import { partitionFields, storedFields } from "./walk-fields.ts";

/**
 * Whether an object has the schema of a version. `nodes` has the node of every stored field, nested ones included,
 * by field id; a set (a map that stores no values) has none for its value.
 */
export type Match =
  | {
      readonly kind: "match";
      readonly nodes: ReadonlyMap<number, SchemaNode>;
      /** What is in the object beside the version's fields, for people. */
      readonly notes: readonly string[];
    }
  | { readonly kind: "mismatch"; readonly differences: readonly string[] };

/**
 * Compares a footer's schema with a version by names and types; the order of fields does not matter, and a field that
 * may be null in the version may be required in the object. Columns of the version's aliases and stored copies of
 * partition fields may be there and are noted; their nodes are not in `nodes`.
 */
export function matchTree(tree: SchemaNode, version: SchemaVersion): Match {
  const comparison = new TreeComparison();
  comparison.fields(tree.children, storedFields(version), [], (node) => besideFields(node, version));
  const { nodes, notes, differences } = comparison;
  return differences.length === 0 ? { kind: "match", nodes, notes } : { kind: "mismatch", differences };
}

/** Why a top-level column that is no stored field may be there. */
function besideFields(node: SchemaNode, version: SchemaVersion): string | undefined {
  const alias = version.aliases.find(({ name }) => name === node.name);
  if (alias !== undefined) {
    const field = version.fields.find(({ id }) => id === alias.field);
    return `column ${node.name} is an alias of ${field?.name ?? alias.field}`;
  }
  if (partitionFields(version).some(({ name }) => name === node.name)) {
    return `column ${node.name} is a partition field that is stored in the object as well`;
  }
  return undefined;
}

class TreeComparison {
  readonly nodes = new Map<number, SchemaNode>();
  readonly notes: string[] = [];
  readonly differences: string[] = [];

  fields(
    children: readonly SchemaNode[],
    fields: readonly Field[],
    path: readonly string[],
    excuse: (node: SchemaNode) => string | undefined,
  ): void {
    const byName = new Map<string, SchemaNode>();
    for (const node of children) {
      if (byName.has(node.name)) this.differences.push(`column ${spell(path, node.name)} appears twice`);
      byName.set(node.name, node);
    }
    for (const field of fields) {
      const node = byName.get(field.name);
      byName.delete(field.name);
      if (node === undefined) this.#missing(field, children, path);
      else this.#field(node, field, path);
    }
    for (const node of byName.values()) {
      const note = excuse(node);
      if (note === undefined) {
        this.differences.push(`column ${spell(path, node.name)} is not in the schema version`);
      } else this.notes.push(note);
    }
  }

  #missing(field: Field, children: readonly SchemaNode[], path: readonly string[]): void {
    const folded = children.find(({ name }) => name.toLowerCase() === field.name.toLowerCase());
    const hint = folded === undefined ? "" : `, but ${folded.name} is there (names are case-sensitive)`;
    this.differences.push(`column ${spell(path, field.name)} is missing${hint}`);
  }

  #field(node: SchemaNode, field: Field, above: readonly string[], isKey = false): void {
    const path = [...above, field.name];
    const { type } = field;
    this.nodes.set(field.id, node);
    // Hive and old Sparks write optional keys, against LogicalTypes.md, "Maps"; no reader takes them at their word.
    if (node.nullable && !field.nullable && !isKey) {
      this.differences.push(`column ${path.join(".")} may be null, the schema version says it is not`);
    }
    if (type.kind === "leaf" && node.kind === "leaf") {
      if (!sameInParquet(type.leaf, node.column.type)) {
        this.#typeDiffers(path, formatLeafType(node.column.type), formatLeafType(type.leaf));
      }
    } else if (type.kind === "struct" && node.kind === "struct") {
      this.fields(node.children, type.fields, path, () => undefined);
    } else if (type.kind === "list" && node.kind === "list") {
      this.#field(node.element, type.element, path);
    } else if (type.kind === "map" && node.kind === "map") {
      this.#field(node.key, type.key, path, true);
      if (node.value !== undefined) this.#field(node.value, type.value, path);
      else if (type.value.type.kind !== "leaf" || type.value.type.leaf.kind !== "null") {
        this.#typeDiffers(path, "a set of keys", "a map with values");
      }
    } else {
      const expected = type.kind === "leaf" ? formatLeafType(type.leaf) : `a ${type.kind}`;
      const found = node.kind === "leaf" ? formatLeafType(node.column.type) : `a ${node.kind}`;
      this.#typeDiffers(path, found, expected);
    }
  }

  #typeDiffers(path: readonly string[], found: string, expected: string): void {
    this.differences.push(`column ${path.join(".")} is ${found}, the schema version says ${expected}`);
  }
}

function spell(path: readonly string[], name: string): string {
  return [...path, name].join(".");
}

/** Equal as far as a footer can tell: of a time zone Parquet keeps only that there is one. */
function sameInParquet(a: LeafType, b: LeafType): boolean {
  if (a.kind === "timestamp" && b.kind === "timestamp") {
    return a.unit === b.unit && (a.timezone === null) === (b.timezone === null);
  }
  return formatLeafType(a) === formatLeafType(b);
}

/** Which version an object has, as far as its footer tells. */
export type Detection =
  | {
      readonly kind: "detected";
      readonly version: SchemaVersion;
      readonly nodes: ReadonlyMap<number, SchemaNode>;
      readonly notes: readonly string[];
    }
  /** Several versions have these names and types but mean other fields by them: the job must say which. */
  | { readonly kind: "ambiguous"; readonly versions: readonly number[] }
  | { readonly kind: "none"; readonly closest: SchemaVersion; readonly differences: readonly string[] };

/** What an object that Colonnade wrote says of itself, in its footer's `colonnade.schema`. */
export interface VersionHint {
  readonly version: number;
  readonly fingerprint: string;
}

/**
 * The version whose schema an object has. A hint counts when that version is in the history unedited and the
 * object matches it. When several versions match, the highest is taken if all of them mean the same fields by the
 * object's columns (they then differ in nothing that its bytes show); otherwise it is ambiguous, not guessed.
 */
export function detectVersion(
  tree: SchemaNode,
  versions: readonly SchemaVersion[],
  hint?: VersionHint,
): Detection {
  const hinted = versions.find(
    (version) => version.version === hint?.version && version.fingerprint === hint.fingerprint,
  );
  if (hinted !== undefined) {
    const match = matchTree(tree, hinted);
    if (match.kind === "match") return { ...match, kind: "detected", version: hinted };
  }
  const judged = versions
    .toSorted((a, b) => b.version - a.version)
    .map((version) => ({ version, match: matchTree(tree, version) }));
  const matching = judged.flatMap(({ version, match }) =>
    match.kind === "match" ? [{ version, nodes: match.nodes, notes: match.notes }] : [],
  );
  const [highest, ...others] = matching;
  if (highest !== undefined) {
    const same = others.every((other) => sameMeaning(highest, other));
    if (!same)
      return { kind: "ambiguous", versions: matching.map(({ version }) => version.version).toReversed() };
    const numbers = others.map(({ version }) => version.version).toReversed();
    const notes = numbers.length === 0 ? [] : [`schema version ${numbers.join(", ")} would match as well`];
    return { kind: "detected", ...highest, notes: [...highest.notes, ...notes] };
  }
  return closestOf(judged);
}

interface Candidate {
  readonly version: SchemaVersion;
  readonly nodes: ReadonlyMap<number, SchemaNode>;
}

/** The same ids stand for the same columns, and for the same levels of the path with values of the same kind. */
function sameMeaning(a: Candidate, b: Candidate): boolean {
  return (
    a.nodes.size === b.nodes.size &&
    Array.from(a.nodes).every(([id, node]) => b.nodes.get(id) === node) &&
    pathPattern(a.version) === pathPattern(b.version)
  );
}

function pathPattern(version: SchemaVersion): string {
  return partitionFields(version)
    .map((field) => `${field.id}=${field.name}:${pathKind(field)}`)
    .join("/");
}

/** A text in a path does not tell its type: `007` may be a string, or the integer that a cast makes `7`. */
function pathKind({ type }: Field): string {
  if (type.kind !== "leaf") return type.kind;
  return type.leaf.kind === "int" ? "int" : formatLeafType(type.leaf);
}

function closestOf(judged: readonly { version: SchemaVersion; match: Match }[]): Detection {
  let closest: { version: SchemaVersion; differences: readonly string[] } | undefined;
  for (const { version, match } of judged) {
    const differences = match.kind === "mismatch" ? match.differences : [];
    if (closest === undefined || differences.length < closest.differences.length)
      closest = { version, differences };
  }
  if (closest === undefined) {
    throw new ColonnadeError("invalid", "HISTORY_EMPTY", "the history has no schema version");
  }
  return { kind: "none", closest: closest.version, differences: closest.differences };
}
