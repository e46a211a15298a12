import { describe, expect, test } from "vitest";
import { FileMetaData, KeyValue as KeyValueField } from "../../../src/parquet/spec.ts";
import type { LeafType } from "../../../src/parquet/leaf-type.ts";
import { readSchemaTree } from "../../../src/parquet/footer/schema-tree.ts";
import { parseExactJson } from "../../../src/schema/embedded/exact-json.ts";
import type { EmbeddedMapping, OutputField } from "../../../src/schema/embedded/mapping.ts";
import { rewriteKeyValueMetadata } from "../../../src/schema/embedded/rewrite.ts";
import type { KeyValue } from "../../../src/schema/embedded/rewrite.ts";
import { corpusFiles } from "../../support/corpus.ts";
import { added, cast, identityMapping, pick, renamed, withMembers } from "./mapping.ts";
import { flatTree, readFooterStruct } from "./trees.ts";

const sparkKey = "org.apache.spark.sql.parquet.row.metadata";
const removal = "removed from the footer, since it could not be rewritten to the new schema";

function rewrite(
  key: string,
  value: unknown,
  mapping: EmbeddedMapping,
): { value: unknown; warnings: string[] } {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  const { pairs, warnings } = rewriteKeyValueMetadata([[key, text]], mapping);
  return { value: pairs[0]?.[1] === undefined ? undefined : JSON.parse(pairs[0][1]), warnings };
}

const flat = identityMapping(flatTree(["a", "int64"], ["b", "string"], ["c", "float64"]));

function imagePart(name: string, type: LeafType): OutputField {
  return {
    name,
    nullable: true,
    type: { kind: "leaf", leaf: type },
    source: { path: ["image", name] },
    retyped: false,
  };
}

function pandasMetadata(labels: object[]): object {
  return {
    index_columns: ["a"],
    column_indexes: labels,
    columns: ["b", "c", "a"].map((name) => ({
      name: name === "a" ? null : name,
      field_name: name,
      pandas_type: "int64",
      numpy_type: "int64",
      metadata: null,
    })),
    attributes: {},
    creator: { library: "pyarrow", version: "26.0.1" },
    pandas_version: "3.1.1",
  };
}

describe.skipIf(corpusFiles("data").length === 0)(
  "the key-value metadata of every file in the corpus",
  () => {
    const files = corpusFiles("data").flatMap(({ name, path }): [string, KeyValue[], EmbeddedMapping][] => {
      try {
        const footer = readFooterStruct(path);
        const pairs = (footer.structs(FileMetaData.key_value_metadata) ?? []).map((pair): KeyValue => [
          pair.string(KeyValueField.key) ?? "",
          pair.string(KeyValueField.value),
        ]);
        const tree = readSchemaTree(footer.structs(FileMetaData.schema) ?? []);
        return pairs.length === 0 ? [] : [[name, pairs, identityMapping(tree)]];
      } catch {
        return []; // not readable here, or a set: their own tests
      }
    });

    test.each(files)("%s: comes out as it was when nothing changes", (_, pairs, mapping) => {
      expect(rewriteKeyValueMetadata(pairs, mapping)).toStrictEqual({ pairs, warnings: [] });
    });

    test.each(files)(
      "%s: no longer names a renamed column, and keeps what is no schema",
      (_, pairs, mapping) => {
        const fields = mapping.fields.map((field) => renamed(field, `renamed_${field.name}`));
        const rewritten = rewriteKeyValueMetadata(pairs, { ...mapping, fields });
        const again = rewriteKeyValueMetadata(rewritten.pairs, {
          fields: fields.map((field) => ({ ...field, source: { path: [field.name] } })),
        });
        expect(rewritten.pairs.length + rewritten.warnings.length).toBe(pairs.length);
        expect(again.pairs.map(([key]) => key)).toStrictEqual(rewritten.pairs.map(([key]) => key));
        for (const [key, value] of rewritten.pairs) {
          if (key !== sparkKey && key !== "pandas") continue;
          for (const { name } of mapping.fields) expect(value).not.toContain(`"name":"${name}"`);
        }
      },
    );
  },
);

