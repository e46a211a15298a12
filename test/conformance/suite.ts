import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { describeConditions } from "./conditions.ts";
import { collectBody, errorOf, etagOf, keysOf, pattern, text, utf8 } from "./fixture.ts";
import type { StoreFixture, StoreKind } from "./fixture.ts";
import { describeWriter } from "./writer.ts";
import { createOnly, unconditional } from "../../src/store/object-store.ts";
import { compareKeys } from "../../src/store/keys.ts";

/** What every store promises (`src/store/object-store.ts`). */
export function describeStore(kind: StoreKind): void {
  describe(`the ${kind.name} store`, () => {
    let fixture: StoreFixture;
    beforeAll(async () => {
      fixture = await kind.open();
    });
    afterAll(() => fixture.close());

    describeReading(() => fixture);
    describeKeys(() => fixture);
    describeListing(kind);
    describeConditions(() => fixture);
    describeWriter(() => fixture);
  });
}

function describeReading(fixture: () => StoreFixture): void {
  describe("reading", () => {
    test("a missing object is undefined, however it is asked for", async () => {
      const { store } = fixture();
      expect(await store.head("missing/object")).toBeUndefined();
      expect(await store.get("missing/object")).toBeUndefined();
      expect(
        await store.get("missing/object", { range: { start: 0, end: 10 }, ifMatch: '"x"' }),
      ).toBeUndefined();
      expect(await store.getStream("missing/object")).toBeUndefined();
      expect(await store.getIfChanged("missing/object", '"x"')).toBeUndefined();
      await store.delete("missing/object");
    });

    test("what was put is read back, and head, get and list agree on its facts", async () => {
      const { store, again } = fixture();
      const before = Date.now();
      const etag = etagOf(await store.put("read/whole", utf8("seven wonders"), unconditional));
      const head = await again.head("read/whole");
      expect(head).toMatchObject({ key: "read/whole", bytes: 13, etag });
      expect(Math.abs((head?.modifiedAtMs ?? 0) - before)).toBeLessThan(60_000);
      const found = await again.get("read/whole");
      expect(text(found?.body)).toBe("seven wonders");
      expect(found).toMatchObject({ key: "read/whole", bytes: 13, etag });
      const listed = await keysOf(again.list("read/whole"));
      expect(listed).toEqual(["read/whole"]);
    });

    test("an empty object is an object", async () => {
      const { store } = fixture();
      const etag = etagOf(await store.put("read/empty", utf8(""), unconditional));
      expect(await store.head("read/empty")).toMatchObject({ bytes: 0, etag });
      expect((await store.get("read/empty"))?.body.length).toBe(0);
      expect((await store.get("read/empty", { range: { suffixBytes: 8 } }))?.body.length).toBe(0);
      expect((await store.get("read/empty", { range: { start: 0, end: 8 } }))?.body.length).toBe(0);
      const stream = await store.getStream("read/empty");
      expect((await collectBody(stream?.body ?? missingBody())).length).toBe(0);
    });

    test.each([
      ["the first byte", { start: 0, end: 1 }, "0"],
      ["a middle", { start: 3, end: 7 }, "3456"],
      ["everything", { start: 0, end: 10 }, "0123456789"],
      ["more than there is", { start: 8, end: 1000 }, "89"],
      ["nothing", { start: 4, end: 4 }, ""],
      ["nothing at the end", { start: 10, end: 10 }, ""],
      ["what lies behind the end", { start: 10, end: 20 }, ""],
      ["what lies far behind the end", { start: 1000, end: 2000 }, ""],
      ["a suffix", { suffixBytes: 4 }, "6789"],
      ["a suffix as long as the object", { suffixBytes: 10 }, "0123456789"],
      ["a suffix longer than the object", { suffixBytes: 4096 }, "0123456789"],
      ["an empty suffix", { suffixBytes: 0 }, ""],
    ])("a range gives exactly %s, in memory and as a stream", async (_name, range, expected) => {
      const { store } = fixture();
      await store.put("read/digits", utf8("0123456789"), unconditional);
      const found = await store.get("read/digits", { range });
      expect(text(found?.body)).toBe(expected);
      expect(found?.bytes).toBe(10);
      const stream = await store.getStream("read/digits", { range });
      expect(text(await collectBody(stream?.body ?? missingBody()))).toBe(expected);
      expect(stream?.bytes).toBe(10);
    });

    test.each([{ start: -1, end: 3 }, { start: 5, end: 4 }, { start: 0.5, end: 2 }, { suffixBytes: -1 }])(
      "an impossible range is refused: %o",
      async (range) => {
        const { store } = fixture();
        await store.put("read/digits", utf8("0123456789"), unconditional);
        expect(await errorOf(store.get("read/digits", { range }))).toMatchObject({
          kind: "invalid",
          code: "RANGE_INVALID",
        });
        expect(await errorOf(store.getStream("read/digits", { range }))).toMatchObject({
          code: "RANGE_INVALID",
        });
      },
    );

    test("a large object streams in chunks that add up", async () => {
      const { store } = fixture();
      const body = pattern(3_333_333);
      await store.put("read/large", body, unconditional);
      const stream = await store.getStream("read/large", { range: { start: 11, end: 3_333_330 } });
      const read = await collectBody(stream?.body ?? missingBody());
      expect(read.equals(body.subarray(11, 3_333_330))).toBe(true);
    });

    test("a stream may be left in the middle", async () => {
      const { store } = fixture();
      await store.put("read/large", pattern(3_333_333), unconditional);
      const stream = await store.getStream("read/large");
      let first = 0;
      for await (const chunk of stream?.body ?? missingBody()) {
        first = chunk.length;
        break;
      }
      expect(first).toBeGreaterThan(0);
      expect((await store.get("read/large", { range: { start: 0, end: 1 } }))?.body.length).toBe(1);
    });

    test("reading with ifMatch fails with SOURCE_CHANGED once the object was written anew", async () => {
      const { store } = fixture();
      const etag = etagOf(await store.put("read/changing", utf8("one"), unconditional));
      expect(text((await store.get("read/changing", { ifMatch: etag }))?.body)).toBe("one");
      await store.put("read/changing", utf8("two"), unconditional);
      const wanted = { kind: "conflict", code: "SOURCE_CHANGED" };
      expect(await errorOf(store.get("read/changing", { ifMatch: etag }))).toMatchObject(wanted);
      const ranged = store.get("read/changing", { ifMatch: etag, range: { suffixBytes: 1 } });
      expect(await errorOf(ranged)).toMatchObject(wanted);
      expect(await errorOf(store.getStream("read/changing", { ifMatch: etag }))).toMatchObject(wanted);
    });

    test("getIfChanged says unchanged until the object is written anew", async () => {
      const { store } = fixture();
      const etag = etagOf(await store.put("read/polled", utf8("one"), unconditional));
      expect(await store.getIfChanged("read/polled", etag)).toBe("unchanged");
      const next = etagOf(await store.put("read/polled", utf8("two"), unconditional));
      const changed = await store.getIfChanged("read/polled", etag);
      expect(changed).toMatchObject({ etag: next, bytes: 3 });
      expect(changed === "unchanged" ? changed : text(changed?.body)).toBe("two");
    });

    test("an aborted read is cancelled", async () => {
      const { store } = fixture();
      await store.put("read/digits", utf8("0123456789"), unconditional);
      const error = await errorOf(store.get("read/digits", { signal: AbortSignal.abort() }));
      expect(error.kind).toBe("cancelled");
    });

    test("a deleted object is missing, and its key is free again", async () => {
      const { store } = fixture();
      await store.put("read/deleted", utf8("x"), createOnly);
      await store.delete("read/deleted");
      expect(await store.head("read/deleted")).toBeUndefined();
      expect(await keysOf(store.list("read/deleted"))).toEqual([]);
      etagOf(await store.put("read/deleted", utf8("y"), createOnly));
    });
  });
}

