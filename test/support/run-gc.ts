import type { Clock } from "../../src/base/clock.ts";
import type { Destination } from "../../src/dataset/commit.ts";
import { collect, type GcOptions, type GcReport } from "../../src/dataset/gc/collect.ts";
import type { Retention } from "../../src/dataset/gc/retention.ts";

/** A gc that keeps no more than it must, unless it is told otherwise. */
export function runGc(
  destination: Destination,
  { retention, ...more }: Partial<Omit<GcOptions, "retention"> & { retention: Partial<Retention> }> = {},
): Promise<GcReport> {
  return collect(destination, {
    isReal: true,
    requests: 4,
    signal: new AbortController().signal,
    ...more,
    retention: { versions: 1, days: 0, runDays: 1, consumerDays: 365, ...retention },
  });
}

/** The same clock in so many days: what is young now is old then. */
export function inDays(days: number, clock: Clock): Clock {
  return { ...clock, now: () => new Date(clock.now().getTime() + days * 24 * 3600 * 1000) };
}
