import { type ArrowArray, isSet, validityOf } from "./arrow-array.ts";
import { readOffsets } from "./read-slots.ts";

/** The arrays from a top-level column down to a leaf, outermost first. */
export interface PathStep {
  readonly array: ArrowArray;
  /** A null here is one that the new schema does not allow. */
  readonly refusesNulls: boolean;
}

/** What a slot of a leaf holds. */
export const slotState = { value: 0, nothing: 1, refusedNull: 2 } as const;

export interface SlotStates {
  /** One per slot of the leaf; undefined when each of them holds a value. */
  readonly states: Uint8Array | undefined;
  /** Rows in which a list is null that may not be: there is no slot below that a value could stand in. */
  readonly rowsOfRefusedLists: readonly number[];
}

/**
 * What the slots of a leaf hold, as seen from the row: a slot under a null struct, or that no list reaches, holds nothing, whatever
 * its own bit says. `validity` stands for the leaf's own bits.
 */
export function slotStates(path: readonly PathStep[], validity: Uint8Array | undefined): SlotStates {
  let states: Uint8Array | undefined;
  const rows: number[] = [];
  for (const [depth, step] of path.entries()) {
    const isLeaf = depth === path.length - 1;
    states = withNulls(states, step, isLeaf ? validity : validityOf(step.array));
    if (isLeaf) break;
    const { kind } = step.array.shape.layout;
    if (kind === "struct") continue;
    if (states?.includes(slotState.refusedNull)) {
      const rowOf = rowFinder(path, depth);
      for (const [slot, state] of states.entries())
        if (state === slotState.refusedNull) rows.push(rowOf(slot));
    }
    states = below(step.array, path[depth + 1]?.array.length ?? 0, states);
  }
  return { states, rowsOfRefusedLists: rows };
}

function withNulls(
  above: Uint8Array | undefined,
  { array, refusesNulls }: PathStep,
  bits: Uint8Array | undefined,
): Uint8Array | undefined {
  const { length } = array;
  const nothing = refusesNulls ? slotState.refusedNull : slotState.nothing;
  if (bits === undefined) return above;
  const states = above?.slice(0, length) ?? new Uint8Array(length);
  for (let slot = 0; slot < length; slot += 1) {
    if (states[slot] === slotState.value && !isSet(bits, slot)) states[slot] = nothing;
  }
  return states;
}

/** From the slots of a list to those of its elements. */
function below(list: ArrowArray, length: number, above: Uint8Array | undefined): Uint8Array | undefined {
  const bounds = listBounds(list);
  const reached = bounds(list.length - 1).end - bounds(0).start;
  if (above === undefined && reached === length) return undefined;
  const states = new Uint8Array(length).fill(slotState.nothing);
  for (let slot = 0; slot < list.length; slot += 1) {
    if (above !== undefined && above[slot] !== slotState.value) continue;
    const { start, end } = bounds(slot);
    states.fill(slotState.value, start, end);
  }
  return states;
}

/** Where the elements of a list are among its child's slots. */
export function listBounds(
  list: ArrowArray,
): (slot: number) => { readonly start: number; readonly end: number } {
  const { layout } = list.shape;
  if (layout.kind === "fixedList") {
    const { size } = layout;
    return (slot) => (slot < 0 ? { start: 0, end: 0 } : { start: slot * size, end: (slot + 1) * size });
  }
  const offsets = readOffsets(list, layout.kind === "list" && layout.isLarge);
  return (slot) => ({ start: offsets[Math.max(slot, 0)] ?? 0, end: offsets[slot + 1] ?? 0 });
}

/** The row that holds a slot of the array at `depth`. */
export function rowFinder(path: readonly PathStep[], depth: number): (slot: number) => number {
  const steps = path.slice(0, depth).flatMap(({ array }): ((slot: number) => number)[] => {
    const { layout } = array.shape;
    if (layout.kind === "fixedList") return [(slot) => Math.floor(slot / Math.max(layout.size, 1))];
    if (layout.kind !== "list") return [];
    const offsets = readOffsets(array, layout.isLarge);
    return [(slot) => listWith(offsets, slot)];
  });
  return (slot) => steps.reduceRight((at, step) => step(at), slot);
}

/** The last list that begins at or before an element, and is not empty. */
function listWith(offsets: Int32Array, element: number): number {
  let low = 0;
  let high = offsets.length - 1;
  while (low + 1 < high) {
    const middle = (low + high) >>> 1;
    if ((offsets[middle] as number) <= element) low = middle;
    else high = middle;
  }
  return low;
}
