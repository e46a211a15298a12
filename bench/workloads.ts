import { columns } from "./make-data.ts";

/** One change of schema, said in everybody's words. */
export interface Workload {
  readonly title: string;
  /** What is read for it, in order: the old name, the new one, and the new type where it changes. */
  readonly columns: readonly (readonly [from: string, to: string, cast: string | null])[];
  /** Columns that are new, with the value of every row. */
  readonly add: Readonly<Record<string, string>>;
}

const dropped = ["f64_4", "nul_1"];
const kept = columns.map(([name]) => name).filter((name) => !dropped.includes(name));
const casts: Readonly<Record<string, string>> = { i64_0: "float64", when_0: "timestamp[us]" };

export const renameDropAdd: Workload = {
  title: `Rename ${kept.length}, drop ${dropped.length} and add 1 of ${columns.length} columns`,
  columns: kept.map((name) => [name, `${name}_v2`, null]),
  add: { source_system: "bench" },
};

export const castTwo: Workload = {
  title: `Cast 2 of ${columns.length} columns: int64 to float64, string to timestamp`,
  columns: columns.map(([name]) => [name, name, casts[name] ?? null]),
  add: {},
};

/** The two schema versions of Colonnade. */
export function schemaVersions(workload: Workload): [from: string, to: string] {
  const field = (id: number, name: string, type: string): string =>
    `  - { id: ${id}, name: ${name}, type: "${type}" }`;
  const ids = new Map(columns.map(([name, type], i) => [name, { id: i + 1, type }]));
  const next = workload.columns.map(([from, to, cast]) => {
    const old = ids.get(from) ?? { id: 0, type: "" };
    return field(old.id, to, cast ?? old.type);
  });
  const added = Object.entries(workload.add).map(
    ([name, value], i) => `  - { id: ${1000 + i}, name: ${name}, type: string, default: ${value} }`,
  );
  const version = (number: number, fields: readonly string[]): string =>
    `dataset: bench\nversion: ${number}\nfields:\n${fields.join("\n")}\n`;
  return [
    version(
      1,
      columns.map(([name, type], i) => field(i + 1, name, type)),
    ),
    version(2, [...next, ...added]),
  ];
}

const sqlTypes: Readonly<Record<string, string>> = { float64: "DOUBLE", "timestamp[us]": "TIMESTAMP" };

/** The select list of the same change in SQL. */
export function selectList({ columns: changed, add }: Workload): string {
  return [
    ...changed.map(([from, to, cast]) =>
      cast === null ? `${from} AS ${to}` : `${from}::${sqlTypes[cast]} AS ${to}`,
    ),
    ...Object.entries(add).map(([name, value]) => `'${value}' AS ${name}`),
  ].join(", ");
}
