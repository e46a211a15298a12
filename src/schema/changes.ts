import { ColonnadeError } from "../base/errors.ts";
import { sameLeafType } from "../parquet/leaf-type.ts";
import type { LeafType } from "../parquet/leaf-type.ts";
import { defaultCastPolicy } from "./schema-version.ts";
import type { Alias, CastPolicy, Field, SchemaVersion } from "./schema-version.ts";
import { childFields, fieldsById, partitionFields, storedFields, walkFields } from "./walk-fields.ts";
import type { PlacedField } from "./walk-fields.ts";

/**
 * What differs between two versions, by field id: never written by hand, and the same for neighbours, for the ends of
 * a chain and for a downgrade. Paths are names from the top down; positions count the stored fields of one parent (or
 * the levels of the path, for partition fields) from 0.
 */
export type Change =
  | (Changed & { readonly kind: "rename"; readonly from: string; readonly to: string })
  | (Changed & {
      readonly kind: "cast";
      readonly from: LeafType;
      readonly to: LeafType;
      readonly policy: CastPolicy;
      /** The values are in the path, before and after. */
      readonly inPath: boolean;
    })
  | (Changed & { readonly kind: "nullability"; readonly nullable: boolean })
  | (Changed & { readonly kind: "reorder"; readonly fromIndex: number; readonly toIndex: number })
  | (Changed & { readonly kind: "partition" } & PartitionMove)
  | AddChange
  | DropChange
  | AliasChange;

/** A field of both versions. */
interface Changed {
  readonly field: number;
  /** In the new version. */
  readonly path: readonly string[];
  readonly oldPath: readonly string[];
}

export type PartitionMove =
  /** The values leave the path and become a column. */
  | { readonly move: "toStored"; readonly toIndex: number }
  /** The values leave the objects: rows with different values can no longer share one. */
  | { readonly move: "toPartition"; readonly toIndex: number }
  | { readonly move: "rename"; readonly from: string; readonly to: string }
  | { readonly move: "reorder"; readonly fromIndex: number; readonly toIndex: number };

/** A new field with everything in it: its children have no changes of their own. */
export interface AddChange {
  readonly kind: "add";
  readonly field: number;
  readonly path: readonly string[];
  readonly added: Field;
  /** Id of the field around it. */
  readonly parent: number | undefined;
  readonly toIndex: number;
  readonly inPath: boolean;
}

export interface DropChange {
  readonly kind: "drop";
  readonly field: number;
  /** In the old version; the new one has none. */
  readonly oldPath: readonly string[];
  readonly dropped: Field;
  readonly parent: number | undefined;
  readonly inPath: boolean;
}

export interface AliasChange {
  readonly kind: "alias";
  readonly field: number;
  /** Of the field that it stands for, in the new version (in the old one when it is removed). */
  readonly path: readonly string[];
  readonly action: "add" | "remove" | "change";
  readonly name: string;
  readonly alias: Alias;
}

/** Something that no migration can do; `message` names the field. */
export interface Impossible {
  readonly code: "FIELD_MOVED" | "KIND_CHANGED" | "DEFAULT_MISSING";
  readonly field: number;
  readonly path: readonly string[];
  readonly message: string;
}

/**
 * The changes from one version to another: those of the fields in the new version's order, then drops in the old
 * one's, then aliases. Equal versions have none. Throws `invalid` with the code of the first {@link Impossible}.
 */
export function deriveChanges(from: SchemaVersion, to: SchemaVersion): Change[] {
  const { changes, impossible } = compareVersions(from, to);
  const [first] = impossible;
  if (first === undefined) return changes;
  throw new ColonnadeError("invalid", first.code, first.message, {
    dataset: to.dataset,
    from: from.version,
    to: to.version,
    field: first.field,
    path: first.path.join("."),
    ...(impossible.length === 1 ? {} : { more: impossible.slice(1).map(({ message }) => message) }),
  });
}

/** As {@link deriveChanges}, but what is impossible is a value too. */
export function compareVersions(
  from: SchemaVersion,
  to: SchemaVersion,
): { readonly changes: Change[]; readonly impossible: Impossible[] } {
  return new Comparison(from, to).run();
}

class Comparison {
  readonly #changes: Change[] = [];
  readonly #impossible: Impossible[] = [];
  readonly #from: SchemaVersion;
  readonly #to: SchemaVersion;
  readonly #old: Map<number, PlacedField>;
  readonly #new: Map<number, PlacedField>;

