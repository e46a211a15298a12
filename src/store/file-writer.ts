import type { FileHandle } from "node:fs/promises";

import { dropStaged, openObject, publishFile, stageFile } from "./file-context.ts";
import type { FileContext, StagedFile } from "./file-context.ts";
import { fileError } from "./file-errors.ts";
import { etagOf } from "./file-etag.ts";
import { createFileSink } from "./file-sink.ts";
import type { FileSink } from "./file-sink.ts";
import type { CopySource, ObjectStore, ObjectWriter, WriterOptions } from "./object-store.ts";
import { unconditional } from "./object-store.ts";
import { assertWholeRange } from "./ranges.ts";
import { sourceChanged } from "./store-errors.ts";
import { guardWriter } from "./writer-guard.ts";

/** Finds the inside of a store when that is a file store too, so that a copy needs no stream. */
export type FileContextOf = (store: ObjectStore) => FileContext | undefined;

export async function createFileWriter(
  context: FileContext,
  contextOf: FileContextOf,
  key: string,
  options: WriterOptions = {},
): Promise<ObjectWriter> {
  const staged = await stageFile(context);
  const sink = createFileSink(staged.file);
  const { signal } = options;
  const guard = guardWriter(key, signal);

  const step = (action: () => Promise<void>): Promise<void> =>
    guard.step(async () => {
      await context.step("write");
      try {
        await action();
      } catch (error) {
        throw fileError(error, key, context.uri);
      }
    });

  return {
    write: (chunk) => step(() => sink.write(chunk)),
    copyRange: (source, start, end) =>
      step(async () => {
        const sourceContext = contextOf(source.store);
        if (sourceContext === undefined) await copyStream(sink, source, start, end, signal);
        else await copyFileRange(sink, sourceContext, source, start, end);
      }),
    async complete() {
      guard.end();
      return await finish(context, key, staged, sink, options);
    },
    async abort() {
      if (!guard.abort()) return;
      await sink.settle();
      await dropStaged(staged);
    },
  };
}

async function finish(
  context: FileContext,
  key: string,
  staged: StagedFile,
  sink: FileSink,
  options: WriterOptions,
): ReturnType<ObjectWriter["complete"]> {
  try {
    const { bytes, crc32 } = await sink.flush();
    const result = await publishFile(context, key, staged, options.precondition ?? unconditional);
    return { result, bytes, crc32 };
  } catch (error) {
    await sink.settle();
    await dropStaged(staged);
    throw fileError(error, key, context.uri);
  }
}

async function copyFileRange(
  sink: FileSink,
  context: FileContext,
  source: CopySource,
  start: number,
  end: number,
): Promise<void> {
  const opened = await openObject(context, source.key);
  if (opened === undefined) throw sourceChanged(source.key, source.etag);
  const { file, stats } = opened;
  try {
    if (etagOf(stats) !== source.etag) throw sourceChanged(source.key, source.etag, etagOf(stats));
    assertWholeRange(source.key, Number(stats.size), start, end);
    const whole = await sink.copyFrom(file, start, end);
    // A program that writes into the file in place, while we read it, shows in its time or size.
    const after = await etagOfOpen(file);
    if (!whole || after !== source.etag) throw sourceChanged(source.key, source.etag, after);
  } finally {
    await file.close();
  }
}

async function etagOfOpen(file: FileHandle): Promise<string> {
  return etagOf(await file.stat({ bigint: true }));
}

async function copyStream(
  sink: FileSink,
  source: CopySource,
  start: number,
  end: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const found = await source.store.getStream(source.key, {
    range: { start, end },
    ifMatch: source.etag,
    ...(signal === undefined ? {} : { signal }),
  });
  if (found === undefined) throw sourceChanged(source.key, source.etag);
  assertWholeRange(source.key, found.bytes, start, end);
  for await (const chunk of found.body) await sink.write(chunk);
}