describe("Spark's schema", () => {
  const nested = identityMapping(flatTree(["id", "int64"]));
  const spark = {
    type: "struct",
    fields: [
      { name: "a", type: "long", nullable: true, metadata: { comment: "first", max: 1 } },
      { name: "b", type: "varchar(10)", nullable: true, metadata: {} },
      { name: "c", type: "double", nullable: true, metadata: {} },
    ],
  };

  test("follows renames, casts, adds and a new order; metadata and Spark's own types stay", () => {
    const fields = [
      renamed(pick(flat, "b"), "text"),
      cast(renamed(pick(flat, "a"), "small"), "uint8"),
      added("at", "timestamp[us, tz=UTC]"),
      added("price", "decimal128(18, 4)"),
    ];
    expect(rewrite(sparkKey, spark, { ...flat, fields })).toStrictEqual({
      value: {
        type: "struct",
        fields: [
          { name: "text", type: "varchar(10)", nullable: true, metadata: {} },
          { name: "small", type: "short", nullable: true, metadata: { comment: "first", max: 1 } },
          { name: "at", type: "timestamp", nullable: true, metadata: {} },
          { name: "price", type: "decimal(18,4)", nullable: true, metadata: {} },
        ],
      },
      warnings: [],
    });
  });

  test("is removed when a type is none of Spark's, or when it is no schema", () => {
    const mapping = { ...nested, fields: [added("d", "uuid")] };
    expect(rewrite(sparkKey, spark, mapping)).toStrictEqual({
      value: undefined,
      warnings: [`${sparkKey}: ${removal}`],
    });
    expect(rewrite(sparkKey, "{]", nested).warnings).toStrictEqual([`${sparkKey}: ${removal}`]);
  });
});

describe("Hugging Face's features", () => {
  const huggingface = {
    info: {
      features: {
        a: { names: ["cat", "dog"], _type: "ClassLabel" },
        b: { dtype: "string", _type: "Value" },
        c: { dtype: "float64", _type: "Value" },
      },
      splits: { train: { num_examples: 3 } },
    },
    fingerprint: "1234",
  };

  test("follow their columns in the output's order, and a cast label is a value", () => {
    const fields = [
      renamed(pick(flat, "b"), "text"),
      renamed(pick(flat, "a"), "label"),
      added("n", "time32[ms]"),
    ];
    expect(rewrite("huggingface", huggingface, { ...flat, fields }).value).toStrictEqual({
      info: {
        ...huggingface.info,
        features: {
          text: { dtype: "string", _type: "Value" },
          label: { names: ["cat", "dog"], _type: "ClassLabel" },
          n: { dtype: "time32[ms]", _type: "Value" },
        },
      },
    });
    const castLabel = rewrite("huggingface", huggingface, {
      ...flat,
      fields: [cast(pick(flat, "a"), "string")],
    });
    expect(castLabel.value).toMatchObject({ info: { features: { a: { dtype: "string", _type: "Value" } } } });
  });

  test("of nested columns change member by member, and a feature that lost a part is none", () => {
    const image: OutputField = {
      name: "image",
      nullable: true,
      type: {
        kind: "struct",
        fields: [imagePart("bytes", { kind: "binary" }), imagePart("path", { kind: "string" })],
      },
      source: { path: ["image"] },
      retyped: false,
    };
    const sourcePaths = [["image"], ["image", "bytes"], ["image", "path"]];
    const features = { info: { features: { image: { _type: "Image" } } } };
    const whole = rewrite("huggingface", features, { sourcePaths, fields: [{ ...image, name: "photo" }] });
    expect(whole.value).toStrictEqual({ info: { features: { photo: { _type: "Image" } } } });
    const lost = rewrite("huggingface", features, {
      sourcePaths,
      fields: [withMembers(image, (members) => members.slice(0, 1))],
    });
    expect(lost.value).toStrictEqual({
      info: { features: { image: { bytes: { dtype: "binary", _type: "Value" } } } },
    });
  });
});

