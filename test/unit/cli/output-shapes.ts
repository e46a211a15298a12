import { z } from "zod";
import { fileLineSchema, changeSchema, totalsSchema } from "../../../src/dataset/formats.ts";
import type { ListedFile } from "../../../src/cli/commands/files.ts";
import type { WatchLine } from "../../../src/cli/commands/watch.ts";
import type { ApplySummary } from "../../../src/cli/view/apply.ts";
import type { DiffReport } from "../../../src/cli/view/diff.ts";
import type { HistoryReport } from "../../../src/cli/view/history.ts";
import type { RollbackReport } from "../../../src/cli/view/rollback.ts";
import type { SchemaCheckReport } from "../../../src/cli/view/schema-check.ts";
import type { SchemaDiffReport } from "../../../src/cli/view/schema-diff.ts";
import type { InferReport } from "../../../src/cli/view/schema-infer.ts";
import type { StatusReport } from "../../../src/cli/view/status.ts";
import type { Plan } from "../../../src/plan/plan.ts";
import type { VerifyReport } from "../../../src/validate/report.ts";

/**
 * What `--json` prints, strictly: a member that is not here, or not there, is a failure. Each shape is held against the type that
 * the command prints, so neither can move alone.
 */
const count = z.int().nonnegative();
const number = z.int().positive();
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const change = changeSchema.strict();
const previous = z.strictObject({ generation: number, version: number }).nullable();
const model = z.strictObject({ uri: z.string(), version: z.string() });
const details = z.record(z.string(), z.unknown());
const unreadable = z.strictObject({
  object: z.string(),
  kind: z.string(),
  code: z.string(),
  message: z.string(),
  details,
});

export const planShape = z.strictObject({
  format: z.literal("colonnade/plan/1"),
  job: z.string(),
  dataset: z.string(),
  channel: z.string(),
  source: z.string(),
  destination: z.string(),
  from: z.array(number),
  to: z.strictObject({ version: number, fingerprint: sha256 }),
  base: z.strictObject({ generation: number, version: number, schema: number }).nullable(),
  changes: z.array(change),
  columns: z.array(
    z.strictObject({
      path: z.string(),
      action: z.enum([
        "copy",
        "relabel",
        "constant",
        "borrowLevels",
        "relevel",
        "recodeDictionary",
        "transcode",
        "alias",
      ]),
      reason: z.string(),
      objects: number,
      bytes: count,
    }),
  ),
  objects: z.strictObject({
    todo: z.array(
      z.strictObject({
        source: z.strictObject({
          key: z.string(),
          etag: z.string(),
          bytes: count,
          partition: z.strictObject({
            values: z.array(z.strictObject({ name: z.string(), value: z.string().nullable() })),
            directory: z.string(),
            stem: z.string(),
          }),
        }),
        task: z.string().regex(/^[0-9a-f]{32,64}$/),
        from: number,
        rows: count,
        rowGroups: count,
        bytesCopied: count,
        bytesRewritten: count,
      }),
    ),
    finished: count,
    carried: count,
    vanished: z.array(z.string()),
    unreadable: z.array(unreadable),
  }),
  totals: z.strictObject({
    rows: count,
    sourceBytes: count,
    bytesCopied: count,
    bytesRewritten: count,
    bytesDropped: count,
  }),
  warnings: z.array(z.string()),
  upToDate: z.boolean(),
});

export const applyShape = z.strictObject({
  outcome: z.enum(["committed", "upToDate"]),
  dataset: z.string(),
  channel: z.string(),
  generation: number,
  version: number,
  schema: number,
  pointer: z.string(),
  changes: z.array(change),
  run: z.strictObject({
    objects: count,
    resumed: count,
    rows: count,
    bytesCopied: count,
    bytesRewritten: count,
    elapsedMs: count,
  }),
  totals: totalsSchema.strict(),
  warnings: z.array(z.string()),
});

export const statusShape = z.strictObject({
  job: z.string(),
  dataset: z.string(),
  destination: z.string(),
  channel: z.string(),
  channels: z.array(
    z.strictObject({
      channel: z.string(),
      generation: number,
      version: number,
      schema: number,
      fingerprint: sha256,
      objects: count,
      rows: count,
      bytes: count,
      reason: z.string(),
      publishedAt: z.iso.datetime(),
      model: model.optional(),
    }),
  ),
  target: z.strictObject({ schema: number, fingerprint: sha256, served: z.boolean() }),
  source: z
    .union([
      z.strictObject({
        state: z.literal("listed"),
        uri: z.string(),
        objects: count,
        bytes: count,
        added: count,
        changed: count,
        vanished: count,
        unchanged: count,
        invalid: count,
      }),
      z.strictObject({
        state: z.literal("unreachable"),
        uri: z.string(),
        error: z.strictObject({ kind: z.string(), code: z.string(), message: z.string() }),
      }),
    ])
    .nullable(),
  upToDate: z.boolean().nullable(),
});

export const historyShape = z.strictObject({
  destination: z.string(),
  channel: z.string(),
  more: z.boolean(),
  generations: z.array(
    z.union([
      z.strictObject({ kept: z.literal(false), generation: number, version: number }),
      z.strictObject({
        kept: z.literal(true),
        generation: number,
        version: number,
        schema: number,
        reason: z.string(),
        publishedAt: z.iso.datetime(),
        previous,
        model: model.optional(),
        totals: totalsSchema.strict().nullable(),
        changes: z.array(change),
        problem: z.strictObject({ code: z.string(), message: z.string() }).nullable(),
      }),
    ]),
  ),
});

