import { readFileSync } from "node:fs";
import { chunkByteRange } from "../../src/parquet/footer/chunk-range.ts";
import type { ColumnData } from "../../src/parquet/values/column-data.ts";
import type { Footer } from "../../src/parquet/footer/footer.ts";
import { footerTailBytes, locateFooter, scanFooter } from "../../src/parquet/footer/footer.ts";
import { readColumnChunk } from "../../src/parquet/chunks/read-chunk.ts";

export interface OpenFile {
  readonly bytes: Uint8Array;
  readonly footer: Footer;
}

export function openParquet(source: string | Uint8Array): OpenFile {
  const bytes = typeof source === "string" ? new Uint8Array(readFileSync(source)) : source;
  const { footerStart, footerBytes } = locateFooter(bytes.subarray(-footerTailBytes), bytes.length);
  return { bytes, footer: scanFooter(bytes.subarray(footerStart, footerStart + footerBytes)) };
}

export async function readChunkOf(file: OpenFile, rowGroup: number, column: number): Promise<ColumnData> {
  const facts = file.footer.chunkFacts(rowGroup, column);
  const { start, end } = chunkByteRange(facts, file.bytes.length);
  return readColumnChunk(file.bytes.subarray(start, end), facts.context.leaf, facts);
}
