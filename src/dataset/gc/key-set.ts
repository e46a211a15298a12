import { createHash } from "node:crypto";

const firstSlots = 1024;
const empty = -1;

/**
 * Keys by 48 bits of their SHA-256, 16 to 32 bytes each: a million take some 32 MB at most. That two look alike is one chance in
 * 10^14 a pair; for gc it means that an object stays which could go.
 */
export class KeySet {
  #slots = new Float64Array(firstSlots).fill(empty);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(key: string): void {
    if (this.#size * 2 >= this.#slots.length) this.#grow();
    if (insert(this.#slots, numberOf(key))) this.#size += 1;
  }

  has(key: string): boolean {
    const wanted = numberOf(key);
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (let slot = wanted & mask; ; slot = (slot + 1) & mask) {
      const found = slots[slot];
      if (found === wanted) return true;
      if (found === empty) return false;
    }
  }

  #grow(): void {
    const next = new Float64Array(this.#slots.length * 2).fill(empty);
    for (const number of this.#slots) if (number !== empty) insert(next, number);
    this.#slots = next;
  }
}

/** Whether it was new. */
function insert(slots: Float64Array, number: number): boolean {
  const mask = slots.length - 1;
  let slot = number & mask;
  while (slots[slot] !== empty) {
    if (slots[slot] === number) return false;
    slot = (slot + 1) & mask;
  }
  slots[slot] = number;
  return true;
}

function numberOf(key: string): number {
  return createHash("sha256").update(key).digest().readUIntBE(0, 6);
}
