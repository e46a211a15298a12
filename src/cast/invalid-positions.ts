const none = new Uint32Array(0);

/** Collects the positions of values that a cast could not carry over. */
export class InvalidPositions {
  #positions = none;
  #length = 0;
  #ascending = true;

  /** Kernels that make several passes may push out of order and more than once. */
  push(position: number): void {
    if (this.#length === this.#positions.length) {
      const larger = new Uint32Array(Math.max(16, this.#length * 2));
      larger.set(this.#positions);
      this.#positions = larger;
    }
    if (this.#length > 0 && (this.#positions[this.#length - 1] as number) >= position)
      this.#ascending = false;
    this.#positions[this.#length] = position;
    this.#length += 1;
  }

  get length(): number {
    return this.#length;
  }

  /** Ascending, each position once. */
  finish(): Uint32Array {
    const pushed = this.#positions.subarray(0, this.#length);
    if (this.#ascending) return pushed.slice();
    const sorted = pushed.toSorted();
    let kept = 0;
    for (let i = 0; i < sorted.length; i += 1) {
      if (i > 0 && sorted[i] === sorted[i - 1]) continue;
      sorted[kept] = sorted[i] as number;
      kept += 1;
    }
    return sorted.slice(0, kept);
  }
}
