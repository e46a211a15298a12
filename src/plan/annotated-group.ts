import { ColonnadeError } from "../base/errors.ts";
import type { StructNode } from "../parquet/footer/schema-tree.ts";
import { LogicalType } from "../parquet/spec.ts";
import type { Field } from "../schema/schema-version.ts";
import { walkFields } from "../schema/walk-fields.ts";

/**
 * Refuses changes inside a group whose annotation fixes what is in it: readers find the parts of a VARIANT by their names
 * (`metadata`, `value`, `typed_value`; VariantEncoding.md and VariantShredding.md), and values in one part depend on the
 * others. The order of the parts means nothing, so it may change; the group as a whole may be renamed and dropped.
 *
 * Throws `invalid` `ANNOTATED_GROUP_CHANGED`.
 */
export function refuseAnnotatedChange({ annotation, name }: StructNode, before: Field, after: Field): void {
  if (annotation === undefined || innerShape(before) === innerShape(after)) return;
  const known = Object.entries(LogicalType).find(([, id]) => id === annotation)?.[0];
  throw new ColonnadeError(
    "invalid",
    "ANNOTATED_GROUP_CHANGED",
    "field has an annotation that says what is inside it; its inner fields cannot change",
    { field: name, annotation: known ?? annotation, id: after.id },
  );
}

/** Everything inside a field that is in the schema of an object, the order of fields aside. */
function innerShape(field: Field): string {
  const placed = Array.from(walkFields([field]), ({ field: inner, parent }) => [
    inner.id,
    parent === undefined
      ? null
      : [parent.id, inner.name, inner.nullable, inner.type.kind === "leaf" ? inner.type : inner.type.kind],
  ]);
  return JSON.stringify(placed.toSorted(([a], [b]) => (a as number) - (b as number)));
}
