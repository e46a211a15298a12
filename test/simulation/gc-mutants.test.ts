import { afterEach, expect, test, vi } from "vitest";

import type * as marks from "../../src/dataset/gc/mark.ts";
import type * as pins from "../../src/dataset/gc/pins.ts";
import type * as receipts from "../../src/dataset/gc/receipts.ts";
import { race, writerEpoch } from "../support/gc-race.ts";

/**
 * Protocols that lack one of the parts of docs/GC.md, in the races of `gc-races.test.ts`: each part is there because something that is
 * served or read is lost without it.
 */
const mutants = [
  "a gc that does not raise the mark",
  "a run that does not look at the mark after its manifest",
  "a commit that does not look whether its version lives",
  "a commit that does not pin",
  "keys without an epoch",
  "a consumer that leaves no receipt",
  "a consumer that does not look whether its version lives",
] as const;
type Mutant = (typeof mutants)[number];

const state = await vi.hoisted(async () => {
  const { AsyncLocalStorage } = await import("node:async_hooks");
  return { mutant: undefined as Mutant | undefined, consumers: new AsyncLocalStorage<true>() };
});

vi.mock("../../src/dataset/gc/mark.ts", async (original) => {
  const real = await original<typeof marks>();
  const swapMark: typeof real.swapMark = async (destination, base, next) =>
    state.mutant === "a gc that does not raise the mark"
      ? { etag: "none", mark: { ...base.mark, ...next } }
      : real.swapMark(destination, base, next);
  const assertNotOvertaken: typeof real.assertNotOvertaken = async (destination, needs) =>
    state.mutant === "a run that does not look at the mark after its manifest"
      ? undefined
      : real.assertNotOvertaken(destination, needs);
  const assertAlive: typeof real.assertAlive = async (destination, version) => {
    const who = state.consumers.getStore() === undefined ? "commit" : "consumer";
    if (state.mutant === `a ${who} that does not look whether its version lives`) return;
    await real.assertAlive(destination, version);
  };
  return { ...real, swapMark, assertNotOvertaken, assertAlive };
});

vi.mock("../../src/dataset/gc/pins.ts", async (original) => {
  const real = await original<typeof pins>();
  const pinVersion: typeof real.pinVersion = async (...pinned) =>
    state.mutant === "a commit that does not pin" ? async () => {} : real.pinVersion(...pinned);
  return { ...real, pinVersion };
});

vi.mock("../../src/dataset/gc/receipts.ts", async (original) => {
  const real = await original<typeof receipts>();
  const beginReceipt: typeof real.beginReceipt = (...begun) =>
    state.mutant === "a consumer that leaves no receipt"
      ? Promise.resolve(async () => {})
      : state.consumers.run(true, () => real.beginReceipt(...begun));
  return { ...real, beginReceipt };
});

afterEach(() => {
  state.mutant = undefined;
  writerEpoch.of = (epoch) => epoch;
});

const seedsMax = 1500;

/** The first seed under which something is wrong. */
async function firstNoticed(): Promise<string | undefined> {
  for (let seed = 1; seed <= seedsMax; seed += 1) {
    for (const dead of ["all", "some"] as const) {
      try {
        await race(seed, { dead, withFaults: false });
      } catch (error) {
        return `seed ${seed}, dead: ${dead}: ${String(error)}`;
      }
    }
  }
  return undefined;
}

test.each(mutants)(
  "%s is noticed: something served or read is lost",
  async (mutant) => {
    state.mutant = mutant;
    if (mutant === "keys without an epoch") writerEpoch.of = () => 0;
    const noticed = await firstNoticed();
    expect(noticed).toBeDefined();
  },
  300_000,
);
