/** What TypeScript's library does not know yet: https://github.com/tc39/proposal-json-parse-with-source. */
const json = JSON as typeof JSON & { rawJSON(text: string): unknown };

export type JsonObject = Record<string, unknown>;

/**
 * `JSON.parse` that loses nothing: a number that a double cannot spell as it was written (1.0, 2^63, 1e400) is written
 * again as it was. Undefined for what is not JSON (Python's NaN, say).
 */
export function parseExactJson(text: string): unknown {
  try {
    return JSON.parse(text, keepDigits as (key: string, value: unknown) => unknown);
  } catch {
    return undefined;
  }
}

function keepDigits(_key: string, value: unknown, { source }: { source?: string }): unknown {
  return typeof value === "number" && source !== undefined && String(value) !== source
    ? json.rawJSON(source)
    : value;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
