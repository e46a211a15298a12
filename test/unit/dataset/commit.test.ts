import { beforeEach, describe, expect, test } from "vitest";

import { ColonnadeError } from "../../../src/base/errors.ts";
import { commitPointer } from "../../../src/dataset/commit.ts";
import type { CommitResult, PointerDraft } from "../../../src/dataset/commit.ts";
import { encodeDocument } from "../../../src/dataset/document.ts";
import { historyKey, pointerKey } from "../../../src/dataset/layout.ts";
import { listChannels, readPointer } from "../../../src/dataset/pointer.ts";
import { createMemoryStore } from "../../../src/store/memory.ts";
import { unconditional } from "../../../src/store/object-store.ts";
import type { ObjectStore, PutResult } from "../../../src/store/object-store.ts";
import { readGenerations } from "../../support/check-destination.ts";
import { collect, destinationOf } from "../../support/dataset-fixtures.ts";

const draft: PointerDraft = {
  dataset: "flights",
  version: 1,
  manifest: { key: "versions/000001/manifest.json", sha256: "0".repeat(64), bytes: 10 },
  schema: { version: 2, fingerprint: "1".repeat(64) },
  model: undefined,
  reason: "apply",
};

let store: ObjectStore;
beforeEach(() => {
  store = createMemoryStore();
});

/** A store that answers the writes to the pointer as told, before or after (or without) doing them. */
function answering(answers: readonly ((put: () => Promise<PutResult>) => Promise<PutResult>)[]): {
  store: ObjectStore;
  puts: () => number;
} {
  let puts = 0;
  return {
    puts: () => puts,
    store: {
      ...store,
      put: (key, body, precondition) => {
        const put = (): Promise<PutResult> => store.put(key, body, precondition);
        if (!key.startsWith("pointers/")) return put();
        const answer = answers[Math.min(puts, answers.length - 1)];
        puts += 1;
        return answer === undefined ? put() : answer(put);
      },
    },
  };
}

async function commitBy(name: string, more: Partial<PointerDraft> = {}): Promise<CommitResult> {
  const base = await readPointer(store, "current");
  return commitPointer(destinationOf(store, name), "current", base, { ...draft, ...more });
}

