import { ColonnadeError } from "../base/errors.ts";
import { type BatchMemory, freshMemory } from "./batch-memory.ts";

/** Bytes in order, read by exact numbers of them. */
export interface ByteSource {
  /**
   * The next bytes in memory of their own, which is aligned for every type; undefined where there are none any more. Rejects with
   * `data` `STREAM_TRUNCATED` where the last of them are missing.
   */
  take(bytes: number): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /**
   * Says that what was taken is not looked at any more, save by those who were given parts of it until now. Whoever knows when these are
   * done may use the memory again.
   */
  giveBack?(bytes: Uint8Array<ArrayBuffer>): void;
  /** Lets go of what no more is wanted of. */
  close(): Promise<void>;
}

/** Fills the target from an offset on; resolves to how many bytes there were, 0 at the end of all. */
type ReadInto = (target: Uint8Array<ArrayBuffer>, offset: number) => Promise<number>;

/** Reads into memory that it is given, so that bytes are where they are wanted at once. */
export class ByteReader implements ByteSource {
  readonly #read: ReadInto;
  readonly #close: () => Promise<unknown>;
  readonly #memory: BatchMemory;

  constructor(
    read: ReadInto,
    close: () => Promise<unknown> = () => Promise.resolve(),
    memory: BatchMemory = freshMemory,
  ) {
    this.#read = read;
    this.#close = close;
    this.#memory = memory;
  }

  async take(bytes: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
    let target = this.#memory.take(bytes);
    let length = 0;
    while (length < bytes) {
      if (length === target.length) target = grown(target, bytes);
      const read = await this.#read(target, length);
      if (read === 0 && length === 0) return undefined;
      if (read === 0) throw truncated(length, bytes);
      length += read;
    }
    return target;
  }

  giveBack(bytes: Uint8Array<ArrayBuffer>): void {
    this.#memory.giveBack(bytes);
  }

  async close(): Promise<void> {
    await this.#close();
  }
}

/** Bytes as they come, in chunks of any size. */
export function readChunks(chunks: AsyncIterable<Uint8Array>, memory?: BatchMemory): ByteSource {
  const iterator = chunks[Symbol.asyncIterator]();
  let chunk: Uint8Array = new Uint8Array(0);
  const read: ReadInto = async (target, offset) => {
    while (chunk.length === 0) {
      const { done, value } = await iterator.next();
      if (done === true) return 0;
      chunk = value;
    }
    const part = chunk.subarray(0, target.length - offset);
    target.set(part, offset);
    chunk = chunk.subarray(part.length);
    return part.length;
  };
  return new ByteReader(read, async () => await iterator.return?.(), memory);
}

/** More room for bytes that go on to arrive: of `wanted`, four times what there was. */
function grown(bytes: Uint8Array, wanted: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(Math.min(wanted, bytes.length * 4));
  larger.set(bytes);
  return larger;
}

function truncated(bytes: number, expectedBytes: number): ColonnadeError {
  return new ColonnadeError("data", "STREAM_TRUNCATED", "stream ends inside a message", {
    bytes,
    expectedBytes,
  });
}
