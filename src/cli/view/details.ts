/** A detail of an error in words: text as it is, lists with commas, anything else as JSON. */
export function describeDetail(value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value === "bigint" || typeof value === "number" || typeof value === "boolean")
    return String(value);
  if (Array.isArray(value)) return value.map(describeDetail).join(", ");
  return (
    JSON.stringify(value, (_, member: unknown) => (typeof member === "bigint" ? String(member) : member)) ??
    "none"
  );
}

/** Details behind a sentence: ` (rows 7, expected 8)`, without those that say `known` again. */
export function detailWords(details: Readonly<Record<string, unknown>>, known: string): string {
  const shown = Object.entries(details)
    .filter(([, value]) => value !== known && value !== undefined)
    .map(([name, value]) => `${name} ${describeDetail(value)}`);
  return shown.length === 0 ? "" : ` (${shown.join(", ")})`;
}
