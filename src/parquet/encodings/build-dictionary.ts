import type { Dictionary } from "../values/column-data.ts";
import { gatherValues, wordsOf } from "../values/gather-values.ts";
import { bitWidthOf } from "./hybrid.ts";
import { plainBytes } from "./plain.ts";
import type { Values } from "../values/values.ts";
import { valueCount } from "../values/values.ts";

/** As parquet-mr and Arrow: a dictionary page that outgrows this is given up. */
export const dictionaryBytesMax = 1024 * 1024;

/**
 * The distinct values in order of first appearance, compared by their bits, and the index of each value. Undefined
 * when the entries would take more than `bytesMax` as PLAIN.
 */
export function buildDictionary(values: Values, bytesMax: number): Dictionary | undefined {
  const table = new EntryTable(values);
  const count = valueCount(values);
  const indices = new Int32Array(count);
  const fixedBytes = values.kind === "bytes" ? 0 : plainBytes(values, 0, 8) / 8;
  let bytes = 0;
  for (let i = 0; i < count; i += 1) {
    const before = table.count;
    const index = table.indexOf(i);
    indices[i] = index;
    if (index === before) {
      bytes += fixedBytes === 0 ? plainBytes(values, i, i + 1) : fixedBytes;
      if (bytes > bytesMax) return undefined;
    }
  }
  return { entries: gatherValues(values, table.firsts()), indices };
}

/** The dictionary without entries that repeat or that no index names, in their old order. */
export function compactDictionary(dictionary: Dictionary): Dictionary {
  const { entries, indices } = dictionary;
  const count = valueCount(entries);
  const used = new Uint8Array(count);
  for (let i = 0; i < indices.length; i += 1) used[indices[i] as number] = 1;
  const table = new EntryTable(entries);
  const renumbered = new Int32Array(count);
  for (let i = 0; i < count; i += 1) if (used[i] === 1) renumbered[i] = table.indexOf(i);
  if (table.count === count) return dictionary;
  const compacted = new Int32Array(indices.length);
  for (let i = 0; i < indices.length; i += 1) compacted[i] = renumbered[indices[i] as number] as number;
  return { entries: gatherValues(entries, table.firsts()), indices: compacted };
}

/**
 * Entries that are valid, each once, in their old order, and by old entry its number among them (-1 where it is not valid).
 * `renumbered` is absent where nothing changes.
 */
export function distinctEntries(
  entries: Values,
  invalid: Uint32Array,
): { readonly entries: Values; readonly renumbered?: Int32Array } {
  const count = valueCount(entries);
  const renumbered = new Int32Array(count);
  for (const entry of invalid) renumbered[entry] = -1;
  const table = new EntryTable(entries);
  for (let i = 0; i < count; i += 1) if (renumbered[i] === 0) renumbered[i] = table.indexOf(i);
  if (table.count === count) return { entries };
  return { entries: gatherValues(entries, table.firsts()), renumbered };
}

/** Whether indices and entries together are smaller than the values as PLAIN. */
export function dictionaryGains(dictionary: Dictionary): boolean {
  const { entries, indices } = dictionary;
  const count = valueCount(entries);
  const entryBytes = plainBytes(entries, 0, count);
  let valueBytes = 0;
  if (entries.kind === "bytes") {
    const { offsets } = entries;
    for (let i = 0; i < indices.length; i += 1) {
      const index = indices[i] as number;
      valueBytes += (offsets[index + 1] as number) - (offsets[index] as number) + 4;
    }
  } else if (count > 0) valueBytes = (entryBytes / count) * indices.length;
  return entryBytes + (indices.length * indexBitWidth(count)) / 8 < valueBytes;
}

/** Never 0, which not every reader takes for one entry. */
export function indexBitWidth(entries: number): number {
  return Math.max(1, bitWidthOf(Math.max(0, entries - 1)));
}

