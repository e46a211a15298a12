import { type Field, Schema } from "apache-arrow";
import { Message } from "apache-arrow/ipc/metadata/message";
import { type ArrowBatch, packArrays } from "./arrow-array.ts";
import { encodeBatchHeader } from "./batch-header.ts";
import type { IpcCodec } from "./body-buffer.ts";
import { frame } from "../schema/embedded/flat-buffer.ts";

/** The message that a stream begins with. */
export function schemaMessage(fields: readonly Field[], metadata: ReadonlyMap<string, string>): Uint8Array {
  return frame(Message.encode(Message.from(new Schema([...fields], new Map(metadata)))));
}

/** One record batch, as few pieces: what is small is joined, since each piece is a write. */
export function* batchMessage(
  batch: ArrowBatch,
  codec: IpcCodec | undefined,
  metadata: ReadonlyMap<string, string>,
): Generator<Uint8Array, void, undefined> {
  const { header, bodyBytes, body } = packArrays(batch, codec);
  yield* joined([frame(encodeBatchHeader(header, bodyBytes, metadata)), ...body]);
}

const joinedBytesMax = 256 * 1024;

function* joined(pieces: readonly Uint8Array[]): Generator<Uint8Array, void, undefined> {
  let small: Uint8Array[] = [];
  let bytes = 0;
  for (const piece of pieces) {
    if (bytes + piece.length > joinedBytesMax && small.length > 0) {
      yield small.length === 1 && small[0] !== undefined ? small[0] : Buffer.concat(small);
      small = [];
      bytes = 0;
    }
    small.push(piece);
    bytes += piece.length;
  }
  if (small.length > 0) yield Buffer.concat(small);
}
