/**
 * How often tests do over again what chance is in: a few times in `npm test`, more by the environment (CONTRIBUTING.md). The cases are the
 * same in every run unless PROPERTY_SEED says otherwise (`setup.ts`).
 */
export function propertyRuns(few: number): number {
  return Number(process.env["PROPERTY_RUNS"] ?? few);
}

/** Races of real clients, one after the other. */
export const raceRounds = Number(process.env["RACE_ROUNDS"] ?? 1);
