import { systemClock } from "../base/clock.ts";
import type { Clock } from "../base/clock.ts";

export interface RetryPolicy {
  /** How often an action is tried in all, the first time included. */
  readonly attempts: number;
  /** The longest pause before the second attempt; it doubles with each further one. */
  readonly baseMs: number;
  /** No pause is longer than this. */
  readonly capMs: number;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

export const defaultRetryPolicy: RetryPolicy = {
  attempts: 6,
  baseMs: 100,
  capMs: 5_000,
  clock: systemClock,
  random: Math.random,
};

/**
 * The pause before an attempt (2, 3, …), in milliseconds: uniform between nothing and the bound, so that clients who failed
 * together do not come back together ("full jitter",
 * https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
 */
export function retryDelayMs(policy: RetryPolicy, attempt: number): number {
  return policy.random() * Math.min(policy.capMs, policy.baseMs * 2 ** (attempt - 2));
}

/**
 * Repeats an action that does no harm when it is done twice, while its errors look temporary. Throws the last error. An
 * aborted signal ends the pauses and the repetition.
 */
export async function retry<T>(
  policy: RetryPolicy,
  action: () => Promise<T>,
  isTemporary: (error: unknown) => boolean,
  signal?: AbortSignal,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await action();
    } catch (error) {
      if (attempt >= policy.attempts || signal?.aborted === true || !isTemporary(error)) throw error;
    }
    await policy.clock.sleep(retryDelayMs(policy, attempt + 1), signal);
  }
}
