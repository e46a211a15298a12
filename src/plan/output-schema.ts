import { ColonnadeError } from "../base/errors.ts";
import type { LeafColumn } from "../parquet/leaf-type.ts";
import type { LeafNode, Repetition, SchemaNode } from "../parquet/footer/schema-tree.ts";
import { FieldRepetitionType, SchemaElement } from "../parquet/spec.ts";
import { leafElement } from "../parquet/footer/schema-element.ts";
import { ThriftStruct } from "../parquet/thrift/thrift.ts";
import type { Field, SchemaVersion } from "../schema/schema-version.ts";
import { childFields, fieldsById, storedFields } from "../schema/walk-fields.ts";
import { refuseAnnotatedChange } from "./annotated-group.ts";
import { mapLevels } from "./definition-levels.ts";
import type { LeafAction } from "./leaf-action.ts";
import { constantOf, decideLeaf, type LeafDecision, mayBecomeNull } from "./decide-leaf.ts";
import { newElements } from "./new-elements.ts";

/** One leaf of the output: where it stands, how it is stored, and how its chunks come to be. */
export interface OutputLeaf {
  readonly column: LeafColumn;
  /** Absent for an alias: two leaves with one id would confuse readers that resolve by id. */
  readonly field?: number;
  readonly action: LeafAction;
  /** For people: "int64→float32", "added, default unknown". */
  readonly reason: string;
}

/** What every object of one source schema becomes. */
export interface OutputSchema {
  /** The schema list of the output's footer, root first. */
  readonly elements: readonly ThriftStruct[];
  readonly leaves: readonly OutputLeaf[];
}

export interface SchemaPair {
  /** The footer's own schema, and what its elements mean. */
  readonly elements: readonly ThriftStruct[];
  readonly tree: SchemaNode;
  /** The node of each field of `from` that is stored in the object. */
  readonly nodes: ReadonlyMap<number, SchemaNode>;
  readonly from: SchemaVersion;
  readonly to: SchemaVersion;
  /** The aliases in force. */
  readonly aliases: readonly { readonly name: string; readonly field: number }[];
}

/**
 * The output schema of objects whose footer matches `from`. What is carried keeps its own schema elements (the encoding of
 * its lists, annotations unknown to us, physical types), and only what changes is written anew.
 *
 * Throws `invalid`: `CAST_UNSUPPORTED`, `DEFAULT_INVALID`, `ANNOTATED_GROUP_CHANGED`; `data` `SET_WITHOUT_VALUES`, `ELEMENT_NOT_NULLABLE`.
 */
export function outputSchema(pair: SchemaPair): OutputSchema {
  return new OutputSchemaBuilder(pair).build();
}

/** The elements above: names, and repetitions in the source's schema and in the output's. */
interface Place {
  readonly path: readonly string[];
  readonly source: readonly Repetition[];
  readonly target: readonly Repetition[];
}

/** A node of the source and the field that it becomes. */
interface Carried {
  readonly node: SchemaNode;
  readonly field: Field;
  /** Parts of lists and maps keep their names: readers tell the encoding of a list by them. */
  readonly named: boolean;
}

const numbers = {
  required: FieldRepetitionType.REQUIRED,
  optional: FieldRepetitionType.OPTIONAL,
  repeated: FieldRepetitionType.REPEATED,
} as const;

class OutputSchemaBuilder {
  readonly #pair: SchemaPair;
  readonly #oldFields: ReturnType<typeof fieldsById>;
  readonly #carried = new Map<number, Carried[]>();
  readonly #elements: ThriftStruct[] = [];
  readonly #leaves: OutputLeaf[] = [];

  constructor(pair: SchemaPair) {
    this.#pair = pair;
    this.#oldFields = fieldsById(pair.from);
  }

  build(): OutputSchema {
    const { elements, to, tree } = this.#pair;
    const fields = storedFields(to);
    for (const field of fields) this.#index(field, true);
    const root = cloneElement(elements[0] ?? new ThriftStruct());
    this.#elements.push(root);
    const top: Place = { path: [], source: [], target: [] };
    for (const field of fields) this.#emitField(field, tree, top);
    const aliases = this.#emitAliases();
    root.setI32(SchemaElement.num_children, fields.length + aliases);
    return { elements: this.#elements, leaves: this.#leaves };
  }

  /** Notes which fields stand at which source element; a legacy list and its element may share one. */
  #index(field: Field, named: boolean): void {
    const node = this.#pair.nodes.get(field.id);
    if (node !== undefined) {
      refuseSet(node, field);
      const here = this.#carried.get(node.elementIndex) ?? [];
      here.push({ node, field, named });
      this.#carried.set(node.elementIndex, here);
    }
    for (const child of childFields(field.type)) this.#index(child, field.type.kind === "struct");
  }

