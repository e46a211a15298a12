import type { Clock, Ids } from "../base/clock.ts";
import type { Job } from "../dataset/job.ts";
import type { SchemaHistory } from "../schema/history.ts";
import type { ObjectStore } from "../store/object-store.ts";

/** A job with everything it touches: what commands open once and pass on. */
export interface JobContext {
  readonly job: Job;
  readonly history: SchemaHistory;
  readonly source: ObjectStore;
  readonly destination: ObjectStore;
  readonly clock: Clock;
  readonly ids: Ids;
  /** Aborted by SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
  readonly onEvent: (event: JobEvent) => void;
}

/** What a job tells while it runs: rendered as progress bars in a terminal, one JSON line each in a pod. */
export type JobEvent =
  | { readonly event: "listed"; readonly objects: number; readonly bytes: number; readonly todo: number }
  | { readonly event: "footersRead"; readonly done: number; readonly total: number }
  | { readonly event: "started"; readonly objects: number; readonly bytes: number; readonly resumed: number }
  | { readonly event: "bytes"; readonly copied: number; readonly written: number }
  | {
      readonly event: "objectDone";
      readonly object: string;
      readonly key: string;
      readonly rows: number;
      readonly bytesCopied: number;
      readonly bytesRewritten: number;
    }
  | {
      readonly event: "objectFailed";
      readonly object: string;
      readonly code: string;
      readonly message: string;
    }
  | { readonly event: "publishing"; readonly objects: number }
  | { readonly event: "lost"; readonly generation: number; readonly decision: string }
  | {
      readonly event: "committed";
      readonly generation: number;
      readonly version: number;
      readonly pointer: string;
    }
  | { readonly event: "warning"; readonly message: string; readonly details?: object };
