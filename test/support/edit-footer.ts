import { readFile, writeFile } from "node:fs/promises";
import { footerTailBytes, locateFooter } from "../../src/parquet/footer/footer.ts";
import { frameFooter } from "../../src/parquet/footer/rewrite-footer.ts";
import { FileMetaData } from "../../src/parquet/spec.ts";
import { decodeStruct } from "../../src/parquet/thrift/thrift-reader.ts";
import { encodeStruct } from "../../src/parquet/thrift/thrift-writer.ts";
import type { ThriftStruct } from "../../src/parquet/thrift/thrift.ts";

/** Writes a Parquet file's footer anew after an edit, as other writers might have written it; the data stays. */
export async function editFooter(path: string, edit: (metadata: ThriftStruct) => void): Promise<void> {
  const file = new Uint8Array(await readFile(path));
  const { footerStart } = locateFooter(file, file.length);
  const metadata = decodeStruct(file.subarray(footerStart, file.length - footerTailBytes));
  edit(metadata);
  await writeFile(path, Buffer.concat([file.subarray(0, footerStart), frameFooter(encodeStruct(metadata))]));
}

/** The schema elements of a footer, root first; edits of them are edits of the footer. */
export function schemaElements(metadata: ThriftStruct): ThriftStruct[] {
  const list = metadata.list(FileMetaData.schema);
  return (list?.elements ?? []) as ThriftStruct[];
}
