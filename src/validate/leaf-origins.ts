import type { PartitionedKey } from "../dataset/partition.ts";
import type { Footer } from "../parquet/footer/footer.ts";
import type { LeafNode, SchemaNode } from "../parquet/footer/schema-tree.ts";
import { SchemaElement } from "../parquet/spec.ts";
import type { LeafType } from "../parquet/leaf-type.ts";
import type { ThriftStruct } from "../parquet/thrift/thrift.ts";
import { type Field, defaultCastPolicy, type SchemaVersion } from "../schema/schema-version.ts";
import { fieldsById, partitionFields, type PlacedField } from "../schema/walk-fields.ts";
import { type ConstantText, readConstant } from "./read-constant.ts";

/** Where the values of one output leaf must have come from, by field ids alone. */
export type LeafOrigin =
  /** A second name of another leaf of the output. */
  | { readonly kind: "alias"; readonly of: number }
  | { readonly kind: "carried"; readonly source: LeafNode; readonly field: Field }
  | {
      readonly kind: "added";
      readonly value: ConstantText;
      /** Inside a struct of the source: a leaf there, and how many elements lead to the struct. */
      readonly neighbour?: { readonly leaf: LeafNode; readonly parentDepth: number };
    }
  | { readonly kind: "unknown"; readonly reason: string };

/** A stored column of the source that is a level of the path now. */
export interface MovedColumn {
  readonly source: LeafNode;
  readonly field: Field;
  readonly type: LeafType;
}

/** What the two versions say about the columns of one object. Node maps are those of `matchTree`. */
export interface VersionPair {
  readonly from: SchemaVersion;
  readonly to: SchemaVersion;
  readonly sourceNodes: ReadonlyMap<number, SchemaNode>;
  readonly outputNodes: ReadonlyMap<number, SchemaNode>;
  readonly sourceFooter: Footer;
  readonly outputFooter: Footer;
  /** Of the source's key. */
  readonly partition: PartitionedKey;
}

/** One origin for each leaf of the output's footer. */
export function leafOrigins(pair: VersionPair): LeafOrigin[] {
  const fields = fieldsById(pair.to);
  const byLeaf = new Map<number, Field>();
  for (const [id, node] of pair.outputNodes) {
    const field = fields.get(id)?.field;
    if (node.kind === "leaf" && field?.type.kind === "leaf") byLeaf.set(node.leafIndex, field);
  }
  return pair.outputFooter.leaves.map((leaf): LeafOrigin => {
    const field = byLeaf.get(leaf.leafIndex);
    if (field !== undefined) return originOf(pair, fields, field);
    const alias = pair.to.aliases.find(({ name }) => leaf.column.path.length === 1 && name === leaf.name);
    const of = alias === undefined ? undefined : pair.outputNodes.get(alias.field);
    if (of?.kind === "leaf") return { kind: "alias", of: of.leafIndex };
    return { kind: "unknown", reason: "no field of the schema version has this column" };
  });
}

/** The fields that were columns in the source and are levels of the path in the output. */
export function movedColumns({ from, to, sourceNodes }: VersionPair): MovedColumn[] {
  return partitionFields(to).flatMap((field) => {
    const source = sourceNodes.get(field.id);
    if (from.partitionBy.includes(field.id) || source?.kind !== "leaf" || field.type.kind !== "leaf")
      return [];
    return [{ source, field, type: field.type.leaf }];
  });
}

/**
 * Whether the one value of a field, of the path or for it, can be what put all rows into quarantine: its policy asks for that, and
 * the value has no equivalent as far as it can be told.
 */
export function isPutAside(
  { from, to, partition }: VersionPair,
  placed: Readonly<Record<string, string | null>>,
): boolean {
  const old = fieldsById(from);
  return to.fields.some((field) => {
    const before = old.get(field.id)?.field;
    const policy = field.cast ?? defaultCastPolicy;
    if (policy.onInvalid !== "quarantine" || before?.type.kind !== "leaf" || field.type.kind !== "leaf")
      return false;
    if (!from.partitionBy.includes(field.id))
      return to.partitionBy.includes(field.id) && placed[field.name] === null;
    const text = partition.values.find(({ name }) => name === before.name)?.value ?? null;
    const value = { kind: "path", text, type: before.type.leaf, policy } as const;
    return text !== null && readConstant(value, field.type.leaf) === undefined;
  });
}

function originOf(pair: VersionPair, fields: ReadonlyMap<number, PlacedField>, field: Field): LeafOrigin {
  const { from, sourceNodes, partition } = pair;
  const source = sourceNodes.get(field.id);
  if (source?.kind === "leaf") return { kind: "carried", source, field };
  if (source !== undefined) return { kind: "unknown", reason: "the field was no leaf in the source" };
  const before = from.partitionBy.includes(field.id) ? fieldsById(from).get(field.id)?.field : undefined;
  if (before?.type.kind === "leaf") {
    const text = partition.values.find(({ name }) => name === before.name)?.value ?? null;
    const policy = field.cast ?? defaultCastPolicy;
    const value: ConstantText = { kind: "path", text, type: before.type.leaf, policy };
    return { kind: "added", value };
  }
  return addedOrigin(pair, fields, field);
}

function addedOrigin(pair: VersionPair, fields: ReadonlyMap<number, PlacedField>, field: Field): LeafOrigin {
  const { sourceNodes, sourceFooter } = pair;
  // Inside of an added struct that may be null, or a list, there is no place for a default: the outermost one is null.
  let hasPlace = true;
  let parent = fields.get(field.id)?.parent;
  for (; parent !== undefined && !sourceNodes.has(parent.id); parent = fields.get(parent.id)?.parent) {
    if (parent.nullable || parent.type.kind !== "struct") hasPlace = false;
  }
  const value: ConstantText = { kind: "default", json: hasPlace ? (field.default ?? null) : null };
  if (parent === undefined) return { kind: "added", value };
  const struct = sourceNodes.get(parent.id);
  const leaf = struct === undefined ? undefined : shallowestLeaf(struct);
  if (struct === undefined || leaf === undefined)
    return { kind: "unknown", reason: "the struct around it has no leaves" };
  const chain = elementChain(sourceFooter.schema, leaf.elementIndex);
  return { kind: "added", value, neighbour: { leaf, parentDepth: chain.indexOf(struct.elementIndex) + 1 } };
}

/** The leaf below a node that is in the fewest lists. */
function shallowestLeaf(node: SchemaNode): LeafNode | undefined {
  if (node.kind === "leaf") return node;
  const leaves = node.children.map(shallowestLeaf).filter((leaf) => leaf !== undefined);
  return leaves.toSorted((a, b) => a.column.maxRepetitionLevel - b.column.maxRepetitionLevel)[0];
}

/** Indexes of the elements from below the root to a leaf, in the depth-first list of a footer's schema. */
function elementChain(elements: readonly ThriftStruct[], leaf: number): number[] {
  const open: { index: number; left: number }[] = [];
  for (let index = 0; index <= leaf; index += 1) {
    while (open.at(-1)?.left === 0) open.pop();
    const parent = open.at(-1);
    if (parent !== undefined) parent.left -= 1;
    open.push({ index, left: elements[index]?.i32(SchemaElement.num_children) ?? 0 });
  }
  return open.slice(1).map(({ index }) => index);
}
