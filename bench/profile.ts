import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { ProfileLine } from "./contest.ts";

/** What V8's profiler writes (`--cpu-prof`), as far as it is used here. */
interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string };
  }[];
  readonly samples: readonly number[];
  /** Microseconds before each sample. */
  readonly timeDeltas: readonly number[];
}

const linesMax = 12;
/** The last is what a thread of the pool does between two tasks. */
const waiting: ReadonlySet<string> = new Set(["(idle)", "(root)", "atomicsWaitLoop"]);

/** The functions that took most, over all threads. */
export function readProfiles(folder: string): ProfileLine[] {
  const times = new Map<string, ProfileLine & { readonly share: number }>();
  let total = 0;
  for (const file of readdirSync(folder)) {
    const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(join(folder, file), "utf8")) as CpuProfile;
    const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
    // CPU.<day>.<time>.<process>.<thread>.<number>.cpuprofile
    const thread = file.split(".")[4] === "0" ? "main" : "workers";
    for (const [i, sample] of samples.entries()) {
      const frame = frames.get(sample);
      const name = frame?.functionName === "" ? "(module)" : (frame?.functionName ?? "");
      if (waiting.has(name)) continue;
      const micros = timeDeltas[i] ?? 0;
      total += micros;
      const key = `${thread} ${name}`;
      times.set(key, { thread, name, share: (times.get(key)?.share ?? 0) + micros });
    }
  }
  return Array.from(times.values(), (line) => ({ ...line, share: line.share / total }))
    .toSorted((a, b) => b.share - a.share)
    .slice(0, linesMax);
}
