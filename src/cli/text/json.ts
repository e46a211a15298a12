/**
 * A result for a program: indented JSON and a line break. Beyond what JSON asks for, DEL, C1 controls and bidirectional marks are
 * escaped as well, so that a terminal may show it.
 */
export function toJson(value: unknown): string {
  return `${escapeForTerminals(JSON.stringify(value, jsonValue, 2))}\n`;
}

/** The same on one line, for logs and streams. */
export function toJsonLine(value: unknown): string {
  return `${escapeForTerminals(JSON.stringify(value, jsonValue))}\n`;
}

function escapeForTerminals(json: string): string {
  return json.replaceAll(
    /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Details of errors hold 64-bit values. */
function jsonValue(_: string, value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  if (value instanceof Map) return Object.fromEntries(value);
  if (value instanceof Set) return [...value];
  return value;
}
