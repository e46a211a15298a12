import { FlatBuffer } from "./flat-buffer.ts";

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
