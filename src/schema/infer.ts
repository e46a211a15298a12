import { formatLeafType } from "../parquet/leaf-type.ts";
import type { LeafType } from "../parquet/leaf-type.ts";
import type { SchemaNode } from "../parquet/footer/schema-tree.ts";
import { withFingerprint } from "./fingerprint.ts";
import type { Field, FieldType, SchemaVersion } from "./schema-version.ts";

/** An object that takes part in the inference, and its footer's schema. */
export interface InferredObject {
  readonly key: string;
  readonly tree: SchemaNode;
}

/** A level of the path, and values seen there; null is Hive's name for no value. */
export interface PartitionKey {
  readonly name: string;
  readonly values: readonly (string | null)[];
}

/** Objects that do not have the inferred schema, and in what they differ from it. */
export interface Conflict {
  readonly path: string;
  readonly detail: string;
  readonly objects: readonly string[];
}

export interface Inference {
  readonly version: SchemaVersion;
  /** What people should look at before they keep the version. */
  readonly notes: readonly string[];
  readonly conflicts: readonly Conflict[];
}

/**
 * Version 1 of a dataset from real objects. Columns come in the order of the first object, those only others have
 * after them; what most objects say wins, and those that say otherwise are named. Ids count depth first; partition
 * fields come last, as int32, int64 or date32 when every value reads back the same as one, else as string.
 * `objects` must not be empty.
 */
export function inferSchemaVersion(
  objects: readonly InferredObject[],
  dataset: string,
  partitionKeys: readonly PartitionKey[] = [],
): Inference {
  const inferring = new Inferring();
  const names = new Set(partitionKeys.map(({ name }) => name));
  const stored = inferring.members(
    objects.map(({ key, tree }) => ({
      key,
      children: tree.children.filter(({ name }) => !names.has(name)),
    })),
    [],
  );
  for (const { name } of partitionKeys) {
    const keys = objects.filter(({ tree }) => tree.children.some((child) => child.name === name));
    if (keys.length > 0) {
      inferring.notes.push(`column ${name} is in the path and in the objects: the path counts`);
    }
  }
  const partitions = partitionKeys.map((key) => inferring.partition(key));
  const version = withFingerprint({
    dataset,
    version: 1,
    fields: [...stored, ...partitions],
    partitionBy: partitions.map(({ id }) => id),
    aliases: [],
    constraints: [],
  });
  return { version, notes: inferring.notes, conflicts: inferring.conflicts };
}

/** One column as several objects have it. */
interface Seen {
  readonly key: string;
  readonly node: SchemaNode;
}

class Inferring {
  readonly notes: string[] = [];
  readonly conflicts: Conflict[] = [];
  #lastId = 0;

