import type { ObjectStore } from "../store/object-store.ts";
import { readFileList } from "./file-list.ts";
import type { FileLine, Manifest } from "./formats.ts";

/** How one source object stands in two versions. */
export type ObjectDifference =
  | { readonly kind: "same" | "changed"; readonly from: FileLine; readonly to: FileLine }
  | { readonly kind: "added"; readonly to: FileLine }
  | { readonly kind: "removed"; readonly from: FileLine };

/**
 * Walks the file lists of two versions side by side; both are in the order of the source's keys, so neither is ever in
 * memory as a whole. `same`: both name the same data object; `changed`: it was made anew, because its source or the schema is
 * another.
 */
export async function* compareFileLists(
  store: ObjectStore,
  from: Manifest,
  to: Manifest,
): AsyncIterable<ObjectDifference> {
  const older = readFileList(store, from.parts)[Symbol.asyncIterator]();
  const newer = readFileList(store, to.parts)[Symbol.asyncIterator]();
  let [left, right] = await Promise.all([older.next(), newer.next()]);
  while (left.done !== true || right.done !== true) {
    const order =
      left.done === true
        ? 1
        : right.done === true
          ? -1
          : compareKeys(left.value.source.key, right.value.source.key);
    if (order < 0 && left.done !== true) {
      yield { kind: "removed", from: left.value };
      left = await older.next();
    } else if (order > 0 && right.done !== true) {
      yield { kind: "added", to: right.value };
      right = await newer.next();
    } else if (left.done !== true && right.done !== true) {
      const kind = left.value.key === right.value.key ? "same" : "changed";
      yield { kind, from: left.value, to: right.value };
      [left, right] = await Promise.all([older.next(), newer.next()]);
    }
  }
}

/** Order of listings: by the keys' UTF-8 bytes. */
function compareKeys(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
