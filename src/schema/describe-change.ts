import { unreachable } from "../base/errors.ts";
import { formatLeafType } from "../parquet/leaf-type.ts";
import type { Change } from "./changes.ts";
import type { Field } from "./schema-version.ts";

/** A change as manifests and people have it; the members of `changeSchema` in `dataset/formats.ts`. */
export interface DescribedChange {
  readonly kind: Change["kind"];
  readonly field: number;
  /** Dotted path in the new version, in the old one for a drop. */
  readonly path: string;
  /** For people: `delay → delay_minutes`. */
  readonly detail: string;
}

export function describeChange(change: Change): DescribedChange {
  const path = (change.kind === "drop" ? change.oldPath : change.path).join(".");
  return { kind: change.kind, field: change.field, path, detail: detailOf(change) };
}

function detailOf(change: Change): string {
  switch (change.kind) {
    case "rename":
      return `${change.from} → ${change.to}`;
    case "cast":
      return `${formatLeafType(change.from)} → ${formatLeafType(change.to)}`;
    case "nullability":
      return change.nullable ? "not null → nullable" : "nullable → not null";
    case "reorder":
      return `position ${change.fromIndex + 1} → ${change.toIndex + 1}`;
    case "add":
      return `${formatType(change.added)}, ${defaultOf(change.added)}${change.inPath ? ", in the path" : ""}`;
    case "drop":
      return formatType(change.dropped);
    case "partition":
      switch (change.move) {
        case "rename":
          return `path ${change.from}= → ${change.to}=`;
        case "reorder":
          return `path level ${change.fromIndex + 1} → ${change.toIndex + 1}`;
        case "toStored":
          return "path → column";
        case "toPartition":
          return "column → path";
        default:
          return unreachable(change);
      }
    case "alias": {
      const until = change.alias.until === undefined ? "" : ` until ${change.alias.until}`;
      if (change.action === "remove") return `no longer also readable as ${change.name}`;
      return `also readable as ${change.name}${until}`;
    }
    default:
      return unreachable(change);
  }
}

function defaultOf(field: Field): string {
  return field.default === undefined || field.default === null
    ? "null in rows before it"
    : `${JSON.stringify(field.default)} in rows before it`;
}

/** A field's type in one line: `list<struct<x: int32, y: int32>>`. */
export function formatType({ type }: Pick<Field, "type">): string {
  switch (type.kind) {
    case "leaf":
      return formatLeafType(type.leaf);
    case "struct":
      return `struct<${type.fields.map((field) => `${field.name}: ${formatType(field)}`).join(", ")}>`;
    case "list":
      return `list<${formatType(type.element)}>`;
    case "map":
      return `map<${formatType(type.key)}, ${formatType(type.value)}>`;
  }
}
