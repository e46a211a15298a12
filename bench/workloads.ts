import { type Cast, casts, type Column, columns, mostColumns } from "./columns.ts";

/** One change of schema, said in everybody's words. */
export interface Workload {
  readonly title: string;
  /** What is read for it, in order: the old name, the new one, and the new type where it changes. */
  readonly columns: readonly (readonly [from: string, to: string, cast: Cast | null])[];
  /** Columns that are new, with the value of every row. */
  readonly add: Readonly<Record<string, string>>;
}

const dropped = ["f64_3", "nul_1"];
const kept = columns.map(({ name }) => name).filter((name) => !dropped.includes(name));

function castSome(title: string, some: Readonly<Record<string, Cast>>): Workload {
  return { title, columns: columns.map(({ name }) => [name, name, some[name] ?? null]), add: {} };
}

export const renameDropAdd: Workload = {
  title: `Rename ${kept.length}, drop ${dropped.length} and add 1 of ${columns.length} columns`,
  columns: kept.map((name) => [name, `${name}_v2`, null]),
  add: { source_system: "bench" },
};

export const castTwo = castSome(
  `Cast 2 of ${columns.length} columns: random int64 to float64, string to timestamp`,
  casts.randomNumbersAndTexts,
);

export const castDictionary = castSome(`Cast a dictionary-encoded column: string to int32`, casts.dictionary);

export const castNumber = castSome(`Cast 1 of ${columns.length} columns: random int64 to float64`, {
  i64_0: casts.randomNumbersAndTexts.i64_0,
});

export const castMost = castSome(
  `Cast ${Object.keys(mostColumns).length} of ${columns.length} columns`,
  mostColumns,
);

export const castNested = castSome(
  "Cast nested leaves: list<int32>, struct<int64, string, float64>, list<struct<string, int32>>",
  casts.nested,
);

/** The two schema versions of Colonnade. */
export function schemaVersions(workload: Workload): [from: string, to: string] {
  const field = (id: number, name: string, yaml: string): string =>
    `  - { id: ${id}, name: ${name}, ${yaml.replaceAll("@", `${id}0`)} }`;
  const known = new Map(
    columns.map((column, i): [string, Column & { id: number }] => [column.name, { ...column, id: i + 1 }]),
  );
  const next = workload.columns.map(([from, to, cast]) => {
    const { id = 0, yaml = "" } = known.get(from) ?? {};
    return field(id, to, cast?.yaml ?? yaml);
  });
  const added = Object.entries(workload.add).map(
    ([name, value], i) => `  - { id: ${100_000 + i}, name: ${name}, type: string, default: ${value} }`,
  );
  const version = (number: number, fields: readonly string[]): string =>
    `dataset: bench\nversion: ${number}\nfields:\n${fields.join("\n")}\n`;
  return [
    version(
      1,
      Array.from(known.values(), ({ id, name, yaml }) => field(id, name, yaml)),
    ),
    version(2, [...next, ...added]),
  ];
}

/** The select list of the same change in SQL. */
export function selectList(
  { columns: changed, add }: Workload,
  dialect: "duckdb" | "spark" = "duckdb",
): string {
  const typeOf = (cast: Cast): string => (dialect === "spark" ? (cast.spark ?? cast.sql) : cast.sql);
  return [
    ...changed.map(([from, to, cast]) =>
      cast === null ? `${from} AS ${to}` : `CAST(${from} AS ${typeOf(cast)}) AS ${to}`,
    ),
    ...Object.entries(add).map(([name, value]) => `'${value}' AS ${name}`),
  ].join(", ");
}
