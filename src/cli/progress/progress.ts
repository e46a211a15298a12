import type { JobEvent } from "../../execute/job-context.ts";

/** Shows what a job tells while it runs. */
export interface Progress {
  handle(event: JobEvent): void;
  /** A remark of the command itself, such as that it is stopping. */
  note(message: string, details?: Readonly<Record<string, unknown>>): void;
  close(): void;
}
