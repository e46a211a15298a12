import { castability, castLossWords } from "../cast/castability.ts";
import type { CastSpec, Stored } from "../cast/cast.ts";
import { parseScalar } from "../cast/parse-scalar.ts";
import { ColonnadeError } from "../base/errors.ts";
import { formatLeafType, type LeafColumn, type LeafType } from "../parquet/leaf-type.ts";
import { SchemaElement } from "../parquet/spec.ts";
import { annotate } from "../parquet/footer/schema-element.ts";
import { physicalTypes, type Storage, storageOf } from "../parquet/footer/storage.ts";
import type { ThriftStruct } from "../parquet/thrift/thrift.ts";
import type { Values } from "../parquet/values/values.ts";
import { type CastPolicy, defaultCastPolicy, type Field } from "../schema/schema-version.ts";
import type { ConstantValue, LeafAction, Rewrite } from "./leaf-action.ts";

export interface LeafQuestion {
  readonly field: Field;
  readonly leaf: LeafType;
  /** The field in the old version. */
  readonly before: Field | undefined;
  readonly oldName: string | undefined;
  readonly column: LeafColumn;
  /** Leaf index in the source. */
  readonly source: number;
  readonly levels: Int16Array | undefined;
  /** In the output. */
  readonly path: readonly string[];
}

export interface LeafDecision {
  readonly action: LeafAction;
  readonly reason: string;
  readonly storage: Storage;
  /** Gives the carried schema element its new type. */
  readonly write: (element: ThriftStruct) => void;
}

/** The cheapest action that makes a source leaf into the field of the new version. */
export function decideLeaf(question: LeafQuestion): LeafDecision {
  const { field, leaf, column, source, levels } = question;
  const kept: Storage = storageFrom(column);
  const from: Stored = { type: column.type, ...kept };
  const verdict = castability(from, { type: leaf, ...kept }, field.cast);
  const rewrite = (cast?: CastSpec): Rewrite => ({
    ...(cast === undefined ? {} : { cast }),
    ...(levels === undefined ? {} : { levels }),
    ...policyOf(field, leaf, cast === undefined ? kept : storageOf(leaf)),
  });
  const renamed = renameWords(question);
  const types = `${formatLeafType(column.type)}→${formatLeafType(leaf)}`;
  const keep = (action: LeafAction, reason: string): LeafDecision => ({
    action,
    reason,
    storage: kept,
    write: (element) => void annotate(element, leaf),
  });

  switch (verdict.kind) {
    case "same":
    case "relabel": {
      const check = verdict.kind === "relabel" && verdict.check !== undefined;
      if (levels !== undefined && !check) {
        return keep(
          { action: "relevel", source, rewrite: rewrite() },
          `${renamed}${nullabilityWords(field)}`,
        );
      }
      if (verdict.kind === "same")
        return keep({ action: "copy", source }, renamed === "" ? "unchanged" : renamed.slice(0, -2));
      if (!check) return keep({ action: "relabel", source }, `${renamed}${types}, same bytes`);
      const spec = castSpec(from, { type: leaf, ...kept }, field.cast);
      if (levels !== undefined) {
        return keep({ action: "transcode", source, rewrite: rewrite(spec) }, `${renamed}${types}, checked`);
      }
      return keep(
        { action: "relabel", source, check: rewrite(spec) },
        `${renamed}${types}, same bytes if valid UTF-8`,
      );
    }
    case "cast":
    case "none": {
      const storage = storageOf(leaf);
      const to: Stored = { type: leaf, ...storage };
      const written = castability(from, to, field.cast);
      if (written.kind === "none") {
        throw new ColonnadeError("invalid", "CAST_UNSUPPORTED", `field cannot be cast: ${written.reason}`, {
          field: question.path.join("."),
          from: formatLeafType(column.type),
          to: formatLeafType(leaf),
        });
      }
      return {
        action: { action: "transcode", source, rewrite: rewrite(castSpec(from, to, field.cast)) },
        reason: `${renamed}${types}, ${castLossWords(from, to, field.cast)}`,
        storage,
        write: (element) => {
          element.setI32(SchemaElement.type, physicalTypes.indexOf(storage.physicalType));
          element.setI32(SchemaElement.type_length, storage.typeLength);
          // The old annotations are of another physical type: beside the new one they would be malformed.
          element
            .setStruct(SchemaElement.logicalType, undefined)
            .setI32(SchemaElement.converted_type, undefined);
          element.setI32(SchemaElement.scale, undefined).setI32(SchemaElement.precision, undefined);
          annotate(element, leaf);
        },
      };
    }
  }
}

