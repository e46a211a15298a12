import type { SourceObjectReader, OutputPiece, ChunkOperation } from "../chunks/output-piece.ts";
import { freeBuffer } from "../../base/free-buffer.ts";
import { unreachable } from "../../base/errors.ts";
import { createCollector, mainGarbageBytes } from "../../base/collect-garbage.ts";
import type { ChunkDescription } from "../../parquet/values/column-data.ts";
import type { KeyValue } from "../../parquet/footer/footer-scan.ts";
import type { OutputChunk } from "../../parquet/footer/output-chunk.ts";
import {
  decodeOffsetIndex,
  encodeOffsetIndex,
  relocateOffsetIndex,
} from "../../parquet/indexes/page-index.ts";
import { FooterRewriter, frameFooter, type OutputRowGroup } from "../../parquet/footer/rewrite-footer.ts";
import type { ThriftStruct } from "../../parquet/thrift/thrift.ts";
import type { OutputLeaf } from "../../plan/output-schema.ts";
import { bloomFilterRange, IndexReader } from "./auxiliary.ts";
import type { SpliceWriter } from "./splice-writer.ts";
import { type Startable, startAhead } from "./start-ahead.ts";

export interface ObjectLayout {
  readonly elements: readonly ThriftStruct[];
  readonly leaves: readonly OutputLeaf[];
  readonly keyValueMetadata: readonly KeyValue[];
}

export interface PlannedRowGroup {
  readonly rowGroup: number;
  /** Rows that are left in the output. */
  readonly rows: number;
  readonly operations: readonly ChunkOperation[];
}

const magic = Uint8Array.of(0x50, 0x41, 0x52, 0x31); // PAR1

const collectGarbage = createCollector(mainGarbageBytes);

/** How many chunks may be in work beyond the one that is being written; memory bounds them too. */
const aheadMax = 32;

/**
 * Row groups in the order of the source. What is merely iterable waits for nothing, so work begins on the next row groups while
 * this one is written; of what is asynchronous (it reads chunks itself, in memory that must be free for it) each row group is
 * finished before the next is asked for.
 */
export type PlannedRowGroups = Iterable<PlannedRowGroup> | AsyncIterable<PlannedRowGroup>;

/**
 * Writes a whole Parquet object: the chunks of its row groups in the order of their source bytes, then Bloom
 * filters, column indexes and offset indexes (PageIndex.md: near the footer), then the footer. Returns how many values were
 * invalid, by leaf.
 */
export async function writeObject(
  reader: SourceObjectReader,
  writer: SpliceWriter,
  layout: ObjectLayout,
  rowGroups: PlannedRowGroups,
): Promise<Map<number, number>> {
  const object = new ObjectAssembly(reader, writer, layout);
  await writer.write(magic);
  if (Symbol.iterator in rowGroups) await object.addRowGroups(rowGroups);
  else for await (const rowGroup of rowGroups) await object.addRowGroups([rowGroup]);
  await writer.write(frameFooter(await object.finish()));
  return object.invalid;
}

/** A chunk in its place, with what follows it at the end of the object. */
interface Placed {
  chunk: OutputChunk;
  readonly rowGroup: number;
  readonly written?: ChunkDescription;
}

/** What a chunk may have at the end of the object, in this order. */
const auxiliaries = ["bloomFilter", "columnIndex", "offsetIndex"] as const;

class ObjectAssembly {
  readonly invalid = new Map<number, number>();
  readonly #reader: SourceObjectReader;
  readonly #writer: SpliceWriter;
  readonly #leaves: readonly OutputLeaf[];
  readonly #footer: FooterRewriter;
  /** Where the chunk begins that is written in runs. */
  #chunkStart = 0;
  /** Row groups whose chunks have indexes or filters: those get their places only after the last chunk. */
  readonly #deferred: { readonly rowGroup: PlannedRowGroup; readonly placed: readonly Placed[] }[] = [];

