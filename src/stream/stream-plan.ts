import { Schema } from "apache-arrow";
import { ColonnadeError } from "../base/errors.ts";
import type { LeafColumn } from "../parquet/leaf-type.ts";
import { flattenLeaves, readSchemaTree } from "../parquet/footer/schema-tree.ts";
import type { Values } from "../parquet/values/values.ts";
import { embeddedMapping } from "../plan/embedded-mapping.ts";
import { type Rewrite, rewriteOf } from "../plan/leaf-action.ts";
import { type OutputLeaf, outputSchema } from "../plan/output-schema.ts";
import { type Change, deriveChanges } from "../schema/changes.ts";
import { rewriteArrowFields } from "../schema/embedded/arrow-schema.ts";
import { ColumnPaths } from "../schema/embedded/column-paths.ts";
import type { OutputField } from "../schema/embedded/mapping.ts";
import { rewriteKeyValueMetadata } from "../schema/embedded/rewrite.ts";
import { type SchemaHistory, versionOf } from "../schema/history.ts";
import { requireDetected, requireVersion } from "../schema/require-version.ts";
import type { SchemaVersion } from "../schema/schema-version.ts";
import { aliasIsDue, childFields } from "../schema/walk-fields.ts";
import { type ArrayShape, sameLayout, shapeOf } from "./array-shape.ts";
import { sourceElements } from "./source-tree.ts";
import { unsupportedStream } from "./stream-error.ts";

/** Which versions a stream is migrated between. */
export interface StreamVersions {
  readonly history: SchemaHistory;
  readonly from: number | "detect";
  readonly to: number | "latest";
  /** Today (UTC, YYYY-MM-DD): aliases end on a day. */
  readonly day: string;
}

/** What becomes of every batch: made from the schema message alone, before the first of them. */
export interface StreamPlan {
  readonly from: SchemaVersion;
  readonly to: SchemaVersion;
  readonly changes: readonly Change[];
  /** Of the source's columns. */
  readonly source: readonly ArrayShape[];
  readonly columns: readonly StreamColumn[];
  /** The output's. */
  readonly schema: Schema;
  readonly warnings: readonly string[];
  /** Columns whose policy is to put whole rows aside. */
  readonly quarantining: readonly string[];
}

/** One array of the output, and where it comes from. */
export type StreamColumn =
  | CarriedColumn
  | AddedColumn
  /** A second name: the array of this column of the output. */
  | { readonly kind: "alias"; readonly shape: ArrayShape; readonly of: number };

/** The same for every batch: one value (or null) in each slot. */
export interface AddedColumn {
  readonly kind: "added";
  readonly shape: ArrayShape;
  /** Of a leaf. */
  readonly value?: AddedValue;
  readonly children: readonly AddedColumn[];
}

export interface AddedValue {
  readonly column: LeafColumn;
  readonly value: Values | null;
}

export interface CarriedColumn {
  readonly kind: "carried";
  /** Place among the children of the source's parent. */
  readonly child: number;
  readonly shape: ArrayShape;
  /** Nulls were allowed here and are not any more. */
  readonly refusesNulls: boolean;
  readonly children: readonly StreamColumn[];
  readonly leaf?: CarriedLeaf;
}

export interface CarriedLeaf {
  readonly source: LeafColumn;
  readonly target: LeafColumn;
  /** Undefined: the values stay what they are. */
  readonly rewrite: Rewrite | undefined;
  /** The buffers stay what they are, unless a policy changes some slot. */
  readonly keepsBuffers: boolean;
}

/**
 * Plans the migration of a stream. The versions' partition fields are columns like any other here: a stream has no path.
 *
 * Throws `data` `STREAM_UNSUPPORTED`; `data` `SCHEMA_DIFFERS` or `SCHEMA_AMBIGUOUS` when the stream does not have the declared version;
 * `invalid` when that version cannot become the other one.
 */
export function planStream(schema: Schema, { history, from, to, day }: StreamVersions): StreamPlan {
  const versions = history.versions.map(withoutPaths);
  const target = withoutPaths(versionOf(history, to));
  const declared = from === "detect" ? versions.toReversed() : [withoutPaths(versionOf(history, from))];
  // Before anything is unfolded, types that nobody knows are refused by name.
  const source = schema.fields.map((field) => shapeOf(field));
  const elements = sourceElements(schema.fields, declared);
  const tree = readSchemaTree(elements);
  const [only] = declared;
  const { version, nodes } =
    from === "detect" || only === undefined
      ? requireDetected("stream", tree, declared)
      : requireVersion("stream", tree, only);
  const changes = deriveChanges(version, target);
  const aliases = target.aliases.filter((alias) => aliasIsDue(alias, day));
  const pair = { elements, tree, nodes, from: version, to: target, aliases };
  const { leaves } = outputSchema(pair);
  const quarantining = leaves.flatMap(({ action, column }) =>
    rewriteOf(action)?.onInvalid === "quarantine" ? [column.path.join(".")] : [],
  );
  const planned = embeddedMapping(pair, quarantining.length > 0);
  const mapping = { ...planned, fields: plainWhereFilled(planned.fields, leaves, source) };
  const fields = rewriteArrowFields(schema.fields, mapping, new ColumnPaths(mapping), true);
  const metadata = rewriteKeyValueMetadata(Array.from(schema.metadata), mapping);
  const builder = new ColumnBuilder(
    leaves,
    flattenLeaves(tree).map(({ column }) => column),
  );
  const shapes = fields.map((field) => shapeOf(field));
  return {
    from: version,
    to: target,
    changes,
    source,
    columns: mapping.fields.map((field, i) => builder.build(field, shapes[i] as ArrayShape, source)),
    schema: new Schema(
      fields,
      new Map(metadata.pairs.flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const]))),
    ),
    warnings: metadata.warnings,
    quarantining,
  };
}