describe("GeoParquet's metadata", () => {
  const geo = {
    version: "1.1.0",
    primary_column: "b",
    columns: {
      b: {
        encoding: "WKB",
        geometry_types: ["Point"],
        covering: { bbox: { xmin: ["a", "x"], xmax: ["a", "y"] } },
      },
      c: { encoding: "WKB", geometry_types: [] },
    },
  };
  const box = {
    ...pick(flat, "a"),
    type: {
      kind: "struct",
      fields: ["x", "y"].map((name) => ({ ...pick(flat, "c"), name, source: { path: ["a", name] } })),
    },
  } as const;

  test("follows renamed columns and the paths of their bounding boxes", () => {
    const fields = [renamed(pick(flat, "b"), "place"), { ...box, name: "box" }];
    expect(rewrite("geo", geo, { fields })).toStrictEqual({
      value: {
        version: "1.1.0",
        primary_column: "place",
        columns: {
          place: { ...geo.columns.b, covering: { bbox: { xmin: ["box", "x"], xmax: ["box", "y"] } } },
        },
      },
      warnings: [],
    });
  });

  test("takes the next geometry when the primary one is dropped, and goes with the last", () => {
    expect(rewrite("geo", geo, { fields: [pick(flat, "c")] })).toStrictEqual({
      value: { version: "1.1.0", primary_column: "c", columns: { c: geo.columns.c } },
      warnings: ["geo: the primary geometry column is gone, c takes its place"],
    });
    expect(rewrite("geo", geo, { fields: [pick(flat, "a"), cast(pick(flat, "b"), "string")] })).toStrictEqual(
      {
        value: undefined,
        warnings: [`geo: ${removal}`],
      },
    );
  });

  test("forgets a covering whose columns are gone", () => {
    const { value } = rewrite("geo", geo, { fields: [pick(flat, "b")] });
    expect(value).toMatchObject({ columns: { b: { encoding: "WKB", geometry_types: ["Point"] } } });
    expect(JSON.stringify(value)).not.toContain("covering");
  });
});

describe("pandas' metadata", () => {
  const integers = {
    name: null,
    field_name: null,
    pandas_type: "int64",
    numpy_type: "int64",
    metadata: null,
  };

  test("an index without a name stays without, under the column's new one", () => {
    const fields = [pick(flat, "b"), pick(flat, "c"), renamed(pick(flat, "a"), "z")];
    const { value } = rewrite("pandas", pandasMetadata([integers]), { ...flat, fields });
    expect(value).toMatchObject({
      index_columns: ["z"],
      column_indexes: [{ pandas_type: "unicode", numpy_type: "object" }],
      columns: [{}, {}, { name: null, field_name: "z" }],
    });
  });

  test("labels of several levels have no room for a new name: the metadata is removed", () => {
    const value = pandasMetadata([integers, integers]);
    const fields = [pick(flat, "a"), renamed(pick(flat, "b"), "z"), pick(flat, "c")];
    expect(rewrite("pandas", value, { ...flat, fields }).warnings).toStrictEqual([`pandas: ${removal}`]);
    expect(
      rewrite("pandas", value, { ...flat, fields: [pick(flat, "a"), pick(flat, "b")] }).warnings,
    ).toStrictEqual([]);
  });
});

describe("other keys", () => {
  test("schemas of Avro and Iceberg stay while they are true, and go with a warning", () => {
    const avro = {
      type: "record",
      name: "r",
      fields: [
        { name: "a", type: ["null", "long"] },
        { name: "b", type: "string" },
        { name: "c", type: "double" },
      ],
    };
    for (const key of ["parquet.avro.schema", "iceberg.schema"]) {
      expect(rewrite(key, avro, flat)).toStrictEqual({ value: avro, warnings: [] });
      for (const fields of [
        flat.fields.slice(1),
        flat.fields.toReversed(),
        [...flat.fields, added("d", "int8")],
      ]) {
        expect(rewrite(key, avro, { fields }).warnings).toStrictEqual([`${key}: ${removal}`]);
      }
    }
  });

  test("that we do not know are carried, values absent or not", () => {
    const pairs: KeyValue[] = [
      ["writer.model.name", "avro"],
      ["org.apache.spark.version", "4.0.0"],
      ["empty", undefined],
      ["writer.model.name", "twice"],
      ["pandas", undefined],
    ];
    expect(rewriteKeyValueMetadata(pairs, { fields: [added("x", "int8")] })).toStrictEqual({
      pairs,
      warnings: [],
    });
  });
});

