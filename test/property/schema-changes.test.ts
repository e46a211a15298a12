import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compareVersions, deriveChanges } from "../../src/schema/changes.ts";
import type { Change } from "../../src/schema/changes.ts";
import { describeChange } from "../../src/schema/describe-change.ts";
import { canonicalContent, schemaVersionFromContent } from "../../src/schema/fingerprint.ts";
import { formatSchemaVersion, parseSchemaVersion } from "../../src/schema/parse-schema-version.ts";
import type { Field, FieldType, SchemaVersion } from "../../src/schema/schema-version.ts";
import { childFields, partitionFields, storedFields, walkFields } from "../../src/schema/walk-fields.ts";
import { anyPair, anyVersion } from "../support/schema-versions.ts";

/** What of a version is physical: names, types, nullability, order; of partition fields only the order of the path. */
function structure(fields: readonly Field[]): unknown {
  return fields.map(({ id, name, nullable, type }) => ({
    id,
    name,
    nullable,
    type: type.kind === "leaf" ? type.leaf : type.kind,
    children: structure(childFields(type)),
  }));
}

function structureOf(version: SchemaVersion): unknown {
  return {
    stored: structure(storedFields(version)),
    path: structure(partitionFields(version)),
    aliases: version.aliases,
  };
}

/** Carries changes out on a version, by their members alone. */
class Apply {
  readonly #changes: readonly Change[];

  constructor(changes: readonly Change[]) {
    this.#changes = changes;
  }

  version(from: SchemaVersion): unknown {
    const [stored, path] = [storedFields(from), partitionFields(from)];
    const aliases = new Map(from.aliases.map((alias) => [alias.name, alias]));
    for (const change of this.#changes) {
      if (change.kind !== "alias") continue;
      if (change.action === "remove") aliases.delete(change.name);
      else aliases.set(change.name, change.alias);
    }
    const leavesPath = this.#partition("toStored", path);
    const entersPath = this.#partition("toPartition", stored);
    return {
      stored: structure(this.#place(stored, undefined, false, leavesPath)),
      path: structure(this.#place(path, undefined, true, entersPath)),
      aliases: Array.from(aliases.values()),
    };
  }

  #partition(move: "toStored" | "toPartition", from: readonly Field[]): [number, Field][] {
    return this.#changes.flatMap((change): [number, Field][] => {
      if (change.kind !== "partition" || change.move !== move) return [];
      return from.filter(({ id }) => id === change.field).map((field) => [change.toIndex, field]);
    });
  }

  /** Takes out what leaves, edits what stays, and puts in by ascending position what comes. */
  #place(
    fields: readonly Field[],
    parent: number | undefined,
    inPath: boolean,
    arriving: [number, Field][],
  ): Field[] {
    const leaving = new Set<number>();
    const coming: [number, Field][] = arriving.map(([index, field]) => [index, this.#field(field)]);
    const ids = new Set(fields.map(({ id }) => id));
    for (const change of this.#changes) {
      if (change.kind === "drop") leaving.add(change.field);
      else if (change.kind === "add" && change.parent === parent && change.inPath === inPath) {
        coming.push([change.toIndex, change.added]);
      } else if (!ids.has(change.field)) continue;
      else if (change.kind === "reorder" || (change.kind === "partition" && change.move === "reorder")) {
        leaving.add(change.field);
        const moved = fields.find(({ id }) => id === change.field);
        if (moved !== undefined) coming.push([change.toIndex, this.#field(moved)]);
      } else if (change.kind === "partition" && change.move !== "rename") leaving.add(change.field);
    }
    const result = fields.filter(({ id }) => !leaving.has(id)).map((field) => this.#field(field));
    for (const [index, field] of coming.toSorted(([a], [b]) => a - b)) result.splice(index, 0, field);
    return result;
  }

  #field(field: Field): Field {
    let { name, nullable, type } = field;
    for (const change of this.#changes) {
      if (change.field !== field.id) continue;
      if (change.kind === "rename" || (change.kind === "partition" && change.move === "rename"))
        name = change.to;
      else if (change.kind === "nullability") nullable = change.nullable;
      else if (change.kind === "cast") type = { kind: "leaf", leaf: change.to };
    }
    return { ...field, name, nullable, type: this.#type(type, field.id) };
  }

  #type(type: FieldType, id: number): FieldType {
    switch (type.kind) {
      case "leaf":
        return type;
      case "struct":
        return { kind: "struct", fields: this.#place(type.fields, id, false, []) };
      case "list":
        return { kind: "list", element: this.#field(type.element) };
      case "map":
        return { kind: "map", key: this.#field(type.key), value: this.#field(type.value) };
    }
  }
}

describe("changes between any two versions of a history", () => {
  test("of a version to itself there are none", () => {
    fc.assert(
      fc.property(anyVersion, (version) => {
        expect(deriveChanges(version, version)).toStrictEqual([]);
      }),
    );
  });

  test("carried out on the old version, they give the structure of the new one", () => {
    fc.assert(
      fc.property(anyPair, ([from, to]) => {
        expect(new Apply(deriveChanges(from, to)).version(from)).toStrictEqual(structureOf(to));
      }),
      { numRuns: 500 },
    );
  });

  test("hold backwards too: a downgrade is a migration like any other", () => {
    fc.assert(
      fc.property(anyPair, ([from, to]) => {
        const { changes } = compareVersions(to, from);
        expect(new Apply(changes).version(to)).toStrictEqual(structureOf(from));
      }),
      { numRuns: 500 },
    );
  });

  test("name a field once per kind, and can be told to people", () => {
    fc.assert(
      fc.property(anyPair, ([from, to]) => {
        const described = deriveChanges(from, to).map(describeChange);
        const keys = described.map(({ kind, field, path, detail }) => `${kind} ${field} ${path} ${detail}`);
        expect(new Set(keys).size).toBe(keys.length);
        for (const { path, detail } of described) expect(path.length * detail.length).toBeGreaterThan(0);
      }),
    );
  });
});

describe("any version", () => {
  test("survives its canonical content and its YAML, fingerprint included", () => {
    fc.assert(
      fc.property(anyPair, ([, version]) => {
        const content: unknown = JSON.parse(JSON.stringify(canonicalContent(version)));
        expect(schemaVersionFromContent(content)).toStrictEqual(version);
        expect(parseSchemaVersion(formatSchemaVersion(version), "2.yaml")).toStrictEqual(version);
      }),
    );
  });

  test("changes its fingerprint when two fields swap places", () => {
    fc.assert(
      fc.property(anyVersion, (version) => {
        const text = formatSchemaVersion({ ...version, fields: version.fields.toReversed() });
        const same = Array.from(walkFields(version.fields)).length === 1;
        const swapped = parseSchemaVersion(text, "1.yaml").fingerprint;
        expect(swapped === version.fingerprint).toBe(same);
      }),
    );
  });
});