  constructor(from: SchemaVersion, to: SchemaVersion) {
    this.#from = from;
    this.#to = to;
    this.#old = fieldsById(from);
    this.#new = fieldsById(to);
  }

  run(): { changes: Change[]; impossible: Impossible[] } {
    for (const placed of this.#new.values()) {
      const before = this.#old.get(placed.field.id);
      if (before !== undefined && before.parent?.id !== placed.parent?.id) this.#moved(before, placed);
    }
    // What was moved would only cause more complaints about its old and its new place.
    if (this.#impossible.length === 0) {
      this.#siblings(storedFields(this.#from), storedFields(this.#to), undefined, []);
      this.#paths();
      this.#drops();
      this.#aliases();
    }
    return { changes: this.#changes, impossible: this.#impossible };
  }

  #moved(before: PlacedField, after: PlacedField): void {
    const [path, oldPath] = [after.path.join("."), before.path.join(".")];
    this.#refuse(
      "FIELD_MOVED",
      after,
      `field ${after.field.id} cannot move to another parent (${oldPath} → ${path}): give the one at ${path} a new id`,
    );
  }

  #refuse(code: Impossible["code"], { field, path }: PlacedField, message: string): void {
    this.#impossible.push({ code, field: field.id, path, message });
  }

  /** The stored fields of one parent, and what is inside them. */
  #siblings(
    old: readonly Field[],
    now: readonly Field[],
    parent: Field | undefined,
    path: readonly string[],
  ): void {
    const oldIndex = new Map(old.map((field, index) => [field.id, index]));
    const kept = now.filter((field) => oldIndex.has(field.id));
    const steady = increasing(kept.map((field) => oldIndex.get(field.id) as number));
    for (const [index, field] of now.entries()) {
      const placed = { field, path: [...path, field.name], parent, index };
      const before = this.#old.get(field.id);
      if (before === undefined) {
        this.#add(placed, false);
        continue;
      }
      const changed = { field: field.id, path: placed.path, oldPath: before.path };
      const fromIndex = oldIndex.get(field.id);
      if (fromIndex === undefined) {
        this.#changes.push({ kind: "partition", ...changed, move: "toStored", toIndex: index });
      } else if (!steady.has(fromIndex)) {
        this.#changes.push({ kind: "reorder", ...changed, fromIndex, toIndex: index });
      }
      this.#field(before, placed, false);
    }
  }

  /** A field of both versions: its own name, type and nullability, and its children. */
  #field(before: PlacedField, after: PlacedField, inPath: boolean): void {
    const [old, now] = [before.field, after.field];
    const changed = { field: now.id, path: after.path, oldPath: before.path };
    if (old.name !== now.name) {
      const names = { from: old.name, to: now.name };
      this.#changes.push(
        inPath
          ? { kind: "partition", ...changed, move: "rename", ...names }
          : { kind: "rename", ...changed, ...names },
      );
    }
    if (old.nullable !== now.nullable) {
      this.#changes.push({ kind: "nullability", ...changed, nullable: now.nullable });
    }
    if (old.type.kind === "leaf" && now.type.kind === "leaf") {
      const [from, to] = [old.type.leaf, now.type.leaf];
      if (!sameLeafType(from, to)) {
        const policy = now.cast ?? defaultCastPolicy;
        this.#changes.push({ kind: "cast", ...changed, from, to, policy, inPath });
      }
    } else if (old.type.kind !== now.type.kind) {
      const kinds = `${old.type.kind} → ${now.type.kind}`;
      this.#refuse(
        "KIND_CHANGED",
        after,
        `field ${now.id} (${after.path.join(".")}) cannot change its structure (${kinds}): give it a new id`,
      );
    } else if (now.type.kind === "struct") {
      this.#siblings(childFields(old.type), childFields(now.type), now, after.path);
    } else {
      this.#parts(childFields(old.type), after);
    }
  }

  /** A list's element, a map's key and value: they can change, but not come and go. */
  #parts(old: readonly Field[], owner: PlacedField): void {
    for (const [index, field] of childFields(owner.field.type).entries()) {
      const placed = { field, path: [...owner.path, field.name], parent: owner.field, index };
      const before = this.#old.get(field.id);
      if (before !== undefined) this.#field(before, placed, false);
      else {
        this.#refuse(
          "KIND_CHANGED",
          placed,
          `field ${field.id} (${placed.path.join(".")}) cannot replace field ${old[index]?.id ?? "?"}: keep the id, or give ${owner.path.join(".")} a new one`,
        );
      }
    }
  }

  #add(placed: PlacedField, inPath: boolean): void {
    const missing = valueMissing(placed.field, placed.path);
    if (missing !== undefined) {
      this.#refuse(
        "DEFAULT_MISSING",
        placed,
        `field ${placed.field.id} (${missing}) is added, but it is neither nullable nor has it a default`,
      );
    }
    this.#changes.push({
      kind: "add",
      field: placed.field.id,
      path: placed.path,
      added: placed.field,
      parent: placed.parent?.id,
      toIndex: placed.index,
      inPath,
    });
  }

  /** The partition fields of the new version. */
  #paths(): void {
    const old = partitionFields(this.#from);
    const oldIndex = new Map(old.map((field, index) => [field.id, index]));
    const now = partitionFields(this.#to);
    const kept = now.filter((field) => oldIndex.has(field.id));
    const steady = increasing(kept.map((field) => oldIndex.get(field.id) as number));
    for (const [index, field] of now.entries()) {
      const placed = { field, path: [field.name], parent: undefined, index };
      const before = this.#old.get(field.id);
      if (before === undefined) {
        this.#add(placed, true);
        continue;
      }
      const changed = { field: field.id, path: placed.path, oldPath: before.path };
      const fromIndex = oldIndex.get(field.id);
      if (fromIndex === undefined) {
        this.#changes.push({ kind: "partition", ...changed, move: "toPartition", toIndex: index });
      } else if (!steady.has(fromIndex)) {
        this.#changes.push({ kind: "partition", ...changed, move: "reorder", fromIndex, toIndex: index });
      }
      this.#field(before, placed, fromIndex !== undefined);
    }
  }

  #drops(): void {
    const gone = new Set<number>();
    for (const { field, path, parent } of walkFields(this.#from.fields)) {
      if (this.#new.has(field.id)) continue;
      gone.add(field.id);
      // Parts of a list or map that were replaced are refused above; members of what is gone go with it.
      if (parent !== undefined && (gone.has(parent.id) || parent.type.kind !== "struct")) continue;
      const inPath = this.#from.partitionBy.includes(field.id);
      this.#changes.push({
        kind: "drop",
        field: field.id,
        oldPath: path,
        dropped: field,
        parent: parent?.id,
        inPath,
      });
    }
  }

  #aliases(): void {
    const before = new Map(this.#from.aliases.map((alias) => [alias.name, alias]));
    for (const alias of this.#to.aliases) {
      const old = before.get(alias.name);
      before.delete(alias.name);
      if (old?.field === alias.field && old.until === alias.until) continue;
      this.#alias(old === undefined ? "add" : "change", alias, this.#new);
    }
    for (const alias of before.values()) this.#alias("remove", alias, this.#old);
  }

  #alias(action: AliasChange["action"], alias: Alias, fields: ReadonlyMap<number, PlacedField>): void {
    const path = fields.get(alias.field)?.path ?? [];
    this.#changes.push({ kind: "alias", field: alias.field, path, action, name: alias.name, alias });
  }
}

