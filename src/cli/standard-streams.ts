import { once } from "node:events";
import { fstatSync, read, write } from "node:fs";
import { promisify } from "node:util";
import { cancelled, ColonnadeError } from "../base/errors.ts";
import {
  type ByteSource,
  ChunkSource,
  firstStepBytes,
  grown,
  truncatedStream,
} from "../stream/byte-source.ts";

const readAsync = promisify(read);
const writeAsync = promisify(write);
const standardInput = 0;
const standardOutput = 1;
/** As much as one call of the system gives at most. */
const readBytesMax = 2 ** 30;
/** Standard input, until `signal` ends it. Opened by the first command that reads it: others leave it alone. */
export function openStandardInput(signal: AbortSignal): ByteSource {
  if (signal.aborted) throw cancelled();
  return fstatSync(standardInput).isFile() ? new FileInput(signal) : new ChunkSource(readPipe(signal));
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

/** A file is read to where its bytes are wanted. */
class FileInput implements ByteSource {
  readonly #signal: AbortSignal;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  async take(bytes: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
    let target = new Uint8Array(Math.min(bytes, firstStepBytes));
    let length = 0;
    while (length < bytes) {
      if (this.#signal.aborted) throw cancelled();
      if (length === target.length) target = grown(target, length, bytes);
      const wanted = Math.min(target.length - length, readBytesMax);
      const { bytesRead } = await readAsync(standardInput, target, length, wanted, null);
      if (bytesRead === 0 && length === 0) return undefined;
      if (bytesRead === 0) throw truncatedStream(length, bytes);
      length += bytesRead;
    }
    return target;
  }

  async close(): Promise<void> {
    // Whoever opened it closes it.
  }
}

export function isInputTerminal(): boolean {
  return process.stdin.isTTY;
}

export interface ByteOutput {
  /** Takes the bytes, which nobody may change from here on, and no more of them than can be written before long. */
  write(bytes: Uint8Array): Promise<void>;
  /** Resolves when everything is written. */
  end(): Promise<void>;
}

/** Standard output: a file is written while the next bytes are made, a pipe no faster than it is read. */
export function openStandardOutput(): ByteOutput {
  if (fstatSync(standardOutput).isFile()) return new FileOutput();
  return {
    async write(bytes) {
      if (!process.stdout.write(bytes)) await once(process.stdout, "drain");
    },
    end: () => Promise.resolve(),
  };
}

/** About a record batch: the thread that casts has the next one to do. */
const unwrittenBytesMax = 32 * 1024 * 1024;

/** Node's own stream holds the thread while it writes to a file. */
class FileOutput implements ByteOutput {
  readonly #writes: Promise<void>[] = [];
  #unwrittenBytes = 0;

  async write(bytes: Uint8Array): Promise<void> {
    this.#unwrittenBytes += bytes.length;
    const before = this.#writes.at(-1);
    const write = async (): Promise<void> => {
      await before;
      await writeAll(bytes);
      this.#unwrittenBytes -= bytes.length;
      void this.#writes.shift();
    };
    const written = write();
    // Whoever waits for one of the next hears of it.
    written.catch(() => {});
    this.#writes.push(written);
    while (this.#unwrittenBytes > unwrittenBytesMax) await this.#writes[0];
  }

  async end(): Promise<void> {
    await this.#writes.at(-1);
  }
}

async function writeAll(bytes: Uint8Array): Promise<void> {
  try {
    for (let done = 0; done < bytes.length;) {
      const { bytesWritten } = await writeAsync(standardOutput, bytes, done);
      done += bytesWritten;
    }
  } catch (cause) {
    const message = "standard output cannot be written";
    throw new ColonnadeError("unavailable", "OUTPUT_FAILED", message, {}, { cause });
  }
}
