import type { Json } from "../base/canonical-json.ts";
import { didYouMean, nearest } from "../base/nearest.ts";
import { parseScalar } from "../cast/parse-scalar.ts";
import { parseLeafType } from "../parquet/leaf-type.ts";
import type { LeafType } from "../parquet/leaf-type.ts";
import { storageOf } from "../parquet/footer/storage.ts";
import type { YamlPath, YamlProblem } from "./parse-yaml.ts";
import type { FieldFile, SchemaVersionFile } from "./schema-version-file.ts";
import { defaultCastPolicy } from "./schema-version.ts";
import type { Alias, CastPolicy, Constraint, Field, FieldType, SchemaVersion } from "./schema-version.ts";

export interface BuiltVersion {
  /** To be used only when there are no problems. */
  readonly version: Omit<SchemaVersion, "fingerprint">;
  readonly problems: readonly YamlProblem[];
}

/** The version that a file of the right shape describes, and everything in it that does not fit together. */
export function buildSchemaVersion(file: SchemaVersionFile): BuiltVersion {
  return new Builder().build(file);
}

type Part = "field" | "element" | "key" | "value";

class Builder {
  readonly problems: YamlProblem[] = [];
  readonly #places = new Map<number, YamlPath>();
  readonly #fields = new Map<number, Field>();

  build(file: SchemaVersionFile): BuiltVersion {
    this.#checkName(file.dataset, ["dataset"], "dataset");
    const fields = this.#members(file.fields, ["fields"]);
    const topLevel = new Map(fields.map((field) => [field.name, field]));
    const partitionBy = this.#partitionBy(file, topLevel);
    if (fields.every((field) => partitionBy.includes(field.id))) {
      this.#problem(["partitionBy"], "every field is a partition field: an object needs at least one column");
    }
    const aliases = this.#aliases(file, topLevel, partitionBy);
    const constraints = this.#constraints(file, topLevel);
    const version = {
      dataset: file.dataset,
      version: file.version,
      ...(file.description === undefined ? {} : { description: file.description }),
      fields,
      partitionBy,
      aliases,
      constraints,
    };
    return { version, problems: this.problems };
  }

