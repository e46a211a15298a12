import * as fc from "fast-check";
import { expect, test } from "vitest";
import { MemoryBudget } from "../../../src/base/memory-budget.ts";

test("never more is held than the budget, and every request is granted in the end", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 150 }), { maxLength: 60 }), async (requests) => {
      const budget = new MemoryBudget(100);
      const held = requests.map(async (bytes) => {
        const release = await budget.acquire(bytes);
        expect(budget.usedBytes).toBeLessThanOrEqual(100);
        await Promise.resolve();
        release();
        release();
      });
      await Promise.all(held);
      expect(budget.usedBytes).toBe(0);
    }),
  );
});

test("a request larger than the budget waits until it is alone, and later ones wait behind it", async () => {
  const budget = new MemoryBudget(100);
  const order: string[] = [];
  const first = await budget.acquire(60);
  const large = budget.acquire(500).then((release) => {
    order.push("large");
    return release;
  });
  const small = budget.acquire(10).then((release) => {
    order.push("small");
    return release;
  });
  first();
  (await large)();
  (await small)();
  expect(order).toEqual(["large", "small"]);
});

test("an aborted wait is refused as cancelled and does not block the ones behind it", async () => {
  const budget = new MemoryBudget(100);
  const release = await budget.acquire(100);
  const controller = new AbortController();
  const aborted = budget.acquire(50, controller.signal);
  const behind = budget.acquire(50);
  controller.abort();
  await expect(aborted).rejects.toMatchObject({ kind: "cancelled" });
  release();
  (await behind)();
  expect(budget.usedBytes).toBe(0);
});

test("several holds are granted at one time or not at all, and given back one by one", async () => {
  const budget = new MemoryBudget(10);
  const first = await budget.acquire(5);
  let granted = false;
  const both = budget.acquireAll([3, 4]).then((releases) => {
    granted = true;
    return releases;
  });
  await Promise.resolve();
  expect({ granted, usedBytes: budget.usedBytes }).toEqual({ granted: false, usedBytes: 5 });
  first();
  const [three, four] = await both;
  expect(budget.usedBytes).toBe(7);
  three?.();
  expect(budget.usedBytes).toBe(4);
  four?.();
  four?.();
  expect(budget.usedBytes).toBe(0);
});
