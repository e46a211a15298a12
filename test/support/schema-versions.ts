import * as fc from "fast-check";
import { parseLeafType } from "../../src/parquet/leaf-type.ts";
import type { LeafType } from "../../src/parquet/leaf-type.ts";
import { withFingerprint } from "../../src/schema/fingerprint.ts";
import type { Field, FieldType, SchemaVersion } from "../../src/schema/schema-version.ts";
import { walkFields } from "../../src/schema/walk-fields.ts";

const leafTypes: readonly LeafType[] = ["int32", "int64", "string", "decimal128(9, 2)", "timestamp[us]"].map(
  (name) => {
    const type = parseLeafType(name);
    if ("error" in type) throw new Error(type.error);
    return type;
  },
);

type Shape = { name: string; nullable: boolean; type: ShapeType };
type ShapeType =
  | { kind: "leaf"; leaf: LeafType }
  | { kind: "struct"; fields: Shape[] }
  | { kind: "list"; element: Shape }
  | { kind: "map"; key: Shape; value: Shape };

const names = fc.constantFrom("a", "b", "c", "d", "e", "f", "g", "h");
const byName = { selector: (shape: Shape) => shape.name };

const { shape } = fc.letrec<{ shape: Shape; type: ShapeType }>((tie) => ({
  shape: fc.record({ name: names, nullable: fc.boolean(), type: tie("type") }),
  type: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    { weight: 5, arbitrary: fc.record({ kind: fc.constant("leaf"), leaf: fc.constantFrom(...leafTypes) }) },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant("struct"),
        fields: fc.uniqueArray(tie("shape"), { minLength: 1, maxLength: 4, ...byName }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("list"), element: tie("shape") }) },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant("map"),
        key: fc.record({
          name: names,
          nullable: fc.constant(false),
          type: fc.record({ kind: fc.constant("leaf"), leaf: fc.constantFrom(...leafTypes) }),
        }),
        value: tie("shape"),
      }),
    },
  ) as fc.Arbitrary<ShapeType>,
}));

/** Every leaf has a default, so that adding it is possible. */
function defaultOf(type: { kind: string; leaf?: LeafType }): { default?: string } {
  if (type.leaf === undefined) return {};
  return { default: type.leaf.kind === "timestamp" ? "2026-01-31T12:00" : "1" };
}

class Numbering {
  next = 1;

  field(shape: Shape, name = shape.name): Field {
    const id = this.next;
    this.next += 1;
    const { nullable } = shape;
    return { id, name, nullable, type: this.type(shape.type), ...defaultOf(shape.type) };
  }

  type(type: ShapeType): FieldType {
    switch (type.kind) {
      case "leaf":
        return { kind: "leaf", leaf: type.leaf };
      case "struct":
        return { kind: "struct", fields: type.fields.map((field) => this.field(field)) };
      case "list":
        return { kind: "list", element: this.field(type.element, "element") };
      case "map":
        return { kind: "map", key: this.field(type.key, "key"), value: this.field(type.value, "value") };
    }
  }
}

const stored: Field = {
  id: 10_000,
  name: "always",
  nullable: true,
  type: { kind: "leaf", leaf: { kind: "string" } },
};

/** Any version that passes every check, with at least one stored field. */
export const anyVersion: fc.Arbitrary<SchemaVersion> = fc
  .tuple(fc.uniqueArray(shape, { minLength: 1, maxLength: 6, ...byName }), fc.infiniteStream(fc.boolean()))
  .map(([shapes, coins]) => {
    const numbering = new Numbering();
    const fields = [...shapes.map((shape) => numbering.field(shape)), stored];
    const partitionBy = fields
      .filter((field) => field.type.kind === "leaf" && field !== stored && coins.next().value)
      .map(({ id }) => id);
    return withFingerprint({ dataset: "d", version: 1, fields, partitionBy, aliases: [], constraints: [] });
  });

/** Two versions of one history: the second is the first after any number of edits that keep ids in their place. */
export const anyPair: fc.Arbitrary<readonly [SchemaVersion, SchemaVersion]> = fc
  .tuple(anyVersion, fc.infiniteStream(fc.nat()), fc.uniqueArray(shape, { maxLength: 3, ...byName }))
  .map(([from, dice, added]) => {
    const roll = (sides: number): number => dice.next().value % sides;
    return [from, editVersion([from], roll, added)] as const;
  });

