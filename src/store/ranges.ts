import { ColonnadeError } from "../base/errors.ts";
import type { GetOptions } from "./object-store.ts";

/**
 * The bytes `[start, end)` of an object of `objectBytes` that a range asks for. What lies behind the object's end is
 * cut off, as S3 does; a range wholly behind it is empty. Throws `invalid` `RANGE_INVALID` for what is no range.
 */
export function resolveRange(
  range: GetOptions["range"],
  objectBytes: number,
): { readonly start: number; readonly end: number } {
  if (range === undefined) return { start: 0, end: objectBytes };
  assertRange(range);
  if ("suffixBytes" in range)
    return { start: Math.max(0, objectBytes - range.suffixBytes), end: objectBytes };
  const start = Math.min(range.start, objectBytes);
  return { start, end: Math.min(range.end, objectBytes) };
}

/** Throws `invalid` `RANGE_INVALID` unless the bounds are whole numbers, not negative, and in order. */
export function assertRange(range: NonNullable<GetOptions["range"]>): void {
  const ok =
    "suffixBytes" in range
      ? isSize(range.suffixBytes)
      : isSize(range.start) && isSize(range.end) && range.start <= range.end;
  if (!ok)
    throw new ColonnadeError("invalid", "RANGE_INVALID", "range of an object is impossible", { ...range });
}

function isSize(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

/**
 * A range to be copied must lie within its object: a copy that comes out shorter than asked for would shift
 * everything behind it.
 */
export function assertWholeRange(key: string, objectBytes: number, start: number, end: number): void {
  assertRange({ start, end });
  if (end <= objectBytes) return;
  const details = { key, start, end, objectBytes };
  throw new ColonnadeError("invalid", "RANGE_INVALID", "range to copy ends behind its object", details);
}