  constructor(reader: SourceObjectReader, writer: SpliceWriter, layout: ObjectLayout) {
    this.#reader = reader;
    this.#writer = writer;
    this.#leaves = layout.leaves;
    this.#footer = new FooterRewriter(reader.footer, {
      schema: layout.elements,
      keyValueMetadata: layout.keyValueMetadata,
      // Kept: readers decide by it whether to believe the statistics that were carried over.
      createdBy: reader.footer.createdBy,
      columnOrders: layout.leaves.map((leaf) => carriedLeaf(layout.leaves, leaf)),
    });
  }

  async addRowGroups(rowGroups: Iterable<PlannedRowGroup>): Promise<void> {
    let placed = new Map<number, Placed>();
    const started = startAhead(stepsOf(rowGroups), aheadMax, (piece: OutputPiece | undefined) => {
      if (piece?.kind === "run") piece.release();
    });
    for await (const { operation, result } of started) {
      const piece = await result();
      if (piece === undefined) {
        this.#endRowGroup(operation.rowGroup, placed);
        placed = new Map();
      } else {
        await this.#place(piece, operation.rowGroup.rowGroup, placed);
      }
    }
  }

  #endRowGroup(rowGroup: PlannedRowGroup, placed: ReadonlyMap<number, Placed>): void {
    const ordered = this.#leaves.map((leaf, index) => {
      const of = leaf.action.action === "alias" ? leaf.action.of : index;
      return placed.get(of) as Placed;
    });
    if (
      this.#deferred.length === 0 &&
      !ordered.some((one) => auxiliaries.some((what) => this.#has(what, one)))
    ) {
      this.#addToFooter(rowGroup, ordered);
    } else this.#deferred.push({ rowGroup, placed: ordered });
  }

  async finish(): Promise<Uint8Array> {
    const distinct = [...new Set(this.#deferred.flatMap(({ placed }) => placed))];
    const indexes = new IndexReader(this.#reader);
    // Most have none, and to wait for nothing a hundred times takes as long as to write all the rest of a small object.
    const having = (what: (typeof auxiliaries)[number]): Placed[] =>
      distinct.filter((one) => this.#has(what, one));
    for (const one of having("bloomFilter")) await this.#writeBloomFilter(one);
    for (const one of having("columnIndex")) await this.#writeColumnIndex(one, indexes);
    for (const one of having("offsetIndex")) await this.#writeOffsetIndex(one, indexes);
    for (const { rowGroup, placed } of this.#deferred) this.#addToFooter(rowGroup, placed);
    return this.#footer.finish();
  }

  #addToFooter({ rowGroup, rows }: PlannedRowGroup, placed: readonly Placed[]): void {
    const output: OutputRowGroup = { source: rowGroup, rows, chunks: placed.map(({ chunk }) => chunk) };
    this.#footer.addRowGroup(output);
  }

  /** Writes a piece; a chunk has its place when the last of it is there. */
  async #place(piece: OutputPiece, rowGroup: number, placed: Map<number, Placed>): Promise<void> {
    switch (piece.kind) {
      case "copied":
        for (const { leaf, range, sourceLeaf } of piece.chunks) {
          const shift = this.#writer.position - range.start;
          const waiting = this.#writer.copy(range.start, range.end);
          if (waiting !== undefined) await waiting;
          placed.set(leaf, { rowGroup, chunk: { kind: "copied", sourceLeaf, shift } });
        }
        return;
      case "written": {
        // The pages are in the output then; only what the footer and the indexes need stays in memory.
        const { bytes, ...chunk } = piece.chunk;
        const offset = this.#writer.position;
        await this.#writer.write(bytes);
        placed.set(piece.leaf, { rowGroup, chunk: { kind: "written", chunk, offset }, written: chunk });
        return;
      }
      case "run": {
        const done = await this.#addRun(piece, rowGroup);
        if (done !== undefined) placed.set(piece.leaf, done);
        return;
      }
      default:
        unreachable(piece);
    }
  }

  async #addRun(
    { chunk: whole, reply, isFirst, isLast, leaf, release }: Extract<OutputPiece, { kind: "run" }>,
    rowGroup: number,
  ): Promise<Placed | undefined> {
    if (isFirst) this.#chunkStart = this.#writer.position;
    const offset = this.#chunkStart;
    try {
      const bytes = whole.add(reply);
      if (bytes !== undefined) {
        await this.#writer.write(bytes);
        freeBuffer(bytes);
      }
    } finally {
      release();
      collectGarbage();
    }
    if (!isLast) return undefined;
    const { chunk, bytes } = whole.finish();
    if (bytes !== undefined) await this.#writer.write(bytes);
    if (whole.invalid > 0) this.invalid.set(leaf, (this.invalid.get(leaf) ?? 0) + whole.invalid);
    return { rowGroup, chunk: { kind: "written", chunk, offset }, written: chunk };
  }

  #has(what: (typeof auxiliaries)[number], { chunk, rowGroup, written }: Placed): boolean {
    if (written !== undefined) return written[what] !== undefined;
    if (chunk.kind !== "copied") return false;
    return this.#reader.footer.chunkFacts(rowGroup, chunk.sourceLeaf)[what] !== undefined;
  }

  async #writeBloomFilter(placed: Placed): Promise<void> {
    const { chunk, rowGroup, written } = placed;
    const offset = this.#writer.position;
    if (written?.bloomFilter !== undefined) await this.#writer.write(written.bloomFilter);
    else if (chunk.kind === "copied") {
      const facts = this.#reader.footer.chunkFacts(rowGroup, chunk.sourceLeaf);
      if (facts.bloomFilter === undefined) return;
      const range = await bloomFilterRange(this.#reader, facts.bloomFilter);
      await this.#writer.copy(range.start, range.end);
    } else return;
    placed.chunk = { ...chunk, bloomFilter: { offset, length: this.#writer.position - offset } };
  }

  async #writeColumnIndex(placed: Placed, indexes: IndexReader): Promise<void> {
    const { chunk, rowGroup, written } = placed;
    const source =
      chunk.kind === "copied"
        ? this.#reader.footer.chunkFacts(rowGroup, chunk.sourceLeaf).columnIndex
        : undefined;
    const bytes = written?.columnIndex ?? (source === undefined ? undefined : await indexes.read(source));
    if (bytes === undefined) return;
    placed.chunk = { ...chunk, columnIndex: { offset: this.#writer.position, length: bytes.length } };
    await this.#writer.write(bytes);
  }

  async #writeOffsetIndex(placed: Placed, indexes: IndexReader): Promise<void> {
    const { chunk, rowGroup, written } = placed;
    let bytes: Uint8Array | undefined;
    if (chunk.kind === "copied") {
      const source = this.#reader.footer.chunkFacts(rowGroup, chunk.sourceLeaf).offsetIndex;
      if (source !== undefined) {
        bytes = encodeOffsetIndex(
          relocateOffsetIndex(decodeOffsetIndex(await indexes.read(source)), chunk.shift),
        );
      }
    } else if (written?.offsetIndex !== undefined) {
      bytes = encodeOffsetIndex(relocateOffsetIndex(written.offsetIndex, chunk.offset));
    }
    if (bytes === undefined) return;
    placed.chunk = { ...chunk, offsetIndex: { offset: this.#writer.position, length: bytes.length } };
    await this.#writer.write(bytes);
  }
}

/** The source leaf whose column order stays true: that of a chunk whose bytes are carried. */
function carriedLeaf(leaves: readonly OutputLeaf[], leaf: OutputLeaf): number | undefined {
  const { action } = leaf;
  if (action.action === "alias") {
    const of = leaves[action.of];
    return of === undefined ? undefined : carriedLeaf(leaves, of);
  }
  const isCarried = action.action === "copy" || action.action === "relabel" || action.action === "relevel";
  return isCarried ? action.source : undefined;
}

/** The operations of row groups, one row group after the other; each ends with a step that yields nothing. */
interface Step extends Startable<OutputPiece | undefined> {
  readonly rowGroup: PlannedRowGroup;
}

async function* stepsOf(rowGroups: Iterable<PlannedRowGroup>): AsyncIterable<Step> {
  for (const rowGroup of rowGroups) {
    for (const operation of rowGroup.operations) {
      for await (const step of operation.steps()) yield { ...step, rowGroup };
    }
    yield { rowGroup, isWork: false, run: () => Promise.resolve(undefined) };
  }
}