  #problem(path: YamlPath, message: string): void {
    this.problems.push({ path, message });
  }

  #members(files: readonly FieldFile[], path: YamlPath): Field[] {
    const seen = new Map<string, string>();
    return files.map((file, index) => {
      const name = file.name ?? "";
      this.#checkName(name, [...path, index, "name"], "name");
      // Spark and Hive fold case: two names that differ in nothing else are one name to them.
      const folded = name.toLowerCase();
      const earlier = seen.get(folded);
      if (earlier !== undefined) {
        const difference = earlier === name ? "appears twice" : `differs from "${earlier}" only in case`;
        this.#problem([...path, index, "name"], `name ${JSON.stringify(name)} ${difference}`);
      }
      seen.set(folded, name);
      return this.#field(file, name, [...path, index], "field");
    });
  }

  #checkName(name: string, path: YamlPath, what: string): void {
    if (name === "") this.#problem(path, `${what} is empty`);
    else if (/\p{Cc}/u.test(name)) this.#problem(path, `${what} has a control character`);
    else if (!name.isWellFormed()) this.#problem(path, `${what} is not valid Unicode`);
    else if (name.length > 1024) this.#problem(path, `${what} is longer than 1024 characters`);
  }

  #field(file: FieldFile, name: string, path: YamlPath, part: Part): Field {
    if (this.#places.has(file.id)) this.#problem([...path, "id"], `id ${file.id} appears twice`);
    this.#places.set(file.id, path);
    if (part === "key" && file.nullable === true) {
      this.#problem([...path, "nullable"], "a map's key cannot be nullable");
    }
    const nullable = part === "key" ? false : (file.nullable ?? true);
    const type = this.#type(file, path);
    if (file.default !== undefined) this.#checkDefault(file.default, type, nullable, path);
    const field: Field = {
      id: file.id,
      name,
      nullable,
      type,
      ...(file.default === undefined ? {} : { default: file.default }),
      ...this.#cast(file, type, nullable, path),
      ...(file.description === undefined ? {} : { description: file.description }),
    };
    this.#fields.set(field.id, field);
    return field;
  }

  #type(file: FieldFile, path: YamlPath): FieldType {
    const nothing: FieldType = { kind: "leaf", leaf: { kind: "null" } };
    const kind = file.type === "struct" || file.type === "list" || file.type === "map" ? file.type : "leaf";
    const parts: readonly string[] = {
      leaf: [],
      struct: ["fields"],
      list: ["element"],
      map: ["key", "value"],
    }[kind];
    for (const part of ["fields", "element", "key", "value"] as const) {
      const expected = parts.includes(part);
      if (expected && file[part] === undefined) {
        this.#problem([...path, "type"], `type ${kind} needs ${JSON.stringify(part)}`);
      } else if (!expected && file[part] !== undefined) {
        this.#problem(
          [...path, part],
          `${JSON.stringify(part)} does not belong to type ${JSON.stringify(file.type)}`,
        );
      }
    }
    const child = (part: "element" | "key" | "value"): Field | undefined => {
      const inner = file[part];
      return inner === undefined ? undefined : this.#field(inner, part, [...path, part], part);
    };
    switch (kind) {
      case "leaf": {
        const leaf = this.#leaf(file.type, [...path, "type"]);
        return leaf === undefined ? nothing : { kind, leaf };
      }
      case "struct": {
        if (file.fields?.length === 0)
          this.#problem([...path, "fields"], "a struct needs at least one field");
        return { kind, fields: this.#members(file.fields ?? [], [...path, "fields"]) };
      }
      case "list": {
        const element = child("element");
        return element === undefined ? nothing : { kind, element };
      }
      case "map": {
        const key = child("key");
        const value = child("value");
        return key === undefined || value === undefined ? nothing : { kind, key, value };
      }
    }
  }

  #leaf(text: string, path: YamlPath): LeafType | undefined {
    const type = parseLeafType(text);
    if (!("error" in type)) return type;
    const structure = nearest(text, ["struct", "list", "map"]);
    this.#problem(
      path,
      structure === undefined
        ? type.error
        : `unknown type ${JSON.stringify(text)}, did you mean "${structure}"?`,
    );
    return undefined;
  }

  #checkDefault(value: Json, type: FieldType, nullable: boolean, path: YamlPath): void {
    const at = [...path, "default"];
    if (value === null) {
      if (!nullable) this.#problem(at, "default is null, but the field is not nullable");
    } else if (type.kind !== "leaf") {
      this.#problem(at, `default of a ${type.kind} can only be null`);
    } else {
      const complaint = explainScalar(value, type.leaf);
      if (complaint !== undefined) this.#problem(at, `default ${complaint}`);
    }
  }

  #cast(file: FieldFile, type: FieldType, nullable: boolean, path: YamlPath): { cast?: CastPolicy } {
    const { cast } = file;
    if (cast === undefined) return {};
    const at = [...path, "cast"];
    if (type.kind !== "leaf")
      this.#problem(at, `cast does not belong to a ${type.kind}: only leaves are cast`);
    const onInvalid = cast.onInvalid === null ? "null" : (cast.onInvalid ?? defaultCastPolicy.onInvalid);
    if (onInvalid === "null" && !nullable) {
      this.#problem([...at, "onInvalid"], "onInvalid is null, but the field is not nullable");
    }
    if (onInvalid === "default" && file.default === undefined) {
      this.#problem([...at, "onInvalid"], "onInvalid is default, but the field has no default");
    }
    if (cast.timezone !== undefined && !isTimeZone(cast.timezone)) {
      this.#problem([...at, "timezone"], `timezone ${JSON.stringify(cast.timezone)} is not known`);
    }
    const policy: CastPolicy = {
      onInvalid,
      rounding: cast.rounding ?? defaultCastPolicy.rounding,
      ...(cast.format === undefined ? {} : { format: cast.format }),
      ...(cast.timezone === undefined ? {} : { timezone: cast.timezone }),
    };
    return { cast: policy };
  }

  /** The field that an id, or the name of a top-level field, stands for. */
  #resolve(
    reference: number | string,
    topLevel: ReadonlyMap<string, Field>,
    path: YamlPath,
  ): Field | undefined {
    const field = typeof reference === "number" ? this.#fields.get(reference) : topLevel.get(reference);
    if (field === undefined) {
      const hint = typeof reference === "string" ? didYouMean(reference, topLevel.keys()) : "";
      this.#problem(path, `field ${JSON.stringify(reference)} does not exist${hint}`);
    }
    return field;
  }

  #partitionBy(file: SchemaVersionFile, topLevel: ReadonlyMap<string, Field>): number[] {
    const ids: number[] = [];
    for (const [index, reference] of (file.partitionBy ?? []).entries()) {
      const path = ["partitionBy", index];
      const field = this.#resolve(reference, topLevel, path);
      if (field === undefined) continue;
      const what = JSON.stringify(field.name);
      if (topLevel.get(field.name) !== field || field.type.kind !== "leaf") {
        this.#problem(path, `partition field ${what} is not a leaf at the top level`);
      } else if (ids.includes(field.id)) this.#problem(path, `partition field ${what} appears twice`);
      else ids.push(field.id);
    }
    return ids;
  }

  #aliases(
    file: SchemaVersionFile,
    topLevel: ReadonlyMap<string, Field>,
    partitionBy: readonly number[],
  ): Alias[] {
    const taken = new Map(Array.from(topLevel.keys(), (name) => [name.toLowerCase(), name]));
    return (file.aliases ?? []).flatMap(({ name, field: reference, until }, index) => {
      const path = ["aliases", index];
      this.#checkName(name, [...path, "name"], "alias");
      const other = taken.get(name.toLowerCase());
      if (other !== undefined) {
        this.#problem(
          [...path, "name"],
          `alias ${JSON.stringify(name)} collides with ${JSON.stringify(other)}`,
        );
      }
      taken.set(name.toLowerCase(), name);
      const field = this.#resolve(reference, topLevel, [...path, "field"]);
      if (field === undefined) return [];
      if (topLevel.get(field.name) !== field || field.type.kind !== "leaf") {
        this.#problem([...path, "field"], `alias ${JSON.stringify(name)} needs a leaf at the top level`);
      } else if (partitionBy.includes(field.id)) {
        this.#problem(
          [...path, "field"],
          `alias ${JSON.stringify(name)} names a partition field, which has no column`,
        );
      }
      return [{ name, field: field.id, ...(until === undefined ? {} : { until }) }];
    });
  }

  #constraints(file: SchemaVersionFile, topLevel: ReadonlyMap<string, Field>): Constraint[] {
    return (file.constraints ?? []).flatMap(({ field: reference, min, max, notNull }, index) => {
      const path = ["constraints", index];
      const field = this.#resolve(reference, topLevel, [...path, "field"]);
      if (field === undefined) return [];
      if (min === undefined && max === undefined && notNull === undefined) {
        this.#problem(path, "constraint says nothing: give min, max or notNull");
      }
      for (const [key, bound] of [
        ["min", min],
        ["max", max],
      ] as const) {
        if (bound === undefined) continue;
        const complaint =
          field.type.kind === "leaf" && orderedKinds.has(field.type.leaf.kind)
            ? explainScalar(bound, field.type.leaf)
            : "needs a field whose values have an order";
        if (complaint !== undefined) this.#problem([...path, key], `${key} ${complaint}`);
      }
      if (typeof min === "number" && typeof max === "number" && min > max) {
        this.#problem([...path, "min"], "min is greater than max");
      }
      const constraint: Constraint = {
        field: field.id,
        ...(min === undefined ? {} : { min }),
        ...(max === undefined ? {} : { max }),
        ...(notNull === undefined ? {} : { notNull }),
      };
      return [constraint];
    });
  }
}

const orderedKinds = new Set<LeafType["kind"]>([
  "int",
  "float",
  "decimal",
  "string",
  "date",
  "time",
  "timestamp",
]);

/** Why a scalar of the file is no value of a leaf, as `"x" is not …`; undefined when it is one. */
function explainScalar(value: Json, type: LeafType): string | undefined {
  const parsed = parseScalar(value, { type, ...storageOf(type) });
  return "error" in parsed ? parsed.error : undefined;
}

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}
