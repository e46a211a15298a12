import { setTimeout as delay } from "node:timers/promises";
import { zstdCompressSync } from "node:zlib";
import { expect, test } from "vitest";

import { ColonnadeError, toColonnadeError } from "../../../../src/base/errors.ts";
import { createChunkWorkers } from "../../../../src/execute/chunks/chunk-workers.ts";
import type { RunBatch } from "../../../../src/execute/chunks/chunk-worker.ts";
import { defaultReadLimits } from "../../../../src/parquet/pages/read-page.ts";
import { writePageHeader } from "../../../../src/parquet/pages/page-header.ts";
import { Encoding } from "../../../../src/parquet/spec.ts";
import type { LeafColumn } from "../../../../src/parquet/leaf-type.ts";

const column: LeafColumn = {
  path: ["a"],
  physicalType: "INT32",
  type: { kind: "int", bits: 32, signed: true },
  maxDefinitionLevel: 0,
  maxRepetitionLevel: 0,
};

function batchOf(bytes: Uint8Array, codec: "UNCOMPRESSED" | "ZSTD", numValues: number): RunBatch {
  const request = {
    start: 0,
    end: bytes.length,
    codec,
    isFirst: true,
    place: { page: 0, offset: 0 },
    numValues,
    chunkValues: numValues,
    rowStart: 0,
    source: column,
    target: column,
    change: { kind: "rewrite", rewrite: { onInvalid: "fail" } },
    extras: { statistics: false, pageIndex: false, bloomFilter: false, sizeStatistics: false },
    purpose: "write",
    limits: defaultReadLimits,
  } as const;
  return { bytes, requests: [request] };
}

/** A chunk of zeros, refused at once: replies follow each other as fast as they can. */
const malformed = (): RunBatch => batchOf(new Uint8Array(10), "UNCOMPRESSED", 1);

/** Thousands of pages of one value: a thread that rewrites them is nearly always beginning to compress or to decompress. */
function tinyPages(): RunBatch {
  const body = zstdCompressSync(new Uint8Array(4));
  const { PLAIN: encoding, RLE: levels } = Encoding;
  const header = writePageHeader(
    {
      type: "data",
      numValues: 1,
      encoding,
      definitionLevelEncoding: levels,
      repetitionLevelEncoding: levels,
    },
    4,
    body.length,
    undefined,
  );
  const pages = 5000;
  return batchOf(Buffer.concat(Array.from({ length: pages }, () => [header, body]).flat()), "ZSTD", pages);
}

test("threads are ended between two runs of pages, never in the middle, which Node would not survive", async () => {
  const codes = new Set<string>();
  for (let round = 0; round < 8; round += 1) {
    const stop = new AbortController();
    const workers = createChunkWorkers({ workers: 2, signal: stop.signal });
    // A thread takes a while to start; the first reply says that it did.
    await workers.rewrite(malformed());
    const replies = [tinyPages(), tinyPages()].map((batch) =>
      workers.rewrite(batch).then(
        ([reply]) => (reply instanceof ColonnadeError ? reply.code : "rewritten"),
        (error: unknown) => toColonnadeError(error).code,
      ),
    );
    await delay(10 + round);
    if (round % 2 === 0) stop.abort();
    await workers.close();
    for (const code of await Promise.all(replies)) codes.add(code);
  }
  expect([...codes]).toEqual(["CANCELLED"]);
});

test.each(["an abort", "a close"])(
  "replies that cross %s are dropped, and every request ends in a typed error",
  async (end) => {
    const uncaught: unknown[] = [];
    const note = (error: unknown): unknown => uncaught.push(error);
    process.on("uncaughtExceptionMonitor", note);
    for (let round = 0; round < 3; round += 1) {
      const stop = new AbortController();
      const workers = createChunkWorkers({ workers: 4, signal: stop.signal });
      const codes = Array.from({ length: 400 }, () =>
        workers.rewrite(malformed()).then(
          ([reply]) => (reply instanceof ColonnadeError ? reply.code : "rewritten"),
          (error: unknown) => toColonnadeError(error).code,
        ),
      );
      await codes[200];
      if (end === "an abort") stop.abort();
      await workers.close();
      expect(["PAGE_MALFORMED", "CANCELLED"]).toEqual(
        expect.arrayContaining([...new Set(await Promise.all(codes))]),
      );
    }
    process.off("uncaughtExceptionMonitor", note);
    expect(uncaught).toEqual([]);
  },
);

test("threads that were started ahead do the work, and end without any", async () => {
  const idle = createChunkWorkers({ workers: 2 });
  idle.start();
  await idle.close();

  const workers = createChunkWorkers({ workers: 2 });
  workers.start();
  workers.start();
  const [reply] = await workers.rewrite(malformed());
  expect(toColonnadeError(reply).code).toBe("PAGE_MALFORMED");
  await workers.close();

  const late = createChunkWorkers({ workers: 2, signal: AbortSignal.abort() });
  late.start();
  await expect(late.rewrite(malformed())).rejects.toMatchObject({ code: "CANCELLED" });
  await late.close();
});