  #emitField(field: Field, parent: SchemaNode, place: Place): void {
    const node = this.#pair.nodes.get(field.id);
    if (node === undefined) this.#emitAdded(field, parent, place);
    else this.#emitElement(node.elementIndex, place);
  }

  /** Emits the source's element with everything below it that is carried or added. */
  #emitElement(index: number, place: Place): void {
    const original = this.#pair.elements[index] ?? new ThriftStruct();
    const element = cloneElement(original);
    const carried = this.#carried.get(index) ?? [];
    const [outer] = carried;
    const named = carried.find((one) => one.named);
    if (named !== undefined) element.setString(SchemaElement.name, named.field.name);
    // Old writers numbered the groups of lists and maps as well: those numbers are fields of ours by now.
    element.setI32(SchemaElement.field_id, outer?.field.id);
    const source = repetitionOf(original);
    const target = this.#targetRepetition(source, outer);
    element.setI32(SchemaElement.repetition_type, numbers[target]);
    this.#elements.push(element);
    const here: Place = {
      path: [...place.path, element.string(SchemaElement.name) ?? ""],
      source: [...place.source, source],
      target: [...place.target, target],
    };
    const inner = carried.at(-1);
    if (inner?.node.kind === "leaf") this.#emitLeaf(inner.field, inner.node, element, here);
    else element.setI32(SchemaElement.num_children, this.#emitChildren(index, inner, here));
  }

  /** A struct's children are the new version's; the groups that make up lists and maps keep theirs. */
  #emitChildren(index: number, inner: Carried | undefined, here: Place): number {
    if (inner?.field.type.kind === "struct" && inner.node.kind === "struct") {
      const before = this.#oldFields.get(inner.field.id)?.field;
      if (before !== undefined) refuseAnnotatedChange(inner.node, before, inner.field);
      for (const child of inner.field.type.fields) this.#emitField(child, inner.node, here);
      return inner.field.type.fields.length;
    }
    const children = childIndexes(this.#pair.elements, index);
    for (const child of children) this.#emitElement(child, here);
    return children.length;
  }

  #targetRepetition(source: Repetition, outer: Carried | undefined): Repetition {
    if (outer === undefined) return source;
    return targetRepetition(source, this.#oldFields.get(outer.field.id)?.field, outer.field, outer.node);
  }

  #emitLeaf(field: Field, node: LeafNode, element: ThriftStruct, here: Place): void {
    if (field.type.kind !== "leaf")
      throw new ColonnadeError("internal", "LEAF_EXPECTED", "field is not a leaf");
    refuseNullElements(field, node);
    const before = this.#oldFields.get(field.id);
    const decision: LeafDecision = decideLeaf({
      field,
      leaf: field.type.leaf,
      before: before?.field,
      oldName: before?.path.join("."),
      column: node.column,
      source: node.leafIndex,
      levels: mapLevels(here.source, here.target),
      path: here.path,
    });
    decision.write(element);
    this.#leaves.push({
      column: { ...decision.storage, ...levelsOf(here), path: here.path, type: field.type.leaf },
      field: field.id,
      action: decision.action,
      reason: decision.reason,
    });
  }

  #emitAdded(field: Field, parent: SchemaNode, place: Place): void {
    const moved = this.#pair.from.partitionBy.includes(field.id) ? field.id : undefined;
    for (const { element, leaf } of newElements(field, place.path)) {
      this.#elements.push(element);
      if (leaf === undefined) continue;
      const target = [...place.target, ...leaf.repetitions];
      const constant =
        moved === undefined
          ? constantOf(leaf.field, leaf.present)
          : { value: { kind: "partition", field: moved } as const, reason: "from the path", ownLevels: 0 };
      this.#leaves.push({
        column: { ...leaf.storage, ...levelsOf({ target }), path: leaf.path, type: leaf.type },
        field: leaf.field.id,
        ...this.#constantAction(constant, parent, place),
      });
    }
  }

  /** Inside a struct or list that may be absent, a new leaf has as many entries as the leaves beside it. */
  #constantAction(
    constant: ReturnType<typeof constantOf>,
    parent: SchemaNode,
    place: Place,
  ): Pick<OutputLeaf, "action" | "reason"> {
    // What may be null from now on counts as well: a null of the leaf is another level than one of what is around it.
    if ([...place.source, ...place.target].every((repetition) => repetition === "required")) {
      return { action: { action: "constant", value: constant.value }, reason: constant.reason };
    }
    const neighbour = nearestLeaf(parent);
    const parentLevels = definitionLevelOf(place.source);
    const moved = mapLevels(place.source, place.target);
    const value = constant.value.kind === "default" ? constant.value.value : null;
    const levels = Int16Array.from({ length: neighbour.column.maxDefinitionLevel + 1 }, (_, level) => {
      const above = Math.min(level, parentLevels);
      const target = moved === undefined ? above : (moved[above] ?? -1);
      return target >= 0 && value !== null && level >= parentLevels ? target + constant.ownLevels : target;
    });
    return {
      action: {
        action: "borrowLevels",
        source: neighbour.leafIndex,
        value,
        levels,
        maxRepetitionLevel: place.source.filter((repetition) => repetition === "repeated").length,
      },
      reason: `${constant.reason}, one for each ${parent.name}`,
    };
  }

  /** A second leaf for each alias; it shares the chunks of the first. */
  #emitAliases(): number {
    for (const { name, field } of this.#pair.aliases) {
      const of = this.#leaves.findIndex((leaf) => leaf.field === field && leaf.column.path.length === 1);
      const leaf = this.#leaves[of];
      if (leaf === undefined) {
        throw new ColonnadeError("invalid", "ALIAS_INVALID", "alias does not name a stored leaf", {
          name,
          field,
        });
      }
      const element = cloneElement(this.#elementOf(leaf));
      element.setString(SchemaElement.name, name).setI32(SchemaElement.field_id, undefined);
      this.#elements.push(element);
      this.#leaves.push({
        column: { ...leaf.column, path: [name] },
        action: { action: "alias", of },
        reason: `second name of ${leaf.column.path.join(".")}`,
      });
    }
    return this.#pair.aliases.length;
  }

  #elementOf(leaf: OutputLeaf): ThriftStruct {
    const [name] = leaf.column.path;
    const found = this.#elements.findLast(
      (element, index) => index > 0 && element.i32(SchemaElement.field_id) === leaf.field,
    );
    return (
      found ?? leafElement(name ?? "", leaf.column.type, { nullable: leaf.column.maxDefinitionLevel > 0 })
    );
  }
}

