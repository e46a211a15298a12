import { ColonnadeError } from "../../base/errors.ts";
import type { LeafColumn } from "../leaf-type.ts";
import { ConvertedType, LogicalType, SchemaElement } from "../spec.ts";
import { leafTypeOf, storageOfElement } from "./schema-element.ts";
import type { ThriftStruct } from "../thrift/thrift.ts";

export type Repetition = "required" | "optional" | "repeated";

/**
 * The schema as people think of it: lists and maps without the groups that Parquet wraps them in. Every node
 * points back at its schema elements, so that a rename or a drop finds them all.
 */
export type SchemaNode = LeafNode | StructNode | ListNode | MapNode;

interface NodeBase {
  readonly name: string;
  /** Whether the node itself may be null. An element that is its list's repeated group cannot. */
  readonly nullable: boolean;
  /** Of the schema element at `elementIndex`; the root has none and counts as required. */
  readonly repetition: Repetition;
  /** The element that carries the node's name; shared by a list and its element where they are one (see {@link ListNode}). */
  readonly elementIndex: number;
  /** One past the last element of the node's subtree. */
  readonly elementEnd: number;
  readonly fieldId?: number;
  readonly children: readonly SchemaNode[];
}

export interface LeafNode extends NodeBase {
  readonly kind: "leaf";
  readonly children: readonly [];
  /** Position among all leaves, which is the position of its chunk in every row group. */
  readonly leafIndex: number;
  readonly column: LeafColumn;
  /** Repetitions of the elements along `column.path`, one by one. */
  readonly repetitions: readonly Repetition[];
}

export interface StructNode extends NodeBase {
  readonly kind: "struct";
  /** Field id in the LogicalType union of a group annotation that is neither list nor map (VARIANT, FILE). */
  readonly annotation?: number;
}

/**
 * `repeatedIndex` is the element that repeats. Three-level lists (LIST, its repeated group, the element) have three
 * elements; in two-level lists the repeated element is the list's element itself (`element.elementIndex ===
 * repeatedIndex`); an unannotated repeated field is list, repeated and element in one.
 */
export interface ListNode extends NodeBase {
  readonly kind: "list";
  readonly repeatedIndex: number;
  readonly element: SchemaNode;
}

/** `repeatedIndex` is the repeated key-value group; a map without values is a set of keys. */
export interface MapNode extends NodeBase {
  readonly kind: "map";
  readonly repeatedIndex: number;
  readonly key: SchemaNode;
  readonly value?: SchemaNode;
}

/** Limits far above any real schema: more is hostile, and would cost more memory than the footer has bytes. */
export const schemaElementsMax = 250_000;
export const schemaDepthMax = 100;

const repetitions: readonly Repetition[] = ["required", "optional", "repeated"];

/**
 * The logical tree of a footer's schema elements (the root first, depth first). Follows LogicalTypes.md, "Lists" and "Maps" with
 * their backward-compatibility rules; a LIST or MAP whose shape fits none of them is read as the struct that it is.
 * Throws `data` `SCHEMA_MALFORMED`, `SCHEMA_TOO_DEEP`, `SCHEMA_TOO_LARGE`.
 */
export function readSchemaTree(elements: readonly ThriftStruct[]): StructNode {
  if (elements.length > schemaElementsMax) {
    throw new ColonnadeError("data", "SCHEMA_TOO_LARGE", "the schema has too many elements", {
      elements: elements.length,
      elementsMax: schemaElementsMax,
    });
  }
  const root = elements[0];
  if (root === undefined) throw malformed("the schema has no root", {});
  const shapes = readShapes(elements);
  const reader = new TreeReader(elements, shapes);
  const base = reader.base(0, false);
  return { kind: "struct", ...base, repetition: "required", children: reader.readFields(0, rootContext) };
}

/** All leaves below a node, in the order of their column chunks. */
export function flattenLeaves(tree: SchemaNode): LeafNode[] {
  const leaves: LeafNode[] = [];
  const visit = (node: SchemaNode): void => {
    if (node.kind === "leaf") leaves.push(node);
    else node.children.forEach(visit);
  };
  visit(tree);
  return leaves;
}

function malformed(message: string, details: Record<string, unknown>): ColonnadeError {
  return new ColonnadeError("data", "SCHEMA_MALFORMED", message, details);
}