const awkwardKeys = [
  "keys/with space/a b  c.parquet",
  "keys/plus+plus/+.parquet",
  "keys/percent%20%/100%.parquet",
  "keys/day=2026-01-01/hour=00/part=0.parquet",
  "keys/ünï/çødé/日本語/🦜🦜.parquet",
  "keys/decomposed/u\u0308.parquet",
  "keys/composed/\u00fc.parquet",
  "keys/quotes/'single' \"double\" `back`.parquet",
  "keys/amp&amp;<tag>?query#fragment.parquet",
  "keys/(round)[square]{curly}!~*,;:@$^|.parquet",
  "keys/.hidden/..double/...parquet",
  "keys/tail. /end.",
  "keys/\u{FFFD}\u{E000}.parquet",
];

function describeKeys(fixture: () => StoreFixture): void {
  describe("keys", () => {
    test.each(awkwardKeys)("%s is put, read, listed, copied and deleted", async (key) => {
      const { store, other } = fixture();
      const etag = etagOf(await store.put(key, utf8(key), createOnly));
      expect(await store.head(key)).toMatchObject({ key, etag });
      expect(text((await store.get(key))?.body)).toBe(key);
      expect(await keysOf(store.list(key))).toEqual([key]);
      const writer = await other.createWriter(key, { precondition: createOnly });
      await writer.copyRange({ store, key, etag }, 0, utf8(key).length);
      etagOf((await writer.complete()).result);
      expect(text((await other.get(key))?.body)).toBe(key);
      await store.delete(key);
      expect(await store.head(key)).toBeUndefined();
    });

    test.each([
      ["empty", ""],
      ["absolute", "/a"],
      ["a folder", "a/"],
      ["with an empty segment", "a//b"],
      ["with a dot", "a/./b"],
      ["with two dots", "a/../b"],
      ["climbing out", "../outside"],
      ["with NUL", "a\0b"],
      ["with half of a surrogate pair", "a\ud800b"],
      ["too long", `k/${"x".repeat(1023)}`],
      ["reserved", "a/.colonnade/tmp/x"],
    ])("a key that is %s is refused before anything is done", async (_name, key) => {
      const { store } = fixture();
      const wanted = { kind: "invalid", code: "KEY_INVALID" };
      expect(await errorOf(store.head(key))).toMatchObject(wanted);
      expect(await errorOf(store.get(key))).toMatchObject(wanted);
      expect(await errorOf(store.getStream(key))).toMatchObject(wanted);
      expect(await errorOf(store.getIfChanged(key, '"x"'))).toMatchObject(wanted);
      expect(await errorOf(store.put(key, utf8("x"), unconditional))).toMatchObject(wanted);
      expect(await errorOf(store.createWriter(key))).toMatchObject(wanted);
      expect(await errorOf(store.delete(key))).toMatchObject(wanted);
    });
  });
}

