import type { SchemaHistory } from "../schema/history.ts";
import type { SchemaVersion } from "../schema/schema-version.ts";
import type { ObjectStore } from "../store/object-store.ts";
import type { MemoryLimit } from "./memory-limit.ts";
import type { Findings } from "./report.ts";
import type { SecondReader } from "./second-reader.ts";

/** What a deep look shares. */
export interface DeepChecks {
  readonly source: ObjectStore;
  readonly history: SchemaHistory;
  readonly partitioning: "hive" | "flat";
  readonly to: SchemaVersion;
  readonly findings: Findings;
  readonly secondReader: SecondReader;
  readonly memory: MemoryLimit;
  readonly signal: AbortSignal;
  readonly counts: DeepCounts;
  /** Notes, once for a column and its types, that values were decoded and not compared. */
  readonly noteUnjudged: (column: string, types: string) => void;
}

export interface DeepCounts {
  copiedBytesCompared: number;
  valuesCompared: number;
  valuesNotCompared: number;
  sourcesGone: number;
}