/** What the flat list says of every element, checked; the tree is read from it. */
interface Shape {
  readonly name: string;
  readonly repetition: Repetition;
  readonly isLeaf: boolean;
  /** Indexes of the children. */
  readonly children: readonly number[];
  /** One past the subtree. */
  readonly end: number;
}

/** Depth-first counts to ranges, without recursion. */
function readShapes(elements: readonly ThriftStruct[]): Shape[] {
  const shapes: (Omit<Shape, "end"> & { children: number[]; end: number })[] = [];
  const open: { index: number; left: number }[] = [];
  for (const [index, element] of elements.entries()) {
    const parent = open.at(-1);
    if (parent === undefined && index > 0) {
      throw malformed("the schema has elements after its root's last child", { element: index });
    }
    if (parent !== undefined) {
      parent.left -= 1;
      shapes[parent.index]?.children.push(index);
    }
    const { childCount, ...shape } = readShape(element, index);
    shapes.push({ ...shape, children: [], end: index + 1 });
    if (childCount > 0) open.push({ index, left: childCount });
    if (open.length > schemaDepthMax) {
      throw new ColonnadeError("data", "SCHEMA_TOO_DEEP", "the schema is nested too deeply", {
        schemaDepthMax,
      });
    }
    for (let last = open.at(-1); last?.left === 0; last = open.at(-1)) {
      const closed = shapes[last.index];
      if (closed !== undefined) closed.end = index + 1;
      open.pop();
    }
  }
  const unfinished = open.at(-1);
  if (unfinished !== undefined) {
    throw malformed("the schema ends before all children of a group", {
      name: shapes[unfinished.index]?.name,
      missing: unfinished.left,
    });
  }
  return shapes;
}

function readShape(
  element: ThriftStruct,
  index: number,
): Omit<Shape, "children" | "end"> & { childCount: number } {
  const name = element.string(SchemaElement.name);
  if (name === undefined) throw malformed("a schema element has no name", { element: index });
  const isLeaf = index > 0 && element.has(SchemaElement.type);
  const childCount = element.i32(SchemaElement.num_children) ?? 0;
  if (childCount < 0 || (isLeaf && childCount > 0)) {
    throw malformed("a schema element has an impossible number of children", { name, childCount });
  }
  const repetitionType = element.i32(SchemaElement.repetition_type);
  const repetition = index === 0 ? "required" : repetitions[repetitionType ?? -1];
  if (repetition === undefined)
    throw malformed("a schema element has no repetition", { name, repetitionType });
  return { name, repetition, isLeaf, childCount };
}

/** What holds at an element because of the elements above it. */
interface Context {
  readonly path: readonly string[];
  readonly repetitions: readonly Repetition[];
  readonly definitionLevel: number;
  readonly repetitionLevel: number;
}

const rootContext: Context = { path: [], repetitions: [], definitionLevel: 0, repetitionLevel: 0 };

type GroupAnnotation = "list" | "map" | number | undefined;

class TreeReader {
  readonly #elements: readonly ThriftStruct[];
  readonly #shapes: readonly Shape[];
  #leaves = 0;

  constructor(elements: readonly ThriftStruct[], shapes: readonly Shape[]) {
    this.#elements = elements;
    this.#shapes = shapes;
  }

  readFields(index: number, below: Context): SchemaNode[] {
    return this.#shape(index).children.map((child) => this.#readField(child, below));
  }

  base(index: number, nullable: boolean): Omit<NodeBase, "children"> {
    const { name, repetition, end } = this.#shape(index);
    const fieldId = this.#element(index).i32(SchemaElement.field_id);
    return {
      name,
      nullable,
      repetition,
      elementIndex: index,
      elementEnd: end,
      ...(fieldId === undefined ? {} : { fieldId }),
    };
  }

