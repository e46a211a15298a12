import { expect, test } from "vitest";

import type { Clock } from "../../../src/base/clock.ts";
import { retry, retryDelayMs } from "../../../src/store/retry.ts";
import type { RetryPolicy } from "../../../src/store/retry.ts";

function policyOf(random: () => number): { readonly policy: RetryPolicy; readonly slept: number[] } {
  const slept: number[] = [];
  const clock: Clock = {
    now: () => new Date(0),
    monotonicMs: () => 0,
    async sleep(ms) {
      slept.push(ms);
    },
  };
  return { policy: { attempts: 5, baseMs: 100, capMs: 350, clock, random }, slept };
}

const failing = async (): Promise<never> => {
  throw new Error("down");
};

test("pauses double up to the cap, and the last error is thrown", async () => {
  const { policy, slept } = policyOf(() => 1);
  await expect(retry(policy, failing, () => true)).rejects.toThrow("down");
  expect(slept).toEqual([100, 200, 350, 350]);
});

test("pauses are spread over the whole interval", () => {
  const { policy } = policyOf(() => 0.25);
  expect([2, 3, 4, 5].map((attempt) => retryDelayMs(policy, attempt))).toEqual([25, 50, 87.5, 87.5]);
});

test("an error that does not look temporary is thrown at once", async () => {
  const { policy, slept } = policyOf(() => 1);
  await expect(retry(policy, failing, () => false)).rejects.toThrow("down");
  expect(slept).toEqual([]);
});

test("success ends it, and an aborted signal too", async () => {
  const { policy, slept } = policyOf(() => 0);
  let calls = 0;
  const abort = new AbortController();
  const third = async (): Promise<number> => {
    calls += 1;
    if (calls % 3 !== 0) throw new Error("down");
    return calls;
  };
  expect(await retry(policy, third, () => true)).toBe(3);
  abort.abort();
  await expect(retry(policy, third, () => true, abort.signal)).rejects.toThrow("down");
  expect([calls, slept.length]).toEqual([4, 2]);
});
