import { ColonnadeError } from "../base/errors.ts";
import { keyBytesMax } from "../store/keys.ts";

/**
 * Hive's convention for partitions in paths, `month=2001-03/carrier=AA/`, as Spark writes and reads it
 * (Spark: ExternalCatalogUtils.escapePathName, PartitioningUtils.parsePartitionColumn), and as pyarrow does
 * (HivePartitioning, `segment_encoding="uri"`).
 */
export interface PartitionValue {
  readonly name: string;
  /** Unescaped; null for `__HIVE_DEFAULT_PARTITION__`. */
  readonly value: string | null;
}

export interface PartitionedKey {
  /** Outermost first. Empty for a flat dataset. */
  readonly values: readonly PartitionValue[];
  /** The folders between the root and the object, as they are, without slashes at the ends. */
  readonly directory: string;
  /** The object's name without `.parquet`. */
  readonly stem: string;
}

export type Partitioning = "hive" | "flat";

const hiveNull = "__HIVE_DEFAULT_PARTITION__";
/** A literal value that reads like Hive's null: its first character is escaped, which readers undo after they looked for null. */
const escapedHiveNull = `%5F${hiveNull.slice(1)}`;

// Spark's list, with NUL beside it; `%` first of all, or escapes could not be undone.
// oxlint-disable-next-line no-control-regex -- control characters are what must be escaped
const escaped = /[\u0000-\u001f"#%'*/:=?\\\u007f{[\]^]/g;
// oxlint-disable-next-line no-control-regex -- and what a key must not hold as it is
const controlCharacter = /[\u0000-\u001f\u007f]/;
const suffix = /\.(?:parquet|parq|pq)$/i;

/**
 * Reads a key relative to the dataset's root. A key that cannot be one of the dataset is a `data` error
 * that names it, as a value: a listing has others to report.
 */
export function parsePartition(key: string, partitioning: Partitioning): PartitionedKey | ColonnadeError {
  const segments = key.split("/");
  const name = segments.pop() ?? "";
  if (controlCharacter.test(key)) return keyError(key, "KEY_CONTROL_CHARACTER", "holds a control character");
  // A folder may hold longer paths than a store's keys can be.
  if (Buffer.byteLength(key) > keyBytesMax) {
    return keyError(key, "KEY_TOO_LONG", `is longer than ${keyBytesMax} bytes`, { keyBytesMax });
  }
  if (!key.isWellFormed()) return keyError(key, "KEY_NOT_UNICODE", "is not well-formed Unicode");
  if ([...segments, name].some((segment) => segment === "" || segment === "." || segment === ".."))
    return keyError(key, "KEY_INVALID", "has a segment that is empty, '.' or '..'");

  const directory = segments.join("/");
  const stem = name.replace(suffix, "") || name;
  if (partitioning === "flat") return { values: [], directory, stem };

  const values: PartitionValue[] = [];
  for (const segment of segments) {
    const parsed = parseSegment(segment);
    if (typeof parsed === "string") return keyError(key, "PARTITION_INVALID", parsed, { segment });
    if (values.some(({ name }) => name === parsed.name))
      return keyError(key, "PARTITION_INVALID", "names a partition column twice", { segment });
    values.push(parsed);
  }
  return { values, directory, stem };
}

/**
 * The folders of a partition, without slashes at the ends; empty for no values. The inverse of
 * {@link parsePartition}: `data` (`PARTITION_VALUE_INVALID`) for what no path can hold.
 *
 * An empty string becomes `name=`, which pyarrow and DuckDB read back; Spark and Hive would have written null there, and
 * no value is lost silently.
 */
export function formatPartition(values: readonly PartitionValue[]): string {
  return values.map(({ name, value }) => `${escapeName(name)}=${escapeValue(name, value)}`).join("/");
}

/** `name=value` with Hive's escapes undone. A string says what is wrong with the segment. */
function parseSegment(segment: string): PartitionValue | string {
  const equals = segment.indexOf("=");
  if (equals < 0) return "has a folder that is not name=value, as a Hive partition is";
  const name = unescapeSegment(segment.slice(0, equals));
  if (name === "") return "has a partition without a name";
  // An object with this member is not what JSON.parse gives back: file lists could not carry it.
  if (name === "__proto__") return "has a partition with a name that cannot be used";
  const raw = segment.slice(equals + 1);
  return { name, value: raw === hiveNull ? null : unescapeSegment(raw) };
}

/**
 * Undoes `%3A` and the like. A `%` without two hexadecimal digits stays as it is, as in Spark. Escapes above
 * 7F, which Spark never writes, are UTF-8 as pyarrow writes it when they are valid UTF-8, or else the
 * characters of those codes, as Spark reads them.
 */
function unescapeSegment(text: string): string {
  return text.replaceAll(/(?:%[0-9a-f]{2})+/gi, (run) => {
    const bytes = Buffer.from(run.replaceAll("%", ""), "hex");
    const decoded = bytes.toString("utf8");
    return Buffer.from(decoded, "utf8").equals(bytes) ? decoded : bytes.toString("latin1");
  });
}

function escapeName(name: string): string {
  if (name === "" || name === "__proto__")
    throw valueError(name, name, "partition column has no usable name");
  return escapeText(name, name);
}

function escapeValue(name: string, value: string | null): string {
  if (value === null) return hiveNull;
  if (value === hiveNull) return escapedHiveNull;
  return escapeText(name, value);
}

function escapeText(name: string, text: string): string {
  if (!text.isWellFormed()) throw valueError(name, text, "partition value is not well-formed Unicode");
  return text.replaceAll(
    escaped,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
  );
}

function valueError(name: string, value: string, message: string): ColonnadeError {
  return new ColonnadeError("data", "PARTITION_VALUE_INVALID", message, { partition: name, value });
}

function keyError(key: string, code: string, message: string, details = {}): ColonnadeError {
  return new ColonnadeError("data", code, `source object's key ${message}`, { key, ...details });
}
