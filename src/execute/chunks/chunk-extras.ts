import type { ChunkExtras } from "../../parquet/values/column-data.ts";
import type { Footer } from "../../parquet/footer/footer.ts";
import type { OutputLeaf } from "../../plan/output-schema.ts";
import type { SourceObjectReader } from "./output-piece.ts";

/** The new chunk gets what the source's chunk had. */
export function extrasFor(
  { footer }: SourceObjectReader,
  { action }: OutputLeaf,
  source: number,
  rowGroup: number,
): ChunkExtras {
  const extras = extrasOf(footer, rowGroup, source);
  // The filter of a leaf beside it says nothing about a new one.
  return action.action === "borrowLevels" ? { ...extras, bloomFilter: false } : extras;
}

export function extrasOf(footer: Footer, rowGroup: number, leaf: number): ChunkExtras {
  const facts = footer.chunkFacts(rowGroup, leaf);
  const bloomFilterBytes = facts.bloomFilter?.length;
  return {
    statistics: facts.hasStatistics,
    pageIndex: facts.offsetIndex !== undefined,
    bloomFilter: facts.bloomFilter !== undefined,
    sizeStatistics: facts.hasSizeStatistics,
    ...(bloomFilterBytes === undefined ? {} : { bloomFilterBytes }),
  };
}
