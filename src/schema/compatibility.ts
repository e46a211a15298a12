import { unreachable } from "../base/errors.ts";
import { castability } from "../cast/castability.ts";
import type { Castability } from "../cast/castability.ts";
import type { Stored } from "../cast/cast.ts";
import type { LeafType } from "../parquet/leaf-type.ts";
import { storageOf } from "../parquet/footer/storage.ts";
import { compareVersions } from "./changes.ts";
import type { Change, Impossible } from "./changes.ts";
import { describeChange } from "./describe-change.ts";
import type { DescribedChange } from "./describe-change.ts";
import type { SchemaHistory } from "./history.ts";
import { judgeReversal } from "./reversibility.ts";
import type { Reversal } from "./reversibility.ts";
import type { SchemaVersion } from "./schema-version.ts";

/**
 * Confluent Schema Registry's words (https://docs.confluent.io/platform/current/schema-registry/fundamentals/schema-evolution.html),
 * for consumers that read Parquet by column name and get null for a column that is not there. BACKWARD: those of the
 * new version read old data; FORWARD: those of the old version read new data; FULL: both; TRANSITIVE: against all
 * earlier versions instead of the last.
 */
export const compatibilityModes = [
  "NONE",
  "BACKWARD",
  "BACKWARD_TRANSITIVE",
  "FORWARD",
  "FORWARD_TRANSITIVE",
  "FULL",
  "FULL_TRANSITIVE",
] as const;
export type CompatibilityMode = (typeof compatibilityModes)[number];

/** What one change means to consumers, and what it takes to undo it. */
export interface Judgement {
  readonly change: Change;
  readonly described: DescribedChange;
  /** Why a consumer of the new version cannot read old data; undefined: it can. */
  readonly backward: string | undefined;
  /** Why a consumer of the old version cannot read new data; undefined: it can. */
  readonly forward: string | undefined;
  readonly reversal: Reversal;
}

export interface Compatibility {
  readonly backward: boolean;
  readonly forward: boolean;
  readonly judgements: readonly Judgement[];
  /** What no migration can do, and no consumer either. */
  readonly impossible: readonly Impossible[];
}

/** Judges every change from one version to another. */
export function judgeCompatibility(from: SchemaVersion, to: SchemaVersion): Compatibility {
  const { changes, impossible } = compareVersions(from, to);
  const judgements = changes.map((change): Judgement => ({
    change,
    described: describeChange(change),
    ...judgeConsumers(change, from, to),
    reversal: judgeReversal(change, to),
  }));
  return {
    backward: impossible.length === 0 && judgements.every(({ backward }) => backward === undefined),
    forward:
      impossible.every(({ code }) => code === "DEFAULT_MISSING") &&
      judgements.every(({ forward }) => forward === undefined),
    judgements,
    impossible,
  };
}

interface ForConsumers {
  readonly backward: string | undefined;
  readonly forward: string | undefined;
}

const forBoth: ForConsumers = { backward: undefined, forward: undefined };

function judgeConsumers(change: Change, from: SchemaVersion, to: SchemaVersion): ForConsumers {
  switch (change.kind) {
    case "rename":
      return judgeRename(change, from, to);
    case "cast":
      return {
        backward: promotes(change.from, change.to) ? undefined : "old values are not read as the new type",
        forward: promotes(change.to, change.from) ? undefined : "new values are not read as the old type",
      };
    case "nullability":
      return change.nullable
        ? { backward: undefined, forward: "new data may have nulls where the old version has none" }
        : { backward: "old data may have nulls where the new version has none", forward: undefined };
    case "add":
      return {
        backward: change.added.nullable
          ? undefined
          : "old data has no such column, and the new version does not allow the nulls that readers fill in",
        forward: undefined,
      };
    case "drop":
      return {
        backward: undefined,
        forward: change.dropped.nullable
          ? undefined
          : "new data has no such column, and the old version does not allow the nulls that readers fill in",
      };
    case "reorder":
      return forBoth;
    case "partition":
      // A column and a path segment of the same name are one column to readers of Hive paths.
      return change.move === "rename"
        ? {
            backward: `old data is under ${change.from}=`,
            forward: `new data is under ${change.to}=`,
          }
        : forBoth;
    case "alias":
      return judgeAlias(change, from);
    default:
      return unreachable(change);
  }
}

