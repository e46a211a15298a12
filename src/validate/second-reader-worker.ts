import { isMainThread, parentPort } from "node:worker_threads";
import { ParquetFile } from "parquet-wasm";

/** What the threads of the second reader are asked for. */
export type ReaderRequest = {
  readonly kind: "footer";
  readonly objectBytes: number;
  /** The object from its first page index on, the footer included. */
  readonly tail: Uint8Array;
};

export type ReaderReply =
  | {
      readonly kind: "footer";
      readonly rows: number;
      readonly rowGroups: number;
      /** Dotted paths of the leaves, from the first row group; undefined when there is none. */
      readonly leaves: readonly string[] | undefined;
    }
  /** `isFatal`: the instance cannot be used any more. */
  | { readonly kind: "failed"; readonly reason: string; readonly isFatal: boolean };

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
    return await readFooter(request);
  } catch (error) {
    const isFatal = error instanceof Error && /^(RuntimeError|RangeError)$/.test(error.name);
    return { kind: "failed", reason: error instanceof Error ? error.message : String(error), isFatal };
  }
}

/** The footer, the schema and the page indexes, as the Rust implementation reads them. */
async function readFooter({ objectBytes, tail }: ReaderRequest): Promise<ReaderReply> {
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
