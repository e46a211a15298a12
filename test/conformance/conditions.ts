import { describe, expect, test } from "vitest";

import { etagOf, text, utf8 } from "./fixture.ts";
import type { StoreFixture } from "./fixture.ts";
import { createOnly, ifMatch, unconditional } from "../../src/store/object-store.ts";
import type { ObjectStore, PutResult } from "../../src/store/object-store.ts";

/** Conditional writes: what the commit protocol stands on. */
export function describeConditions(fixture: () => StoreFixture): void {
  describe("preconditions", () => {
    test("createOnly creates, and never overwrites", async () => {
      const { store } = fixture();
      etagOf(await store.put("if/new", utf8("first"), createOnly));
      expect(await store.put("if/new", utf8("second"), createOnly)).toEqual({
        outcome: "preconditionFailed",
      });
      expect(text((await store.get("if/new"))?.body)).toBe("first");
    });

    test("ifMatch replaces the version it names, and no other", async () => {
      const { store } = fixture();
      const first = etagOf(await store.put("if/swap", utf8("first"), unconditional));
      const second = etagOf(await store.put("if/swap", utf8("second"), ifMatch(first)));
      expect(second).not.toBe(first);
      expect(await store.put("if/swap", utf8("third"), ifMatch(first))).toEqual({
        outcome: "preconditionFailed",
      });
      const found = await store.get("if/swap");
      expect([found?.etag, text(found?.body)]).toEqual([second, "second"]);
    });

    test("ifMatch on a missing object fails its precondition and creates nothing", async () => {
      const { store } = fixture();
      const result = await store.put("if/absent", utf8("x"), ifMatch('"0123456789abcdef0123456789abcdef"'));
      expect(result).toEqual({ outcome: "preconditionFailed" });
      expect(await store.head("if/absent")).toBeUndefined();
    });

    test("an unconditional write replaces whatever is there", async () => {
      const { store } = fixture();
      etagOf(await store.put("if/none", utf8("first"), unconditional));
      etagOf(await store.put("if/none", utf8("second"), unconditional));
      expect(text((await store.get("if/none"))?.body)).toBe("second");
    });

    test("the ETag changes with the content", async () => {
      const { store } = fixture();
      const etags = new Set<string>();
      for (let i = 0; i < 20; i += 1)
        etags.add(etagOf(await store.put("if/etags", utf8(`v${i}`), unconditional)));
      expect(etags.size).toBe(20);
    });

    test("of 32 writers behind a barrier who create one key, exactly one wins", async () => {
      const { store, again } = fixture();
      for (let round = 0; round < 5; round += 1) {
        const key = `race/create-${round}`;
        const bodies = Array.from({ length: 32 }, (_, i) => `writer ${i}`);
        const results = await race(
          bodies.map((body, i) => () => pick(i, store, again).put(key, utf8(body), createOnly)),
        );
        expect(await judge(store, key, bodies, results)).toEqual(oneWinner);
      }
    });

    test("of 32 writers behind a barrier who swap one version, exactly one wins", async () => {
      const { store, again } = fixture();
      for (let round = 0; round < 5; round += 1) {
        const key = `race/swap-${round}`;
        const etag = etagOf(await store.put(key, utf8("base"), createOnly));
        const bodies = Array.from({ length: 32 }, (_, i) => `writer ${i}`);
        const results = await race(
          bodies.map((body, i) => () => pick(i, store, again).put(key, utf8(body), ifMatch(etag))),
        );
        expect(await judge(store, key, bodies, results)).toEqual(oneWinner);
      }
    });

    test("of 32 unconditional writers all succeed and one of them stays", async () => {
      const { store, again } = fixture();
      const bodies = Array.from({ length: 32 }, (_, i) => `writer ${i}`);
      const results = await race(
        bodies.map((body, i) => () => pick(i, store, again).put("race/none", utf8(body), unconditional)),
      );
      const etags = results.map(etagOf);
      const last = await store.get("race/none");
      expect(etags.indexOf(last?.etag ?? "")).toBe(bodies.indexOf(text(last?.body) ?? ""));
    });

    test("a counter kept by compare-and-swap loses no increment", async () => {
      const { store, again } = fixture();
      await store.put("race/counter", utf8("0"), createOnly);
      const increments = 8;
      const workers = Array.from({ length: 8 }, (_, i) =>
        increment(pick(i, store, again), "race/counter", increments),
      );
      await Promise.all(workers);
      expect(text((await store.get("race/counter"))?.body)).toBe(String(8 * increments));
    });
  });
}

function pick(i: number, store: ObjectStore, again: ObjectStore): ObjectStore {
  return i % 2 === 0 ? store : again;
}

/** Starts all at one instant. */
async function race<T>(racers: readonly (() => Promise<T>)[]): Promise<T[]> {
  const { promise: barrier, resolve: open } = Promise.withResolvers<void>();
  const running = racers.map(async (racer) => {
    await barrier;
    return await racer();
  });
  open();
  return await Promise.all(running);
}

const oneWinner = { winners: 1, strange: [], stays: true };

/** What became of a race: how many won, which outcomes nobody should see, and whether the winner's object stays. */
async function judge(
  store: ObjectStore,
  key: string,
  bodies: readonly string[],
  results: readonly PutResult[],
): Promise<typeof oneWinner> {
  const found = await store.get(key);
  const winner = results.findIndex(({ outcome }) => outcome === "written");
  const result = results[winner];
  const expected = new Set(["written", "preconditionFailed", "retry"]);
  return {
    winners: results.filter(({ outcome }) => outcome === "written").length,
    strange: results.filter(({ outcome }) => !expected.has(outcome)) as never[],
    stays:
      text(found?.body) === bodies[winner] && result?.outcome === "written" && found?.etag === result.etag,
  };
}

/** Adds one, `times` times, as any user of compare-and-swap would. */
export async function increment(store: ObjectStore, key: string, times: number): Promise<void> {
  for (let done = 0; done < times;) {
    const current = await store.get(key);
    if (current === undefined) throw new Error("the counter is gone");
    const next = utf8(String(Number(text(current.body)) + 1));
    const result = await store.put(key, next, ifMatch(current.etag));
    if (result.outcome === "unknown")
      throw new Error("the counter's state is unknown", { cause: result.cause });
    if (result.outcome === "written") done += 1;
  }
}
