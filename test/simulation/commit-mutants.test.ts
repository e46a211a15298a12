import { expect, test, vi } from "vitest";

import type * as commit from "../../src/dataset/commit.ts";
import { pointerKey } from "../../src/dataset/layout.ts";
import type * as manifests from "../../src/dataset/manifest.ts";
import type { PointerRead } from "../../src/dataset/pointer.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import type { ObjectStore } from "../../src/store/object-store.ts";
import { checkFault, countCalls, scenarios } from "../support/commit-scenarios.ts";
import { faults } from "../support/faulty-store.ts";

/**
 * Commits that are broken on purpose, under the faults of `commit-faults.test.ts`: a harness that finds nothing wrong with them would
 * find nothing wrong with anything.
 */
type Mutant = "a pointer before its manifest" | "no reading back";

const state = vi.hoisted(() => ({
  mutant: undefined as Mutant | undefined,
  postponed: [] as (() => Promise<unknown>)[],
}));

vi.mock("../../src/dataset/manifest.ts", async (original) => {
  const real = await original<typeof manifests>();
  const writeManifest: typeof real.writeManifest = async (destination, manifest) => {
    if (state.mutant !== "a pointer before its manifest") return real.writeManifest(destination, manifest);
    state.postponed.push(() => real.writeManifest(destination, manifest));
    return real.writeManifest({ ...destination, store: createMemoryStore() }, manifest);
  };
  return { ...real, writeManifest };
});

vi.mock("../../src/dataset/commit.ts", async (original) => {
  const real = await original<typeof commit>();
  const commitPointer: typeof real.commitPointer = async (destination, channel, base, draft) => {
    const store =
      state.mutant === "no reading back"
        ? blindTo(pointerKey(channel), base, destination.store)
        : destination.store;
    const result = await real.commitPointer({ ...destination, store }, channel, base, draft);
    for (const write of state.postponed.splice(0)) await write();
    return result;
  };
  return { ...real, commitPointer };
});

/** A store whose pointer seems to be what it was before. */
function blindTo(key: string, base: PointerRead | undefined, store: ObjectStore): ObjectStore {
  return {
    ...store,
    async get(wanted, options) {
      const found = await store.get(wanted, options);
      if (wanted !== key || base === undefined) return wanted === key ? undefined : found;
      return { key, bytes: base.body.length, etag: base.etag, modifiedAtMs: 0, body: base.body };
    },
  };
}

/** The faults under which something is wrong, at any call of any scenario. */
async function faultsNoticed(mutant: Mutant): Promise<string[]> {
  const noticed = new Set<string>();
  for (const scenario of scenarios) {
    state.mutant = undefined;
    const calls = await countCalls(scenario);
    for (const kind of faults) {
      for (let at = 0; at < calls && !noticed.has(kind); at += 1) {
        state.mutant = mutant;
        state.postponed.length = 0;
        await checkFault(scenario, kind, at).catch(() => noticed.add(kind));
      }
    }
  }
  state.mutant = undefined;
  return [...noticed];
}

test("a pointer that is moved before its manifest is written is noticed when the process dies in between", async () => {
  expect(await faultsNoticed("a pointer before its manifest")).toEqual(
    expect.arrayContaining(["crashBefore", "crashAfter"]),
  );
});

test("a commit that does not read back is noticed when a reply is lost", async () => {
  expect(await faultsNoticed("no reading back")).toEqual(
    expect.arrayContaining(["lostReply", "falsePrecondition"]),
  );
});
