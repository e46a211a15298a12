import { appendFileSync } from "node:fs";

/**
 * How often tests do over again what chance is in: a few times in `npm test`, more by the environment (CONTRIBUTING.md). The cases are the
 * same in every run unless PROPERTY_SEED says otherwise (`setup.ts`).
 */
export function propertyRuns(few: number): number {
  return Number(process.env["PROPERTY_RUNS"] ?? few);
}

/** Says what a test did, in figures, for the page that `npm run soak` writes; nothing outside of it. */
export function recordFigures(what: string, figures: Readonly<Record<string, number>>): void {
  const path = process.env["SOAK_FIGURES"];
  if (path !== undefined) appendFileSync(path, `${JSON.stringify({ what, figures })}\n`);
}

/** Moments at which a process is killed. */
export const killMoments = Number(process.env["KILL_MOMENTS"] ?? 2);

/** Races of real clients, one after the other. */
export const raceRounds = Number(process.env["RACE_ROUNDS"] ?? 1);

/**
 * Calls, of so many, at which a fault is tried: a few that the name chooses, always the same; all of them with FAULT_SAMPLES=all.
 */
export function faultSamples(calls: number, name: string): number[] {
  const all = Array.from({ length: calls }, (_, at) => at);
  if (process.env["FAULT_SAMPLES"] === "all") return all;
  const count = Math.min(calls, Number(process.env["FAULT_SAMPLES"] ?? 1));
  let state = 20_261_127;
  for (const character of name) state = (Math.imul(state, 31) + character.charCodeAt(0)) >>> 0;
  return Array.from({ length: count }, (_, i) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    // One in each stretch of the run.
    return Math.floor(((i + state / 2 ** 32) / count) * calls);
  });
}
