import { describe, expect, test } from "vitest";
import { formatLeafType, type LeafType } from "../../../../src/parquet/leaf-type.ts";
import {
  flattenLeaves,
  readSchemaTree,
  type SchemaNode,
} from "../../../../src/parquet/footer/schema-tree.ts";
import { SchemaElement } from "../../../../src/parquet/spec.ts";
import type { ThriftStruct } from "../../../../src/parquet/thrift/thrift.ts";
import { group, leaf, root } from "../../../support/build-footer.ts";
import { thrownCode } from "../../../support/thrown-code.ts";

const int: LeafType = { kind: "int", bits: 32, signed: true };
const string: LeafType = { kind: "string" };

function failure(elements: ThriftStruct[]): string {
  return thrownCode(() => readSchemaTree(elements));
}

/** `name?: kind<children>`, as in docs of query engines; `?` for nullable. */
function show(node: SchemaNode): string {
  const head = `${node.name}${node.nullable ? "?" : ""}`;
  if (node.kind === "leaf") return `${head}: ${formatLeafType(node.column.type)}`;
  return `${head}: ${node.kind}<${node.children.map(show).join(", ")}>`;
}

function shapeOf(...fields: ThriftStruct[][]): string {
  return readSchemaTree(root(...fields))
    .children.map(show)
    .join(", ");
}

describe("lists, by the examples of LogicalTypes.md", () => {
  test("three levels, nullable elements in a required list", () => {
    const list = group(
      "required",
      "my_list",
      "LIST",
      group("repeated", "list", undefined, leaf("optional", "element", string)),
    );
    expect(shapeOf(list)).toBe("my_list: list<element?: string>");
  });

  test("three levels whatever the names are", () => {
    const list = group(
      "optional",
      "my_list",
      "LIST",
      group("repeated", "element", undefined, leaf("required", "str", string)),
    );
    expect(shapeOf(list)).toBe("my_list?: list<str: string>");
  });

  test("rule 1: a repeated leaf is the element", () => {
    const list = group("optional", "my_list", "LIST", leaf("repeated", "element", int));
    expect(shapeOf(list)).toBe("my_list?: list<element: int32>");
  });

  test("rule 2: a repeated group of several fields is the element", () => {
    const tuple = group(
      "repeated",
      "element",
      undefined,
      leaf("required", "str", string),
      leaf("required", "num", int),
    );
    expect(shapeOf(group("optional", "my_list", "LIST", tuple))).toBe(
      "my_list?: list<element: struct<str: string, num: int32>>",
    );
  });

  test("rule 3: a repeated group of one repeated field is the element", () => {
    const inner = group("repeated", "array", "LIST", leaf("repeated", "array", int));
    expect(shapeOf(group("optional", "my_list", "LIST", inner))).toBe(
      "my_list?: list<array: list<array: int32>>",
    );
  });

  test.each(["array", "my_list_tuple"])("rule 4: a repeated group called %s is the element", (name) => {
    const one = group("repeated", name, undefined, leaf("required", "str", string));
    expect(shapeOf(group("optional", "my_list", "LIST", one))).toBe(
      `my_list?: list<${name}: struct<str: string>>`,
    );
  });

  test("rule 5: any other group of one field is a wrapper", () => {
    const wrapper = group("repeated", "element", undefined, leaf("optional", "str", string));
    expect(shapeOf(group("optional", "my_list", "LIST", wrapper))).toBe("my_list?: list<str?: string>");
  });

  test("a repeated field without annotation is a required list of required elements", () => {
    const tuple = group(
      "repeated",
      "my_list",
      undefined,
      leaf("required", "num", int),
      leaf("optional", "str", string),
    );
    expect(shapeOf(leaf("repeated", "num", int), tuple)).toBe(
      "num: list<num: int32>, my_list: list<my_list: struct<num: int32, str?: string>>",
    );
  });

  test("a LIST of two fields is the struct that it is", () => {
    const odd = group("optional", "odd", "LIST", leaf("repeated", "a", int), leaf("optional", "b", int));
    expect(shapeOf(odd)).toBe("odd?: struct<a: list<a: int32>, b?: int32>");
  });
});

