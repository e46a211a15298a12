import { isMainThread, parentPort } from "node:worker_threads";
import { ParquetFile } from "parquet-wasm";
import {
  type AddedLeaf,
  type CarriedLeaf,
  compareAdded,
  compareCarried,
  compareMoved,
  type MovedLeaf,
  readIntegers,
} from "./compare-leaf.ts";
import type { ComparisonResult } from "./comparison.ts";
import { type Side, UnreadableChunk } from "./leaf-entries.ts";
import type { SingleColumn } from "./single-column.ts";

/** What the threads of the second reader are asked for. */
export type ReaderRequest =
  | FooterRequest
  | CarriedLeaf
  | AddedLeaf
  | MovedLeaf
  | { readonly kind: "integers"; readonly column: SingleColumn };

export interface FooterRequest {
  readonly kind: "footer";
  readonly objectBytes: number;
  /** The object from its first page index on, the footer included. */
  readonly tail: Uint8Array;
}

export type ReaderReply =
  | {
      readonly kind: "footer";
      readonly rows: number;
      readonly rowGroups: number;
      /** Dotted paths of the leaves, from the first row group; undefined when there is none. */
      readonly leaves: readonly string[] | undefined;
    }
  | { readonly kind: "compared"; readonly result: ComparisonResult }
  | { readonly kind: "integers"; readonly values: BigInt64Array }
  /** `isFatal`: the instance cannot be used any more. */
  | {
      readonly kind: "failed";
      readonly reason: string;
      readonly isFatal: boolean;
      /** Whose chunk could not be read. */
      readonly side?: Side;
    };

/** An object of which only the end is at hand, as parquet-wasm asks for it. What lies before is never looked at. */
class TailBlob {
  readonly size: number;
  readonly #tail: Uint8Array;

  constructor(size: number, tail: Uint8Array) {
    this.size = size;
    this.#tail = tail;
  }

  slice(start: number, end: number): { arrayBuffer(): Promise<ArrayBuffer> } {
    const bytes = new Uint8Array(Math.max(0, end - start));
    const tailStart = this.size - this.#tail.length;
    const from = Math.max(start, tailStart);
    if (from < end) bytes.set(this.#tail.subarray(from - tailStart, end - tailStart), from - start);
    return { arrayBuffer: () => Promise.resolve(bytes.buffer) };
  }
}

export async function answer(request: ReaderRequest): Promise<ReaderReply> {
  try {
    switch (request.kind) {
      case "footer":
        return await readFooter(request);
      case "carried":
        return { kind: "compared", result: compareCarried(request) };
      case "added":
        return { kind: "compared", result: compareAdded(request) };
      case "moved":
        return { kind: "compared", result: compareMoved(request) };
      case "integers":
        return { kind: "integers", values: readIntegers(request.column) };
    }
  } catch (error) {
    return describeFailure(error);
  }
}

function describeFailure(error: unknown): ReaderReply {
  const cause = error instanceof UnreadableChunk ? error.cause : error;
  const isFatal = cause instanceof Error && /^(RuntimeError|RangeError)$/.test(cause.name);
  const reason = error instanceof Error ? error.message : String(error);
  // Out of memory is nobody's damage.
  const isDamage = error instanceof UnreadableChunk && !/memory|allocation/i.test(reason);
  return { kind: "failed", reason, isFatal, ...(isDamage ? { side: error.side } : {}) };
}

/** The footer, the schema and the page indexes, as the Rust implementation reads them. */
async function readFooter({ objectBytes, tail }: FooterRequest): Promise<ReaderReply> {
  // It asks for a Blob, and of that only uses what TailBlob has.
  const file = await ParquetFile.fromFile(new TailBlob(objectBytes, tail) as unknown as Blob);
  try {
    const metadata = file.metadata();
    try {
      const rowGroups = metadata.numRowGroups();
      let rows = 0;
      let leaves: string[] | undefined;
      for (let i = 0; i < rowGroups; i += 1) {
        const rowGroup = metadata.rowGroup(i);
        rows += rowGroup.numRows();
        leaves ??= Array.from({ length: rowGroup.numColumns() }, (_, column) => {
          const chunk = rowGroup.column(column);
          const path = chunk.columnPath().join(".");
          chunk.free();
          return path;
        });
        rowGroup.free();
      }
      return { kind: "footer", rows, rowGroups, leaves };
    } finally {
      metadata.free();
    }
  } finally {
    file.free();
  }
}

if (!isMainThread) {
  parentPort?.on("message", (request: ReaderRequest) => {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    void answer(request).then((reply) => parentPort?.postMessage(reply));
  });
}
