import { describe, expect, test, vi } from "vitest";

import { errorOf, etagOf, pattern, text, utf8 } from "./fixture.ts";
import type { StoreFixture } from "./fixture.ts";
import { updateCrc32 } from "../../src/base/digest.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { createOnly, ifMatch, unconditional } from "../../src/store/object-store.ts";
import type { ObjectStore, Upload } from "../../src/store/object-store.ts";

const MiB = 1024 * 1024;

/** Streaming writers, and copies of ranges between stores. */
export function describeWriter(fixture: () => StoreFixture): void {
  describe("a writer", () => {
    test.each([0, 1, 65_537, 5 * MiB, 5 * MiB + 1, 10 * MiB, 19 * MiB + 3])(
      "writes an object of %i bytes in uneven chunks and knows its CRC-32",
      async (bytes) => {
        const { store } = fixture();
        const body = pattern(bytes);
        const writer = await store.createWriter("write/sized", { precondition: unconditional });
        // One buffer for all chunks: the contract lets the caller use it again.
        const chunk = Buffer.alloc(777_777);
        for (let start = 0; start < bytes; start += chunk.length) {
          const part = chunk.subarray(0, body.copy(chunk, 0, start, Math.min(bytes, start + chunk.length)));
          await writer.write(part);
          part.fill(0);
        }
        const done = await writer.complete();
        expect(done).toMatchObject({ bytes, crc32: updateCrc32(body) });
        const found = await store.get("write/sized");
        expect(found?.etag).toBe(etagOf(done.result));
        expect(Buffer.compare(found?.body ?? Buffer.alloc(0), body)).toBe(0);
      },
    );

    test("shows nothing before it completes", async () => {
      const { store } = fixture();
      const writer = await store.createWriter("write/hidden", { precondition: createOnly });
      await writer.write(pattern(9 * MiB));
      expect(await store.head("write/hidden")).toBeUndefined();
      await writer.complete();
      expect(await store.head("write/hidden")).toMatchObject({ bytes: 9 * MiB });
    });

    test("is listed as an upload until it ends, and fails when somebody else ends it", async () => {
      const { store, other } = fixture();
      const before = Date.now() - 60_000;
      const list = (): Promise<Upload[]> => Array.fromAsync(store.listUploads());
      expect(await list()).toEqual([]);
      const writer = await store.createWriter("write/left", { precondition: createOnly });
      // Enough for a part to be on its way.
      await writer.write(pattern(17 * MiB));
      await vi.waitFor(async () => expect(await list()).toHaveLength(1));
      const [upload] = await list();
      expect([undefined, "write/left"]).toContain(upload?.key);
      expect(upload?.startedAtMs).toBeGreaterThan(before);

      if (upload !== undefined) {
        await store.abortUpload(upload);
        await store.abortUpload(upload);
      }
      expect(await list()).toEqual([]);
      const failed = await errorOf(
        (async () => {
          await writer.write(pattern(9 * MiB));
          await writer.complete();
        })(),
      );
      expect(failed).toMatchObject({ kind: "unavailable", code: "UPLOAD_LOST" });
      await writer.abort();
      expect(await other.head("write/left")).toBeUndefined();
      expect(await store.head("write/left")).toBeUndefined();
    });

    test.each([10, 9 * MiB])("aborted after %i bytes leaves nothing", async (bytes) => {
      const { store, leftovers } = fixture();
      const writer = await store.createWriter("write/aborted", { precondition: createOnly });
      await writer.write(pattern(bytes));
      await writer.abort();
      await writer.abort();
      expect(await store.head("write/aborted")).toBeUndefined();
      expect(await leftovers()).toEqual([]);
      expect(await errorOf(writer.write(utf8("x")))).toMatchObject({ code: "WRITER_CLOSED" });
      expect(await errorOf(writer.complete())).toMatchObject({ code: "WRITER_CLOSED" });
    });

    test.each([10, 9 * MiB])(
      "of %i bytes with createOnly loses against an object that came first",
      async (bytes) => {
        const { store, leftovers } = fixture();
        const key = `write/late-${bytes}`;
        const writer = await store.createWriter(key, { precondition: createOnly });
        await writer.write(pattern(bytes));
        await store.put(key, utf8("first"), createOnly);
        const done = await writer.complete();
        expect(done.result).toEqual({ outcome: "preconditionFailed" });
        await writer.abort();
        expect(text((await store.get(key))?.body)).toBe("first");
        expect(await leftovers()).toEqual([]);
      },
    );

    test.each([10, 9 * MiB])("of %i bytes with ifMatch replaces only the version it names", async (bytes) => {
      const { store, leftovers } = fixture();
      const key = `write/swap-${bytes}`;
      const base = etagOf(await store.put(key, utf8("base"), createOnly));
      const [winner, loser] = await Promise.all(
        [0, 1].map(() => store.createWriter(key, { precondition: ifMatch(base) })),
      );
      await winner?.write(pattern(bytes, 2));
      await loser?.write(pattern(bytes, 3));
      const won = await winner?.complete();
      const lost = await loser?.complete();
      expect(won?.result.outcome).toBe("written");
      expect(lost?.result).toEqual({ outcome: "preconditionFailed" });
      expect(Buffer.compare((await store.get(key))?.body ?? Buffer.alloc(0), pattern(bytes, 2))).toBe(0);
      const absent = await store.createWriter(`${key}-absent`, { precondition: ifMatch(base) });
      await absent.write(pattern(bytes));
      expect((await absent.complete()).result).toEqual({ outcome: "preconditionFailed" });
      expect(await store.head(`${key}-absent`)).toBeUndefined();
      expect(await leftovers()).toEqual([]);
    });

    test("of 8 large writers who create one key, exactly one wins", async () => {
      const { store, again, leftovers } = fixture();
      const writers = await Promise.all(
        Array.from({ length: 8 }, async (_, i) => {
          const writer = await (i % 2 === 0 ? store : again).createWriter("write/race", {
            precondition: createOnly,
          });
          await writer.write(pattern(6 * MiB, i + 1));
          return writer;
        }),
      );
      const done = await Promise.all(writers.map((writer) => writer.complete()));
      const winners = done.filter(({ result }) => result.outcome === "written");
      expect(winners).toHaveLength(1);
      const found = await store.get("write/race");
      expect(updateCrc32(found?.body ?? Buffer.alloc(0))).toBe(winners[0]?.crc32);
      expect(await leftovers()).toEqual([]);
    });

    test("is cancelled by its signal, and then leaves nothing", async () => {
      const { store, leftovers } = fixture();
      const abort = new AbortController();
      const writer = await store.createWriter("write/cancelled", { signal: abort.signal });
      await writer.write(pattern(6 * MiB));
      abort.abort();
      expect((await errorOf(writer.write(utf8("x")))).kind).toBe("cancelled");
      expect((await errorOf(writer.complete())).kind).toBe("cancelled");
      await writer.abort();
      expect(await store.head("write/cancelled")).toBeUndefined();
      expect(await leftovers()).toEqual([]);
    });
  });

  describeCopies(fixture);
}