describe("what a pointer says", () => {
  test("the first has generation 1 and no past, the next one names it", async () => {
    expect(await commitBy("a")).toMatchObject({
      outcome: "committed",
      pointer: { format: "colonnade/pointer/1", channel: "current", generation: 1, previous: null },
    });
    expect(await commitBy("b", { version: 2 })).toMatchObject({
      outcome: "committed",
      pointer: { generation: 2, version: 2, previous: { generation: 1, version: 1 } },
    });
  });

  test("the stored object is what was returned, as JSON for people, and its etag is the commit's", async () => {
    const result = await commitBy("a", { model: { uri: "s3://models/7", version: "7" } });
    const read = await readPointer(store, "current");
    expect(result).toMatchObject({ outcome: "committed", etag: read?.etag, pointer: read?.pointer });
    expect(Buffer.from(read?.body ?? []).toString()).toMatch(/^\{\n {2}"format": "colonnade\/pointer\/1",\n/);
  });

  test("channels are listed by name", async () => {
    await commitBy("a");
    await commitPointer(destinationOf(store), "canary", undefined, draft);
    await store.put("pointers/README.md", Buffer.from("foreign"), unconditional);
    expect(await collect(listChannels(store))).toEqual(["canary", "current"]);
  });

  test.each(["", "Current", "../x", "a/b", "-a", "a".repeat(64)])("%j is no channel", async (channel) => {
    await expect(readPointer(store, channel)).rejects.toMatchObject({ code: "CHANNEL_INVALID" });
  });
});

describe("outcomes", () => {
  test("a stale base loses, and the loser is told who won", async () => {
    const base = await readPointer(store, "current");
    await commitBy("winner");
    const result = await commitPointer(destinationOf(store, "loser"), "current", base, draft);
    expect(result).toMatchObject({ outcome: "lost", current: { pointer: { writeId: "winner-0001" } } });
  });

  test("a lost reply is ours when the pointer is", async () => {
    const flaky = answering([
      async (put) => {
        await put();
        return { outcome: "unknown", cause: "reset" };
      },
    ]);
    const result = await commitPointer(destinationOf(flaky.store), "current", undefined, draft);
    expect(result).toMatchObject({ outcome: "committed", pointer: { generation: 1 } });
    expect(flaky.puts()).toBe(1);
  });

  test("a lost reply is still ours when others have committed since", async () => {
    await commitBy("before");
    const base = await readPointer(store, "current");
    const flaky = answering([
      async (put) => {
        await put();
        for (const name of ["x", "y", "z"]) await commitBy(name);
        return { outcome: "unknown", cause: "reset" };
      },
    ]);
    const result = await commitPointer(destinationOf(flaky.store, "ours"), "current", base, draft);
    expect(result).toMatchObject({ outcome: "committed", pointer: { generation: 2, writeId: "ours-0001" } });
    expect((await readGenerations(store)).map(({ writeId }) => writeId)).toEqual([
      "z-0001",
      "y-0001",
      "x-0001",
      "ours-0001",
      "before-0001",
    ]);
  });

  test("a request that never arrived is lost when others have committed since", async () => {
    await commitBy("before");
    const base = await readPointer(store, "current");
    const flaky = answering([
      async () => {
        for (const name of ["x", "y", "z"]) await commitBy(name);
        return { outcome: "unknown", cause: "reset" };
      },
    ]);
    const result = await commitPointer(destinationOf(flaky.store, "ours"), "current", base, draft);
    expect(result).toMatchObject({ outcome: "lost", current: { pointer: { generation: 4 } } });
  });

  test("a false 412 is no lost race", async () => {
    const flaky = answering([
      async (put) => {
        await put();
        return put(); // sent twice by something in between
      },
    ]);
    const result = await commitPointer(destinationOf(flaky.store), "current", undefined, draft);
    expect(result).toMatchObject({ outcome: "committed" });
  });

  test("409 and 503 are tried again, with the same write", async () => {
    const flaky = answering([
      async () => ({ outcome: "retry", cause: 409 }),
      async () => ({ outcome: "retry", cause: 503 }),
      (put) => put(),
    ]);
    const result = await commitPointer(destinationOf(flaky.store), "current", undefined, draft);
    expect(result).toMatchObject({ outcome: "committed", pointer: { writeId: "writer-0001" } });
    expect(flaky.puts()).toBe(3);
  });

  test("503 for too long is unavailable: nothing happened", async () => {
    const flaky = answering([async () => ({ outcome: "retry", cause: 503 })]);
    await expect(
      commitPointer(destinationOf(flaky.store), "current", undefined, draft),
    ).rejects.toMatchObject({ kind: "unavailable", code: "STORE_BUSY" });
    expect(flaky.puts()).toBe(10);
    expect(await readPointer(store, "current")).toBeUndefined();
  });

  test("replies that are lost again and again, with nothing to see, leave it unknown: the write may yet arrive", async () => {
    const flaky = answering([async () => ({ outcome: "unknown", cause: "reset" })]);
    const result = await commitPointer(destinationOf(flaky.store), "current", undefined, draft);
    expect(result).toMatchObject({ outcome: "unknown", pointer: { generation: 1 }, cause: "reset" });
  });

  test("rights that end after a lost reply do not make it a failure", async () => {
    const flaky = answering([
      async () => ({ outcome: "unknown", cause: "reset" }),
      async () => {
        throw new ColonnadeError("invalid", "ACCESS_DENIED", "store refused the credentials");
      },
    ]);
    const result = await commitPointer(destinationOf(flaky.store), "current", undefined, draft);
    expect(result).toMatchObject({ outcome: "unknown", cause: { code: "ACCESS_DENIED" } });
  });

  test("a pointer that somebody removes during the commit leaves it unknown", async () => {
    await commitBy("before");
    const base = await readPointer(store, "current");
    await store.delete(pointerKey("current"));
    const result = await commitPointer(destinationOf(store), "current", base, draft);
    expect(result).toMatchObject({ outcome: "unknown", cause: { code: "POINTER_REMOVED" } });
  });
});

describe("what a person did to the store", () => {
  test("generations go on after the pointer was removed", async () => {
    await commitBy("a");
    await commitBy("b");
    await store.delete(pointerKey("current"));
    expect(await commitBy("c")).toMatchObject({
      outcome: "committed",
      pointer: { generation: 3, previous: null },
    });
  });

  test("generations go on after an older pointer was restored", async () => {
    await commitBy("a");
    const old = await readPointer(store, "current");
    await commitBy("b");
    await commitBy("c");
    await store.put(pointerKey("current"), old?.body ?? new Uint8Array(), unconditional);
    expect(await commitBy("d")).toMatchObject({
      pointer: { generation: 4, previous: { generation: 1, version: 1 } },
    });
  });

  test("a pointer of a newer format is invalid, and stays as it is", async () => {
    const newer = encodeDocument({ format: "colonnade/pointer/2", anything: "else" });
    await store.put(pointerKey("current"), newer, unconditional);
    await expect(commitBy("a")).rejects.toMatchObject({ kind: "invalid", code: "FORMAT_NEWER" });
    const blind = commitPointer(destinationOf(store), "current", undefined, draft);
    expect(await blind).toMatchObject({ outcome: "unknown", cause: { code: "FORMAT_NEWER" } });
    expect((await store.get(pointerKey("current")))?.body).toEqual(Uint8Array.from(newer));
  });

  test.each([
    ["not JSON", Buffer.from("{")],
    ["not UTF-8", Buffer.from([0xff, 0xfe])],
    ["null", Buffer.from("null")],
    ["another format", encodeDocument({ format: "iceberg/1" })],
    ["no generation", encodeDocument({ format: "colonnade/pointer/1", channel: "current" })],
  ])("a pointer that is %s is a data error that names it", async (_, body) => {
    await store.put(pointerKey("current"), body, unconditional);
    await expect(readPointer(store, "current")).rejects.toMatchObject({
      kind: "data",
      code: "POINTER_INVALID",
      details: { key: "pointers/current.json" },
    });
  });

  test("a pointer copied from another channel is a data error", async () => {
    await commitBy("a");
    const read = await readPointer(store, "current");
    await store.put(pointerKey("canary"), read?.body ?? new Uint8Array(), unconditional);
    await expect(readPointer(store, "canary")).rejects.toMatchObject({ code: "POINTER_INVALID" });
  });

  test("members that this version does not know are kept in the history", async () => {
    await commitBy("a");
    const read = await readPointer(store, "current");
    const wider = encodeDocument({ ...read?.pointer, note: "by hand" });
    await store.delete(historyKey("current", 1));
    await store.put(pointerKey("current"), wider, unconditional);
    await commitBy("b");
    expect((await readGenerations(store))[1]).toMatchObject({ note: "by hand" });
  });
});
