import { z } from "zod";
import { formatLeafType } from "../parquet/leaf-type.ts";
import { defaultCastPolicy } from "./schema-version.ts";
import type { CastPolicy, Field, OnInvalid, Rounding, SchemaVersion } from "./schema-version.ts";

/**
 * The YAML form of a schema version, as people write it. Ranges and spelling are checked here; what holds between
 * fields (unique ids, aliases that exist, …) in `parse-schema-version.ts`.
 */
export interface FieldFile {
  readonly id: number;
  readonly name?: string | undefined;
  readonly type: string;
  readonly nullable?: boolean | undefined;
  readonly default?: ScalarFile | undefined;
  readonly cast?: z.infer<typeof castFileSchema> | undefined;
  readonly description?: string | undefined;
  readonly fields?: readonly FieldFile[] | undefined;
  readonly element?: FieldFile | undefined;
  readonly key?: FieldFile | undefined;
  readonly value?: FieldFile | undefined;
}

export type ScalarFile = null | boolean | number | string;

const onInvalid: readonly [OnInvalid, ...OnInvalid[]] = ["fail", "null", "default", "quarantine"];
const rounding: readonly [Rounding, ...Rounding[]] = [
  "error",
  "truncate",
  "floor",
  "ceil",
  "half-even",
  "half-up",
];

const id = z.int().min(1).max(2_147_483_647).describe("Stable id: the same meaning in every version.");

const castFileSchema = z.strictObject({
  onInvalid: z
    .literal([...onInvalid, null])
    .optional()
    .describe(
      "What happens to a value without an equivalent in the new type: fail the object (the default), null, the field's default, or quarantine its row.",
    ),
  rounding: z
    .literal([...rounding])
    .optional()
    .describe("How digits are dropped; `error` (the default) makes a value that would change invalid."),
  format: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe("strptime-style format of dates and times in strings; ISO 8601 when absent."),
  timezone: z
    .string()
    .min(1)
    .max(100)
    .optional()
    .describe("IANA zone that local timestamps are in, or that zoned ones become local in; UTC when absent."),
});

const scalar = z.union([z.null(), z.boolean(), z.number(), z.string()]);

function partShape() {
  return {
    id,
    type: z
      .string()
      .min(1)
      .max(200)
      .describe(
        "As Arrow spells it: int64, float32, string, decimal128(18, 4), timestamp[us, tz=UTC], …; or struct, list, map.",
      ),
    nullable: z.boolean().optional().describe("true when absent; a map's key is never null."),
    default: scalar
      .optional()
      .describe(
        "The value of rows written before the field was there, and of casts under `onInvalid: default`.",
      ),
    cast: castFileSchema.optional().describe("How values of an earlier type become this one."),
    description: z.string().max(10_000).optional(),
    fields: z
      .lazy(() => z.array(fieldFileSchema))
      .optional()
      .describe("Members of a struct."),
    element: z
      .lazy(() => partFileSchema)
      .optional()
      .describe("Elements of a list."),
    key: z
      .lazy(() => partFileSchema)
      .optional()
      .describe("Keys of a map."),
    value: z
      .lazy(() => partFileSchema)
      .optional()
      .describe("Values of a map."),
  };
}

/** A part of a list or map: a field whose name is implied. */
const partFileSchema: z.ZodType<FieldFile> = z.strictObject(partShape()).meta({ id: "part" });

const fieldFileSchema: z.ZodType<FieldFile> = z
  .strictObject({
    name: z.string().describe("Name of the column, or of the struct's member."),
    ...partShape(),
  })
  .meta({ id: "field" });

const fieldReference = z
  .union([id, z.string()])
  .describe("A field's id, or its name when it is at the top level.");

const bound = z.union([z.number(), z.string()]);

export const schemaVersionFileSchema = z.strictObject({
  dataset: z.string().describe("Name of the dataset; the same in all its versions."),
  version: z.int().min(1).max(1_000_000).describe("1, 2, 3, … without gaps."),
  description: z.string().max(10_000).optional(),
  fields: z.array(fieldFileSchema).min(1).describe("In the order of the output's columns."),
  partitionBy: z
    .array(fieldReference)
    .optional()
    .describe("Fields that live in the path (day=2026-01-01/), outermost first."),
  aliases: z
    .array(
      z.strictObject({
        name: z.string().describe("The second name."),
        field: fieldReference,
        until: z.iso
          .date()
          .optional()
          .describe("Last day (UTC) on which a new version still carries it; absent: until removed."),
      }),
    )
    .optional()
    .describe("Second names of unchanged fields, for a grace period; they cost no bytes."),
  constraints: z
    .array(
      z.strictObject({
        field: fieldReference,
        min: bound.optional().describe("Smallest value allowed; dates and times as ISO 8601."),
        max: bound.optional().describe("Largest value allowed."),
        notNull: z.boolean().optional(),
      }),
    )
    .optional()
    .describe("What validation checks in the output."),
});

export type SchemaVersionFile = z.infer<typeof schemaVersionFileSchema>;

/**
 * A version in the members of its YAML file, without those that are at their default. `forPeople` keeps
 * descriptions and names the partition fields; without it they are left out and fields are named by id.
 */
export function toSchemaVersionFile(
  version: Omit<SchemaVersion, "fingerprint">,
  forPeople: boolean,
): SchemaVersionFile {
  const describe = (description: string | undefined): object =>
    forPeople && description !== undefined ? { description } : {};
  const field = (
    { id, name, nullable, type, cast, ...rest }: Field,
    named: boolean,
    key: boolean,
  ): FieldFile => ({
    id,
    ...(named ? { name } : {}),
    type: type.kind === "leaf" ? formatLeafType(type.leaf) : type.kind,
    ...(nullable || key ? {} : { nullable }),
    ...(rest.default === undefined ? {} : { default: rest.default as ScalarFile }),
    ...(cast === undefined ? {} : castFile(cast)),
    ...describe(rest.description),
    ...(type.kind === "struct" ? { fields: type.fields.map((member) => field(member, true, false)) } : {}),
    ...(type.kind === "list" ? { element: field(type.element, false, false) } : {}),
    ...(type.kind === "map"
      ? { key: field(type.key, false, true), value: field(type.value, false, false) }
      : {}),
  });
  const nameOf = (id: number): number | string =>
    (forPeople ? version.fields.find((candidate) => candidate.id === id)?.name : undefined) ?? id;
  return {
    dataset: version.dataset,
    version: version.version,
    ...describe(version.description),
    fields: version.fields.map((member) => field(member, true, false)),
    ...(version.partitionBy.length === 0 ? {} : { partitionBy: version.partitionBy.map(nameOf) }),
    ...(version.aliases.length === 0 ? {} : { aliases: version.aliases.map((alias) => ({ ...alias })) }),
    ...(version.constraints.length === 0
      ? {}
      : { constraints: version.constraints.map((constraint) => ({ ...constraint })) }),
  };
}

/** Only what differs from the default policy; nothing when nothing does. */
function castFile(policy: CastPolicy): { cast?: NonNullable<FieldFile["cast"]> } {
  const cast = {
    ...(policy.onInvalid === defaultCastPolicy.onInvalid ? {} : { onInvalid: policy.onInvalid }),
    ...(policy.rounding === defaultCastPolicy.rounding ? {} : { rounding: policy.rounding }),
    ...(policy.format === undefined ? {} : { format: policy.format }),
    ...(policy.timezone === undefined ? {} : { timezone: policy.timezone }),
  };
  return Object.keys(cast).length === 0 ? {} : { cast };
}