describe("maps, by the examples of LogicalTypes.md", () => {
  test("keys and values", () => {
    const body = group(
      "repeated",
      "key_value",
      undefined,
      leaf("required", "key", string),
      leaf("optional", "value", int),
    );
    expect(shapeOf(group("required", "my_map", "MAP", body))).toBe("my_map: map<key: string, value?: int32>");
  });

  test("keys and values are known by position, and MAP_KEY_VALUE inside is no map of its own", () => {
    const body = group(
      "repeated",
      "map",
      "MAP_KEY_VALUE",
      leaf("required", "str", string),
      leaf("required", "num", int),
    );
    expect(shapeOf(group("optional", "my_map", "MAP", body))).toBe("my_map?: map<str: string, num: int32>");
  });

  test("MAP_KEY_VALUE in place of MAP", () => {
    const body = group(
      "repeated",
      "map",
      undefined,
      leaf("required", "key", string),
      leaf("optional", "value", int),
    );
    expect(shapeOf(group("optional", "my_map", "MAP_KEY_VALUE", body))).toBe(
      "my_map?: map<key: string, value?: int32>",
    );
  });

  test("a map without values", () => {
    const body = group("repeated", "key_value", undefined, leaf("required", "key", int));
    expect(shapeOf(group("required", "set", "MAP", body))).toBe("set: map<key: int32>");
  });
});

test("levels, leaf indexes and element indexes point at the right elements", () => {
  const points = group(
    "optional",
    "points",
    "LIST",
    group(
      "repeated",
      "list",
      undefined,
      group("optional", "element", undefined, leaf("required", "x", int), leaf("optional", "y", int)),
    ),
  );
  const elements = root(leaf("required", "id", int), points, leaf("repeated", "tags", string));
  const tree = readSchemaTree(elements);
  expect(
    flattenLeaves(tree).map(({ leafIndex, column, elementIndex, repetitions }) => ({
      leafIndex,
      path: column.path.join("."),
      levels: [column.maxDefinitionLevel, column.maxRepetitionLevel],
      element: elements[elementIndex]?.string(SchemaElement.name),
      repetitions: repetitions.map((repetition) => repetition[2]).join(""),
    })),
  ).toEqual([
    { leafIndex: 0, path: "id", levels: [0, 0], element: "id", repetitions: "q" },
    { leafIndex: 1, path: "points.list.element.x", levels: [3, 1], element: "x", repetitions: "tptq" },
    { leafIndex: 2, path: "points.list.element.y", levels: [4, 1], element: "y", repetitions: "tptt" },
    { leafIndex: 3, path: "tags", levels: [1, 1], element: "tags", repetitions: "p" },
  ]);
  const [, list, tags] = tree.children;
  expect(list).toMatchObject({
    kind: "list",
    elementIndex: 2,
    repeatedIndex: 3,
    elementEnd: 7,
    element: { elementIndex: 4 },
  });
  expect(tags).toMatchObject({
    kind: "list",
    elementIndex: 7,
    repeatedIndex: 7,
    element: { elementIndex: 7, nullable: false },
  });
});

describe("what is no schema is a typed error", () => {
  test("no elements at all", () => expect(failure([])).toBe("SCHEMA_MALFORMED"));

  test("fewer children than counted", () => {
    expect(failure(root(leaf("required", "a", int), leaf("required", "b", int)).slice(0, 2))).toBe(
      "SCHEMA_MALFORMED",
    );
  });

  test("more elements than counted", () => {
    expect(failure([...root(leaf("required", "a", int)), ...leaf("required", "b", int)])).toBe(
      "SCHEMA_MALFORMED",
    );
  });

  test("a negative count, and a leaf with children", () => {
    const [group_] = group("required", "g", undefined);
    expect(failure(root([group_?.setI32(SchemaElement.num_children, -1) as ThriftStruct]))).toBe(
      "SCHEMA_MALFORMED",
    );
    const [leaf_] = leaf("required", "a", int);
    expect(failure(root([leaf_?.setI32(SchemaElement.num_children, 1) as ThriftStruct]))).toBe(
      "SCHEMA_MALFORMED",
    );
  });

  test("a leaf without repetition, and one without a name", () => {
    for (const field of [SchemaElement.repetition_type, SchemaElement.name]) {
      const [element] = leaf("required", "a", int);
      expect(failure(root([element?.setI32(field, undefined) as ThriftStruct]))).toBe("SCHEMA_MALFORMED");
    }
  });

  test("nesting without end", () => {
    let nested = leaf("required", "x", int);
    for (let i = 0; i < 150; i += 1) nested = group("required", "g", undefined, nested);
    expect(failure(root(nested))).toBe("SCHEMA_TOO_DEEP");
  });

  test("more elements than any real schema has", () => {
    const [element] = leaf("required", "a", int);
    expect(failure(Array.from({ length: 250_001 }, () => element as ThriftStruct))).toBe("SCHEMA_TOO_LARGE");
  });
});

test("a schema without leaves is empty, not an error", () => {
  expect(flattenLeaves(readSchemaTree(root()))).toEqual([]);
});
