import { reasonWords } from "../../dataset/quarantine-columns.ts";
import { rewriteOf } from "../../plan/leaf-action.ts";
import type { OutputLeaf } from "../../plan/output-schema.ts";
import { checkChunk } from "../chunks/change-chunk.ts";
import type { SourceObjectReader } from "../chunks/output-piece.ts";
import type { ChunkChange } from "../chunks/rewrite-run.ts";

/** Rows of one row group that stay out of a version. */
export interface QuarantinedRows {
  /** In the row group, ascending. */
  readonly rows: Uint32Array;
  /** By leaf: what is wrong in which rows. */
  readonly reasons: readonly { readonly words: string; readonly rows: Uint32Array }[];
  /** Invalid values by column. */
  readonly invalid: ReadonlyMap<string, number>;
}

/**
 * Rows of one row group that some leaf's policy puts into quarantine, ascending. Reads the chunks of those leaves once
 * more than the rewriting does, since every other chunk of the row group must know before it is written. `ofPath`: reasons
 * that the object's path gives to all of its rows.
 */
export async function quarantinedRows(
  reader: SourceObjectReader,
  leaves: readonly OutputLeaf[],
  rowGroup: number,
  ofPath: Iterable<string> = [],
): Promise<QuarantinedRows> {
  const rowCount = reader.footer.rowGroups[rowGroup]?.rows ?? 0;
  const reasons: { words: string; rows: Uint32Array }[] = [];
  const invalid = new Map<string, number>();
  for (const [leaf, output] of leaves.entries()) {
    const how = rewriteOf(output.action);
    if (how?.onInvalid !== "quarantine" || !("source" in output.action)) continue;
    const { source } = output.action;
    const change: ChunkChange = { kind: "rewrite", rewrite: how };
    const facts = reader.footer.chunkFacts(rowGroup, source);
    const none = { selection: undefined, unlessInvalid: undefined };
    const found = await checkChunk({ reader, output, leaf, source, rowGroup, change, facts, ...none });
    const column = output.column.path.join(".");
    if (found.invalid > 0) invalid.set(column, found.invalid);
    const from = reader.footer.leaves[source]?.column.type;
    const words = reasonWords(column, from, output.column.type);
    if (found.rows.length > 0) reasons.push({ words, rows: found.rows });
  }
  if (rowCount > 0) {
    const rows = Uint32Array.from({ length: rowCount }, (_, row) => row);
    for (const words of ofPath) reasons.push({ words, rows });
  }
  return { rows: rowsOf(reasons, rowCount), reasons, invalid };
}

/** Each row once, ascending. */
function rowsOf(reasons: QuarantinedRows["reasons"], rowCount: number): Uint32Array {
  const [only, ...more] = reasons;
  if (only === undefined || more.length === 0) return only?.rows ?? new Uint32Array(0);
  const isIn = new Uint8Array(rowCount);
  for (const { rows } of reasons) for (const row of rows) isIn[row] = 1;
  const all = new Uint32Array(isIn.reduce((count, flag) => count + flag, 0));
  let next = 0;
  for (let row = 0; row < rowCount; row += 1) {
    if (isIn[row] !== 1) continue;
    all[next] = row;
    next += 1;
  }
  return all;
}
