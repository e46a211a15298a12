import { CompressionType } from "apache-arrow/fb/compression-type";
import {
  BodyCompression,
  BufferRegion,
  FieldNode,
  Message,
  RecordBatch,
} from "apache-arrow/ipc/metadata/message";
import type { FlatBuffer } from "../schema/embedded/flat-buffer.ts";
import type { IpcCodec } from "./body-buffer.ts";
import { malformedStream, unsupportedStream } from "./stream-error.ts";

/** What a record batch says of itself: arrays depth first, and where in its body their buffers are. */
export interface BatchHeader {
  readonly rows: number;
  readonly nodes: readonly { readonly length: number; readonly nullCount: number }[];
  readonly buffers: readonly { readonly offset: number; readonly length: number }[];
  /** Of each view array: how many buffers it has beside its views. */
  readonly variadicBufferCounts: readonly number[];
  readonly codec: IpcCodec | undefined;
}

/** Slots of the table RecordBatch in Message.fbs, and bytes of the structs FieldNode and Buffer. */
const slots = { length: 0, nodes: 1, buffers: 2, compression: 3, variadicBufferCounts: 4 } as const;
const compressionSlots = { codec: 0, method: 1 } as const;
const codecs: readonly IpcCodec[] = ["lz4", "zstd"];
const compressionTypes = { lz4: CompressionType.LZ4_FRAME, zstd: CompressionType.ZSTD } as const;
const nodeBytes = 16;
const bufferBytes = 16;
/** Lengths beyond it are no length of a typed array. */
const lengthMax = 2 ** 31 - 1;

/** Throws RangeErrors for what lies outside of the header, `data` `STREAM_MALFORMED` for what lies outside of the body. */
export function decodeBatchHeader(buffer: FlatBuffer, table: number, bodyBytes: number): BatchHeader {
  const nodes = buffer.structs(table, slots.nodes, nodeBytes);
  const buffers = buffer.structs(table, slots.buffers, bufferBytes);
  const variadic = buffer.structs(table, slots.variadicBufferCounts, 8);
  const pairAt = (position: number): [number, number] => [
    buffer.int64At(position),
    buffer.int64At(position + 8),
  ];
  return {
    rows: bounded(buffer.int64(table, slots.length)),
    nodes: Array.from({ length: nodes.length }, (_, i) => {
      const [length, nullCount] = pairAt(nodes.start + i * nodeBytes);
      if (nullCount > length)
        throw malformedStream("an array has more nulls than values", { length, nullCount });
      return { length: bounded(length), nullCount };
    }),
    buffers: Array.from({ length: buffers.length }, (_, i) => {
      const [offset, length] = pairAt(buffers.start + i * bufferBytes);
      if (offset + length > bodyBytes) {
        throw malformedStream("a buffer lies outside of its message", { offset, length, bodyBytes });
      }
      return { offset, length };
    }),
    variadicBufferCounts: Array.from({ length: variadic.length }, (_, i) =>
      bounded(buffer.int64At(variadic.start + i * 8)),
    ),
    codec: codecOf(buffer, table),
  };
}

function bounded(length: number): number {
  if (length <= lengthMax) return length;
  throw unsupportedStream("an array has more than 2,147,483,647 values; write smaller batches", { length });
}

function codecOf(buffer: FlatBuffer, table: number): IpcCodec | undefined {
  const compression = buffer.child(table, slots.compression);
  if (compression === undefined) return undefined;
  const codec = codecs[buffer.uint8(compression, compressionSlots.codec, 0)];
  if (codec !== undefined && buffer.uint8(compression, compressionSlots.method, 0) === 0) return codec;
  throw unsupportedStream("record batch is compressed in a way that is not known");
}

/** The flatbuffer of a record batch. */
export function encodeBatchHeader(
  header: BatchHeader,
  bodyBytes: number,
  metadata: ReadonlyMap<string, string>,
): Uint8Array {
  const batch = new RecordBatch(
    header.rows,
    header.nodes.map(({ length, nullCount }) => new FieldNode(length, nullCount)),
    header.buffers.map(({ offset, length }) => new BufferRegion(offset, length)),
    header.codec === undefined ? null : new BodyCompression(compressionTypes[header.codec]),
    [...header.variadicBufferCounts],
    new Map(metadata),
  );
  return Message.encode(Message.from(batch, bodyBytes));
}