/** The dotted path of the first field that would have no value in rows written before it was there. */
function valueMissing(field: Field, path: readonly string[]): string | undefined {
  if (field.nullable) return undefined;
  switch (field.type.kind) {
    case "leaf":
      return field.default === undefined ? path.join(".") : undefined;
    case "struct":
      for (const member of field.type.fields) {
        const missing = valueMissing(member, [...path, member.name]);
        if (missing !== undefined) return missing;
      }
      return undefined;
    case "list":
    case "map":
      return path.join(".");
  }
}

/**
 * The members of a longest increasing subsequence: who stays in place when the others are moved around them.
 * Patience sorting, after https://en.wikipedia.org/wiki/Longest_increasing_subsequence.
 */
function increasing(values: readonly number[]): Set<number> {
  const tails: number[] = []; // positions in `values` of the smallest tail of each length
  const previous: number[] = [];
  for (const [position, value] of values.entries()) {
    let low = 0;
    for (let high = tails.length; low < high;) {
      const middle = (low + high) >>> 1;
      if ((values[tails[middle] as number] as number) < value) low = middle + 1;
      else high = middle;
    }
    previous.push(low === 0 ? -1 : (tails[low - 1] as number));
    tails[low] = position;
  }
  const members = new Set<number>();
  for (let at = tails.at(-1) ?? -1; at >= 0; at = previous[at] as number) members.add(values[at] as number);
  return members;
}
