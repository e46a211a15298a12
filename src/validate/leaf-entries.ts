import { type Data, type FixedSizeBinary, tableFromIPC, Type } from "apache-arrow";
import { readParquet } from "parquet-wasm";
import type { Repetition } from "../parquet/footer/schema-tree.ts";
import type { Raw } from "./logical-values.ts";
import type { SingleColumn } from "./single-column.ts";

/** Rows that go over from WebAssembly at a time. */
const batchRows = 32_768;

export type Side = "source" | "output";

/** The second reader cannot read a chunk. */
export class UnreadableChunk extends Error {
  readonly side: Side;

  constructor(side: Side, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.side = side;
  }
}

/**
 * The entries of one column chunk in order, as parquet-wasm and apache-arrow read them: a value, or where above it something is null
 * or empty. After `next` has said true, the members describe one entry.
 *
 * `stop` counts the schema elements, from below the root, that are present: all of them where there is a value. So two columns of
 * the same shape can be compared whatever their nullability.
 */
export class LeafEntries {
  stop = 0;
  /** Schema elements shared with the entry before, in repeated ones; 0 where a row begins. */
  repetition = 0;
  value: Raw = 0;
  /** Of the current entry, in the row group. */
  row = -1;

  readonly #repetitions: readonly Repetition[];
  readonly #batches: Iterator<Data>;
  #stops: number[] = [];
  #repeats: number[] = [];
  #positions: number[] = [];
  #leaf: (position: number) => Raw = () => 0;
  #next = 0;
  readonly #side: Side;

  /** `side`: for the error, when it cannot be read. */
  constructor({ file, repetitions }: SingleColumn, side: Side) {
    this.#repetitions = repetitions;
    this.#batches = batchesOf(file);
    this.#side = side;
  }

  next(): boolean {
    while (this.#next >= this.#stops.length) if (!this.#nextBatch()) return false;
    const i = this.#next;
    this.#next += 1;
    this.stop = this.#stops[i] as number;
    this.repetition = this.#repeats[i] as number;
    if (this.repetition === 0) this.row += 1;
    if (this.stop === this.#repetitions.length) this.value = this.#leaf(this.#positions[i] as number);
    return true;
  }

  #nextBatch(): boolean {
    const value = this.#takeBatch();
    if (value === undefined) return false;
    this.#stops = [];
    this.#repeats = [];
    this.#positions = [];
    this.#next = 0;
    for (let row = 0; row < value.length; row += 1) this.#visit(value, 0, row, 0);
    this.#leaf = valueReader(leafOf(value));
    return true;
  }

  #takeBatch(): Data | undefined {
    try {
      const { done, value } = this.#batches.next();
      return done === true ? undefined : value;
    } catch (cause) {
      throw new UnreadableChunk(this.#side, cause);
    }
  }

  /** Notes the entries below one element that stands, or does not, at `index` of its vector. */
  #visit(data: Data, level: number, index: number, repetition: number): void {
    if (this.#repetitions[level] !== "repeated") return this.#visitOne(data, level, index, repetition);
    const offsets = data.valueOffsets as Int32Array;
    const start = offsets[index] as number;
    const end = offsets[index + 1] as number;
    if (start === end) return this.#note(level, repetition, 0);
    const element = data.children[0] as Data;
    // Repetition levels count from the outermost list; here the element's own place does as well.
    for (let i = start; i < end; i += 1) {
      this.#visitOne(element, level, i, i === start ? repetition : level + 1);
    }
  }

  #visitOne(data: Data, level: number, index: number, repetition: number): void {
    if (this.#repetitions[level] === "optional" && !data.getValid(index)) {
      return this.#note(level, repetition, 0);
    }
    if (level < this.#repetitions.length - 1) {
      return this.#visit(data.children[0] as Data, level + 1, index, repetition);
    }
    this.#note(level + 1, repetition, index);
  }

  #note(stop: number, repetition: number, position: number): void {
    this.#stops.push(stop);
    this.#repeats.push(repetition);
    this.#positions.push(position);
  }
}

function* batchesOf(file: Uint8Array): Generator<Data, void, undefined> {
  const table = readParquet(file, { batchSize: batchRows });
  try {
    for (let i = 0; i < table.numBatches; i += 1) {
      const batch = table.recordBatch(i);
      // Consumes the handle of the batch.
      const ipc = batch?.intoIPCStream();
      if (ipc === undefined) continue;
      for (const { data } of tableFromIPC(ipc).batches) {
        const column = data.children[0];
        if (column !== undefined) yield column;
      }
    }
  } finally {
    table.free();
  }
}

/** Every group has the one child that leads to the leaf. */
function leafOf(data: Data): Data {
  const [child] = data.children;
  return child === undefined ? data : leafOf(child);
}

/** Reads values by their position in a leaf's vector. */
function valueReader(data: Data): (position: number) => Raw {
  const { values } = data;
  switch (data.typeId) {
    case Type.Bool:
      return (position) => {
        const bit = position + data.offset;
        return (((values as Uint8Array)[bit >> 3] as number) & (1 << (bit & 7))) !== 0;
      };
    case Type.Binary:
    case Type.LargeBinary: {
      const offsets = data.valueOffsets as Int32Array | BigInt64Array;
      return (position) =>
        (values as Uint8Array).subarray(Number(offsets[position]), Number(offsets[position + 1]));
    }
    case Type.FixedSizeBinary: {
      const width = (data as Data<FixedSizeBinary>).type.byteWidth;
      return (position) => (values as Uint8Array).subarray(position * width, (position + 1) * width);
    }
    case Type.Int:
    case Type.Float:
      return (position) => (values as Int32Array | BigInt64Array | Float64Array)[position] as number | bigint;
    default:
      throw new Error(`no values are stored as Arrow's type ${data.typeId}`);
  }
}
