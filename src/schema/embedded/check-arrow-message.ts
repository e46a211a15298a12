/**
 * Bounds on what an IPC schema message unfolds to. A flatbuffer is a graph of offsets: fields that share their children
 * or metadata make a small buffer endless, and a decoder that follows them blindly never ends. Counts what a decoder
 * would see, and throws a RangeError beyond the limits or the bytes.
 * Source: https://flatbuffers.dev/internals/ and Schema.fbs, Message.fbs of Arrow (slots in the order of declaration).
 */
export function checkArrowMessage(bytes: Uint8Array): void {
  const buffer = new FlatBuffer(bytes);
  const schema = buffer.child(buffer.follow(0), messageSlots.header);
  if (schema === undefined) throw new RangeError("the message has no header");
  const budget = { fields: fieldsMax, bytes: textBytesMax };
  checkMetadata(buffer, schema, schemaSlots.metadata, budget);
  for (const field of buffer.elements(schema, schemaSlots.fields)) checkField(buffer, field, budget, 0);
}

const messageSlots = { header: 2 } as const;
const schemaSlots = { fields: 1, metadata: 2 } as const;
const fieldSlots = { name: 0, type: 3, children: 5, metadata: 6 } as const;
const timezoneSlot = 1;

const fieldsMax = 250_000;
const textBytesMax = 64 * 1024 * 1024;
const depthMax = 100;

interface Budget {
  fields: number;
  bytes: number;
}

function checkField(buffer: FlatBuffer, field: number, budget: Budget, depth: number): void {
  budget.fields -= 1;
  if (budget.fields < 0 || depth > depthMax) throw new RangeError("the schema has too many fields");
  spend(budget, buffer.vectorLength(field, fieldSlots.name));
  const type = buffer.child(field, fieldSlots.type);
  if (type !== undefined) spend(budget, buffer.vectorLengthIfAny(type, timezoneSlot));
  checkMetadata(buffer, field, fieldSlots.metadata, budget);
  for (const child of buffer.elements(field, fieldSlots.children))
    checkField(buffer, child, budget, depth + 1);
}

function checkMetadata(buffer: FlatBuffer, table: number, slot: number, budget: Budget): void {
  for (const pair of buffer.elements(table, slot)) {
    spend(budget, 8 + buffer.vectorLength(pair, 0) + buffer.vectorLength(pair, 1));
  }
}

function spend(budget: Budget, bytes: number): void {
  budget.bytes -= bytes;
  if (budget.bytes < 0) throw new RangeError("the schema has too much text");
}

/** Tables are positions; a DataView throws a RangeError outside of its bytes. */
class FlatBuffer {
  readonly #view: DataView;

  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  follow(position: number): number {
    return position + this.#view.getUint32(position, true);
  }

  /** Position of a table's field, or undefined when it is absent. */
  #place(table: number, slot: number): number | undefined {
    const vtable = table - this.#view.getInt32(table, true);
    const at = 4 + 2 * slot;
    if (at >= this.#view.getUint16(vtable, true)) return undefined;
    const offset = this.#view.getUint16(vtable + at, true);
    return offset === 0 ? undefined : table + offset;
  }

  child(table: number, slot: number): number | undefined {
    const place = this.#place(table, slot);
    return place === undefined ? undefined : this.follow(place);
  }

  /** Bytes of a string or elements of a vector; 0 when it is absent. */
  vectorLength(table: number, slot: number): number {
    const vector = this.child(table, slot);
    return vector === undefined ? 0 : this.#view.getUint32(vector, true);
  }

  /** As {@link vectorLength}, for a slot that may hold something else: nonsense counts as nothing. */
  vectorLengthIfAny(table: number, slot: number): number {
    const vector = this.child(table, slot);
    if (vector === undefined || vector + 4 > this.#view.byteLength) return 0;
    const length = this.#view.getUint32(vector, true);
    return vector + 4 + length > this.#view.byteLength ? 0 : length;
  }

  *elements(table: number, slot: number): Generator<number, void, undefined> {
    const vector = this.child(table, slot);
    if (vector === undefined) return;
    const length = this.#view.getUint32(vector, true);
    if (length * 4 > this.#view.byteLength) throw new RangeError("a vector is longer than its buffer");
    for (let i = 0; i < length; i += 1) yield this.follow(vector + 4 + 4 * i);
  }
}
