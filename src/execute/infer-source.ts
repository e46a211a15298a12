import { cancelled, ColonnadeError } from "../base/errors.ts";
import type { Job } from "../dataset/job.ts";
import type { SourceObject } from "../dataset/list-source.ts";
import type { UnreadableObject } from "../plan/plan.ts";
import { type Inference, inferSchemaVersion, type PartitionKey } from "../schema/infer.ts";
import { eachFooter, type FooterSource } from "./survey/each-footer.ts";
import { listedObjects } from "./survey/survey-source.ts";

export interface InferInput extends FooterSource {
  readonly job: Pick<Job, "source" | "limits">;
  readonly dataset: string;
  /** Footers to read; of more objects than that, evenly spread over the listing. */
  readonly objectsMax: number;
}

export interface SourceInference extends Inference {
  /** Listed, and whose footer was read. */
  readonly objects: number;
  readonly objectsRead: number;
  readonly unreadable: readonly UnreadableObject[];
}

/** Enough to tell integers and dates from text. */
const partitionValuesMax = 10_000;

/**
 * Version 1 of a dataset from the footers of its objects and the folders they lie in. Throws `invalid` `SOURCE_EMPTY`, and `data`
 * `OBJECTS_FAILED` when no footer could be read.
 */
export async function inferFromSource(input: InferInput): Promise<SourceInference> {
  const { job, source, signal, onEvent } = input;
  const unreadable: UnreadableObject[] = [];
  const objects: SourceObject[] = [];
  let bytes = 0;
  for await (const object of listedObjects(input, unreadable)) {
    if (signal.aborted) throw cancelled();
    objects.push(object);
    bytes += object.bytes;
  }
  if (objects.length === 0 && unreadable.length === 0) {
    throw new ColonnadeError("invalid", "SOURCE_EMPTY", "source has no object that the job includes", {
      source: source.uri,
      include: job.source.include,
    });
  }
  const chosen = spread(objects, input.objectsMax);
  onEvent({ event: "listed", objects: objects.length, bytes, todo: chosen.length });
  const read = await eachFooter(input, chosen, unreadable, ({ key }, { tree }) => ({ key, tree }));
  if (read.length === 0) {
    throw new ColonnadeError("data", "OBJECTS_FAILED", "no object of the source could be read", {
      objects: unreadable,
    });
  }
  const inference = inferSchemaVersion(read, input.dataset, partitionKeys(objects));
  return { ...inference, objects: objects.length, objectsRead: read.length, unreadable };
}

/** Old and new objects alike: a schema changes in the course of a listing, not at its beginning. */
function spread<T>(items: readonly T[], max: number): readonly T[] {
  if (items.length <= max) return items;
  if (max === 1) return items.slice(-1);
  return Array.from({ length: max }, (_, i) => items[Math.round((i * (items.length - 1)) / (max - 1))] as T);
}

function partitionKeys(objects: readonly SourceObject[]): PartitionKey[] {
  const values = new Map<string, Set<string | null>>();
  for (const { partition } of objects) {
    for (const { name, value } of partition.values) {
      const seen = values.get(name) ?? new Set();
      if (seen.size < partitionValuesMax) seen.add(value);
      values.set(name, seen);
    }
  }
  return Array.from(values, ([name, seen]) => ({ name, values: [...seen] }));
}
