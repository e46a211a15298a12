import { expect, test } from "vitest";

import { ColonnadeError, toColonnadeError } from "../../../src/base/errors.ts";
import { createChunkWorkers } from "../../../src/execute/chunk-workers.ts";
import type { RunBatch } from "../../../src/execute/chunk-worker.ts";
import { defaultReadLimits } from "../../../src/parquet/read-page.ts";
import type { LeafColumn } from "../../../src/parquet/leaf-type.ts";

const column: LeafColumn = {
  path: ["a"],
  physicalType: "INT32",
  type: { kind: "int", bits: 32, signed: true },
  maxDefinitionLevel: 0,
  maxRepetitionLevel: 0,
};

/** A chunk of zeros, refused at once: replies follow each other as fast as they can. */
function malformed(): RunBatch {
  const request = {
    start: 0,
    end: 10,
    codec: "UNCOMPRESSED",
    isFirst: true,
    place: { page: 0, offset: 0 },
    numValues: 1,
    chunkValues: 1,
    rowStart: 0,
    source: column,
    target: column,
    change: { kind: "rewrite", rewrite: { onInvalid: "fail" } },
    extras: { statistics: false, pageIndex: false, bloomFilter: false, sizeStatistics: false },
    purpose: "write",
    limits: defaultReadLimits,
  } as const;
  return { bytes: new Uint8Array(10), requests: [request] };
}

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
      expect(["PAGE_MALFORMED", "CANCELLED", "WORKER_DIED"]).toEqual(
        expect.arrayContaining([...new Set(await Promise.all(codes))]),
      );
    }
    process.off("uncaughtExceptionMonitor", note);
    expect(uncaught).toEqual([]);
  },
);
