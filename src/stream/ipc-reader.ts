import type { Schema } from "apache-arrow";
import { Message } from "apache-arrow/ipc/metadata/message";
import { checkArrowMessage } from "../schema/embedded/check-arrow-message.ts";
import { continuation, FlatBuffer, frame } from "../schema/embedded/flat-buffer.ts";
import { type BatchHeader, decodeBatchHeader } from "./batch-header.ts";
import type { ByteSource } from "./byte-source.ts";
import { decoded, malformedStream, unsupportedStream } from "./stream-error.ts";

/** A message of an Arrow IPC stream, its body not yet looked at. */
export type IpcMessage =
  | { readonly kind: "schema"; readonly schema: Schema }
  | {
      readonly kind: "dictionary";
      readonly id: number;
      readonly isDelta: boolean;
      readonly header: BatchHeader;
      readonly body: Uint8Array;
      /** The whole message, to be passed on. */
      readonly framed: readonly Uint8Array[];
    }
  | {
      readonly kind: "batch";
      readonly header: BatchHeader;
      readonly metadata: ReadonlyMap<string, string>;
      readonly body: Uint8Array<ArrayBuffer>;
    };

/** Far above what a schema of a real table takes; bodies are bounded by what one JavaScript buffer can be. */
const metadataBytesMax = 256 * 1024 * 1024;
const bodyBytesMax = 4 * 1024 * 1024 * 1024;

const messageSlots = { version: 0, headerType: 1, header: 2, bodyLength: 3 } as const;
const schemaSlots = { endianness: 0 } as const;
const dictionarySlots = { id: 0, data: 1, isDelta: 2 } as const;
/** MessageHeader of Message.fbs. */
const headerTypes = { schema: 1, dictionaryBatch: 2, recordBatch: 3 } as const;
/** MetadataVersion of Schema.fbs: V4 is Arrow 0.8 and later. */
const versionV4 = 3;

/**
 * The messages of an Arrow IPC stream up to its end-of-stream marker, or to the end of its bytes, which is an end as well. Schema
 * messages are checked before they are unfolded, and every number of a header is in its range.
 * Source: https://arrow.apache.org/docs/format/Columnar.html, "IPC Streaming Format" and "Encapsulated message format".
 *
 * Throws `data`: `STREAM_TRUNCATED`, `STREAM_MALFORMED`, and `STREAM_UNSUPPORTED` for what is no table.
 */
export async function* readMessages(source: ByteSource): AsyncIterable<IpcMessage> {
  try {
    for (let isFirst = true; ; isFirst = false) {
      const metadata = await readMetadata(source, isFirst);
      if (metadata === undefined) return;
      yield await readMessage(source, metadata);
    }
  } finally {
    await source.close();
  }
}

/** The flatbuffer of the next message; undefined after the last. */
async function readMetadata(source: ByteSource, isFirst: boolean): Promise<Uint8Array | undefined> {
  const first = await source.take(4);
  if (first === undefined) {
    if (isFirst) throw malformedStream("stream is empty: there is not even a schema");
    return undefined;
  }
  if (isFirst) refuseOtherFormats(first);
  let length = uint32(first);
  // Before Arrow 0.15 there was no marker in front of the length.
  if (length === continuation) length = uint32((await source.take(4)) ?? new Uint8Array(4));
  if (length === 0) return undefined;
  if (length > metadataBytesMax) throw malformedStream("a message claims an impossible length", { length });
  const metadata = await source.take(length);
  if (metadata === undefined) throw malformedStream("stream ends after the length of a message");
  return metadata;
}

function uint32(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
}

/** The two formats that somebody may take for this one. */
function refuseOtherFormats(first: Uint8Array): void {
  const magic = Buffer.from(first).toString("latin1");
  if (magic === "ARRO") {
    throw unsupportedStream("this is an Arrow file, not a stream (in pyarrow: ipc.new_stream writes one)");
  }
  if (magic === "PAR1") throw unsupportedStream("this is a Parquet file, not an Arrow IPC stream");
}

async function readMessage(source: ByteSource, metadata: Uint8Array): Promise<IpcMessage> {
  const buffer = new FlatBuffer(metadata);
  const { headerType, header, bodyLength } = decoded("a message", () => {
    const root = buffer.follow(0);
    const version = buffer.int16(root, messageSlots.version, 0);
    if (version < versionV4) throw unsupportedStream("stream is of a version before Arrow 0.8", { version });
    return {
      headerType: buffer.uint8(root, messageSlots.headerType, 0),
      header: buffer.child(root, messageSlots.header),
      bodyLength: buffer.int64(root, messageSlots.bodyLength),
    };
  });
  if (header === undefined) throw malformedStream("a message has no header");
  if (bodyLength > bodyBytesMax) {
    throw unsupportedStream("a record batch is larger than 4 GiB; write smaller ones", { bytes: bodyLength });
  }
  const body = bodyLength === 0 ? new Uint8Array(0) : await source.take(bodyLength);
  if (body === undefined) throw malformedStream("stream ends before the body of a message");
  switch (headerType) {
    case headerTypes.schema:
      return { kind: "schema", schema: readSchema(metadata, buffer, header) };
    case headerTypes.dictionaryBatch:
      return decoded("a dictionary batch", () => {
        const data = buffer.child(header, dictionarySlots.data);
        if (data === undefined) throw malformedStream("a dictionary batch has no data");
        return {
          kind: "dictionary",
          id: buffer.int64(header, dictionarySlots.id),
          isDelta: buffer.uint8(header, dictionarySlots.isDelta, 0) !== 0,
          header: decodeBatchHeader(buffer, data, body.length),
          body,
          framed: [frame(metadata), body],
        };
      });
    case headerTypes.recordBatch:
      return decoded("a record batch", () => ({
        kind: "batch",
        header: decodeBatchHeader(buffer, header, body.length),
        metadata: Message.decode(metadata).metadata,
        body,
      }));
    default:
      throw unsupportedStream("stream holds tensors; only tables can be migrated", { headerType });
  }
}

function readSchema(metadata: Uint8Array, buffer: FlatBuffer, header: number): Schema {
  return decoded("the schema", () => {
    if (buffer.int16(header, schemaSlots.endianness, 0) !== 0) {
      throw unsupportedStream("stream is big-endian");
    }
    checkArrowMessage(metadata);
    const message = Message.decode(metadata);
    if (!message.isSchema()) throw malformedStream("the schema is none");
    return message.header();
  });
}

/** The marker after the last message. */
export const endOfStream: Uint8Array = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0);
