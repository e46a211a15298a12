import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";

/** One run of one process, seen from outside. */
export interface Run {
  /** From its start to its exit. */
  readonly seconds: number;
  /** Largest resident memory, as the kernel counts it; undefined where it does not say (it does on Linux). */
  readonly peakBytes: number | undefined;
}

const pollMs = 5;

/** Runs a process to its end, its standard streams being files or nothing. Its errors are shown; other than 0 is an error. */
export async function runProcess(
  command: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  files: { readonly input?: number; readonly output?: number } = {},
): Promise<Run> {
  const startedMs = performance.now();
  const child = spawn(command, args, {
    stdio: [files.input ?? "ignore", files.output ?? "ignore", "pipe"],
    env: { ...process.env, ...environment },
  });
  let errors = "";
  child.stderr?.on("data", (chunk: Buffer) => (errors += chunk.toString()));
  let peakBytes: number | undefined;
  // The kernel's own high-water mark: only what is reached in the last milliseconds can be missed.
  const poll = setInterval(() => {
    peakBytes = peakOf(child.pid) ?? peakBytes;
  }, pollMs);
  const exited = new Promise<number>((resolve) => child.on("exit", () => resolve(performance.now())));
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  clearInterval(poll);
  if (code !== 0) throw new Error(`${command} ${args.slice(0, 2).join(" ")} ended with ${code}\n${errors}`);
  return { seconds: ((await exited) - startedMs) / 1000, peakBytes };
}

/** Of the process and of those that it has started. */
function peakOf(pid: number | undefined): number | undefined {
  try {
    const kilobytes = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    if (kilobytes === undefined) return undefined;
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8")
      .trim()
      .split(" ")
      .filter(Boolean);
    return children.reduce((sum, child) => sum + (peakOf(Number(child)) ?? 0), Number(kilobytes) * 1024);
  } catch {
    return undefined;
  }
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const high = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? high : (high + (sorted[middle - 1] ?? Number.NaN)) / 2;
}
