import type { JobEvent } from "../../execute/job-context.ts";

/** Shows what a job tells while it runs. */
export interface Progress {
  /** What is waited for until there is something to count. */
  begin(words: string): void;
  handle(event: JobEvent): void;
  /** How far work of another kind than a job's has come. */
  advance(step: ProgressStep): void;
  /** A remark of the command itself, such as that it is stopping. */
  note(message: string, details?: Readonly<Record<string, unknown>>): void;
  /** Takes the live line off the screen, so that results and errors stand alone. More may follow. */
  pause(): void;
}

export interface ProgressStep {
  readonly label: string;
  readonly done: number;
  readonly total: number;
  readonly bytes?: number;
}