function describeListing(kind: StoreKind): void {
  describe("listing", () => {
    let fixture: StoreFixture;
    const inOrder = [
      "a",
      "b-1",
      "b.txt",
      "b/",
      "b/2",
      "b/é",
      "b0",
      "c/x/y/z",
      "c/x/y0",
      "day=1/part+0",
      "day=1/part 1",
      "é",
      "日本",
      "\u{E000}",
      "\u{FFFD}",
      "\u{10000}",
    ]
      .filter((key) => !key.endsWith("/"))
      .toSorted(compareKeys);
    const numbered = Array.from({ length: 2500 }, (_, i) => `many/d=${i % 7}/n${String(i).padStart(5, "0")}`);
    beforeAll(async () => {
      fixture = await kind.open();
      for (const key of inOrder.toReversed()) await fixture.store.put(`few/${key}`, utf8(key), createOnly);
      const todo = numbered.values();
      const work = async (): Promise<void> => {
        for (const key of todo) await fixture.store.put(key, utf8(key), createOnly);
      };
      await Promise.all(Array.from({ length: 16 }, work));
    });
    afterAll(() => fixture.close());

    test("keys come in the order of their UTF-8 bytes", async () => {
      const bytewise = inOrder.toSorted((a, b) => Buffer.compare(utf8(a), utf8(b)));
      const keys = await keysOf(fixture.store.list("few/"));
      expect(keys).toEqual(bytewise.map((key) => `few/${key}`));
    });

    test("startAfter goes on behind any key, a missing one too", async () => {
      const all = await keysOf(fixture.store.list("few/"));
      for (const startAfter of [...all, "few/b/1", "few/b", "few/zzz", "few/c/x/y/zz", "a", "z"]) {
        const expected = all.filter((key) => Buffer.compare(utf8(key), utf8(startAfter)) > 0);
        expect(await keysOf(fixture.store.list("few/", { startAfter }))).toEqual(expected);
      }
    });

    test("a prefix may end inside of a segment, at a slash, or at a whole key", async () => {
      const all = await keysOf(fixture.store.list("few/"));
      for (const prefix of ["few/b", "few/b/", "few/c/x/y", "few/day=1/part ", "few/\u{10000}", "fe"]) {
        const expected = all.filter((key) => key.startsWith(prefix));
        expect(expected.length).toBeGreaterThan(0);
        expect(await keysOf(fixture.store.list(prefix))).toEqual(expected);
      }
      expect(await keysOf(fixture.store.list("none"))).toEqual([]);
      expect(await keysOf(fixture.store.list("few/a/b"))).toEqual([]);
    });

    test("2,500 keys are listed completely, once each, in order", async () => {
      const expected = numbered.toSorted();
      expect(await keysOf(fixture.store.list("many/"))).toEqual(expected);
      const startAfter = expected[1234] ?? "";
      expect(await keysOf(fixture.store.list("many/", { startAfter }))).toEqual(expected.slice(1235));
      expect((await keysOf(fixture.store.list(""))).length).toBe(inOrder.length + 2500);
    });

    test("a listing may be left in the middle", async () => {
      const first: string[] = [];
      for await (const { key } of fixture.store.list("many/")) {
        first.push(key);
        if (first.length === 3) break;
      }
      expect(first).toEqual(numbered.toSorted().slice(0, 3));
    });

    test("sizes and ETags are those of the objects", async () => {
      for await (const info of fixture.store.list("few/"))
        expect(await fixture.store.head(info.key)).toEqual(info);
    });

    test.each(["/a", "a//b", "../", "a/../b"])("the prefix %s is refused", async (prefix) => {
      expect(await errorOf(keysOf(fixture.store.list(prefix)))).toMatchObject({ code: "KEY_INVALID" });
    });
  });
}

function missingBody(): never {
  throw new Error("the object is missing");
}
