import type { ErrorDetails } from "../base/errors.ts";
import type { ManifestChange } from "../dataset/formats.ts";
import type { SourceObject } from "../dataset/list-source.ts";
import { chunkByteRange } from "../parquet/footer/chunk-range.ts";
import type { Footer } from "../parquet/footer/footer.ts";
import type { ChunkFacts } from "../parquet/footer/chunk-facts.ts";
import { Encoding, PageType } from "../parquet/spec.ts";
import type { ActionName } from "./leaf-action.ts";
import type { OutputLeaf } from "./output-schema.ts";

export const planFormat = "colonnade/plan/1";

/** What will be done, and why: pure data, made before anything is written. */
export interface Plan {
  readonly format: typeof planFormat;
  readonly job: string;
  readonly dataset: string;
  readonly channel: string;
  readonly source: string;
  readonly destination: string;
  /** Schema versions that the objects to do have, ascending. */
  readonly from: readonly number[];
  readonly to: { readonly version: number; readonly fingerprint: string };
  /** What the channel serves now. */
  readonly base: { readonly generation: number; readonly version: number; readonly schema: number } | null;
  readonly changes: readonly ManifestChange[];
  readonly columns: readonly PlannedColumn[];
  readonly objects: {
    readonly todo: readonly PlannedObject[];
    /** Of `todo`: finished by an earlier run that did not come to its commit. */
    readonly finished: number;
    /** Served already as they are. */
    readonly carried: number;
    /** Source keys that the channel's version has and the source no longer has. */
    readonly vanished: readonly string[];
    readonly unreadable: readonly UnreadableObject[];
  };
  readonly totals: PlanTotals;
  readonly warnings: readonly string[];
  /** Nothing to do: the channel serves exactly this. */
  readonly upToDate: boolean;
}

export interface PlanTotals {
  readonly rows: number;
  readonly sourceBytes: number;
  readonly bytesCopied: number;
  /** Source bytes of the chunks that are decoded and written anew. */
  readonly bytesRewritten: number;
  /** Source bytes of dropped columns, indexes and footers: never read. */
  readonly bytesDropped: number;
}

export interface PlannedObject {
  readonly source: SourceObject;
  readonly task: string;
  readonly from: number;
  readonly rows: number;
  readonly rowGroups: number;
  readonly bytesCopied: number;
  readonly bytesRewritten: number;
}

export interface UnreadableObject {
  readonly object: string;
  readonly kind: string;
  readonly code: string;
  readonly message: string;
  readonly details: ErrorDetails;
}

/** One output column over all objects to do. */
export interface PlannedColumn {
  readonly path: string;
  readonly action: ActionName;
  readonly reason: string;
  readonly objects: number;
  readonly bytes: number;
}

/** What one object's migration costs, leaf by leaf, from its footer alone. */
export interface ObjectCost {
  readonly bytesCopied: number;
  readonly bytesRewritten: number;
  readonly leaves: readonly LeafCost[];
}

export interface LeafCost {
  readonly bytes: number;
  readonly rowGroups: number;
  /** Row groups whose chunk is not dictionary encoded throughout. */
  readonly notDictionary: number;
}

/** Bytes of the source that every leaf of the output copies or rewrites. Throws `data` when a chunk's place is impossible. */
export function costOf(footer: Footer, leaves: readonly OutputLeaf[], objectBytes: number): ObjectCost {
  let bytesCopied = 0;
  let bytesRewritten = 0;
  const costs = leaves.map(({ action }): LeafCost => {
    if (!("source" in action)) return { bytes: 0, rowGroups: footer.rowGroups.length, notDictionary: 0 };
    let bytes = 0;
    let notDictionary = 0;
    for (let rowGroup = 0; rowGroup < footer.rowGroups.length; rowGroup += 1) {
      const facts = footer.chunkFacts(rowGroup, action.source);
      const range = chunkByteRange(facts, objectBytes);
      bytes += range.end - range.start;
      if (!isDictionaryEncoded(facts)) notDictionary += 1;
    }
    const isCopy = action.action === "copy" || action.action === "relabel";
    if (isCopy) bytesCopied += bytes;
    else bytesRewritten += bytes;
    return { bytes, rowGroups: footer.rowGroups.length, notDictionary };
  });
  return { bytesCopied, bytesRewritten, leaves: costs };
}

/**
 * Whether all data pages are dictionary encoded. The list of encodings alone tells only of old writers: PLAIN_DICTIONARY
 * beside PLAIN is a fall-back, but beside RLE_DICTIONARY PLAIN is the dictionary page's own (parquet-java, EncodingStats).
 */
function isDictionaryEncoded({ encodings, encodingStats }: ChunkFacts): boolean {
  if (encodingStats !== undefined) {
    const data = encodingStats.filter(({ pageType, count }) => dataPageTypes.includes(pageType) && count > 0);
    return data.length > 0 && data.every(({ encoding }) => dictionaryEncodings.includes(encoding));
  }
  if (encodings.includes(Encoding.RLE_DICTIONARY)) return true;
  return encodings.includes(Encoding.PLAIN_DICTIONARY) && !encodings.includes(Encoding.PLAIN);
}

const dataPageTypes: readonly number[] = [PageType.DATA_PAGE, PageType.DATA_PAGE_V2];
const dictionaryEncodings: readonly number[] = [Encoding.PLAIN_DICTIONARY, Encoding.RLE_DICTIONARY];

/** Adds up what happens to every column, over all objects; columns whose objects differ in action have a line for each. */
export class ColumnSummary {
  readonly #columns = new Map<string, { leaf: OutputLeaf; objects: number; cost: LeafCost }>();

  add(leaves: readonly OutputLeaf[], cost: ObjectCost): void {
    for (const [index, leaf] of leaves.entries()) {
      const added = cost.leaves[index] ?? { bytes: 0, rowGroups: 0, notDictionary: 0 };
      const key = JSON.stringify([leaf.column.path, leaf.action.action, leaf.reason]);
      const known = this.#columns.get(key);
      const before = known?.cost ?? { bytes: 0, rowGroups: 0, notDictionary: 0 };
      this.#columns.set(key, {
        leaf,
        objects: (known?.objects ?? 0) + 1,
        cost: {
          bytes: before.bytes + added.bytes,
          rowGroups: before.rowGroups + added.rowGroups,
          notDictionary: before.notDictionary + added.notDictionary,
        },
      });
    }
  }

  list(): PlannedColumn[] {
    return Array.from(this.#columns.values(), ({ leaf, objects, cost }) => ({
      path: leaf.column.path.join("."),
      action: leaf.action.action,
      reason: leaf.action.action === "transcode" ? `${leaf.reason}${dictionaryWords(cost)}` : leaf.reason,
      objects,
      bytes: cost.bytes,
    }));
  }
}

function dictionaryWords({ notDictionary, rowGroups }: LeafCost): string {
  if (rowGroups === 0) return "";
  return notDictionary === 0
    ? "; dictionary encoded"
    : `; ${notDictionary} of ${rowGroups} row groups ${notDictionary === 1 ? "is" : "are"} not dictionary encoded`;
}
