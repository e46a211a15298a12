import { open, readFile, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { z } from "zod";
import { encodeDocument, parseDocument } from "../dataset/document.ts";
import { ColonnadeError } from "../base/errors.ts";
import type { WatchState } from "./watch.ts";

const watchStateFormat = "colonnade/watch-state/1";

export const watchStateSchema = z.looseObject({
  format: z.literal(watchStateFormat),
  destination: z.string(),
  channel: z.string(),
  generation: z.number().int().positive(),
  writeId: z.string(),
});

/**
 * Remembers the last handled generation in a file, replaced by renaming, so that a crash leaves the old or the new one. Throws
 * `invalid`: `WATCH_STATE_DIFFERS` when the file is about another destination or channel, `WATCH_STATE_UNUSABLE` when it cannot
 * be read or written; `data` `WATCH_STATE_INVALID` when it is damaged.
 */
export function createFileWatchState(path: string, destination: string, channel: string): WatchState {
  return {
    async load() {
      const body = await readFile(path).catch((error: NodeJS.ErrnoException) => {
        if (error.code === "ENOENT") return undefined;
        throw unusable(path, error);
      });
      if (body === undefined) return undefined;
      const state = parseDocument(body, watchStateSchema, watchStateFormat, "watch state", path);
      if (state.destination !== destination || state.channel !== channel)
        throw new ColonnadeError(
          "invalid",
          "WATCH_STATE_DIFFERS",
          "watch state is about another destination or channel: give each its own file",
          { path, destination: state.destination, channel: state.channel },
        );
      return { generation: state.generation, writeId: state.writeId };
    },
    async save({ generation, writeId }) {
      const state = { format: watchStateFormat, destination, channel, generation, writeId };
      await replaceFile(path, encodeDocument(state)).catch((error: unknown) => {
        throw unusable(path, error);
      });
    },
  };
}

async function replaceFile(path: string, content: Uint8Array): Promise<void> {
  const next = `${path}.next`;
  try {
    const file = await open(next, "w");
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(next, path);
  } catch (error) {
    await rm(next, { force: true });
    throw error;
  }
  // The rename itself is only durable once the folder is.
  const folder = await open(dirname(path), "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function unusable(path: string, cause: unknown): ColonnadeError {
  return new ColonnadeError(
    "invalid",
    "WATCH_STATE_UNUSABLE",
    "watch state cannot be read or written",
    { path },
    { cause },
  );
}
