import { sha256Hex } from "../base/digest.ts";
import { ColonnadeError } from "../base/errors.ts";
import type { ObjectStore } from "../store/object-store.ts";
import type { Destination } from "./commit.ts";
import { createObject } from "./create-object.ts";
import { readReferenced } from "./document.ts";
import type { FileLine, Part } from "./formats.ts";
import { fileListKey } from "./layout.ts";
import { createLineEncoder, decodeLines } from "./line-codec.ts";

/** A part ends at whichever comes first: lines of wide datasets name a thousand columns each. */
export interface PartLimits {
  readonly lines: number;
  /** Before compression, which makes it about twenty times smaller. */
  readonly plainBytes: number;
}

export const defaultPartLimits: PartLimits = { lines: 50_000, plainBytes: 32 * 1024 * 1024 };

/** Gzip never grows its input by much, so a part that we wrote is always below. */
const partBytesMax = 64 * 1024 * 1024;

/**
 * Writes the file list of a claimed version, in the order the lines come in, with one part in memory at a time. No line
 * makes no part.
 */
export async function writeFileList(
  { store, clock, retry }: Destination,
  version: number,
  lines: AsyncIterable<FileLine>,
  limits: PartLimits = defaultPartLimits,
): Promise<readonly Part[]> {
  const parts: Part[] = [];
  let encoder = createLineEncoder();

  async function writePart(): Promise<void> {
    const key = fileListKey(version, parts.length);
    const body = await encoder.finish();
    const created = await createObject(store, key, body, clock, retry);
    // The number is claimed: nobody else writes here unless they ignore the claim.
    if (created === "taken")
      throw new ColonnadeError("conflict", "VERSION_TAKEN", "version is being written by somebody else", {
        key,
      });
    parts.push({ key, sha256: sha256Hex(body), bytes: body.length, lines: encoder.lines });
    encoder = createLineEncoder();
  }

  for await (const line of lines) {
    await encoder.add(line);
    if (encoder.lines >= limits.lines || encoder.plainBytes >= limits.plainBytes) await writePart();
  }
  if (encoder.lines > 0) await writePart();
  return parts;
}

/**
 * The lines of a version's file list, in order. Each part's digest is compared before its first line is given out. `data`:
 * `FILE_LIST_MISSING`, `DIGEST_MISMATCH`, `LINES_INVALID`, `LINES_MISCOUNTED`.
 */
export async function* readFileList(store: ObjectStore, parts: readonly Part[]): AsyncIterable<FileLine> {
  for (const part of parts) {
    const body = await readReferenced(store, part, "file list", partBytesMax);
    let lines = 0;
    for await (const line of decodeLines(body, part.key)) {
      lines += 1;
      yield line;
    }
    if (lines !== part.lines)
      throw new ColonnadeError(
        "data",
        "LINES_MISCOUNTED",
        "file list has another number of lines than it says",
        {
          key: part.key,
          lines,
          expectedLines: part.lines,
        },
      );
  }
}
