import type { ChunkLayout, ColumnData } from "../../src/parquet/values/column-data.ts";
import type { LeafColumn, LeafType, PhysicalType } from "../../src/parquet/leaf-type.ts";
import type { Values } from "../../src/parquet/values/values.ts";

/** A value as JavaScript has it: bytes for both kinds of byte arrays and for INT96. */
export type Value = boolean | number | bigint | Uint8Array;
/** A row of a flat column, or of a list column. */
export type Row = Value | null | readonly (Value | null)[];

export type Shape = "required" | "optional" | "repeated" | "list";

export function leafColumn(
  shape: Shape,
  type: LeafType,
  physicalType: PhysicalType,
  typeLength?: number,
): LeafColumn {
  return {
    path: shape === "list" ? ["c", "list", "element"] : ["c"],
    physicalType,
    ...(typeLength === undefined ? {} : { typeLength }),
    type,
    maxDefinitionLevel: { required: 0, optional: 1, repeated: 1, list: 3 }[shape],
    maxRepetitionLevel: shape === "required" || shape === "optional" ? 0 : 1,
  };
}

export const plainLayout: ChunkLayout = {
  codec: "UNCOMPRESSED",
  dataPageVersion: 1,
  dictionary: "none",
  pageChecksums: false,
};

/** Rows as levels and dense values: what a reader of the column is expected to decode. */
export function columnOfRows(
  rows: readonly Row[],
  column: LeafColumn,
  layout: ChunkLayout = plainLayout,
  pages: ColumnData["pages"] = [],
): ColumnData {
  const definition: number[] = [];
  const repetition: number[] = [];
  const values: Value[] = [];
  const max = column.maxDefinitionLevel;
  const add = (value: Value | null, repeats: number): void => {
    repetition.push(repeats);
    definition.push(value === null ? max - 1 : max);
    if (value !== null) values.push(value);
  };
  for (const row of rows) {
    if (!Array.isArray(row)) {
      if (row === null && column.maxRepetitionLevel > 0) {
        repetition.push(0);
        definition.push(0);
      } else add(row as Value | null, 0);
    } else if (row.length === 0) {
      repetition.push(0);
      definition.push(max === 1 ? 0 : 1);
    } else for (const [index, value] of (row as (Value | null)[]).entries()) add(value, index === 0 ? 0 : 1);
  }
  return {
    rows: rows.length,
    entries: definition.length,
    ...(max > 0 ? { definitionLevels: Uint16Array.from(definition) } : {}),
    ...(column.maxRepetitionLevel > 0 ? { repetitionLevels: Uint16Array.from(repetition) } : {}),
    values: valuesOf(values, column),
    pages,
    layout,
  };
}

/** The other way about. */
export function rowsOfColumn(data: ColumnData, column: LeafColumn): Row[] {
  const values = valueList(data.values);
  const max = column.maxDefinitionLevel;
  const rows: Row[] = [];
  let next = 0;
  for (let entry = 0; entry < data.entries; entry += 1) {
    const level = data.definitionLevels?.[entry] ?? max;
    const value = level === max ? (values[next++] as Value) : null;
    if (column.maxRepetitionLevel === 0) rows.push(value);
    else if (data.repetitionLevels?.[entry] === 1) (rows.at(-1) as (Value | null)[]).push(value);
    else if (level === 0 && max > 1) rows.push(null);
    else if (level === 0 || (level === 1 && max > 1)) rows.push([]);
    else rows.push([value]);
  }
  return rows;
}

export function valuesOf(values: readonly Value[], column: LeafColumn): Values {
  switch (column.physicalType) {
    case "BOOLEAN":
      return { kind: "bool", data: Uint8Array.from(values, Number) };
    case "INT32":
      return { kind: "int32", data: Int32Array.from(values as number[]) };
    case "INT64":
      return { kind: "int64", data: BigInt64Array.from(values as bigint[]) };
    case "FLOAT":
      return { kind: "float", data: Float32Array.from(values as number[]) };
    case "DOUBLE":
      return { kind: "double", data: Float64Array.from(values as number[]) };
    case "INT96":
    case "FIXED_LEN_BYTE_ARRAY": {
      const width = column.physicalType === "INT96" ? 12 : (column.typeLength ?? 0);
      return { kind: "fixed", width, data: new Uint8Array(Buffer.concat(values as Uint8Array[])) };
    }
    case "BYTE_ARRAY": {
      const offsets = new Int32Array(values.length + 1);
      for (const [i, value] of (values as Uint8Array[]).entries()) {
        offsets[i + 1] = (offsets[i] as number) + value.length;
      }
      return { kind: "bytes", offsets, data: new Uint8Array(Buffer.concat(values as Uint8Array[])) };
    }
  }
}

export function valueList(values: Values): Value[] {
  switch (values.kind) {
    case "bool":
      return Array.from(values.data, (bit) => bit === 1);
    case "int64":
      return Array.from(values.data);
    case "int32":
    case "float":
    case "double":
      return Array.from(values.data);
    case "fixed": {
      const { width, data } = values;
      return Array.from({ length: data.length / width }, (_, i) => data.slice(i * width, (i + 1) * width));
    }
    case "bytes": {
      const { offsets, data } = values;
      return Array.from({ length: offsets.length - 1 }, (_, i) => data.slice(offsets[i], offsets[i + 1]));
    }
  }
}
