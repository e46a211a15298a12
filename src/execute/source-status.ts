import { cancelled } from "../base/errors.ts";
import { readFileList } from "../dataset/file-list.ts";
import type { FileLine, Manifest } from "../dataset/formats.ts";
import type { UnreadableObject } from "../plan/plan.ts";
import type { JobContext } from "./job-context.ts";
import { LineCursor } from "./survey/line-cursor.ts";
import { listedObjects } from "./survey/survey-source.ts";

/** How far a source has moved on from the version that was made of it. */
export interface SourceStatus {
  readonly objects: number;
  readonly bytes: number;
  /** In the source, and not in the version. */
  readonly added: number;
  /** In both, but the source object was written anew since. */
  readonly changed: number;
  /** In the version, and no longer in the source. */
  readonly vanished: number;
  readonly unchanged: number;
  /** Keys that cannot be a part of the dataset. */
  readonly invalid: number;
}

/** Compares a listing of the source with a version's file list: no object is opened. */
export async function readSourceStatus(
  context: JobContext,
  manifest: Manifest | undefined,
): Promise<SourceStatus> {
  const lines = new LineCursor(
    manifest === undefined ? noLines() : readFileList(context.destination, manifest.parts),
  );
  const counts = { objects: 0, bytes: 0, added: 0, changed: 0, vanished: 0, unchanged: 0 };
  const invalid: UnreadableObject[] = [];
  const leave = (): void => void (counts.vanished += 1);
  for await (const { key, etag, bytes } of listedObjects(context, invalid)) {
    if (context.signal.aborted) throw cancelled();
    counts.objects += 1;
    counts.bytes += bytes;
    await lines.skipTo(key, leave);
    const line = await lines.takeEqual(key);
    if (line === undefined) counts.added += 1;
    else if (line.source.etag === etag && line.source.bytes === bytes) counts.unchanged += 1;
    else counts.changed += 1;
  }
  await lines.skipTo(undefined, leave);
  return { ...counts, invalid: invalid.length };
}

// oxlint-disable-next-line require-yield -- a channel that serves nothing has no lines
async function* noLines(): AsyncIterable<FileLine> {}