const side = z.strictObject({
  version: number,
  schema: number,
  objects: count,
  rows: count,
  rowsQuarantined: count,
  bytes: count,
  createdAt: z.iso.datetime(),
});

export const diffShape = z.strictObject({
  from: side,
  to: side,
  changes: z.array(change),
  impossible: z.array(z.string()),
  objects: z.strictObject({ same: count, changed: count, added: count, removed: count }),
  sources: z.strictObject({
    added: z.array(z.string()),
    removed: z.array(z.string()),
    changed: z.array(z.string()),
  }),
  bytesShared: count,
});

export const fileShape = z.strictObject({
  uri: z.string(),
  key: z.string(),
  partition: fileLineSchema.shape.partition,
  rows: count,
  bytes: count,
  crc32: z.string().regex(/^[0-9a-f]{8}$/),
});

export const rollbackShape = z.strictObject({
  outcome: z.literal("committed"),
  dataset: z.string(),
  channel: z.string(),
  generation: number,
  version: number,
  schema: number,
  previous,
  previousSchema: number.nullable(),
  reason: z.string(),
  pointer: z.string(),
});

export const watchShape = z.strictObject({
  destination: z.string(),
  dataset: z.string(),
  channel: z.string(),
  generation: number,
  version: number,
  schema: z.strictObject({ version: number, fingerprint: sha256 }),
  manifest: z.string(),
  model: model.optional(),
  previous,
  reason: z.string(),
  publishedAt: z.iso.datetime(),
  superseded: z.boolean(),
  attempt: number,
});

const judged = z.strictObject({
  ...change.shape,
  backward: z.string().nullable(),
  forward: z.string().nullable(),
  undo: z.strictObject({ kind: z.enum(["free", "needsSource", "losesValues"]), words: z.string() }),
});

export const schemaCheckShape = z.strictObject({
  dataset: z.string(),
  from: number.nullable(),
  to: number.nullable(),
  mode: z.string(),
  compatible: z.boolean(),
  backward: z.boolean(),
  forward: z.boolean(),
  changes: z.array(judged),
  impossible: z.array(z.string()),
  findings: z.array(
    z.strictObject({
      from: number,
      to: number,
      direction: z.enum(["backward", "forward", "both"]),
      field: number,
      path: z.string(),
      message: z.string(),
    }),
  ),
});

export const schemaDiffShape = z.strictObject({
  dataset: z.string(),
  from: number,
  to: number,
  changes: z.array(judged),
  impossible: z.array(z.string()),
  backward: z.boolean(),
  forward: z.boolean(),
});

export const inferShape = z.strictObject({
  dataset: z.string(),
  file: z.string().nullable(),
  yaml: z.string(),
  fields: z.array(
    z.strictObject({
      id: number,
      name: z.string(),
      type: z.string(),
      nullable: z.boolean(),
      partition: z.boolean(),
    }),
  ),
  objects: count,
  objectsRead: count,
  notes: z.array(z.string()),
  conflicts: z.array(z.strictObject({ path: z.string(), detail: z.string(), objects: z.array(z.string()) })),
  unreadable: z.array(unreadable),
});

export const verifyShape = z.strictObject({
  passed: z.boolean(),
  dataset: z.string().nullable(),
  channel: z.string(),
  generation: number.nullable(),
  version: number.nullable(),
  deep: z.boolean(),
  objects: count,
  rows: count,
  checks: z.array(z.strictObject({ name: z.string(), passed: z.boolean(), detail: z.string() })),
  findings: z.array(
    z.strictObject({
      check: z.string(),
      level: z.enum(["error", "info"]),
      code: z.string(),
      message: z.string(),
      object: z.string().optional(),
      column: z.string().optional(),
      details,
    }),
  ),
  findingsOmitted: count,
  bytesRead: count,
  copiedBytesCompared: count,
  valuesCompared: count,
  valuesNotCompared: count,
  sourcesGone: count,
});

export const errorShape = z.strictObject({
  level: z.literal("error").optional(),
  time: z.iso.datetime().optional(),
  event: z.literal("error"),
  kind: z.string(),
  code: z.string().regex(/^[A-Z0-9_]+$/),
  exitCode: z.int(),
  message: z.string(),
  details,
  hint: z.string().optional(),
  stack: z.string().optional(),
});

/** Fails to compile when a command prints a member that its shape does not have, or the other way round. */
type SameMembers<Shape extends z.ZodType, Printed> = keyof z.infer<Shape> extends keyof Printed
  ? keyof Printed extends keyof z.infer<Shape>
    ? true
    : never
  : never;

export const shapesAreComplete: [
  SameMembers<typeof planShape, Plan>,
  SameMembers<typeof applyShape, ApplySummary>,
  SameMembers<typeof statusShape, StatusReport>,
  SameMembers<typeof historyShape, HistoryReport>,
  SameMembers<typeof diffShape, DiffReport>,
  SameMembers<typeof fileShape, ListedFile>,
  SameMembers<typeof rollbackShape, RollbackReport>,
  SameMembers<typeof watchShape, WatchLine>,
  SameMembers<typeof schemaCheckShape, SchemaCheckReport>,
  SameMembers<typeof schemaDiffShape, SchemaDiffReport>,
  SameMembers<typeof inferShape, InferReport>,
  SameMembers<typeof verifyShape, VerifyReport>,
] = [true, true, true, true, true, true, true, true, true, true, true, true];
