import type { SourceObjectReader } from "../chunks/output-piece.ts";
import { castValues } from "../../cast/cast-values.ts";
import type { Stored } from "../../cast/cast.ts";
import { formatValue } from "../../cast/format-value.ts";
import { parseScalar } from "../../cast/parse-scalar.ts";
import { ColonnadeError } from "../../base/errors.ts";
import type { PartitionedKey, PartitionValue } from "../../dataset/partition.ts";
import { formatLeafType, sameLeafType, type LeafType } from "../../parquet/leaf-type.ts";
import { readColumnChunk } from "../../parquet/chunks/read-chunk.ts";
import { storageOf } from "../../parquet/footer/storage.ts";
import { type Values, valueCount } from "../../parquet/values/values.ts";
import { chunkByteRange } from "../../parquet/footer/chunk-range.ts";
import { castSpec } from "../../plan/decide-leaf.ts";
import type { OutputLeaf } from "../../plan/output-schema.ts";
import { defaultCastPolicy, type Field, type SchemaVersion } from "../../schema/schema-version.ts";
import { fieldsById, partitionFields } from "../../schema/walk-fields.ts";
import type { RecognisedSchema } from "../survey/recognise.ts";
import { readStretch, singleRunBytes } from "../chunks/page-runs.ts";
import { reasonWords } from "../../dataset/quarantine-columns.ts";

/** Fields whose one value, of the path or for it, has no equivalent and was resolved by their policy. */
export interface PathFindings {
  /** Null or the default stands in. */
  readonly replaced: Set<string>;
  /** Fields that put all rows of the object into quarantine, with the reason. */
  readonly aside: Map<string, string>;
}

/**
 * The partition that an output object belongs to: values from the source's path, cast where the field's type changed, or
 * from a column that becomes a partition field, which must then hold one value in the whole object.
 */
export async function outputPartition(
  reader: SourceObjectReader,
  recognised: RecognisedSchema,
  partition: PartitionedKey,
  to: SchemaVersion,
  findings: PathFindings,
): Promise<PartitionValue[]> {
  const { from } = recognised;
  const old = fieldsById(from);
  const values: PartitionValue[] = [];
  const cast = (text: string | null, before: Field, field: Field): string | null =>
    castText(text, before, field, findings);
  for (const field of partitionFields(to)) {
    const before = old.get(field.id)?.field;
    if (before !== undefined && from.partitionBy.includes(field.id)) {
      const text = partition.values.find(({ name }) => name === before.name)?.value ?? null;
      values.push({ name: field.name, value: cast(text, before, field) });
    } else if (before === undefined) {
      values.push({ name: field.name, value: defaultText(field) });
    } else {
      const text = await onlyValue(reader, recognised, before);
      // An object without rows belongs into any partition: the default's is as good as another, and better than none.
      const value =
        text === undefined ? (defaultText(field) ?? cast(null, before, field)) : cast(text, before, field);
      values.push({ name: field.name, value });
    }
  }
  return values;
}

/** The constant of a leaf whose values were in the path until now. */
export function partitionConstant(
  { from, pair }: RecognisedSchema,
  partition: PartitionedKey,
  findings: PathFindings,
): (field: number, leaf: OutputLeaf) => Values | null {
  const old = fieldsById(from);
  const now = fieldsById(pair.to);
  return (field, leaf) => {
    const before = old.get(field)?.field;
    const text = partition.values.find(({ name }) => name === before?.name)?.value ?? null;
    if (text === null || before === undefined) {
      if (leaf.column.maxDefinitionLevel > 0) return null;
      throw partitionInvalid(leaf.column.path.join("."), "null", leaf.column.type);
    }
    const { physicalType, typeLength, type } = leaf.column;
    const stored: Stored = { type, physicalType, ...(typeLength === undefined ? {} : { typeLength }) };
    const wanted = now.get(field)?.field;
    const cast = castScalar(text, before, stored, wanted?.cast);
    if (cast.kind === "value") return cast.value;
    const column = leaf.column.path.join(".");
    const answer =
      wanted === undefined ? undefined : resolveInvalid(column, before, wanted, stored, findings);
    if (answer === undefined) throw cast.error;
    return answer;
  };
}

/** What a field's policy puts in the place of a value without an equivalent; undefined where it has no answer. */
function resolveInvalid(
  column: string,
  before: Field,
  field: Field,
  stored: Stored,
  { replaced, aside }: PathFindings,
): Values | null | undefined {
  const { onInvalid } = field.cast ?? defaultCastPolicy;
  if (onInvalid === "fail") return undefined;
  if (onInvalid === "quarantine") {
    aside.set(column, reasonWords(column, leafOf(before), stored.type));
    return null;
  }
  let answer: Values | null = null;
  if (onInvalid === "default" && field.default !== undefined && field.default !== null) {
    const parsed = parseScalar(field.default, stored);
    if ("error" in parsed) return undefined;
    answer = parsed;
  }
  if (answer === null && !field.nullable) return undefined;
  replaced.add(column);
  return answer;
}