  /** A field where no list above has claimed its repetition: a repeated one is a list of its own. */
  #readField(index: number, above: Context): SchemaNode {
    const { repetition } = this.#shape(index);
    if (repetition !== "repeated") return this.#readBody(index, repetition === "optional", above);
    const element = this.#readBody(index, false, above);
    return { kind: "list", ...this.base(index, false), repeatedIndex: index, element, children: [element] };
  }

  /** What an element is, its own repetition aside. */
  #readBody(index: number, nullable: boolean, above: Context): SchemaNode {
    const shape = this.#shape(index);
    const context = descend(above, shape);
    if (shape.isLeaf) return this.#readLeaf(index, nullable, context);
    const annotation = this.#annotation(index);
    if (annotation === "list") {
      const list = this.#readList(index, nullable, context);
      if (list !== undefined) return list;
    }
    if (annotation === "map") {
      const map = this.#readMap(index, nullable, context);
      if (map !== undefined) return map;
    }
    return {
      kind: "struct",
      ...this.base(index, nullable),
      ...(typeof annotation === "number" ? { annotation } : {}),
      children: this.readFields(index, context),
    };
  }

  #readLeaf(index: number, nullable: boolean, context: Context): LeafNode {
    const element = this.#element(index);
    const column: LeafColumn = {
      path: context.path,
      ...storageOfElement(element),
      type: leafTypeOf(element),
      maxDefinitionLevel: context.definitionLevel,
      maxRepetitionLevel: context.repetitionLevel,
    };
    const leafIndex = this.#leaves;
    this.#leaves += 1;
    const base = this.base(index, nullable);
    return { kind: "leaf", ...base, leafIndex, column, repetitions: context.repetitions, children: [] };
  }

  /** LogicalTypes.md, "Lists", backward-compatibility rules 1 to 5. */
  #readList(index: number, nullable: boolean, context: Context): ListNode | undefined {
    const [repeatedIndex, ...others] = this.#shape(index).children;
    if (repeatedIndex === undefined || others.length > 0) return undefined;
    const repeated = this.#shape(repeatedIndex);
    if (repeated.repetition !== "repeated") return undefined;
    const element = this.#isElement(repeated, this.#shape(index).name)
      ? this.#readBody(repeatedIndex, false, context)
      : this.#readField(repeated.children[0] as number, descend(context, repeated));
    return { kind: "list", ...this.base(index, nullable), repeatedIndex, element, children: [element] };
  }

  /** Whether the repeated field is itself the element, rather than a wrapper of one. */
  #isElement(repeated: Shape, listName: string): boolean {
    const [only, ...others] = repeated.children;
    if (repeated.isLeaf || only === undefined || others.length > 0) return true; // rules 1 and 2
    if (this.#shape(only).repetition === "repeated") return true; // rule 3
    return repeated.name === "array" || repeated.name === `${listName}_tuple`; // rule 4
  }

  /** LogicalTypes.md, "Maps": keys and values are known by position, their names and MAP_KEY_VALUE do not matter. */
  #readMap(index: number, nullable: boolean, context: Context): MapNode | undefined {
    const [repeatedIndex, ...others] = this.#shape(index).children;
    if (repeatedIndex === undefined || others.length > 0) return undefined;
    const repeated = this.#shape(repeatedIndex);
    const [keyIndex, valueIndex, ...more] = repeated.children;
    if (repeated.repetition !== "repeated" || keyIndex === undefined || more.length > 0) return undefined;
    const below = descend(context, repeated);
    const key = this.#readField(keyIndex, below);
    const value = valueIndex === undefined ? undefined : this.#readField(valueIndex, below);
    return {
      kind: "map",
      ...this.base(index, nullable),
      repeatedIndex,
      key,
      ...(value === undefined ? { children: [key] } : { value, children: [key, value] }),
    };
  }

  #annotation(index: number): GroupAnnotation {
    const element = this.#element(index);
    const logical = element.struct(SchemaElement.logicalType)?.fields[0]?.id;
    if (logical === LogicalType.LIST) return "list";
    if (logical === LogicalType.MAP) return "map";
    const converted = element.i32(SchemaElement.converted_type);
    if (converted === ConvertedType.LIST) return "list";
    if (converted === ConvertedType.MAP) return "map";
    // Only ever asked of groups outside of a map: the key-value group of a map is read by #readMap.
    if (converted === ConvertedType.MAP_KEY_VALUE) return "map";
    return logical;
  }

  #element(index: number): ThriftStruct {
    const element = this.#elements[index];
    if (element === undefined) throw malformed("the schema has no such element", { element: index });
    return element;
  }

  #shape(index: number): Shape {
    const shape = this.#shapes[index];
    if (shape === undefined) throw malformed("the schema has no such element", { element: index });
    return shape;
  }
}

function descend(above: Context, shape: Shape): Context {
  const repeats = shape.repetition === "repeated" ? 1 : 0;
  return {
    path: [...above.path, shape.name],
    repetitions: [...above.repetitions, shape.repetition],
    definitionLevel: above.definitionLevel + (shape.repetition === "required" ? 0 : 1),
    repetitionLevel: above.repetitionLevel + repeats,
  };
}
