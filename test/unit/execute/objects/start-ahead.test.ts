import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "vitest";
import { MemoryBudget } from "../../../../src/base/memory-budget.ts";
import { type Startable, startAhead } from "../../../../src/execute/objects/start-ahead.ts";

const ignore = (): void => undefined;

async function collect<T>(started: AsyncIterable<{ readonly result: () => Promise<T> }>): Promise<T[]> {
  const results: T[] = [];
  for await (const { result } of started) results.push(await result());
  return results;
}

test("results come in the order of the operations, whatever takes longest", async () => {
  const operations = [3, 0, 2, 1].map((rank) => ({
    isWork: true,
    run: async () => {
      for (let turn = 0; turn < rank * 5; turn += 1) await Promise.resolve();
      return rank;
    },
  }));
  expect(await collect(startAhead(operations, 4, ignore))).toEqual([3, 0, 2, 1]);
});

test("work runs ahead over what is no work, up to the limit, and what is no work waits for its turn", async () => {
  const begun: string[] = [];
  const operation = (name: string, isWork: boolean): Startable<string> => ({
    isWork,
    run: async () => {
      begun.push(name);
      return name;
    },
  });
  const operations = [
    operation("copy 1", false),
    operation("cast 1", true),
    operation("copy 2", false),
    operation("cast 2", true),
    operation("cast 3", true),
  ];
  const started = startAhead(operations, 2, ignore);
  const first = await started.next();
  await nextTurn();
  expect(begun).toEqual(["cast 1", "cast 2"]);
  expect(first.done === true ? undefined : await first.value.result()).toBe("copy 1");
  expect(await collect(started)).toEqual(["cast 1", "copy 2", "cast 2", "cast 3"]);
  expect(begun).toEqual(["cast 1", "cast 2", "copy 1", "cast 3", "copy 2"]);
});

test("results that nobody asks for any more are given back", async () => {
  const abandoned: number[] = [];
  const operations = [1, 2, 3].map((n) => ({ isWork: true, run: async () => n }));
  for await (const { result } of startAhead<number, Startable<number>>(operations, 3, (n) =>
    abandoned.push(n),
  )) {
    await result();
    break;
  }
  await new Promise(setImmediate);
  expect(abandoned).toEqual([2, 3]);
});

test("objects that look ahead share a budget for a single chunk without waiting in a circle", async () => {
  const budget = new MemoryBudget(10);
  let heldMost = 0;
  const object = async (): Promise<number> => {
    const operations = Array.from({ length: 30 }, (_, n) => ({
      isWork: n % 3 === 0,
      run: async () => {
        if (n % 3 !== 0) return ignore;
        const release = await budget.acquire(7);
        heldMost = Math.max(heldMost, budget.usedBytes);
        await Promise.resolve();
        return release;
      },
    }));
    let done = 0;
    for await (const { result } of startAhead<() => void, Startable<() => void>>(operations, 8, (release) =>
      release(),
    )) {
      const release = await result();
      await new Promise(setImmediate);
      release();
      done += 1;
    }
    return done;
  };
  expect(await Promise.all([object(), object(), object()])).toEqual([30, 30, 30]);
  expect(heldMost).toBe(7);
  expect(budget.usedBytes).toBe(0);
});
