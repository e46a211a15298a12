import { execFileSync } from "node:child_process";
import { resolve } from "node:path";
import { expect, test } from "vitest";

const base = resolve(import.meta.dirname, "../../../src/base");
const nursery = resolve(base, "nursery.ts");

/** Runs a script in a process of its own and parses what it prints. */
function run(script: string): unknown {
  const arguments_ = ["--input-type=module-typescript", "--eval", script];
  return JSON.parse(execFileSync(process.execPath, arguments_, { encoding: "utf8" }));
}

/** Megabytes of the young generation, both halves, after each step in a process of its own: much survives in each of them. */
function megabytesAfter(...steps: string[]): number[] {
  const script = `
    import { getHeapSpaceStatistics } from "node:v8";
    import { setTimeout } from "node:timers/promises";
    import { growNursery, holdNursery, stopGrowing } from ${JSON.stringify(nursery)};
    const found = [];
    for (const step of [${steps.join(",")}]) {
      for (let round = 0; round < 20; round += 1) {
        step();
        const kept = [];
        for (let i = 0; i < 200_000; i += 1) kept.push({ i });
        await setTimeout(2);
      }
      const space = getHeapSpaceStatistics().find(({ space_name }) => space_name === "new_space");
      found.push(space.space_size / 1024 ** 2);
    }
    console.log(JSON.stringify(found));
  `;
  return run(script) as number[];
}

test("the young generation grows when it is allowed to, once, and only where it was held", () => {
  const [held = 0, grown = 0, later] = megabytesAfter("holdNursery", "growNursery", "stopGrowing");
  expect(held).toBeLessThan(8);
  expect(grown).toBe(16);
  expect(later).toBe(16);

  const [leftToV8 = 0, asBefore] = megabytesAfter("() => {}", "growNursery");
  expect(leftToV8).toBeGreaterThan(16);
  expect(asBefore).toBe(leftToV8);
});

/** The tag is what V8 compares before it takes compiled code (`v8.cachedDataVersionTag`). */
test("what was compiled before is taken while the young generation is released, and whatever the collector is found by", () => {
  const tags = run(`
    import { cachedDataVersionTag } from "node:v8";
    import { holdNursery, releaseNursery } from ${JSON.stringify(nursery)};
    import { createCollector } from ${JSON.stringify(resolve(base, "collect-garbage.ts"))};
    const kept = [];
    const collect = createCollector(1);
    kept.push(new Uint8Array(100_000_000));
    collect();
    const tags = { own: cachedDataVersionTag() };
    releaseNursery()();
    tags.leftToV8 = cachedDataVersionTag();
    holdNursery();
    tags.held = cachedDataVersionTag();
    const holdAgain = releaseNursery();
    tags.released = cachedDataVersionTag();
    holdAgain();
    tags.again = cachedDataVersionTag();
    console.log(JSON.stringify(tags));
  `) as Readonly<Record<string, number>>;
  const plain = run(`console.log((await import("node:v8")).cachedDataVersionTag())`);
  const { held } = tags;
  expect(held).not.toBe(plain);
  expect(tags).toEqual({ own: plain, leftToV8: plain, held, released: plain, again: held });
});
