import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FileMetaData, KeyValue as KeyValueField } from "../../../src/parquet/spec.ts";
import { readSchemaTree } from "../../../src/parquet/footer/schema-tree.ts";
import type { EmbeddedMapping } from "../../../src/schema/embedded/mapping.ts";
import { rewriteKeyValueMetadata } from "../../../src/schema/embedded/rewrite.ts";
import type { KeyValue } from "../../../src/schema/embedded/rewrite.ts";
import { pythonWith, runPython } from "../../support/python.ts";
import { added, cast, identityMapping, pick, renamed, withMembers } from "./mapping.ts";
import { readFooterStruct } from "./trees.ts";

const python = pythonWith(["pyarrow", "pandas", "polars"]);

/** Frames that use what only an Arrow schema can say: dictionaries, large types, time zones, nested and extension types. */
const write = `
import sys, datetime, pyarrow as pa, pyarrow.parquet as pq, pandas as pd, polars as pl
folder = sys.argv[1]
table = pa.table({
  'n': pa.array([1, 2, None], pa.int64()),
  'd': pa.array(['a', 'b', 'a']).dictionary_encode(),
  'big': pa.array(['x', 'y', None], pa.large_string()),
  'when': pa.array([0, 1, None], pa.timestamp('us', tz='Europe/Berlin')),
  'legs': pa.array([[{'x': 1, 'y': 'a'}], [], None], pa.large_list(pa.struct([('x', pa.int8()), ('y', pa.dictionary(pa.int8(), pa.string()))]))),
  'fixed': pa.array([[1, 2], [3, 4], [5, 6]], pa.list_(pa.int16(), 2)),
  'm': pa.array([[('k', 1)], [], None], pa.map_(pa.string(), pa.int32())),
  'took': pa.array([1, 2, 3], pa.duration('ms')),
  'gone': pa.array([True, False, None]),
}).replace_schema_metadata({'team': 'data'})
fields = [f.with_metadata({'unit': 'minutes'}) if f.name == 'n' else f for f in table.schema]
table = table.cast(pa.schema(fields, metadata=table.schema.metadata))
pq.write_table(table, f'{folder}/arrow.parquet')
frame = pd.DataFrame({
  'n': pd.array([1, 2, None], dtype='Int64'), 'c': pd.Categorical(['u', 'v', 'u']), 's': ['x', 'y', 'z'],
  't': pd.to_datetime(['2026-01-01', '2026-01-02', None]).tz_localize('Europe/Berlin'), 'gone': [1.5, 2.5, 3.5],
}, index=pd.Index(['i', 'j', 'k'], name='key'))
frame.to_parquet(f'{folder}/pandas.parquet')
frame.reset_index(drop=True).to_parquet(f'{folder}/range.parquet')
pl.DataFrame({
  'n': [1, 2, 3], 's': ['x', 'y', None], 'e': pl.Series(['a', 'b', 'a'], dtype=pl.Enum(['a', 'b'])),
  'c': pl.Series(['u', 'v', 'u'], dtype=pl.Categorical), 'l': [[1], [], None], 'a': pl.Series([[1, 2]] * 3, dtype=pl.Array(pl.Int8, 2)),
  'st': [{'x': 1, 'y': 'a'}] * 3, 'du': [datetime.timedelta(1)] * 3, 't': [datetime.time(1)] * 3,
}).write_parquet(f'{folder}/polars.parquet')
`;

/** Rewrites a file's columns the plain way, puts our key-value metadata beside them, and says what readers make of it. */
const readBack = `
import sys, json, pyarrow as pa, pyarrow.parquet as pq, polars as pl
folder, name = sys.argv[1:]
plan = json.load(sys.stdin)
source = pq.read_table(f'{folder}/{name}')
def nested(array, column, type):
    return pa.array([None if v is None else [{k2: e[k1] for k1, k2 in column['members'].items()} for e in v] for v in array.to_pylist()], type)
columns, fields = [], []
for c in plan['columns']:
    if c['source'] is None: a = pa.nulls(len(source), pa.string())
    else:
        a = source[c['source']]
        if c.get('cast'): a = (a.cast(pa.string()))
        if c.get('members'):
            old = a.type.value_type
            a = nested(a, c, pa.large_list(pa.struct([(n, old.field(o).type) for o, n in c['members'].items()])))
    columns.append(a); fields.append(pa.field(c['name'], a.type))
table = pa.table(columns, schema=pa.schema(fields))
with pq.ParquetWriter(f'{folder}/out.parquet', table.schema, store_schema=False) as writer:
    writer.write_table(table)
    writer.add_key_value_metadata({k: v for k, v in plan['pairs']})
got = pq.read_table(f'{folder}/out.parquet')
frame = got.to_pandas()
polars = pl.read_parquet(f'{folder}/out.parquet')
print(json.dumps({
  'arrow': {f.name: str(f.type) for f in got.schema},
  'metadata': {f.name: {k.decode(): v.decode() for k, v in (f.metadata or {}).items()} for f in got.schema},
  'values': got.equals(table.cast(got.schema)),
  'pandas': {str(k): str(v) for k, v in frame.dtypes.items()}, 'index': [str(n) for n in frame.index.names],
  'labels': [str(l) for l in frame.index],
  'polars': {k: str(v) for k, v in polars.schema.items()}, 'rows': polars.height,
}))
`;