/** Three versions of one history, each an edit of the one before. */
export const anyTriple: fc.Arbitrary<readonly [SchemaVersion, SchemaVersion, SchemaVersion]> = fc
  .tuple(anyPair, fc.infiniteStream(fc.nat()), fc.uniqueArray(shape, { maxLength: 2, ...byName }))
  .map(([[first, second], dice, added]) => {
    const roll = (sides: number): number => dice.next().value % sides;
    return [first, second, editVersion([first, second], roll, added)] as const;
  });

/** An edit of the last of `history`; new fields have ids that none of them used. */
function editVersion(
  history: readonly SchemaVersion[],
  roll: (sides: number) => number,
  added: readonly Shape[],
): SchemaVersion {
  const from = history.at(-1) as SchemaVersion;
  const ids = history.flatMap(({ fields }) => Array.from(walkFields(fields), ({ field }) => field.id));
  const numbering = new Numbering();
  numbering.next = Math.max(0, ...ids.filter((id) => id !== stored.id)) + 1;
  const edit = new Edit(roll, numbering, added);
  const fields = [...edit.fields(from.fields.slice(0, -1), true), stored];
  const leaves = fields.filter((field) => field.type.kind === "leaf" && field !== stored);
  const partitionBy = edit.shuffle(
    leaves.filter(({ id }) => (from.partitionBy.includes(id) ? roll(3) > 0 : roll(4) === 0)),
  );
  const first = fields[0];
  const aliases =
    first?.type.kind === "leaf" && !partitionBy.includes(first) && roll(2) === 0
      ? [{ name: "also", field: first.id }]
      : [];
  return withFingerprint({
    ...from,
    version: from.version + 1,
    fields,
    partitionBy: partitionBy.map(({ id }) => id),
    aliases,
  });
}

class Edit {
  readonly #roll: (sides: number) => number;
  readonly #numbering: Numbering;
  readonly #added: readonly Shape[];

  constructor(roll: (sides: number) => number, numbering: Numbering, added: readonly Shape[]) {
    this.#roll = roll;
    this.#numbering = numbering;
    this.#added = added;
  }

  shuffle<T>(items: readonly T[]): T[] {
    const shuffled = [...items];
    for (let i = shuffled.length - 1; i > 0; i -= 1) {
      const j = this.#roll(4) === 0 ? this.#roll(i + 1) : i;
      const [a, b] = [shuffled[i] as T, shuffled[j] as T];
      shuffled[i] = b;
      shuffled[j] = a;
    }
    return shuffled;
  }

  fields(fields: readonly Field[], mayBeEmpty = false): Field[] {
    const kept = fields.filter(() => this.#roll(4) > 0);
    const edited = (kept.length === 0 && !mayBeEmpty ? fields : kept).map((field) => this.field(field, true));
    const fresh = this.#added
      .filter(() => this.#roll(3) === 0)
      .map((shape) => ({ ...this.#numbering.field(shape, `new_${shape.name}`), nullable: true }));
    const taken = new Set<string>();
    return this.shuffle([...edited, ...fresh]).map((field) => {
      const name = taken.has(field.name) ? `${field.name}_${field.id}` : field.name;
      taken.add(name);
      return { ...field, name };
    });
  }

  field(field: Field, mayRename: boolean): Field {
    const renamed = mayRename && this.#roll(4) === 0 ? { name: `r_${field.id}` } : {};
    const nullable = field.name !== "key" && this.#roll(6) === 0 ? { nullable: !field.nullable } : {};
    const type = this.#type(field.type);
    const { default: _, ...plain } = field;
    return { ...plain, ...renamed, ...nullable, type, ...defaultOf(type) };
  }

  #type(type: FieldType): FieldType {
    switch (type.kind) {
      case "leaf":
        return this.#roll(4) === 0
          ? { kind: "leaf", leaf: leafTypes[this.#roll(leafTypes.length)] as LeafType }
          : type;
      case "struct":
        return { kind: "struct", fields: this.fields(type.fields) };
      case "list":
        return { kind: "list", element: this.field(type.element, false) };
      case "map":
        return { kind: "map", key: this.field(type.key, false), value: this.field(type.value, false) };
    }
  }
}
