import { once } from "node:events";
import { createReadStream, fstatSync } from "node:fs";
import { cancelled } from "../base/errors.ts";

/** A pipe gives 64 KiB at a time whatever is asked; a file what is asked. */
const fileReadBytes = 1024 * 1024;

/** Standard input as bytes, until `signal` ends it. Opened by the first command that reads it: others leave it alone. */
export async function* readStandardInput(signal: AbortSignal): AsyncIterable<Uint8Array> {
  const input = fstatSync(0).isFile()
    ? createReadStream("", { fd: 0, autoClose: false, highWaterMark: fileReadBytes })
    : process.stdin;
  const stop = (): void => void input.destroy(cancelled());
  if (signal.aborted) throw cancelled();
  signal.addEventListener("abort", stop, { once: true });
  try {
    for await (const chunk of input) yield chunk as Uint8Array;
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

export function isInputTerminal(): boolean {
  return process.stdin.isTTY;
}

/** Bytes to standard output, no faster than they are read there. */
export async function writeStandardOutput(bytes: Uint8Array): Promise<void> {
  if (!process.stdout.write(bytes)) await once(process.stdout, "drain");
}
