import { describe, expect, test } from "vitest";

import { ColonnadeError } from "../../src/base/errors.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import type { ObjectStore } from "../../src/store/object-store.ts";
import {
  checkFault,
  countCalls,
  first,
  publish,
  type Scenario,
  scenarios,
} from "../support/commit-scenarios.ts";
import { destinationOf, putData } from "../support/dataset-fixtures.ts";
import { faults } from "../support/faulty-store.ts";
import { recordFigures } from "../support/long-runs.ts";

describe.each(scenarios)("$name", (scenario) => {
  test.each(faults)(
    "%s at any call leaves a complete version served, and a rerun converges",
    async (kind) => {
      const calls = await countCalls(scenario);
      expect(calls).toBeGreaterThan(6);
      recordFigures("a commit and a rollback, each fault at each call", { calls, faults: 1 });
      for (let at = 0; at < calls; at += 1) {
        await checkFault(scenario, kind, at);
      }
    },
  );
});

test("a store that cannot be reached during the commit, and not afterwards either, leaves it unknown", async () => {
  const store = createMemoryStore();
  await putData(store, first);
  const calls = await countCalls(scenarios[0] as Scenario);
  let unreachable = false;
  const faulty: ObjectStore = {
    ...store,
    get: async (key, options) => {
      if (unreachable)
        throw new ColonnadeError("unavailable", "STORE_UNREACHABLE", "store cannot be reached");
      return store.get(key, options);
    },
    put: async (key, body, precondition) => {
      if (!key.startsWith("pointers/")) return store.put(key, body, precondition);
      unreachable = true;
      await store.put(key, body, precondition);
      return { outcome: "unknown", cause: new Error("the reply was lost") };
    },
  };
  expect(calls).toBeGreaterThan(0);
  expect(await publish(destinationOf(faulty), first)).toBe("unknown");
  expect(await publish(destinationOf(store, "rerun"), first)).toBe("nothing");
});