/** An open-addressing hash table from value to entry number; it keeps positions, the values stay where they are. */
class EntryTable {
  count = 0;
  readonly #hash: (position: number) => number;
  readonly #equal: (a: number, b: number) => boolean;
  /** Entry number + 1, or 0. */
  #slots = new Int32Array(256);
  #firsts = new Int32Array(128);
  #hashes = new Int32Array(128);

  constructor(values: Values) {
    const { hash, equal } = accessOf(values);
    this.#hash = hash;
    this.#equal = equal;
  }

  /** Position of the first value of each entry. */
  firsts(): Int32Array {
    return this.#firsts.subarray(0, this.count);
  }

  /** The entry of the value at `position`: a new one, `count` as it was, where none is equal. */
  indexOf(position: number): number {
    if (this.count === this.#firsts.length) this.#grow();
    const hash = this.#hash(position);
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    for (;;) {
      const entry = (this.#slots[slot] as number) - 1;
      if (entry < 0) break;
      if (this.#hashes[entry] === hash && this.#equal(this.#firsts[entry] as number, position)) return entry;
      slot = (slot + 1) & mask;
    }
    const entry = this.count;
    this.#slots[slot] = entry + 1;
    this.#firsts[entry] = position;
    this.#hashes[entry] = hash;
    this.count += 1;
    return entry;
  }

  #grow(): void {
    const length = this.#firsts.length * 2;
    const firsts = new Int32Array(length);
    const hashes = new Int32Array(length);
    firsts.set(this.#firsts);
    hashes.set(this.#hashes);
    this.#firsts = firsts;
    this.#hashes = hashes;
    const slots = new Int32Array(length * 2); // at most half full
    const mask = slots.length - 1;
    for (let entry = 0; entry < this.count; entry += 1) {
      let slot = (hashes[entry] as number) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = entry + 1;
    }
    this.#slots = slots;
  }
}

interface Access {
  readonly hash: (position: number) => number;
  readonly equal: (a: number, b: number) => boolean;
}

function accessOf(values: Values): Access {
  switch (values.kind) {
    case "int32":
    case "float": {
      const words = wordsOf(values.data);
      return { hash: (i) => mix(words[i] as number), equal: (a, b) => words[a] === words[b] };
    }
    case "int64":
    case "double": {
      const words = wordsOf(values.data);
      return {
        hash: (i) => mix(mix(words[2 * i] as number) ^ (words[2 * i + 1] as number)),
        equal: (a, b) => words[2 * a] === words[2 * b] && words[2 * a + 1] === words[2 * b + 1],
      };
    }
    case "bool":
      return accessOfBytes(
        values.data,
        (i) => i,
        (i) => i + 1,
      );
    case "fixed": {
      const { width } = values;
      return accessOfBytes(
        values.data,
        (i) => i * width,
        (i) => (i + 1) * width,
      );
    }
    case "bytes": {
      const { offsets } = values;
      return accessOfBytes(
        values.data,
        (i) => offsets[i] as number,
        (i) => offsets[i + 1] as number,
      );
    }
  }
}

function accessOfBytes(
  data: Uint8Array,
  startOf: (position: number) => number,
  endOf: (position: number) => number,
): Access {
  return {
    hash: (i) => {
      const end = endOf(i);
      let hash = 0x811c9dc5; // FNV-1a, mixed once more since only the low bits pick the slot
      for (let at = startOf(i); at < end; at += 1) hash = Math.imul(hash ^ (data[at] as number), 0x01000193);
      return mix(hash);
    },
    equal: (a, b) => {
      const start = startOf(a);
      const other = startOf(b);
      const length = endOf(a) - start;
      if (length !== endOf(b) - other) return false;
      for (let i = 0; i < length; i += 1) if (data[start + i] !== data[other + i]) return false;
      return true;
    },
  };
}

/** The finaliser of MurmurHash3 (Austin Appleby, public domain). */
function mix(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
