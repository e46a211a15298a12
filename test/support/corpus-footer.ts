import { readFileSync } from "node:fs";
import { chunkByteRange } from "../../src/parquet/footer/chunk-range.ts";
import { type Footer, locateFooter, scanFooter } from "../../src/parquet/footer/footer.ts";
import type { OutputRowGroup } from "../../src/parquet/footer/rewrite-footer.ts";
import type { CorpusFile } from "./corpus.ts";

export interface FileFooter {
  readonly object: Uint8Array<ArrayBuffer>;
  readonly footerStart: number;
  readonly footer: Footer;
}

/** Reads and scans a file's footer as the program does, and looks at every chunk. */
export function readFileFooter(file: CorpusFile): FileFooter {
  const object = new Uint8Array(readFileSync(file.path));
  const { footerStart, footerBytes } = locateFooter(object.subarray(-8), object.length);
  const footer = scanFooter(object.subarray(footerStart, footerStart + footerBytes));
  for (const rowGroup of footer.rowGroups.keys()) {
    for (const column of footer.leaves.keys())
      chunkByteRange(footer.chunkFacts(rowGroup, column), object.length);
  }
  return { object, footerStart, footer };
}

/** Every row group as it is: all chunks copied, `shift` bytes further on, indexes and Bloom filters too. */
export function identityRowGroups(footer: Footer, shift = 0): OutputRowGroup[] {
  return footer.rowGroups.map(({ rows }, source) => ({
    source,
    rows,
    chunks: footer.leaves.map((_, sourceLeaf) => {
      const { columnIndex, offsetIndex, bloomFilter } = footer.chunkFacts(source, sourceLeaf);
      const moved = <P extends { readonly offset: number }>(place: P): P => ({
        ...place,
        offset: place.offset + shift,
      });
      return {
        kind: "copied" as const,
        sourceLeaf,
        shift,
        ...(columnIndex === undefined ? {} : { columnIndex: moved(columnIndex) }),
        ...(offsetIndex === undefined ? {} : { offsetIndex: moved(offsetIndex) }),
        ...(bloomFilter === undefined
          ? {}
          : {
              bloomFilter: moved({
                offset: bloomFilter.offset,
                ...(bloomFilter.length === undefined ? {} : { length: bloomFilter.length }),
              }),
            }),
      };
    }),
  }));
}

export function identityTarget(footer: Footer) {
  const { schema, keyValueMetadata, createdBy } = footer;
  return { schema, keyValueMetadata, createdBy, columnOrders: footer.leaves.map((_, leaf) => leaf) };
}
