import { ColonnadeError } from "../base/errors.ts";

/** S3's limit, in bytes of UTF-8 (https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html). */
export const keyBytesMax = 1024;

/** A folder that stores keep for themselves: no key has it as a segment, no listing shows what is in it. */
export const reservedFolder = ".colonnade";

/**
 * Throws `invalid` `KEY_INVALID` unless the key is one that every store can hold: `/`-separated segments, none of
 * them empty, `.`, `..` or {@link reservedFolder}; well-formed Unicode without NUL; 1 to 1,024 bytes of UTF-8.
 */
export function assertKey(key: string): void {
  const reason = key === "" ? "is empty" : (faultOfText(key) ?? faultOfSegments(key.split("/")));
  if (reason !== undefined) throw keyInvalid(key, reason);
}

/** As {@link assertKey}, for the prefix of a listing: may be empty, end at a `/` or inside of a segment. */
export function assertPrefix(prefix: string): void {
  const reason = faultOfText(prefix) ?? faultOfSegments(prefix.split("/").slice(0, -1));
  if (reason !== undefined) throw keyInvalid(prefix, reason);
}

/** Whether a listing shows the key: not when a store keeps it for itself. */
export function isListed(key: string): boolean {
  return !key.includes(reservedFolder) || !key.split("/").includes(reservedFolder);
}

export function keyInvalid(key: string, reason: string, cause?: unknown): ColonnadeError {
  return new ColonnadeError("invalid", "KEY_INVALID", `key ${reason}`, { key }, { cause });
}

function faultOfText(text: string): string | undefined {
  if (!text.isWellFormed()) return "is not well-formed Unicode";
  if (text.includes("\0")) return "contains NUL";
  if (Buffer.byteLength(text) > keyBytesMax) return `is longer than ${keyBytesMax} bytes`;
  return undefined;
}

function faultOfSegments(segments: readonly string[]): string | undefined {
  for (const segment of segments) {
    if (segment === "") return "has an empty segment";
    if (segment === "." || segment === "..") return `has a segment "${segment}"`;
    if (segment === reservedFolder) return `has the reserved segment "${reservedFolder}"`;
  }
  return undefined;
}

/**
 * Order of the UTF-8 bytes, which is the order of code points. JavaScript's own order of strings is that of UTF-16
 * code units, where a surrogate (so: anything beyond U+FFFF) sorts before U+E000 to U+FFFF.
 */
export function compareKeys(a: string, b: string): number {
  const end = Math.min(a.length, b.length);
  for (let i = 0; i < end; i += 1) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return rankOfUnit(x) - rankOfUnit(y);
  }
  return a.length - b.length;
}

function rankOfUnit(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}