function describeCopies(fixture: () => StoreFixture): void {
  describe("copyRange", () => {
    const asItShould = { outcome: "written", bytes: true, crc32: true, body: true };

    async function splice(
      from: ObjectStore,
      to: ObjectStore,
    ): Promise<Record<keyof typeof asItShould, unknown>> {
      const body = pattern(21 * MiB + 17, 7);
      const etag = etagOf(await from.put("copy/source", body, unconditional));
      const source = { store: from, key: "copy/source", etag };
      const ranges: [number, number][] = [
        [0, 4],
        [100, 100],
        [6 * MiB, 18 * MiB + 5],
        [17, 3 * MiB],
        [body.length - 8, body.length],
        [5 * MiB, 11 * MiB],
      ];
      const expected: Uint8Array[] = [];
      const writer = await to.createWriter("copy/target", { precondition: unconditional });
      for (const [start, end] of ranges) {
        await writer.write(utf8(`range ${start}`));
        await writer.copyRange(source, start, end);
        expected.push(utf8(`range ${start}`), body.subarray(start, end));
      }
      const whole = Buffer.concat(expected);
      const done = await writer.complete();
      return {
        outcome: done.result.outcome,
        bytes: done.bytes === whole.length,
        crc32: done.crc32 === updateCrc32(whole),
        body: whole.equals((await to.get("copy/target"))?.body ?? Buffer.alloc(0)),
      };
    }

    test("splices ranges of an object of the same store", async () => {
      const { store } = fixture();
      expect(await splice(store, store)).toEqual(asItShould);
    });

    test("splices ranges of another store of the same kind", async () => {
      const { store, other } = fixture();
      expect(await splice(other, store)).toEqual(asItShould);
    });

    test("splices ranges of, and into, a store of another kind", async () => {
      const { store } = fixture();
      expect(await splice(createMemoryStore(), store)).toEqual(asItShould);
      expect(await splice(store, createMemoryStore())).toEqual(asItShould);
    });

    test.each([100, 12 * MiB])(
      "of %i bytes fails when the source was written anew or is gone",
      async (bytes) => {
        const { store, leftovers } = fixture();
        const key = `copy/changing-${bytes}`;
        const etag = etagOf(await store.put(key, pattern(bytes, 1), unconditional));
        const source = { store, key, etag };
        const wanted = { kind: "conflict", code: "SOURCE_CHANGED" };
        const writer = await store.createWriter("copy/never", { precondition: createOnly });
        await writer.copyRange(source, 0, bytes);
        await store.put(key, pattern(bytes, 2), unconditional);
        expect(await errorOf(writer.copyRange(source, 0, bytes))).toMatchObject(wanted);
        // Half of it may be in: a writer that failed never completes.
        expect(await errorOf(writer.complete())).toMatchObject(wanted);
        await writer.abort();
        await store.delete(key);
        const next = await store.createWriter("copy/never", { precondition: createOnly });
        expect(await errorOf(next.copyRange(source, 0, bytes))).toMatchObject(wanted);
        await next.abort();
        expect(await store.head("copy/never")).toBeUndefined();
        expect(await leftovers()).toEqual([]);
      },
    );

    test("refuses a range that ends behind its object", async () => {
      const { store } = fixture();
      const etag = etagOf(await store.put("copy/short", utf8("short"), unconditional));
      const writer = await store.createWriter("copy/never", { precondition: createOnly });
      const error = await errorOf(writer.copyRange({ store, key: "copy/short", etag }, 2, 6));
      expect(error).toMatchObject({ kind: "invalid", code: "RANGE_INVALID" });
      await writer.abort();
    });
  });
}
