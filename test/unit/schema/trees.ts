import { openSync, readSync, fstatSync, closeSync } from "node:fs";
import { readSchemaTree } from "../../../src/parquet/footer/schema-tree.ts";
import type { SchemaNode } from "../../../src/parquet/footer/schema-tree.ts";
import { FileMetaData, SchemaElement } from "../../../src/parquet/spec.ts";
import { decodeStruct } from "../../../src/parquet/thrift/thrift-reader.ts";
import { ThriftStruct } from "../../../src/parquet/thrift/thrift.ts";
import { leafElement } from "../../../src/parquet/footer/schema-element.ts";
import { parseLeafType } from "../../../src/parquet/leaf-type.ts";

/** The footer of a file that is not encrypted, without the reader that is tested elsewhere. */
export function readFooterStruct(path: string): ThriftStruct {
  const file = openSync(path, "r");
  try {
    const { size } = fstatSync(file);
    const tail = Buffer.alloc(8);
    readSync(file, tail, 0, 8, size - 8);
    if (tail.toString("latin1", 4) !== "PAR1") throw new Error(`${path} has no plain footer`);
    const footer = Buffer.alloc(tail.readUInt32LE(0));
    readSync(file, footer, 0, footer.length, size - 8 - footer.length);
    return decodeStruct(footer);
  } finally {
    closeSync(file);
  }
}

export function readTree(path: string): SchemaNode {
  return readSchemaTree(readFooterStruct(path).structs(FileMetaData.schema) ?? []);
}

/** A flat schema: `["a", "int64"]`, required with a third member. */
export function flatTree(
  ...columns: (readonly [name: string, type: string, required?: "required"])[]
): SchemaNode {
  const root = new ThriftStruct()
    .setString(SchemaElement.name, "schema")
    .setI32(SchemaElement.num_children, columns.length);
  const leaves = columns.map(([name, text, required]) => {
    const type = parseLeafType(text);
    if ("error" in type) throw new Error(type.error);
    return leafElement(name, type, { nullable: required === undefined });
  });
  return readSchemaTree([root, ...leaves]);
}
