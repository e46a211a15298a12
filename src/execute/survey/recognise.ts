import { ColonnadeError } from "../../base/errors.ts";
import { sha256Hex } from "../../base/digest.ts";
import type { Job } from "../../dataset/job.ts";
import type { Footer } from "../../parquet/footer/footer.ts";
import { FileMetaData } from "../../parquet/spec.ts";
import { embeddedMapping } from "../../plan/embedded-mapping.ts";
import { type OutputSchema, outputSchema, type SchemaPair } from "../../plan/output-schema.ts";
import type { VersionHint } from "../../schema/match.ts";
import { requireDetected, requireVersion, type VersionFound } from "../../schema/require-version.ts";
import { type SchemaHistory, versionOf } from "../../schema/history.ts";
import type { EmbeddedMapping } from "../../schema/embedded/mapping.ts";
import type { SchemaVersion } from "../../schema/schema-version.ts";
import { partitionFields } from "../../schema/walk-fields.ts";
import type { PartitionedKey } from "../../dataset/partition.ts";

/** An object's schema, recognised: which version it is, and what its columns become. */
export interface RecognisedSchema {
  readonly from: SchemaVersion;
  readonly pair: SchemaPair;
  readonly output: OutputSchema;
  readonly mapping: EmbeddedMapping;
  readonly notes: readonly string[];
}

/** The aliases that a new version carries on a day (UTC, YYYY-MM-DD). */
export type AliasNames = readonly { readonly name: string; readonly field: number }[];

/** The key under which Colonnade's outputs say which schema version they have. */
export const schemaKey = "colonnade.schema";

/**
 * Recognises objects by their footers. Datasets have few distinct schemas and many objects, so the answers are kept by the
 * bytes of the footer's schema.
 */
export class SchemaRecogniser {
  readonly #history: SchemaHistory;
  readonly #from: Job["schema"]["from"];
  readonly #to: SchemaVersion;
  readonly #aliases: AliasNames;
  readonly #known = new Map<string, RecognisedSchema | ColonnadeError>();

  constructor(history: SchemaHistory, from: Job["schema"]["from"], to: SchemaVersion, aliases: AliasNames) {
    this.#history = history;
    this.#from = from;
    this.#to = to;
    this.#aliases = aliases;
  }

  /** Throws `data` `SCHEMA_DIFFERS` or `SCHEMA_AMBIGUOUS`, and `invalid` when the version cannot become the new one. */
  recognise(footer: Footer, partition: PartitionedKey): RecognisedSchema {
    const span = footer.fields.find(({ id }) => id === FileMetaData.schema);
    const hint = footer.keyValueMetadata.find(([key]) => key === schemaKey)?.[1];
    const columns = partition.values.map(({ name }) => name).join("/");
    const schemaBytes = span === undefined ? "" : sha256Hex(footer.bytes.subarray(span.start, span.end));
    const key = JSON.stringify([schemaBytes, hint ?? "", columns]);
    let known = this.#known.get(key);
    if (known === undefined) {
      try {
        known = this.#recogniseAnew(footer, parseHint(hint), columns);
      } catch (error) {
        if (!(error instanceof ColonnadeError)) throw error;
        known = error;
      }
      this.#known.set(key, known);
    }
    if (known instanceof ColonnadeError) throw known;
    return known;
  }

  #recogniseAnew(footer: Footer, hint: VersionHint | undefined, columns: string): RecognisedSchema {
    const { version: from, nodes, notes } = this.#detect(footer, hint, columns);
    const pair: SchemaPair = {
      elements: footer.schema,
      tree: footer.tree,
      nodes,
      from,
      to: this.#to,
      aliases: this.#aliases,
    };
    return { from, pair, output: outputSchema(pair), mapping: embeddedMapping(pair, false), notes };
  }

  #detect(footer: Footer, hint: VersionHint | undefined, columns: string): VersionFound {
    if (this.#from !== "detect") {
      const found = requireVersion("object", footer.tree, versionOf(this.#history, this.#from));
      checkPartitions(found.version, columns);
      return found;
    }
    const candidates = this.#history.versions.filter((version) => partitionColumns(version) === columns);
    const [first] = this.#history.versions;
    if (candidates.length === 0 && first !== undefined) checkPartitions(first, columns);
    return requireDetected("object", footer.tree, candidates, hint);
  }
}

function partitionColumns(version: SchemaVersion): string {
  return partitionFields(version)
    .map(({ name }) => name)
    .join("/");
}

function checkPartitions(version: SchemaVersion, columns: string): void {
  const expected = partitionColumns(version);
  if (expected === columns) return;
  throw new ColonnadeError(
    "data",
    "PARTITIONS_DIFFER",
    "object's path has other partition columns than the schema version",
    {
      version: version.version,
      expected: expected.split("/"),
      found: columns.split("/"),
    },
  );
}

function parseHint(text: string | undefined): VersionHint | undefined {
  if (text === undefined) return undefined;
  try {
    const { version, fingerprint } = JSON.parse(text) as Record<string, unknown>;
    return typeof version === "number" && typeof fingerprint === "string"
      ? { version, fingerprint }
      : undefined;
  } catch {
    return undefined; // Somebody else's key of the same name: the columns decide.
  }
}