/** The default of a partition field that is new, as a path spells it. */
function defaultText(field: Field): string | null {
  if (field.default === undefined || field.default === null) return null;
  const type = leafOf(field);
  const stored: Stored = { type, ...storageOf(type) };
  const parsed = parseScalar(field.default, stored);
  if ("error" in parsed) throw partitionInvalid(field.name, JSON.stringify(field.default), type);
  return formatValue(parsed, 0, stored, Infinity);
}

function castText(text: string | null, before: Field, field: Field, findings: PathFindings): string | null {
  const to = leafOf(field);
  if (text === null) {
    if (!field.nullable) throw partitionInvalid(field.name, "null", to);
    return null;
  }
  if (sameLeafType(leafOf(before), to)) return text;
  const stored: Stored = { type: to, ...storageOf(to) };
  const cast = castScalar(text, before, stored, field.cast);
  if (cast.kind === "value") return formatValue(cast.value, 0, stored, Infinity);
  const answer = resolveInvalid(field.name, before, field, stored, findings);
  if (answer === undefined) throw cast.error;
  return answer === null ? null : formatValue(answer, 0, stored, Infinity);
}

type ScalarCast =
  | { readonly kind: "value"; readonly value: Values }
  | { readonly kind: "invalid"; readonly error: ColonnadeError };

/** Reads the text as a value of the old type and casts that: `007` as an integer is `7`, as it would be in a column. */
function castScalar(text: string, before: Field, to: Stored, policy = defaultCastPolicy): ScalarCast {
  const { name } = before;
  const from = leafOf(before);
  const stored: Stored = { type: from, ...storageOf(from) };
  const parsed = parseScalar(text, stored);
  if ("error" in parsed) return { kind: "invalid", error: partitionInvalid(name, text, from) };
  if (sameLeafType(from, to.type)) return { kind: "value", value: parsed };
  const { values, invalid } = castValues(parsed, castSpec(stored, to, policy));
  if (invalid.length > 0) return { kind: "invalid", error: partitionInvalid(name, text, to.type) };
  return { kind: "value", value: values };
}

/** The one value of a column in an object, as a path spells it; undefined in an object without rows. */
async function onlyValue(
  reader: SourceObjectReader,
  { pair }: RecognisedSchema,
  before: Field,
): Promise<string | null | undefined> {
  const node = pair.nodes.get(before.id);
  if (node?.kind !== "leaf") {
    throw new ColonnadeError(
      "invalid",
      "PARTITION_FIELD_INVALID",
      "only a stored leaf can become a partition field",
      {
        field: before.name,
      },
    );
  }
  const found = new Set<string | null>();
  for (const [rowGroup, { rows }] of reader.footer.rowGroups.entries()) {
    if (rows === 0) continue;
    const facts = reader.footer.chunkFacts(rowGroup, node.leafIndex);
    const range = chunkByteRange(facts, reader.object.bytes);
    const { bytes, releases } = await readStretch(reader, range, [singleRunBytes(reader, facts)]);
    try {
      const { values, entries } = readColumnChunk(bytes, node.column, facts, reader.limits);
      if (valueCount(values) < entries) found.add(null);
      for (const text of distinctTexts(values, node.column)) found.add(text);
    } finally {
      for (const release of releases) release();
    }
    if (found.size > 1) break;
  }
  const [text, second] = found;
  if (second !== undefined) {
    throw new ColonnadeError(
      "data",
      "PARTITION_NOT_CONSTANT",
      "column becomes a partition field, but holds more than one value in this object",
      { column: before.name, values: [text, second] },
    );
  }
  return text;
}

/** Up to two different values: more makes no difference. */
function distinctTexts(values: Values, stored: Stored): string[] {
  const count = valueCount(values);
  if (count === 0) return [];
  const first = formatValue(values, 0, stored, Infinity);
  for (let i = 1; i < count; i += 1) {
    const text = formatValue(values, i, stored, Infinity);
    if (text !== first) return [first, text];
  }
  return [first];
}

function leafOf(field: Field): LeafType {
  if (field.type.kind === "leaf") return field.type.leaf;
  throw new ColonnadeError("invalid", "PARTITION_FIELD_INVALID", "partition field is not a leaf", {
    field: field.name,
  });
}

function partitionInvalid(name: string, value: string, type: LeafType): ColonnadeError {
  return new ColonnadeError(
    "data",
    "PARTITION_VALUE_INVALID",
    "partition value has no equivalent in its type",
    {
      partition: name,
      value,
      type: formatLeafType(type),
    },
  );
}
