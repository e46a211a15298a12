import { once } from "node:events";
import { fstatSync, read } from "node:fs";
import { promisify } from "node:util";
import { cancelled } from "../base/errors.ts";
import {
  type ByteSource,
  ChunkSource,
  firstStepBytes,
  grown,
  truncatedStream,
} from "../stream/byte-source.ts";

const readAsync = promisify(read);
const standardInput = 0;
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

/** Bytes to standard output, no faster than they are read there. */
export async function writeStandardOutput(bytes: Uint8Array): Promise<void> {
  if (!process.stdout.write(bytes)) await once(process.stdout, "drain");
}