/** Another name at the top level may still be readable as an alias, before or after. */
function judgeRename(
  { field, path, from: old, to: now }: Extract<Change, { kind: "rename" }>,
  from: SchemaVersion,
  to: SchemaVersion,
): ForConsumers {
  const has = (version: SchemaVersion, name: string): boolean =>
    path.length === 1 && version.aliases.some((alias) => alias.field === field && alias.name === name);
  return {
    backward: has(from, now) ? undefined : `old data has the column as ${old} only`,
    forward: has(to, old)
      ? undefined
      : `new data has the column as ${now} only: an alias would keep ${old} readable`,
  };
}

function judgeAlias(
  { action, name, alias }: Extract<Change, { kind: "alias" }>,
  from: SchemaVersion,
): ForConsumers {
  const old = from.aliases.find((candidate) => candidate.name === name);
  if (action === "remove") return { backward: undefined, forward: `new data has no column ${name} any more` };
  if (action === "change" && old?.field !== alias.field) {
    const reason = `${name} stands for another field`;
    return { backward: reason, forward: reason };
  }
  return forBoth;
}

/**
 * Whether readers give written values exactly when they are asked for another type of the same family: wider integers, floats
 * and decimals, finer timestamps, text as bytes. Numbers as text need a cast of the consumer's own.
 */
function promotes(written: LeafType, read: LeafType): boolean {
  if (familyOf(written) !== familyOf(read)) return false;
  return isExact(castability(stored(written), stored(read)));
}

function isExact(judged: Castability): boolean {
  switch (judged.kind) {
    case "same":
      return true;
    case "relabel":
      return judged.check === undefined;
    case "cast":
      return judged.loss === "never";
    case "none":
      return false;
    default:
      return unreachable(judged);
  }
}

function stored(type: LeafType): Stored {
  return { type, ...storageOf(type) };
}

function familyOf({ kind }: LeafType): string {
  switch (kind) {
    case "int":
    case "float":
    case "decimal":
      return "number";
    case "string":
    case "binary":
    case "json":
    case "enum":
    case "bson":
      return "bytes";
    case "date":
    case "timestamp":
      return "instant";
    case "bool":
    case "fixedBinary":
    case "time":
    case "uuid":
    case "interval":
    case "geometry":
    case "geography":
    case "null":
      return kind;
  }
}

/** One reason why the mode does not hold. */
export interface Finding {
  readonly from: number;
  readonly to: number;
  readonly direction: "backward" | "forward" | "both";
  readonly field: number;
  readonly path: string;
  readonly message: string;
}

/** The latest version of a history against the one before it, or all before it, as the mode says. */
export function checkCompatibility(
  history: SchemaHistory,
  mode: CompatibilityMode,
): { readonly compatible: boolean; readonly findings: readonly Finding[] } {
  const latest = history.versions.at(-1);
  const earlier = history.versions.slice(0, -1);
  if (latest === undefined || mode === "NONE") return { compatible: true, findings: [] };
  const against = mode.endsWith("_TRANSITIVE") ? earlier : earlier.slice(-1);
  const findings = against.flatMap((from) => findingsOf(from, latest, mode));
  return { compatible: findings.length === 0, findings };
}

function findingsOf(from: SchemaVersion, to: SchemaVersion, mode: CompatibilityMode): Finding[] {
  const { judgements, impossible } = judgeCompatibility(from, to);
  const versions = { from: from.version, to: to.version };
  const wants = (direction: "backward" | "forward"): boolean =>
    mode.startsWith("FULL") || mode.startsWith(direction.toUpperCase());
  // A missing default is a finding of the added field itself.
  const blocking = impossible.filter(({ code }) => code !== "DEFAULT_MISSING");
  return [
    ...blocking.map(({ field, path, message }): Finding => ({
      ...versions,
      direction: "both",
      field,
      path: path.join("."),
      message,
    })),
    ...judgements.flatMap(({ described: { field, path, kind, detail }, ...judgement }) =>
      (["backward", "forward"] as const).flatMap((direction): Finding[] => {
        const reason = judgement[direction];
        if (reason === undefined || !wants(direction)) return [];
        return [{ ...versions, direction, field, path, message: `${kind} ${path} (${detail}): ${reason}` }];
      }),
    ),
  ];
}
