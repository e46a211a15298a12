import { dropStaged, openObject, publishFile, stageFile } from "./file-context.ts";
import type { FileContext, OpenedObject, StagedFile } from "./file-context.ts";
import { fileError } from "./file-errors.ts";
import { etagOf, statFile } from "./file-etag.ts";
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
  const ranges = createRangeSource(sink);
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
        else await ranges.copy(sourceContext, source, start, end);
      }),
    async complete() {
      guard.end();
      ranges.close();
      return await finish(context, key, staged, sink, options);
    },
    async abort() {
      if (!guard.abort()) return;
      ranges.close();
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

/** The file that ranges are copied from: opened once for all the ranges of an object, which are many and may be small. */
interface RangeSource {
  copy(context: FileContext, source: CopySource, start: number, end: number): Promise<void>;
  close(): void;
}

function createRangeSource(sink: FileSink): RangeSource {
  let opened: (OpenedObject & CopySource) | undefined;

  function close(): void {
    const { file } = opened ?? {};
    opened = undefined;
    file?.close();
  }

  async function open(context: FileContext, source: CopySource): Promise<OpenedObject> {
    const { store, key, etag } = source;
    if (opened?.store === store && opened.key === key && opened.etag === etag) return opened;
    close();
    const found = await openObject(context, key);
    if (found === undefined) throw sourceChanged(key, etag);
    opened = { ...found, store, key, etag };
    const actual = etagOf(found.stats);
    if (actual !== etag) throw sourceChanged(key, etag, actual);
    return opened;
  }

  return {
    async copy(context, source, start, end) {
      const { path, file, stats } = await open(context, source);
      assertWholeRange(source.key, Number(stats.size), start, end);
      const whole = await sink.copyFrom(file, start, end);
      // By its path, not by its handle: it may have been replaced as well as written into while it was read.
      const after = await statFile(path);
      const actual = after === undefined ? undefined : etagOf(after);
      if (!whole || actual !== source.etag) throw sourceChanged(source.key, source.etag, actual);
    },
    close,
  };
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
