import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { forEachConcurrently } from "../../../src/base/for-each-concurrently.ts";
import { MemoryLimit } from "../../../src/validate/memory-limit.ts";

async function* numbers(count: number, onTake: (n: number) => void = () => undefined): AsyncIterable<number> {
  for (let n = 0; n < count; n += 1) {
    onTake(n);
    yield n;
  }
}

const signal = new AbortController().signal;

test("no more than the named number of items is taken at a time", async () => {
  let running = 0;
  let most = 0;
  let taken = 0;
  const work = async (): Promise<void> => {
    running += 1;
    most = Math.max(most, running);
    expect(taken).toBeLessThanOrEqual(running + 17);
    await sleep(1);
    running -= 1;
  };
  await forEachConcurrently(
    numbers(20, (n) => (taken = n)),
    3,
    signal,
    work,
  );
  expect([most, running]).toEqual([3, 0]);
});

test("the first failure is thrown after what is under way has ended, and nothing more is taken", async () => {
  const done: number[] = [];
  const work = async (n: number): Promise<void> => {
    await sleep(n === 1 ? 1 : 20);
    if (n === 1) throw new Error("one");
    done.push(n);
  };
  await expect(forEachConcurrently(numbers(50), 2, signal, work)).rejects.toThrow("one");
  expect(done.length).toBeLessThan(4);
  expect(done).toContain(0);
});

test("work waits until there is memory for it, and more than there is gets all of it", async () => {
  const memory = new MemoryLimit(100);
  const log: string[] = [];
  const hold = (name: string, bytes: number): Promise<void> =>
    memory.hold(bytes, async () => {
      log.push(`+${name}`);
      await sleep(5);
      log.push(`-${name}`);
    });
  await Promise.all([hold("a", 60), hold("b", 60), hold("huge", 1000), hold("c", 10)]);
  expect(log).toEqual(["+a", "-a", "+b", "-b", "+huge", "-huge", "+c", "-c"]);
});

test("memory of work that failed is given back", async () => {
  const memory = new MemoryLimit(10);
  await expect(memory.hold(10, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect(await memory.hold(10, () => Promise.resolve("yes"))).toBe("yes");
});