  /** The fields of a struct (or the root) that several objects have. */
  members(
    objects: readonly { readonly key: string; readonly children: readonly SchemaNode[] }[],
    path: readonly string[],
  ): Field[] {
    const byName = new Map<string, Seen[]>();
    for (const { key, children } of objects) {
      const own = new Set<string>();
      for (const node of children) {
        if (own.has(node.name)) this.#conflict([...path, node.name], "appears twice", [key]);
        else byName.set(node.name, [...(byName.get(node.name) ?? []), { key, node }]);
        own.add(node.name);
      }
    }
    this.#checkNames(byName.keys(), path);
    return Array.from(byName, ([name, seen]) => {
      const place = [...path, name];
      const without = objects.filter(({ children }) => children.every((child) => child.name !== name));
      if (without.length > 0)
        this.#conflict(
          place,
          "is missing",
          without.map(({ key }) => key),
        );
      return this.#field(name, seen, place);
    });
  }

  partition({ name, values }: PartitionKey): Field {
    const present = values.filter((value) => value !== null);
    const leaf = present.length === 0 ? "string" : partitionType(present);
    this.notes.push(`partition field ${name} is read as ${leaf}`);
    return { id: this.#nextId(), name, nullable: true, type: { kind: "leaf", leaf: partitionTypes[leaf] } };
  }

  #nextId(): number {
    this.#lastId += 1;
    return this.#lastId;
  }

  #field(name: string, seen: readonly Seen[], path: readonly string[]): Field {
    const id = this.#nextId();
    const chosen = this.#majority(seen, path);
    const nullable = seen.some(({ node }) => node.nullable);
    if (nullable && seen.some(({ node }) => !node.nullable)) {
      this.notes.push(
        `column ${path.join(".")} is required in some objects and nullable in others: nullable`,
      );
    }
    return { id, name, nullable, type: this.#type(chosen, path) };
  }

  /** Those who agree with most of them; the others are a conflict. */
  #majority(seen: readonly Seen[], path: readonly string[]): readonly Seen[] {
    const groups = new Map<string, Seen[]>();
    for (const one of seen) {
      const kind = kindOf(one.node);
      groups.set(kind, [...(groups.get(kind) ?? []), one]);
    }
    const [chosen, ...others] = Array.from(groups).toSorted(([, a], [, b]) => b.length - a.length);
    for (const [kind, group] of others) {
      this.#conflict(
        path,
        `is ${kind} instead of ${chosen?.[0] ?? ""}`,
        group.map(({ key }) => key),
      );
    }
    return chosen?.[1] ?? seen;
  }

  #type(seen: readonly Seen[], path: readonly string[]): FieldType {
    const part = (name: string, of: (node: SchemaNode) => SchemaNode | undefined): Field => {
      const parts = seen.flatMap(({ key, node }) => {
        const inner = of(node);
        return inner === undefined ? [] : [{ key, node: inner }];
      });
      return this.#field(name, parts, [...path, name]);
    };
    const node = seen[0]?.node;
    switch (node?.kind) {
      case "struct":
        if (node.children.length === 0) this.notes.push(`struct ${path.join(".")} has no fields`);
        return {
          kind: "struct",
          fields: this.members(
            seen.map((one) => ({ key: one.key, children: one.node.children })),
            path,
          ),
        };
      case "list":
        return {
          kind: "list",
          element: part("element", (list) => (list.kind === "list" ? list.element : undefined)),
        };
      case "map": {
        const key = part("key", (map) => (map.kind === "map" ? map.key : undefined));
        if (key.nullable) this.notes.push(`keys of map ${path.join(".")} are nullable in some objects`);
        // Hive writes sets as maps without values.
        const value = seen.some((one) => one.node.kind === "map" && one.node.value !== undefined)
          ? part("value", (map) => (map.kind === "map" ? map.value : undefined))
          : { id: this.#nextId(), name: "value", nullable: true, type: nullType };
        return { kind: "map", key: { ...key, nullable: false }, value };
      }
      case "leaf":
        return { kind: "leaf", leaf: node.column.type };
      case undefined:
        return nullType;
    }
  }

  #checkNames(names: Iterable<string>, path: readonly string[]): void {
    const folded = new Map<string, string>();
    for (const name of names) {
      const other = folded.get(name.toLowerCase());
      if (other !== undefined) this.#conflict([...path, name], `differs from ${other} only in case`, []);
      folded.set(name.toLowerCase(), name);
      if (name === "" || /\p{Cc}/u.test(name)) this.#conflict([...path, name], "is not a name", []);
    }
  }

  #conflict(path: readonly string[], detail: string, objects: readonly string[]): void {
    this.conflicts.push({ path: path.join("."), detail, objects });
  }
}

const nullType: FieldType = { kind: "leaf", leaf: { kind: "null" } };

function kindOf(node: SchemaNode): string {
  return node.kind === "leaf" ? formatLeafType(node.column.type) : `a ${node.kind}`;
}

const partitionTypes: Record<"int32" | "int64" | "date32" | "string", LeafType> = {
  int32: { kind: "int", bits: 32, signed: true },
  int64: { kind: "int", bits: 64, signed: true },
  date32: { kind: "date" },
  string: { kind: "string" },
};

/** A type only when its values spell the same again: `07` stays a string, or the path would change. */
function partitionType(values: readonly string[]): keyof typeof partitionTypes {
  if (values.every(isInteger)) {
    const integers = values.map(BigInt);
    if (integers.every((integer) => integer === BigInt.asIntN(32, integer))) return "int32";
    if (integers.every((integer) => integer === BigInt.asIntN(64, integer))) return "int64";
  }
  return values.every(isDate) ? "date32" : "string";
}

function isInteger(text: string): boolean {
  return /^(0|-?[1-9][0-9]{0,18})$/.test(text);
}

function isDate(text: string): boolean {
  if (!/^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(text)) return false;
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}