function withoutPaths(version: SchemaVersion): SchemaVersion {
  return { ...version, partitionBy: [] };
}

/** A default that stands in for nulls need not be in the dictionary of its column: such a column becomes a plain one. */
function plainWhereFilled(
  fields: readonly OutputField[],
  leaves: readonly OutputLeaf[],
  source: readonly ArrayShape[],
): OutputField[] {
  const filled = new Set<string>();
  for (const { action, column } of leaves) {
    const of = action.action === "alias" ? leaves[action.of]?.column.path[0] : undefined;
    if (rewriteOf(action)?.replacement !== undefined || (of !== undefined && filled.has(of)))
      filled.add(column.path[0] ?? "");
  }
  // Dictionaries inside of nested columns are rare; a default there makes the whole top-level column's plain.
  const hasDictionary = (shape: ArrayShape | undefined): boolean =>
    shape !== undefined && (shape.dictionary !== undefined || shape.children.some(hasDictionary));
  const plain = (field: OutputField): OutputField => {
    const { type } = field;
    switch (type.kind) {
      case "leaf":
        return { ...field, retyped: true };
      case "struct":
        return { ...field, type: { kind: "struct", fields: type.fields.map(plain) } };
      case "list":
        return { ...field, type: { kind: "list", element: plain(type.element) } };
      case "map":
        return { ...field, type: { kind: "map", key: plain(type.key), value: plain(type.value) } };
    }
  };
  return fields.map((field) => {
    const from = source.find(({ name }) => name === field.source?.path[0]);
    return filled.has(field.name) && hasDictionary(from) ? plain(field) : field;
  });
}

/** Walks the output's fields beside its leaves, which are in the same order. */
class ColumnBuilder {
  readonly #leaves: readonly OutputLeaf[];
  readonly #sources: readonly LeafColumn[];
  #next = 0;

  constructor(leaves: readonly OutputLeaf[], sources: readonly LeafColumn[]) {
    this.#leaves = leaves;
    this.#sources = sources;
  }

  build(
    field: OutputField,
    shape: ArrayShape,
    siblings: readonly ArrayShape[],
    index?: number,
  ): StreamColumn {
    const { action: next } = this.#leaves[this.#next] ?? {};
    if (field.type.kind === "leaf" && next?.action === "alias") {
      this.#next += 1;
      return { kind: "alias", shape, of: next.of };
    }
    if (field.source === undefined) return this.#added(field, shape);
    const name = field.source.path.at(-1) ?? "";
    const child = index ?? siblings.findIndex((candidate) => candidate.name === name);
    const source = siblings[child];
    if (source === undefined) throw unsupportedStream("column is not where it was", { column: field.name });
    const carried = {
      kind: "carried",
      child,
      shape,
      refusesNulls: source.nullable && !shape.nullable,
    } as const;
    if (field.type.kind !== "leaf") {
      return { ...carried, children: this.#children(field, shape, source) };
    }
    const leaf = this.#leaf();
    if (!("source" in leaf.action)) throw unsupportedStream("column is not carried", { column: field.name });
    const rewrite = rewriteOf(leaf.action);
    return {
      ...carried,
      children: [],
      leaf: {
        source: this.#sources[leaf.action.source] as LeafColumn,
        target: leaf.column,
        rewrite,
        keepsBuffers: leaf.action.action !== "transcode" && sameLayout(source, shape),
      },
    };
  }

  /** Of a struct by name, of lists and maps by place: `entries` of a map is no field of ours. */
  #children({ type }: OutputField, shape: ArrayShape, source: ArrayShape): StreamColumn[] {
    const inner = (i: number): ArrayShape => shape.children[i] as ArrayShape;
    switch (type.kind) {
      case "leaf":
        return [];
      case "struct":
        return type.fields.map((field, i) => this.build(field, inner(i), source.children));
      case "list":
        return [this.build(type.element, inner(0), source.children, 0)];
      case "map": {
        const [entries] = shape.children;
        const [entriesBefore] = source.children;
        if (entries === undefined || entriesBefore === undefined) {
          throw unsupportedStream("stream has a map without entries", { column: shape.name });
        }
        const children = [type.key, type.value].map((part, i) =>
          this.build(part, entries.children[i] as ArrayShape, entriesBefore.children, i),
        );
        return [{ kind: "carried", child: 0, shape: entries, refusesNulls: false, children }];
      }
    }
  }

  #added({ type }: OutputField, shape: ArrayShape): AddedColumn {
    if (type.kind === "leaf") {
      const { action, column } = this.#leaf();
      const value =
        action.action === "borrowLevels"
          ? action.value
          : action.action === "constant" && action.value.kind === "default"
            ? action.value.value
            : null;
      return { kind: "added", shape, value: { column, value }, children: [] };
    }
    const fields = childFields(type);
    if (type.kind !== "map") {
      return {
        kind: "added",
        shape,
        children: fields.map((field, i) => this.#added(field, shape.children[i] as ArrayShape)),
      };
    }
    const entries = shape.children[0] as ArrayShape;
    const children = fields.map((field, i) => this.#added(field, entries.children[i] as ArrayShape));
    return { kind: "added", shape, children: [{ kind: "added", shape: entries, children }] };
  }

  #leaf(): OutputLeaf {
    const leaf = this.#leaves[this.#next];
    this.#next += 1;
    if (leaf === undefined) throw new ColonnadeError("internal", "LEAF_MISSING", "plan has too few leaves");
    return leaf;
  }
}
