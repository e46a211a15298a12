import { expect, test } from "vitest";
import { publishVersion } from "../../../src/dataset/publish-version.ts";
import { createMemoryStore } from "../../../src/store/memory.ts";
import type { ObjectStore } from "../../../src/store/object-store.ts";
import { destinationOf, lineOf, publicationOf } from "../../support/dataset-fixtures.ts";
import { recordFigures } from "../../support/long-runs.ts";
import { runGc } from "../../support/run-gc.ts";

/** A million of each in the soak. */
const count = Number(process.env["GC_OBJECTS"] ?? 20_000);

async function* lines(): AsyncGenerator<ReturnType<typeof lineOf>> {
  for (let i = 0; i < count; i += 1) yield lineOf(`d${i}`);
}

test(
  "many objects and many orphans are told apart in little memory",
  async () => {
    const memory = createMemoryStore();
    await publishVersion(destinationOf(memory), publicationOf(undefined, [], { lines: lines() }));
    let removed = 0;
    let most = 0;
    // The objects are not there but in the listing.
    const store: ObjectStore = {
      ...memory,
      async *list(prefix, options) {
        if (prefix !== "data/") return void (yield* memory.list(prefix, options));
        for (let i = 0; i < count; i += 1)
          for (const day of [`d${i}`, `orphan ${i}`])
            yield { key: lineOf(day).key, bytes: 1000, etag: '"1"', modifiedAtMs: 0 };
      },
      async delete(key) {
        if (!key.startsWith("data/")) return memory.delete(key);
        removed += 1;
        if (removed % 1000 === 0) most = Math.max(most, process.memoryUsage.rss());
      },
    };
    const before = process.memoryUsage.rss();
    const report = await runGc(destinationOf(store, "gc"), { requests: 16 });
    expect(report.removed.data).toEqual({ objects: count, bytes: 1000 * count });
    expect(removed).toBe(count);
    const grownBytes = most - before;
    recordFigures("gc over objects that are listed, and as many that are not", {
      objects: 2 * count,
      "MB more memory": Math.max(0, Math.round(grownBytes / 1e6)),
    });
    expect(grownBytes).toBeLessThan(200e6);
  },
  60_000 + count / 5,
);
