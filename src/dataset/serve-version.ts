import { commitPointer } from "./commit.ts";
import type { CommitResult, Destination, PointerDraft } from "./commit.ts";
import { assertAlive } from "./gc/mark.ts";
import { pinVersion } from "./gc/pins.ts";
import type { PointerRead } from "./pointer.ts";

/**
 * Moves a channel's pointer to a version that is in the store: {@link commitPointer}, safe beside a gc. The version is pinned, then
 * looked at: a gc that condemned it before is seen here, and one that condemns it later sees the pin, or the pointer.
 *
 * Throws as `commitPointer` does, and `conflict` (`VERSION_REMOVED`) when gc has removed the version or is about to.
 */
export async function serveVersion(
  destination: Destination,
  channel: string,
  base: PointerRead | undefined,
  draft: PointerDraft,
): Promise<CommitResult> {
  const unpin = await pinVersion(destination, draft.version, channel, base?.etag);
  let result: CommitResult | undefined;
  try {
    await assertAlive(destination, draft.version);
    result = await commitPointer(destination, channel, base, draft);
    return result;
  } finally {
    // A write that may still arrive keeps its pin until it no longer can.
    if (result?.outcome !== "unknown") await unpin();
  }
}