/** Whether the cast of a leaf may put nulls where values were, as its policy allows. */
export function mayBecomeNull(field: Field, column: LeafColumn): boolean {
  const { onInvalid } = field.cast ?? defaultCastPolicy;
  if (field.type.kind !== "leaf" || !field.nullable) return false;
  if (onInvalid !== "null" && (onInvalid !== "default" || (field.default ?? null) !== null)) return false;
  const { leaf } = field.type;
  const kept = storageFrom(column);
  const from: Stored = { type: column.type, ...kept };
  const inPlace = castability(from, { type: leaf, ...kept }, field.cast);
  const isWritten = inPlace.kind === "cast" || inPlace.kind === "none";
  const verdict = isWritten ? castability(from, { type: leaf, ...storageOf(leaf) }, field.cast) : inPlace;
  return verdict.kind === "cast"
    ? verdict.loss !== "never"
    : verdict.kind === "relabel" && "check" in verdict;
}

function storageFrom(column: LeafColumn): Storage {
  const { physicalType, typeLength } = column;
  return typeLength === undefined ? { physicalType } : { physicalType, typeLength };
}

export function castSpec(from: Stored, to: Stored, policy: CastPolicy = defaultCastPolicy): CastSpec {
  const { rounding, format, timezone } = policy;
  return {
    from,
    to,
    rounding,
    ...(format === undefined ? {} : { format }),
    ...(timezone === undefined ? {} : { timezone }),
  };
}

function policyOf(
  field: Field,
  leaf: LeafType,
  storage: Storage,
): Pick<Rewrite, "onInvalid" | "replacement"> {
  const { onInvalid } = field.cast ?? defaultCastPolicy;
  if (onInvalid !== "default") return { onInvalid };
  const replacement = scalar(field, leaf, storage);
  if (replacement === null) return { onInvalid: "null" };
  return { onInvalid, replacement };
}

function scalar(field: Field, leaf: LeafType, storage: Storage): Values | null {
  if (field.default === undefined || field.default === null) return null;
  const parsed = parseScalar(field.default, { type: leaf, ...storage });
  if (!("error" in parsed)) return parsed;
  throw new ColonnadeError(
    "invalid",
    "DEFAULT_INVALID",
    `field's default does not fit its type: ${parsed.error}`,
    {
      field: field.name,
      type: formatLeafType(leaf),
    },
  );
}

/**
 * The value of every row of an added leaf. `ownLevels` is the definition level that the leaf itself adds when
 * there is a value.
 */
export function constantOf(
  field: Field,
  present: boolean,
): { readonly value: ConstantValue; readonly reason: string; readonly ownLevels: number } {
  const ownLevels = field.nullable ? 1 : 0;
  if (field.type.kind !== "leaf" || !present) {
    return { value: { kind: "default", value: null }, reason: "added, null", ownLevels };
  }
  const value = scalar(field, field.type.leaf, storageOf(field.type.leaf));
  const words = value === null ? "added, null" : `added, default ${JSON.stringify(field.default)}`;
  return { value: { kind: "default", value }, reason: words, ownLevels };
}

function renameWords({ oldName, path, before, field }: LeafQuestion): string {
  return before === undefined || before.name === field.name || path.at(-1) !== field.name
    ? ""
    : `renamed from ${oldName ?? before.name}; `;
}

function nullabilityWords(field: Field): string {
  return field.nullable ? "becomes nullable" : "becomes not null";
}
