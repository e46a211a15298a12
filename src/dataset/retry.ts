import type { Clock } from "../base/clock.ts";
import { ColonnadeError } from "../base/errors.ts";

/** How often and how long the commit protocol tries again. */
export interface RetryLimits {
  readonly attempts: number;
  readonly firstDelayMs: number;
  readonly longestDelayMs: number;
}

/** About 25 seconds in all: longer than an S3 partition takes to split, shorter than a pod's patience. */
export const defaultRetryLimits: RetryLimits = { attempts: 10, firstDelayMs: 50, longestDelayMs: 5_000 };

/**
 * Exponential, and spread by the id of the writer, so that racers do not meet again: a delay follows from its
 * arguments, and a simulation replays it.
 */
export function backoffMs(attempt: number, limits: RetryLimits, spread: string): number {
  const full = Math.min(limits.longestDelayMs, limits.firstDelayMs * 2 ** attempt);
  let hash = attempt + 1;
  for (const character of spread) hash = (Math.imul(hash, 31) + character.charCodeAt(0)) >>> 0;
  return full / 2 + ((hash % 1024) / 1024) * (full / 2);
}

/** Repeats a read while the store is `unavailable`; its last error when it stays so. */
export async function retryRead<T>(
  read: () => Promise<T>,
  clock: Clock,
  limits: RetryLimits,
  spread: string,
): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await read();
    } catch (error) {
      if (!isUnavailable(error) || attempt + 1 >= limits.attempts) throw error;
    }
    await clock.sleep(backoffMs(attempt, limits, spread));
  }
}

export function isUnavailable(error: unknown): boolean {
  return error instanceof ColonnadeError && error.kind === "unavailable";
}