describe("hostile values are removed, not believed:", () => {
  const other = { ...flat, fields: [renamed(pick(flat, "a"), "z")] };

  test.each([
    "",
    "AAAA",
    "/////wAAAAA=",
    "/////wQAAAD/////",
    "?".repeat(1000),
    Buffer.alloc(4096, 0xff).toString("base64"),
  ])("an Arrow schema of %j", (value) => {
    const { pairs, warnings } = rewriteKeyValueMetadata([["ARROW:schema", value]], other);
    expect([pairs.length, warnings.length]).toStrictEqual([0, 1]);
  });

  test("an Arrow schema whose fields share their children endlessly ends in bounded time", () => {
    // A message, a schema and forty fields, each with the next one as both of its children: 2^40 when unfolded.
    const started = performance.now();
    const { pairs } = rewriteKeyValueMetadata([["ARROW:schema", sharedChildren(40)]], other);
    expect(pairs).toStrictEqual([]);
    expect(performance.now() - started).toBeLessThan(2000);
  });

  test.each([
    "null",
    "[]",
    "{}",
    '{"columns": 1}',
    '{"columns": [{"name": 1}]}',
    '{"fields": []}',
    '{"info": 1}',
    "NaN",
  ])("JSON of %s", (value) => {
    for (const key of ["pandas", "huggingface", "geo", sparkKey]) {
      const { pairs, warnings } = rewriteKeyValueMetadata([[key, value]], other);
      expect([pairs.length, warnings.length]).toStrictEqual([0, 1]);
    }
  });
});

test("JSON is written again with the digits that it had", () => {
  const text = '{"a":1.0,"b":12345678901234567890,"c":1e5,"d":-0.0,"e":[0.1]}';
  expect(JSON.stringify(parseExactJson(text))).toBe(text);
});

/** Hand-made flatbuffer: every field's children are twice the next field. */
function sharedChildren(fields: number): string {
  const bytes: number[] = [];
  const u32 = (value: number): void => {
    bytes.push(value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, (value >>> 24) & 0xff);
  };
  const u16 = (...values: number[]): void => values.forEach((value) => bytes.push(value & 0xff, value >>> 8));
  u32(20); // root: the message table
  u16(12, 16, 0, 4, 8, 0); // vtable of Message: header type 1, header 2
  while (bytes.length < 20) bytes.push(0);
  u32(16); // the vtable is 16 bytes before
  bytes.push(1, 0, 0, 0); // a schema
  u32(16); // header: 16 bytes on
  u32(0);
  u16(8, 8, 0, 4); // vtable of Schema: fields in slot 1
  const schema = bytes.length;
  if (schema !== 44) throw new Error(`the layout has moved: ${schema}`);
  u32(8);
  u32(4); // fields: the vector that follows
  u32(1);
  u32(20); // the first field: after the vtable that all fields share
  u16(16, 8, 0, 0, 0, 0, 0, 4); // vtable of Field: children in slot 5
  for (let i = 0; i < fields; i += 1) {
    u32(16 + 20 * i); // back to that vtable
    u32(4); // children: the vector that follows
    u32(i === fields - 1 ? 0 : 2);
    u32(8);
    u32(4);
  }
  const message = Buffer.from(bytes);
  const head = Buffer.alloc(8);
  head.writeUInt32LE(0xffffffff, 0);
  head.writeUInt32LE(message.length, 4);
  return Buffer.concat([head, message]).toString("base64");
}
