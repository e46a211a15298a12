import pLimit from "p-limit";
import { cancelled, toColonnadeError } from "../../base/errors.ts";
import { createCollector, mainGarbageBytes } from "../../base/collect-garbage.ts";
import { growNursery, stopGrowing } from "../../base/nursery.ts";
import type { Job } from "../../dataset/job.ts";
import type { SourceObject } from "../../dataset/list-source.ts";
import type { Footer } from "../../parquet/footer/footer.ts";
import type { UnreadableObject } from "../../plan/plan.ts";
import type { ObjectStore } from "../../store/object-store.ts";
import type { JobContext } from "../job-context.ts";
import { heldBytesMax } from "./held-object.ts";
import { FooterSizes, readFooter } from "../../dataset/read-object.ts";
import { describeUnreadable } from "./survey-source.ts";

/** From so many small ones on, what takes time and memory is what is done for each, and not what is in it. */
const manyObjects = 1_000;

export interface FooterSource extends Pick<JobContext, "signal" | "onEvent"> {
  readonly job: Pick<Job, "limits">;
  readonly source: ObjectStore;
}

/**
 * What `use` makes of the footer of each object, in the objects' order, several at a time; objects whose footer cannot be read, or of
 * which `use` says so, go to `unreadable`. Throws what concerns all of them.
 */
export async function eachFooter<T>(
  { job, source, signal, onEvent }: FooterSource,
  objects: readonly SourceObject[],
  unreadable: UnreadableObject[],
  use: (object: SourceObject, footer: Footer) => T,
): Promise<T[]> {
  const limit = pLimit(job.limits.requests);
  const collectGarbage = createCollector(mainGarbageBytes);
  const sizes = new FooterSizes();
  const isManySmall = objects.length >= manyObjects && objects.every(({ bytes }) => bytes <= heldBytesMax);
  let done = 0;
  const readOne = async (object: SourceObject): Promise<T[]> => {
    if (signal.aborted) throw cancelled();
    collectGarbage();
    if (isManySmall) growNursery();
    try {
      return [use(object, await readFooter({ ...object, store: source }, signal, sizes))];
    } catch (thrown) {
      const error = toColonnadeError(thrown);
      // An object is one thing; a store that does not answer or a job that is wrong concerns them all.
      if (error.kind !== "data" && error.kind !== "conflict") throw error;
      unreadable.push(describeUnreadable(object.key, error));
      return [];
    } finally {
      done += 1;
      onEvent({ event: "footersRead", done, total: objects.length });
    }
  };
  const read = await Promise.all(objects.map((object) => limit(readOne, object)));
  stopGrowing();
  return read.flatMap((one) => one);
}
