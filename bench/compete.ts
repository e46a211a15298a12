import { mkdir, rm } from "node:fs/promises";
import { loadavg } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import type { Contest, ProfileLine, Results } from "./contest.ts";
import type { Run } from "./measure.ts";
import { readProfiles } from "./profile.ts";
import { missedAims } from "./report.ts";

/** Between two contenders, for the disk to finish what the first one's removal left to do. */
const pauseMs = 300;

export interface Rounds {
  readonly count: number;
  /** One round more, before the others, that warms the caches and does not count. */
  readonly warmUp: boolean;
  /** Where Colonnade's time goes is found out when it misses an aim. */
  readonly profile: boolean;
}

/** Everybody once a round; the results of the first round are compared. */
export async function compete(contest: Contest, rounds: Rounds, work: string): Promise<Results> {
  const { contenders, profile, keepsOutputs = false } = contest;
  process.stderr.write(`${contest.title}, ${contest.data}\n`);
  const runs = new Map<string, Run[]>(contenders.map(({ name }) => [name, []]));
  const load = loadavg()[0] ?? 0;
  const first = rounds.warmUp ? 0 : 1;
  const kept: string[] = [];
  for (let round = first; round <= rounds.count; round += 1) {
    let target = "";
    for (const [i, contender] of contenders.entries()) {
      if (contender.isSecondRun !== true) target = join(work, `${round}-${i}`);
      await mkdir(target, { recursive: true });
      const run = await contender.run(target);
      process.stderr.write(`  ${contender.name}: ${run.seconds.toFixed(2)} s\n`);
      if (round === first) await contender.check(target);
      if (round > 0) runs.get(contender.name)?.push(run);
      if (contenders[i + 1]?.isSecondRun === true) continue;
      if (keepsOutputs) kept.push(target);
      else await rm(target, { recursive: true, force: true });
      await setTimeout(pauseMs);
    }
  }
  const results = { contest, runs, load };
  const isProfiled = rounds.profile && profile !== undefined && missedAims(results).length > 0;
  const lines = isProfiled ? await profiled(profile, work) : undefined;
  for (const path of kept) await rm(path, { recursive: true, force: true });
  return lines === undefined ? results : { ...results, profile: lines };
}

async function profiled(
  profile: NonNullable<Contest["profile"]>,
  work: string,
): Promise<readonly ProfileLine[]> {
  const [target, folder] = [join(work, "profiled"), join(work, "profile")];
  for (const path of [target, folder]) await mkdir(path, { recursive: true });
  await profile(target, folder);
  const lines = readProfiles(folder);
  for (const path of [target, folder]) await rm(path, { recursive: true, force: true });
  return lines;
}
