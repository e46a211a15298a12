import { expect, test } from "vitest";

import { readSchemaTree } from "../../../src/parquet/footer/schema-tree.ts";
import { LogicalType, SchemaElement } from "../../../src/parquet/spec.ts";
import { ThriftStruct } from "../../../src/parquet/thrift/thrift.ts";
import { outputSchema } from "../../../src/plan/output-schema.ts";
import { inferSchemaVersion } from "../../../src/schema/infer.ts";
import { matchTree } from "../../../src/schema/match.ts";
import type { Field, FieldType } from "../../../src/schema/schema-version.ts";
import { group, leaf, root } from "../../support/build-footer.ts";
import { thrownCode } from "../../support/thrown-code.ts";

const binary = { kind: "binary" } as const;
const shredded = group(
  "optional",
  "typed_value",
  undefined,
  group(
    "required",
    "a",
    undefined,
    leaf("optional", "value", binary),
    leaf("optional", "typed_value", binary),
  ),
);
const variant = group(
  "optional",
  "v",
  undefined,
  leaf("required", "metadata", binary),
  leaf("optional", "value", binary),
  shredded,
);
variant[0]?.setStruct(
  SchemaElement.logicalType,
  new ThriftStruct().setStruct(LogicalType.VARIANT, new ThriftStruct()),
);
const elements = root(leaf("optional", "other", binary), variant);

/** The schema's names once the variant has become what `edit` makes of it. */
function namesAfter(edit: (field: Field) => Field): string[] {
  const tree = readSchemaTree(elements);
  const { version: from } = inferSchemaVersion([{ key: "o.parquet", tree }], "test");
  const match = matchTree(tree, from);
  if (match.kind === "mismatch") throw new Error(match.differences.join());
  const to = {
    ...from,
    version: 2,
    fields: from.fields.map((field) => (field.name === "v" ? edit(field) : field)),
  };
  const output = outputSchema({ elements, tree, nodes: match.nodes, from, to, aliases: [] });
  return output.elements.map((element) => element.string(SchemaElement.name) ?? "");
}

/** Applies a change to the field of that name inside a field, at any depth. */
function inside(field: Field, name: string, edit: (inner: Field) => Field[]): Field {
  if (field.type.kind !== "struct") return field;
  const fields = field.type.fields.flatMap((inner) =>
    inner.name === name ? edit(inner) : [inside(inner, name, edit)],
  );
  return { ...field, type: { kind: "struct", fields } };
}

const text: FieldType = { kind: "leaf", leaf: { kind: "string" } };
const added: Field = { id: 99, name: "extra", nullable: true, type: text };

test.each<[string, (field: Field) => Field]>([
  ["a rename", (field) => inside(field, "metadata", (inner) => [{ ...inner, name: "meta" }])],
  ["a rename deep inside", (field) => inside(field, "a", (inner) => [{ ...inner, name: "b" }])],
  ["a drop", (field) => inside(field, "value", () => [])],
  ["an addition", (field) => inside(field, "value", (inner) => [inner, added])],
  ["a cast", (field) => inside(field, "value", (inner) => [{ ...inner, type: text }])],
  ["another nullability", (field) => inside(field, "metadata", (inner) => [{ ...inner, nullable: true }])],
])("%s inside a VARIANT is refused in planning", (_, edit) => {
  expect(thrownCode(() => namesAfter(edit))).toBe("ANNOTATED_GROUP_CHANGED");
});

test("a VARIANT can be renamed as a whole, and its parts may change places", () => {
  const turned = namesAfter((field) =>
    field.type.kind === "struct"
      ? { ...field, name: "payload", type: { kind: "struct", fields: field.type.fields.toReversed() } }
      : field,
  );
  expect(turned).toEqual([
    "schema",
    "other",
    "payload",
    "typed_value",
    "a",
    "value",
    "typed_value",
    "value",
    "metadata",
  ]);
});
