import { type ArrayShape, bufferCount } from "./array-shape.ts";
import type { BatchHeader } from "./batch-header.ts";
import { BodyBuffer, type IpcCodec } from "./body-buffer.ts";
import { malformedStream } from "./stream-error.ts";

/** One array: as a batch has it, or made for one. */
export interface ArrowArray {
  readonly shape: ArrayShape;
  readonly length: number;
  readonly nullCount: number;
  /** Empty when nothing is null. */
  readonly validity: BodyBuffer;
  /** What its layout has beside. */
  readonly buffers: readonly BodyBuffer[];
  readonly children: readonly ArrowArray[];
}

export interface ArrowBatch {
  readonly rows: number;
  readonly columns: readonly ArrowArray[];
}

/**
 * The arrays of a batch, over its body. Lengths are checked against each other here, buffers when somebody looks into them.
 * Throws `data` `STREAM_MALFORMED`.
 */
export function readArrays(shapes: readonly ArrayShape[], header: BatchHeader, body: Uint8Array): ArrowBatch {
  const reader = new ArrayReader(header, body);
  const columns = shapes.map((shape) => reader.read(shape));
  reader.finish();
  for (const { length, shape } of columns) {
    if (length === header.rows) continue;
    throw malformedStream("a column has another length than its record batch", {
      column: shape.name,
      length,
      rows: header.rows,
    });
  }
  return { rows: header.rows, columns };
}

class ArrayReader {
  readonly #header: BatchHeader;
  readonly #body: Uint8Array;
  #node = 0;
  #buffer = 0;
  #variadic = 0;

  constructor(header: BatchHeader, body: Uint8Array) {
    this.#header = header;
    this.#body = body;
  }

  read(shape: ArrayShape): ArrowArray {
    const { layout } = shape;
    const node = this.#header.nodes[this.#node];
    if (node === undefined) throw malformedStream("a record batch has fewer arrays than its schema");
    this.#node += 1;
    if (layout.kind === "null") {
      const { length } = node;
      return { shape, length, nullCount: length, validity: BodyBuffer.empty, buffers: [], children: [] };
    }
    const validity = this.#next();
    const buffers = Array.from({ length: bufferCount(layout) }, () => this.#next());
    if (layout.kind === "views") {
      const count = this.#header.variadicBufferCounts[this.#variadic] ?? 0;
      this.#variadic += 1;
      if (count > this.#header.buffers.length) throw malformedStream("a view array claims too many buffers");
      for (let i = 0; i < count; i += 1) buffers.push(this.#next());
    }
    const children = shape.children.map((child) => this.read(child));
    if (layout.kind === "struct" || layout.kind === "fixedList") {
      const wanted = layout.kind === "struct" ? node.length : node.length * layout.size;
      for (const child of children) {
        if (child.length < wanted)
          throw malformedStream("a child is shorter than its parent", { name: child.shape.name });
      }
    }
    return { shape, ...node, validity, buffers, children };
  }

  finish(): void {
    const { nodes, buffers } = this.#header;
    if (this.#node === nodes.length && this.#buffer === buffers.length) return;
    throw malformedStream("a record batch has more arrays or buffers than its schema");
  }

  #next(): BodyBuffer {
    const place = this.#header.buffers[this.#buffer];
    if (place === undefined) throw malformedStream("a record batch has fewer buffers than its schema");
    this.#buffer += 1;
    const { offset, length } = place;
    return new BodyBuffer(this.#body.subarray(offset, offset + length), this.#header.codec);
  }
}

/** The slots that are not null, one bit each, least significant first; undefined when all of them are. */
export function validityOf({ shape, validity, nullCount, length }: ArrowArray): Uint8Array | undefined {
  if (nullCount === 0) return undefined;
  if (shape.layout.kind === "null") return new Uint8Array((length + 7) >>> 3);
  const bits = validity.bytes();
  if (bits.length * 8 >= length) return bits;
  throw malformedStream("an array has nulls, but too few bits to say which", { length, bytes: bits.length });
}

export function isSet(bits: Uint8Array, slot: number): boolean {
  return (((bits[slot >>> 3] as number) >>> (slot & 7)) & 1) === 1;
}

/** A batch in the form that its message has. */
export interface PackedBatch {
  readonly header: BatchHeader;
  readonly bodyBytes: number;
  readonly body: readonly Uint8Array[];
}

/** Buffers begin at multiples of it; the format recommends 64 and asks for 8. */
const alignment = 8;
const padding = new Uint8Array(alignment);

/** Lays the arrays' buffers out one after another. Buffers that came in compressed the same way go out as they came. */
export function packArrays({ rows, columns }: ArrowBatch, codec: IpcCodec | undefined): PackedBatch {
  const nodes: { length: number; nullCount: number }[] = [];
  const buffers: { offset: number; length: number }[] = [];
  const variadicBufferCounts: number[] = [];
  const body: Uint8Array[] = [];
  let offset = 0;
  const add = (buffer: BodyBuffer): void => {
    const stored = buffer.stored(codec);
    buffers.push({ offset, length: stored.length });
    const rest = -stored.length & (alignment - 1);
    if (stored.length > 0) body.push(stored);
    if (rest > 0) body.push(padding.subarray(0, rest));
    offset += stored.length + rest;
  };
  const visit = ({ shape, length, nullCount, validity, buffers: own, children }: ArrowArray): void => {
    nodes.push({ length, nullCount });
    if (shape.layout.kind !== "null") add(nullCount === 0 ? BodyBuffer.empty : validity);
    for (const buffer of own) add(buffer);
    if (shape.layout.kind === "views") variadicBufferCounts.push(own.length - 1);
    children.forEach(visit);
  };
  columns.forEach(visit);
  return { header: { rows, nodes, buffers, variadicBufferCounts, codec }, bodyBytes: offset, body };
}
