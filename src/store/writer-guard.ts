import { ColonnadeError } from "../base/errors.ts";
import { throwIfAborted } from "./store-errors.ts";

/**
 * The rules that every object writer keeps: one call at a time, nothing after the end, and no object from a writer of
 * which a call failed (half of a range may have been appended, so that completing it would make a wrong object).
 */
export interface WriterGuard {
  /** Runs one append. */
  step(action: () => Promise<void>): Promise<void>;
  /** Begins the completion; throws when there must be none. */
  end(): void;
  /** Begins the abort; false when the writer has ended already and there is nothing to discard. */
  abort(): boolean;
}

export function guardWriter(key: string, signal: AbortSignal | undefined): WriterGuard {
  let state: "open" | "busy" | "failed" | "ended" = "open";
  let failure: unknown;

  function assertOpen(): void {
    if (state === "failed") throw failure;
    if (state !== "open") {
      const code = state === "busy" ? "WRITER_BUSY" : "WRITER_CLOSED";
      throw new ColonnadeError("internal", code, "object writer was used out of turn", { key });
    }
    throwIfAborted(signal);
  }

  return {
    async step(action) {
      assertOpen();
      state = "busy";
      try {
        await action();
        if (state === "busy") state = "open";
      } catch (error) {
        if (state === "busy") state = "failed";
        failure = error;
        throw error;
      }
    },
    end() {
      assertOpen();
      state = "ended";
    },
    abort() {
      const first = state !== "ended";
      state = "ended";
      return first;
    },
  };
}