interface Reading {
  readonly arrow: Record<string, string>;
  readonly metadata: Record<string, Record<string, string>>;
  readonly values: boolean;
  readonly pandas: Record<string, string>;
  readonly index: string[];
  readonly labels: string[];
  readonly polars: Record<string, string>;
}

interface Column {
  readonly name: string;
  readonly source: string | null;
  readonly cast?: boolean;
  readonly members?: Record<string, string>;
}

describe.skipIf(python === undefined)("a rewritten schema is read by pyarrow, pandas and polars", () => {
  const folder = mkdtempSync(join(tmpdir(), "colonnade-embedded-"));
  beforeAll(() => runPython(write, undefined, [folder]));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function footer(name: string): { pairs: KeyValue[]; identity: EmbeddedMapping } {
    const struct = readFooterStruct(join(folder, name));
    const pairs = (struct.structs(FileMetaData.key_value_metadata) ?? []).map((pair): KeyValue => [
      pair.string(KeyValueField.key) ?? "",
      pair.string(KeyValueField.value),
    ]);
    return { pairs, identity: identityMapping(readSchemaTree(struct.structs(FileMetaData.schema) ?? [])) };
  }

  async function read(
    name: string,
    pairs: readonly KeyValue[],
    columns: readonly Column[],
  ): Promise<Reading> {
    const output = await runPython(readBack, JSON.stringify({ pairs, columns }), [folder, name]);
    return JSON.parse(output) as Reading;
  }

  test.each(["arrow.parquet", "pandas.parquet", "range.parquet", "polars.parquet"])(
    "%s: a mapping that changes nothing gives the same bytes",
    (name) => {
      const { pairs, identity } = footer(name);
      expect(rewriteKeyValueMetadata(pairs, identity)).toStrictEqual({ pairs, warnings: [] });
      expect(pairs.length).toBeGreaterThan(0);
    },
  );

  test("Arrow's own types survive renames, drops, reorders, casts and nested changes", async () => {
    const { pairs, identity } = footer("arrow.parquet");
    const fields = [
      renamed(pick(identity, "when"), "at"),
      added("extra", "string"),
      renamed(pick(identity, "d"), "kind"),
      pick(identity, "big"),
      cast(renamed(pick(identity, "n"), "minutes"), "string"),
      renamed(
        withMembers(pick(identity, "legs"), ([x, y]) => (x && y ? [y, renamed(x, "z")] : [])),
        "parts",
      ),
      pick(identity, "fixed"),
      pick(identity, "m"),
      pick(identity, "took"),
      pick(identity, "when"),
      pick(identity, "d"),
    ];
    const rewritten = rewriteKeyValueMetadata(pairs, { ...identity, fields });
    expect(rewritten.warnings).toStrictEqual([]);
    const reading = await read("arrow.parquet", rewritten.pairs, [
      { name: "at", source: "when" },
      { name: "extra", source: null },
      { name: "kind", source: "d" },
      { name: "big", source: "big" },
      { name: "minutes", source: "n", cast: true },
      { name: "parts", source: "legs", members: { y: "y", x: "z" } },
      { name: "fixed", source: "fixed" },
      { name: "m", source: "m" },
      { name: "took", source: "took" },
      { name: "when", source: "when" },
      { name: "d", source: "d" },
    ]);
    expect(reading.arrow).toStrictEqual({
      at: "timestamp[us, tz=Europe/Berlin]",
      extra: "string",
      kind: "dictionary<values=string, indices=int32, ordered=0>",
      big: "large_string",
      minutes: "string",
      parts: "large_list<element: struct<y: dictionary<values=string, indices=int8, ordered=0>, z: int8>>",
      fixed: "fixed_size_list<element: int16>[2]",
      m: "map<string, int32 ('m')>",
      took: "duration[ms]",
      when: "timestamp[us, tz=Europe/Berlin]",
      d: "dictionary<values=string, indices=int32, ordered=0>",
    });
    expect(reading.metadata["minutes"]).toMatchObject({ unit: "minutes" });
    expect(reading.values).toBe(true);
    expect(reading.polars).toMatchObject({
      kind: "Categorical",
      minutes: "String",
      took: "Duration(time_unit='ms')",
    });
  });

  test("a pandas index of a column is renamed with it, dtypes follow, a dropped column is forgotten", async () => {
    const { pairs, identity } = footer("pandas.parquet");
    const fields = [
      renamed(pick(identity, "key"), "id"),
      cast(pick(identity, "n"), "string"),
      renamed(pick(identity, "c"), "kind"),
      added("extra", "string"),
      renamed(pick(identity, "t"), "at"),
      pick(identity, "s"),
    ];
    const rewritten = rewriteKeyValueMetadata(pairs, { ...identity, fields });
    expect(rewritten.warnings).toStrictEqual([]);
    const reading = await read("pandas.parquet", rewritten.pairs, [
      { name: "id", source: "key" },
      { name: "n", source: "n", cast: true },
      { name: "kind", source: "c" },
      { name: "extra", source: null },
      { name: "at", source: "t" },
      { name: "s", source: "s" },
    ]);
    expect(reading.index).toStrictEqual(["id"]);
    expect(reading.labels).toStrictEqual(["i", "j", "k"]);
    expect(reading.pandas).toMatchObject({ kind: "category", at: "datetime64[us, Europe/Berlin]" });
    expect(Object.keys(reading.pandas)).toStrictEqual(["n", "kind", "extra", "at", "s"]);
    // Both copies of pandas' metadata, the footer's and the one inside the Arrow schema, have lost the old names.
    const text = rewritten.pairs.map(([, value]) => value).join("") + decodedArrow(rewritten.pairs);
    expect(text).toContain('"field_name":"kind"');
    expect(text).not.toMatch(/gone|"field_name": ?"c"/);
  });

  test("a nullable integer of pandas stays one, and a range index goes only with its rows", async () => {
    const { pairs, identity } = footer("range.parquet");
    const fields = identity.fields.map((field) => (field.name === "n" ? renamed(field, "count") : field));
    const columns = fields.map((field) => ({ name: field.name, source: field.source?.path[0] ?? null }));
    const kept = rewriteKeyValueMetadata(pairs, { ...identity, fields });
    const reading = await read("range.parquet", kept.pairs, columns);
    expect(reading.pandas["count"]).toBe("Int64");
    expect(kept.pairs.find(([key]) => key === "pandas")?.[1]).toContain('"kind":"range"');
    const fewer = rewriteKeyValueMetadata(pairs, { ...identity, fields, rowsDropped: true });
    expect(fewer.pairs.find(([key]) => key === "pandas")?.[1]).toContain('"index_columns":[]');
    expect((await read("range.parquet", fewer.pairs, columns)).labels).toStrictEqual(["0", "1", "2"]);
  });

  test("what polars wrote is read by polars in its own types", async () => {
    const { pairs, identity } = footer("polars.parquet");
    const fields = identity.fields
      .filter(({ name }) => name !== "n")
      .map((field) => renamed(field, `new_${field.name}`))
      .toReversed();
    const rewritten = rewriteKeyValueMetadata(pairs, { ...identity, fields });
    expect(rewritten.warnings).toStrictEqual([]);
    const columns = fields.map((field) => ({ name: field.name, source: field.source?.path[0] ?? null }));
    const reading = await read("polars.parquet", rewritten.pairs, columns);
    expect(reading.polars).toMatchObject({
      new_s: "String",
      new_e: "Enum(categories=['a', 'b'])",
      new_c: "Categorical",
      new_a: "Array(Int8, shape=(2,))",
      new_st: "Struct({'x': Int64, 'y': String})",
      new_du: "Duration(time_unit='us')",
      new_t: "Time",
    });
    expect(reading.values).toBe(true);
  });
});

function decodedArrow(pairs: readonly KeyValue[]): string {
  const value = pairs.find(([key]) => key === "ARROW:schema")?.[1] ?? "";
  return Buffer.from(value, "base64").toString("latin1");
}
