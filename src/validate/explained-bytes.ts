import { chunkByteRange } from "../parquet/footer/chunk-range.ts";
import type { Footer } from "../parquet/footer/footer.ts";

/** A part of an object that its footer knows of. */
interface Part {
  readonly start: number;
  readonly end: number;
  readonly what: string;
}

export interface Unexplained {
  readonly code: "BYTES_UNEXPLAINED" | "PARTS_OVERLAP";
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
}

/** Between the magic and the footer; a hostile footer may have half a million chunks that all overlap. */
const problemsMax = 20;

/**
 * Whether the footer accounts for every byte: chunks, Bloom filters and page indexes lie side by side from the magic to the footer, and
 * nothing lies between them. So a column that was dropped has no byte left in the object (DESIGN.md, guarantee 6).
 * Leaves that share one chunk (aliases) count once. Throws `data` as `chunkFacts` and `chunkByteRange` do.
 */
export function findUnexplained(footer: Footer, objectBytes: number): Unexplained[] {
  const parts = new Map<number, Part>();
  const problems: Unexplained[] = [];
  let slackBytes = 0;
  const add = (start: number, end: number, what: string): void => {
    if (end === start) return;
    const same = parts.get(start);
    if (same === undefined) parts.set(start, { start, end, what });
    else if (same.end !== end || !what.startsWith(same.what.split(" ")[0] ?? "")) {
      problems.push(overlap(same, { start, end, what }));
    }
  };
  for (let rowGroup = 0; rowGroup < footer.rowGroups.length; rowGroup += 1) {
    for (const leaf of footer.leaves) {
      const facts = footer.chunkFacts(rowGroup, leaf.leafIndex);
      const where = `of ${leaf.column.path.join(".")} in row group ${rowGroup}`;
      const { start } = chunkByteRange(facts, objectBytes);
      slackBytes = facts.context.slackBytes;
      add(start, start + facts.totalCompressedBytes, `chunk ${where}`);
      const { bloomFilter, columnIndex, offsetIndex } = facts;
      if (bloomFilter !== undefined) {
        add(bloomFilter.offset, bloomFilter.offset + (bloomFilter.length ?? 0), `filter ${where}`);
      }
      if (columnIndex !== undefined) {
        add(columnIndex.offset, columnIndex.offset + columnIndex.length, `column-index ${where}`);
      }
      if (offsetIndex !== undefined) {
        add(offsetIndex.offset, offsetIndex.offset + offsetIndex.length, `offset-index ${where}`);
      }
    }
  }
  const dataEnd = objectBytes - 8 - footer.bytes.length;
  let before: Part = { start: 0, end: 4, what: "magic" };
  const end: Part = { start: dataEnd, end: objectBytes, what: "footer" };
  for (const part of [...Array.from(parts.values()).toSorted((a, b) => a.start - b.start), end]) {
    // Chunks of writers that undercount their size are copied with some bytes more (see `chunkByteRange`).
    if (part.start > before.end + slackBytes) problems.push(gap(before, part));
    else if (part.start < before.end) problems.push(overlap(before, part));
    if (part.end > before.end) before = part;
  }
  return problems.slice(0, problemsMax);
}

function gap(before: Part, after: Part): Unexplained {
  return {
    code: "BYTES_UNEXPLAINED",
    message: "object has bytes that its footer does not know of",
    details: {
      start: before.end,
      end: after.start,
      bytes: after.start - before.end,
      after: before.what,
      before: after.what,
    },
  };
}

function overlap(before: Part, after: Part): Unexplained {
  return {
    code: "PARTS_OVERLAP",
    message: "two parts of an object claim the same bytes",
    details: {
      start: after.start,
      end: Math.min(before.end, after.end),
      first: before.what,
      second: after.what,
    },
  };
}
