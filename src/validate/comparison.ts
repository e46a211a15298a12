import type { LeafType } from "../parquet/leaf-type.ts";
import type { OnInvalid } from "../schema/schema-version.ts";
import type { Expected } from "./expected.ts";
import { type Logical, sameLogical, showLogical } from "./logical-values.ts";
import type { Constant } from "./read-constant.ts";

export interface Difference {
  /** In the row group of the source. */
  readonly row: number;
  readonly expected: string;
  readonly found: string;
}

/** What came out of one chunk. Serialisable. */
export interface ComparisonResult {
  /** Entries that were compared. */
  readonly values: number;
  /** Entries that were decoded and could not be judged. */
  readonly unjudged: number;
  /** Entries of all rows that have no equivalent in the new type. */
  readonly invalid: number;
  /** The rows of these, ascending, each once. */
  readonly invalidRows: Uint32Array;
  readonly differences: number;
  /** The first few. */
  readonly examples: readonly Difference[];
}

const examplesMax = 5;

/** Counts what agrees and what does not. */
export class Comparison {
  values = 0;
  unjudged = 0;
  readonly #type: LeafType;
  readonly #invalidRows: number[] = [];
  readonly #examples: Difference[] = [];
  #invalid = 0;
  #differences = 0;

  constructor(type: LeafType) {
    this.#type = type;
  }

  noteInvalid(row: number): void {
    this.#invalid += 1;
    if (this.#invalidRows.at(-1) !== row) this.#invalidRows.push(row);
  }

  /** `found` is null where there is no value. */
  expect(row: number, said: Expected, found: Logical | null): void {
    switch (said.kind) {
      case "unjudged":
        this.unjudged += 1;
        return;
      case "invalid":
        return this.differs(row, "no value of this type", showLogical(found, this.#type));
      case "text": {
        const text = found instanceof Uint8Array ? Buffer.from(found).toString("utf8") : undefined;
        this.values += 1;
        if (text === undefined || !said.accepts(text)) {
          this.differs(row, said.shown, showLogical(found, this.#type));
        }
        return;
      }
      case "value":
        this.values += 1;
        if (found === null || !sameLogical(said.value, found)) {
          this.differs(row, showLogical(said.value, this.#type), showLogical(found, this.#type));
        }
    }
  }

  /** A null or an empty list: the same one. */
  expectStop(row: number, expected: number, found: number): void {
    this.values += 1;
    if (expected !== found) this.differs(row, `nothing below element ${expected}`, `element ${found}`);
  }

  /** What the field's policy puts in the place of an invalid value. */
  expectStandIn(
    row: number,
    onInvalid: OnInvalid,
    standIn: Constant | undefined,
    found: Logical | null,
  ): void {
    switch (onInvalid) {
      case "fail":
        return this.differs(row, "a job that stopped: the value is invalid", showLogical(found, this.#type));
      case "quarantine":
        return this.differs(row, "a row in quarantine", showLogical(found, this.#type));
      case "null":
        this.values += 1;
        if (found !== null) this.differs(row, "null, by the field's policy", showLogical(found, this.#type));
        return;
      case "default":
        if (standIn === undefined) this.unjudged += 1;
        else if (standIn.value !== null) this.expect(row, { kind: "value", value: standIn.value }, found);
        else this.expectStandIn(row, "null", undefined, found);
    }
  }

  differs(row: number, expected: string, found: string): void {
    this.#differences += 1;
    if (this.#examples.length < examplesMax) this.#examples.push({ row, expected, found });
  }

  finish(): ComparisonResult {
    return {
      values: this.values,
      unjudged: this.unjudged,
      invalid: this.#invalid,
      invalidRows: Uint32Array.from(this.#invalidRows),
      differences: this.#differences,
      examples: this.#examples,
    };
  }
}
