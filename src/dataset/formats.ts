import { z } from "zod";

/**
 * The formats that other programs read: pointers, manifests, lines of file lists. JSON Schemas are generated from
 * these definitions into `schemas/formats/`, and docs/FORMATS.md explains them.
 *
 * A reader must ignore members it does not know, and must refuse a `format` it does not know.
 */
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const crc32 = z.string().regex(/^[0-9a-f]{8}$/);
const count = z.number().int().nonnegative();
const instant = z.iso.datetime();

export const pointerFormat = "colonnade/pointer/1";
export const manifestFormat = "colonnade/manifest/1";
export const claimFormat = "colonnade/claim/1";

const objectReference = z.object({
  key: z.string().describe("Key relative to the destination."),
  sha256,
  bytes: count,
});

const schemaReference = z.object({
  version: z.number().int().positive(),
  fingerprint: sha256.describe("SHA-256 of the schema version's canonical content."),
});

const modelReference = z.object({ uri: z.string(), version: z.string() });

export const pointerSchema = z.looseObject({
  format: z.literal(pointerFormat),
  dataset: z.string(),
  channel: z.string(),
  generation: z
    .number()
    .int()
    .positive()
    .describe("Grows with every commit to the channel, rollbacks included; never used twice."),
  writeId: z.string().describe("Unique to the attempt that wrote this pointer: how a lost reply is settled."),
  version: z.number().int().positive().describe("The version this channel serves."),
  manifest: objectReference,
  schema: schemaReference,
  model: modelReference.optional(),
  previous: z
    .object({ generation: z.number().int().positive(), version: z.number().int().positive() })
    .nullable()
    .describe("What the channel served before, or null for the first commit."),
  reason: z.string().describe("apply, rollback, … and what for, for people."),
  publishedAt: instant,
});
export type Pointer = z.infer<typeof pointerSchema>;

export const fileLineSchema = z.looseObject({
  key: z.string().describe("Key of the data object, relative to the destination."),
  partition: z
    .record(z.string(), z.string().nullable())
    .describe("Partition values as in the path, unescaped."),
  rows: count,
  bytes: count,
  crc32: crc32.describe("CRC-32 of the whole object."),
  etag: z.string(),
  source: z.object({
    key: z.string(),
    etag: z.string(),
    bytes: count,
    rows: count,
    schemaVersion: z.number().int().positive(),
  }),
  task: z.string().describe("Hash of everything the object's bytes depend on."),
  columns: z
    .record(
      z.string(),
      z.enum(["copy", "relabel", "constant", "relevel", "recodeDictionary", "transcode", "alias"]),
    )
    .describe("Action by output leaf, dotted path."),
  bytesCopied: count,
  bytesRewritten: count,
  invalid: z
    .record(z.string(), count)
    .describe("Values the cast had no equivalent for, by output leaf, resolved by the field's policy."),
  quarantine: z
    .object({ key: z.string(), rows: count, bytes: count, crc32 })
    .nullable()
    .describe("Rows kept out of the version, in full, beside their reasons."),
});
export type FileLine = z.infer<typeof fileLineSchema>;

export const claimSchema = z.looseObject({
  format: z.literal(claimFormat),
  version: z.number().int().positive(),
  writeId: z.string().describe("That of the manifest which will be written under this number."),
  run: z.string(),
  epoch: count
    .optional()
    .describe("Lowest epoch of the objects that the run made (see gc); 0 when it is absent."),
  claimedAt: instant,
});
export type Claim = z.infer<typeof claimSchema>;

export const changeSchema = z.looseObject({
  kind: z.enum(["rename", "cast", "add", "drop", "reorder", "nullability", "partition", "alias"]),
  field: z.number().int(),
  path: z.string().describe("Dotted path in the new version (in the old one for a drop)."),
  detail: z.string().describe("For people: 'delay → delay_minutes', 'int64 → float32'."),
});
export type ManifestChange = z.infer<typeof changeSchema>;

export const totalsSchema = z.object({
  objects: count,
  rowsIn: count,
  rows: count,
  rowsQuarantined: count,
  bytes: count,
  bytesCopied: count,
  bytesRewritten: count,
  invalid: z.record(z.string(), count),
});
export type Totals = z.infer<typeof totalsSchema>;

export const partSchema = objectReference.extend({ lines: count });
export type Part = z.infer<typeof partSchema>;

export const manifestSchema = z.looseObject({
  format: z.literal(manifestFormat),
  dataset: z.string(),
  version: z.number().int().positive(),
  job: z.string(),
  run: z.string(),
  writeId: z.string().describe("That of the claim; pointers have their own."),
  base: z.number().int().positive().nullable().describe("The version this one was made beside, or null."),
  epoch: count
    .optional()
    .describe("Lowest epoch of the objects that the run made (see gc); 0 when it is absent."),
  schema: schemaReference.extend({
    content: z
      .unknown()
      .describe("The schema version in full, canonical, so that a version explains itself."),
  }),
  from: z.array(z.number().int().positive()).describe("Schema versions that the sources had."),
  changes: z.array(changeSchema),
  source: z.object({ uri: z.string() }),
  totals: totalsSchema,
  checks: z.array(z.object({ name: z.string(), passed: z.boolean(), detail: z.string() })),
  warnings: z.array(z.string()),
  parts: z.array(partSchema).describe("File lists, in order: gzip, one JSON line an object."),
  createdAt: instant,
});
export type Manifest = z.infer<typeof manifestSchema>;
