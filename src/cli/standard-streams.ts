import { once } from "node:events";
import { fstatSync, read, writev } from "node:fs";
import { promisify } from "node:util";
import { cancelled, ColonnadeError } from "../base/errors.ts";
import { RecycledMemory } from "../stream/batch-memory.ts";
import { ByteReader, type ByteSource, readChunks } from "../stream/byte-source.ts";

const readAsync = promisify(read);
const writevAsync = promisify(writev);
const standardInput = 0;
const standardOutput = 1;
/** As much as one call of the system gives at most. */
const readBytesMax = 2 ** 30;

/**
 * Standard input, until `signal` ends it. Opened by the first command that reads it: others leave it alone. What is given back is used
 * again when `output` has written what it was given.
 */
export function openStandardInput(signal: AbortSignal, output: ByteOutput): ByteSource {
  if (signal.aborted) throw cancelled();
  const memory = new RecycledMemory(() => output.written());
  return fstatSync(standardInput).isFile() ? readFile(signal, memory) : readChunks(readPipe(signal), memory);
}

function stop(): void {
  process.stdin.destroy(cancelled());
}

/** A read from a pipe that nothing comes out of would hold the process when it wants to end, so Node's own stream reads it. */
async function* readPipe(signal: AbortSignal): AsyncIterable<Uint8Array> {
  signal.addEventListener("abort", stop, { once: true });
  try {
    for await (const chunk of process.stdin) yield chunk as Uint8Array;
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/** A file is read to where its bytes are wanted; whoever opened it closes it. */
function readFile(signal: AbortSignal, memory: RecycledMemory): ByteSource {
  return new ByteReader(
    async (target, offset) => {
      if (signal.aborted) throw cancelled();
      const wanted = Math.min(target.length - offset, readBytesMax);
      const { bytesRead } = await readAsync(standardInput, target, offset, wanted, null);
      return bytesRead;
    },
    undefined,
    memory,
  );
}

export function isInputTerminal(): boolean {
  return process.stdin.isTTY;
}

export interface ByteOutput {
  /** Takes the bytes, which nobody may change until they are written, and no more of them than can be written before long. */
  write(bytes: Uint8Array): Promise<void>;
  /** Resolves when everything is written that was given until now. */
  written(): Promise<void>;
}

/** Standard output: a file is written while the next bytes are made, a pipe no faster than it is read. */
export function openStandardOutput(): ByteOutput {
  return fstatSync(standardOutput).isFile() ? new FileOutput() : new PipeOutput();
}

class PipeOutput implements ByteOutput {
  #written: Promise<void> = Promise.resolve();

  async write(bytes: Uint8Array): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#written = promise;
    // A reader that goes away is told of elsewhere: it ends the program.
    if (!process.stdout.write(bytes, () => resolve())) await once(process.stdout, "drain");
  }

  async written(): Promise<void> {
    await this.#written;
  }
}

/** About a record batch: the thread that casts has the next one to do. */
const unwrittenBytesMax = 32 * 1024 * 1024;

/** Node's own stream holds the thread while it writes to a file. */
class FileOutput implements ByteOutput {
  /** Each writes what has come since the one before it began. */
  readonly #rounds: Promise<void>[] = [];
  #pieces: Uint8Array[] = [];
  #unwrittenBytes = 0;

  async write(bytes: Uint8Array): Promise<void> {
    this.#unwrittenBytes += bytes.length;
    if (this.#pieces.push(bytes) === 1) {
      const round = this.#writeNext(this.#rounds.at(-1));
      // Whoever waits for one of the next hears of it.
      round.catch(() => {});
      this.#rounds.push(round);
    }
    while (this.#unwrittenBytes > unwrittenBytesMax) await this.#rounds[0];
  }

  async written(): Promise<void> {
    await this.#rounds.at(-1);
  }

  async #writeNext(before: Promise<void> | undefined): Promise<void> {
    await before;
    // The pieces of a batch come one right after the other, and are one call of the system: while it is at it, the thread may cast.
    await new Promise<void>((resolve) => process.nextTick(resolve));
    const pieces = this.#pieces;
    this.#pieces = [];
    await writeAll(pieces);
    for (const { length } of pieces) this.#unwrittenBytes -= length;
    void this.#rounds.shift();
  }
}

/**
 * More than a store's files are written by (src/store/file-sink.ts), since a call may have to wait for the thread that casts; but from 8 MB
 * on Linux looks for so large pieces of memory to keep the bytes in that they take twice to four times as long.
 */
const callBytesMax = 2 * 1024 * 1024;

async function writeAll(pieces: readonly Uint8Array[]): Promise<void> {
  try {
    let left = withoutFirst(pieces, 0);
    while (left.length > 0) {
      const { bytesWritten } = await writevAsync(standardOutput, firstOf(left, callBytesMax));
      left = withoutFirst(left, bytesWritten);
    }
  } catch (cause) {
    const message = "standard output cannot be written";
    throw new ColonnadeError("unavailable", "OUTPUT_FAILED", message, {}, { cause });
  }
}

function firstOf(pieces: readonly Uint8Array[], bytes: number): Uint8Array[] {
  const some: Uint8Array[] = [];
  let room = bytes;
  for (const piece of pieces) {
    if (room === 0) break;
    const part = piece.subarray(0, room);
    some.push(part);
    room -= part.length;
  }
  return some;
}

function withoutFirst(pieces: readonly Uint8Array[], bytes: number): Uint8Array[] {
  let rest = bytes;
  let index = 0;
  for (; index < pieces.length; index += 1) {
    const { length } = pieces[index] as Uint8Array;
    if (length > rest) break;
    rest -= length;
  }
  const [first, ...others] = pieces.slice(index);
  return first === undefined ? [] : [first.subarray(rest), ...others];
}
