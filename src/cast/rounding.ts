import type { CastSpec } from "./cast.ts";

export type Rounding = CastSpec["rounding"];

/**
 * Whether to add one to the floor quotient, given the remainder (0 < remainder < divisor). `half-up` rounds
 * ties away from zero, as SQL's ROUND and Java's HALF_UP do. Not for `error`, which has no quotient.
 */
export function roundsUp(
  rounding: Rounding,
  negative: boolean,
  quotientIsOdd: boolean,
  remainder: number,
  divisor: number,
): boolean {
  switch (rounding) {
    case "error":
    case "floor":
      return false;
    case "truncate":
      return negative;
    case "ceil":
      return true;
    case "half-even": {
      const twice = remainder * 2;
      return twice > divisor || (twice === divisor && quotientIsOdd);
    }
    case "half-up": {
      const twice = remainder * 2;
      return twice > divisor || (twice === divisor && !negative);
    }
  }
}

/** The integer next to a finite number by the given rule; `error` leaves the number as it is. */
export function roundNumber(value: number, rounding: Rounding): number {
  const floor = Math.floor(value);
  if (floor === value || rounding === "error") return value;
  // value - floor is exact: both are within a factor of two, or |value| < 1 where it is rounded but not across 0.5.
  const up = roundsUp(rounding, value < 0, floor % 2 !== 0, fractionOf(value, floor), 1);
  return up ? floor + 1 : floor;
}

/** For tiny negative values `value - floor` would round to 1; only its place relative to 0.5 matters. */
function fractionOf(value: number, floor: number): number {
  const fraction = value - floor;
  return fraction >= 1 ? 0.75 : fraction;
}

/** `value / divisor` by the given rule; undefined when `error` forbids the remainder. */
export function divideBigInt(value: bigint, divisor: bigint, rounding: Rounding): bigint | undefined {
  let quotient = value / divisor;
  let remainder = value % divisor;
  if (remainder === 0n) return quotient;
  if (rounding === "error") return undefined;
  if (remainder < 0n) {
    remainder += divisor;
    quotient -= 1n;
  }
  const twice = remainder * 2n;
  const place = twice > divisor ? 3 : twice === divisor ? 2 : 1; // quarters of the way to the next
  return roundsUp(rounding, value < 0n, quotient % 2n !== 0n, place, 4) ? quotient + 1n : quotient;
}