/**
 * Only a change between the versions changes a repetition, and a cast that may leave nulls behind. A column that is required
 * in an object although it is declared to allow nulls stays as it is otherwise: the bytes are right as they are, and the next
 * object may differ.
 */
export function targetRepetition(
  source: Repetition,
  before: Field | undefined,
  field: Field,
  node: SchemaNode,
): Repetition {
  if (source === "repeated") return source;
  if (before?.nullable !== field.nullable) return field.nullable ? "optional" : "required";
  return node.kind === "leaf" && mayBecomeNull(field, node.column) ? "optional" : source;
}

/** A map without values stays one: there is nothing that could be cast, and no element to say of what type it is. */
function refuseSet(node: SchemaNode, { name, type }: Field): void {
  if (node.kind !== "map" || node.value !== undefined || type.kind !== "map") return;
  if (type.value.type.kind === "leaf" && type.value.type.leaf.kind === "null") return;
  throw new ColonnadeError(
    "data",
    "SET_WITHOUT_VALUES",
    "map has keys only in this object; its values cannot become others",
    {
      field: name,
    },
  );
}

/**
 * The element of a legacy list may be the repeated leaf itself (LogicalTypes.md, "Lists", rule 1), which has no level for a null: one in
 * its place would be an entry less.
 */
function refuseNullElements(field: Field, { repetition, column }: LeafNode): void {
  if (repetition !== "repeated" || !mayBecomeNull(field, column)) return;
  throw new ColonnadeError(
    "data",
    "ELEMENT_NOT_NULLABLE",
    "list of this object has no place for null elements, which the policy of its cast may make; choose another policy",
    { column: column.path.join(".") },
  );
}

function repetitionOf(element: ThriftStruct): Repetition {
  const number = element.i32(SchemaElement.repetition_type);
  if (number === FieldRepetitionType.OPTIONAL) return "optional";
  return number === FieldRepetitionType.REPEATED ? "repeated" : "required";
}

/** The definition level of an entry at which all these elements are present. */
export function definitionLevelOf(repetitions: readonly Repetition[]): number {
  return repetitions.filter((repetition) => repetition !== "required").length;
}

function levelsOf({
  target,
}: Pick<Place, "target">): Pick<LeafColumn, "maxDefinitionLevel" | "maxRepetitionLevel"> {
  return {
    maxDefinitionLevel: definitionLevelOf(target),
    maxRepetitionLevel: target.filter((repetition) => repetition === "repeated").length,
  };
}

/** The leaf below a node that is in the fewest lists, so that the least has to be skipped. */
function nearestLeaf(node: SchemaNode): LeafNode {
  const leaves: LeafNode[] = [];
  const visit = (one: SchemaNode): void =>
    one.kind === "leaf" ? void leaves.push(one) : one.children.forEach(visit);
  visit(node);
  const [nearest] = leaves.toSorted((a, b) => a.column.maxRepetitionLevel - b.column.maxRepetitionLevel);
  if (nearest === undefined)
    throw new ColonnadeError("data", "STRUCT_EMPTY", "struct has no leaves", { name: node.name });
  return nearest;
}

/** Fields are replaced, never changed in place, so the values can be shared. */
function cloneElement(element: ThriftStruct): ThriftStruct {
  return new ThriftStruct(element.fields.map((field) => ({ ...field })));
}

/** Indexes of the direct children of a group in the depth-first list. */
function childIndexes(elements: readonly ThriftStruct[], index: number): number[] {
  const count = elements[index]?.i32(SchemaElement.num_children) ?? 0;
  const children: number[] = [];
  for (let next = index + 1; children.length < count; next = skipElement(elements, next)) children.push(next);
  return children;
}

function skipElement(elements: readonly ThriftStruct[], index: number): number {
  let end = index + 1;
  for (let open = elements[index]?.i32(SchemaElement.num_children) ?? 0; open > 0; open -= 1) {
    end = skipElement(elements, end);
  }
  return end;
}
