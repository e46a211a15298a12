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
