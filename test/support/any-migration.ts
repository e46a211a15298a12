import * as fc from "fast-check";
import { formatLeafType } from "../../src/parquet/leaf-type.ts";
import { compareVersions } from "../../src/schema/changes.ts";
import { withFingerprint } from "../../src/schema/fingerprint.ts";
import type { Field, OnInvalid, SchemaVersion } from "../../src/schema/schema-version.ts";
import { fieldsById, storedFields } from "../../src/schema/walk-fields.ts";
import { type FieldSpec, type Row, specOf, type Value } from "./pyarrow-service.ts";

export type Roll = (sides: number) => number;

export const anyRoll: fc.Arbitrary<Roll> = fc.infiniteStream(fc.nat()).map(
  (stream): Roll =>
    (sides) =>
      stream.next().value % sides,
);

const texts = ["1", "-7", "007", "x", "", "12.5", "99999999999", "2026-01-31 12:00:00.000001", "ä€😀", "3"];

export function leafValue(type: string, roll: Roll): Value {
  switch (type) {
    case "int32":
      return roll(5) === 0 ? 2_147_483_647 - roll(3) : roll(9) - 4;
    case "int64":
      return roll(4) === 0 ? 2 ** 50 + roll(3) : roll(9) - 4;
    case "string":
      return texts[roll(3) === 0 ? roll(texts.length) : roll(2)] as string;
    case "decimal128(9, 2)":
      return (roll(4) === 0 ? 1.25 * roll(9) : roll(9) - 4).toFixed(2);
    default:
      return roll(9) * 1_000_001 - (roll(2) === 0 ? 5_000_000 : 0);
  }
}

export function valueOf(field: Field, roll: Roll): Value {
  if (field.nullable && roll(5) === 0) return null;
  const { type } = field;
  switch (type.kind) {
    case "leaf":
      return leafValue(formatLeafType(type.leaf), roll);
    case "struct":
      return Object.fromEntries(type.fields.map((child) => [child.name, valueOf(child, roll)]));
    case "list":
      return Array.from({ length: roll(4) }, () => valueOf(type.element, roll));
    case "map":
      return Array.from({ length: roll(3) }, () => [valueOf(type.key, roll), valueOf(type.value, roll)]);
  }
}

const policies: readonly OnInvalid[] = ["fail", "null", "default", "quarantine"];

/** Gives leaves a policy, so that values that have no place in the new version become what it says. */
export function withPolicies(version: SchemaVersion, roll: Roll): SchemaVersion {
  const edit = (field: Field): Field => {
    const { type } = field;
    switch (type.kind) {
      case "leaf": {
        const onInvalid = policies[roll(policies.length)] as OnInvalid;
        const isAllowed =
          (onInvalid !== "null" || field.nullable) &&
          (onInvalid !== "default" || field.default !== undefined);
        return isAllowed ? { ...field, cast: { onInvalid, rounding: "error" } } : field;
      }
      case "struct":
        return { ...field, type: { ...type, fields: type.fields.map(edit) } };
      case "list":
        return { ...field, type: { ...type, element: edit(type.element) } };
      case "map":
        return { ...field, type: { ...type, key: edit(type.key), value: edit(type.value) } };
    }
  };
  return withFingerprint({ ...version, fields: version.fields.map(edit) });
}

export function isPossible(from: SchemaVersion, to: SchemaVersion): boolean {
  if (compareVersions(from, to).impossible.length > 0 || storedFields(from).length === 0) return false;
  const old = fieldsById(from);
  return Array.from(fieldsById(to).values()).every(({ field }) => {
    const before = old.get(field.id)?.field;
    if (before?.type.kind !== "leaf" || field.type.kind !== "leaf") return true;
    const types = [formatLeafType(before.type.leaf), formatLeafType(field.type.leaf)];
    return !(
      types.includes("timestamp[us]") &&
      (types.includes("int32") || types.includes("decimal128(9, 2)"))
    );
  });
}

/** Keys of maps come without nullability in a version's eyes; names of parts are the format's. */
export function columnsOf(version: SchemaVersion, day = "2020-01-01"): FieldSpec[] {
  const aliases = version.aliases
    .filter(({ until }) => until === undefined || until >= day)
    .flatMap(({ name, field }) =>
      version.fields.filter(({ id }) => id === field).map((one) => ({ ...one, name })),
    );
  return [...storedFields(version), ...aliases].map(specOf);
}

export function withAliases(version: SchemaVersion, row: Row): Row {
  const names = new Map(version.fields.map(({ id, name }) => [id, name]));
  return {
    ...row,
    ...Object.fromEntries(
      version.aliases.map(({ name, field }) => [name, row[names.get(field) ?? ""] ?? null]),
    ),
  };
}
