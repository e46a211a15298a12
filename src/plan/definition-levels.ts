import type { Repetition } from "../parquet/footer/schema-tree.ts";

/** A null that the target does not allow, and that a value could stand in for. */
const nullRefused = -1;
/** A null that the target does not allow, with a list below it: a value in its place would be an entry that nobody wrote. */
export const listRefused = -2;

/**
 * How definition levels translate when only the nullability along a leaf's path changes. `source` and `target` are
 * the repetitions of the same elements from below the root to the leaf, one by one.
 *
 * A definition level counts the optional and repeated elements that are present (Dremel; parquet-format
 * "Nested Encoding"). Entry `d` of the result is the level that says the same in the target, or negative (-1, or -2 above a
 * list) where an element is absent that the target requires. Undefined when every level stays as it is.
 */
export function mapLevels(
  source: readonly Repetition[],
  target: readonly Repetition[],
): Int16Array | undefined {
  const maxLevel = source.filter((repetition) => repetition !== "required").length;
  const table = new Int16Array(maxLevel + 1);
  for (let level = 0; level <= maxLevel; level += 1) table[level] = translateLevel(level, source, target);
  const targetMax = target.filter((repetition) => repetition !== "required").length;
  const same = targetMax === maxLevel && table.every((to, from) => to === from);
  return same ? undefined : table;
}

function translateLevel(level: number, source: readonly Repetition[], target: readonly Repetition[]): number {
  let counted = 0; // optional and repeated elements of the source passed so far
  let result = 0;
  for (const [i, repetition] of source.entries()) {
    const present = repetition === "required" || counted < level;
    if (repetition !== "required") counted += 1;
    if (!present) {
      if (target[i] !== "required") return result;
      return target.indexOf("repeated", i) < 0 ? nullRefused : listRefused;
    }
    if (target[i] !== "required") result += 1;
  }
  return result;
}
