import { rewriteArrowSchema } from "./arrow-schema.ts";
import { ColumnPaths } from "./column-paths.ts";
import { stillDescribes } from "./foreign-schema.ts";
import { rewriteGeo } from "./geoparquet.ts";
import { rewriteHuggingface } from "./huggingface.ts";
import type { EmbeddedMapping } from "./mapping.ts";
import { rewritePandas } from "./pandas.ts";
import { rewriteSparkSchema } from "./spark.ts";

/** A key of a footer's key-value metadata and its value, which may be absent. */
export type KeyValue = readonly [key: string, value: string | undefined];

export interface RewrittenMetadata {
  readonly pairs: KeyValue[];
  /** What was removed or decided, for people; each names its key. */
  readonly warnings: string[];
}

/**
 * A footer's key-value metadata for the output: the schemas that writers leave there are rewritten to the output's
 * columns, or removed with a warning where that is impossible, since a stale one misleads or breaks its readers.
 * Keys that we do not know are carried; a mapping that changes nothing gives back the same values.
 */
export function rewriteKeyValueMetadata(
  pairs: readonly KeyValue[],
  mapping: EmbeddedMapping,
): RewrittenMetadata {
  return new Rewriting(mapping).pairs(pairs);
}

class Rewriting {
  readonly #mapping: EmbeddedMapping;
  readonly #paths: ColumnPaths;

  constructor(mapping: EmbeddedMapping) {
    this.#mapping = mapping;
    this.#paths = new ColumnPaths(mapping);
  }

  pairs(pairs: readonly KeyValue[]): RewrittenMetadata {
    const warnings = new Set<string>();
    const kept = pairs.flatMap(([key, value]): KeyValue[] => {
      if (value === undefined || !schemaKeys.has(key)) return [[key, value]];
      const rewritten = this.#value(key, value, warnings);
      if (rewritten !== undefined) return [[key, rewritten]];
      warnings.add(`${key}: removed from the footer, since it could not be rewritten to the new schema`);
      return [];
    });
    return { pairs: kept, warnings: Array.from(warnings) };
  }

  /** The value for the output, or undefined when there is none. */
  #value(key: string, value: string, warnings: Set<string>): string | undefined {
    const [mapping, paths] = [this.#mapping, this.#paths];
    switch (key) {
      case "ARROW:schema":
        return rewriteArrowSchema(value, mapping, paths, (metadata) =>
          this.#arrowMetadata(metadata, warnings),
        );
      case "pandas":
        return rewritePandas(value, mapping, paths);
      case "org.apache.spark.sql.parquet.row.metadata":
        return rewriteSparkSchema(value, mapping, paths);
      case "huggingface":
        return rewriteHuggingface(value, mapping, paths);
      case "geo": {
        const { value: rewritten, warning } = rewriteGeo(value, mapping, paths);
        if (warning !== undefined) warnings.add(warning);
        return rewritten;
      }
      case "parquet.avro.schema":
      case "avro.schema":
      case "iceberg.schema":
        return stillDescribes(value, mapping, paths) ? value : undefined;
      default:
        return paths.isEverythingCarried() ? value : undefined;
    }
  }

  /** The schema carries metadata of its own, often a second copy of pandas' or of the features. */
  #arrowMetadata(metadata: ReadonlyMap<string, string>, warnings: Set<string>): Map<string, string> {
    const inner = this.pairs(Array.from(metadata));
    for (const warning of inner.warnings) warnings.add(warning);
    return new Map(inner.pairs.flatMap(([key, text]) => (text === undefined ? [] : [[key, text] as const])));
  }
}

/** Keys whose values are schemas; the last three are kept only as long as nothing changes. */
const schemaKeys: ReadonlySet<string> = new Set([
  "ARROW:schema",
  "pandas",
  "org.apache.spark.sql.parquet.row.metadata",
  "huggingface",
  "geo",
  "parquet.avro.schema",
  "avro.schema",
  "iceberg.schema",
  "parquet.proto.descriptor",
  "thrift.descriptor",
  "dremio.arrow.schema.2.1",
]);
