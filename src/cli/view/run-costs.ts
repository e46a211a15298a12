import type { Clock } from "../../base/clock.ts";
import type { JobEvent } from "../../execute/job-context.ts";

/** What one run did, from what it told. */
export class RunCosts {
  objects = 0;
  rows = 0;
  bytesCopied = 0;
  bytesRewritten = 0;
  /** Objects that an earlier, unfinished run had done. */
  resumed = 0;
  readonly #clock: Clock;
  readonly #startedMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startedMs = clock.monotonicMs();
  }

  get elapsedMs(): number {
    return this.#clock.monotonicMs() - this.#startedMs;
  }

  watching(next: (event: JobEvent) => void): (event: JobEvent) => void {
    return (event) => {
      if (event.event === "objectDone") {
        this.objects += 1;
        this.rows += event.rows;
        this.bytesCopied += event.bytesCopied;
        this.bytesRewritten += event.bytesRewritten;
      } else if (event.event === "started") this.resumed = event.resumed;
      next(event);
    };
  }
}
