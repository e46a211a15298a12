import type { ByteRange } from "../../parquet/footer/chunk-range.ts";
import type { Codec, WrittenChunk } from "../../parquet/values/column-data.ts";
import type { Footer } from "../../parquet/footer/footer.ts";
import type { ReadLimits } from "../../parquet/pages/read-page.ts";
import type { SizedObject } from "../../dataset/read-object.ts";
import { ChunkInProgress } from "./chunk-in-progress.ts";
import type { ChunkWorkers } from "./chunk-workers.ts";
import type { MemoryBudget } from "../../base/memory-budget.ts";
import type { RunReply } from "./rewrite-run.ts";

/** What the work on one source object shares. */
export interface SourceObjectReader {
  readonly object: SizedObject;
  readonly footer: Footer;
  readonly workers: ChunkWorkers;
  readonly budget: MemoryBudget;
  readonly signal: AbortSignal;
  /** What a chunk may take once it is decoded, whatever its sizes say. */
  readonly limits: ReadLimits;
  /** Codec of what is written anew; `keep`: the source chunk's own. */
  readonly compression: Codec | "keep";
}

/** A chunk of the output whose bytes are those of a chunk of the source. */
export interface CopiedPiece {
  readonly leaf: number;
  readonly sourceLeaf: number;
  readonly range: ByteRange;
}

/** A piece of the output, before it has a place there. */
export type OutputPiece =
  | { readonly kind: "copied"; readonly chunks: readonly CopiedPiece[] }
  /** A whole chunk. */
  | { readonly kind: "written"; readonly leaf: number; readonly chunk: WrittenChunk }
  /** Some pages of a chunk: to be added to it in their order. */
  | {
      readonly kind: "run";
      readonly leaf: number;
      readonly chunk: ChunkInProgress;
      readonly reply: RunReply;
      readonly isFirst: boolean;
      readonly isLast: boolean;
      /** Gives back the memory that the run holds. */
      readonly release: () => void;
    };

/** A step yields a piece of the output. */
export interface PieceStep {
  /** Costs work before it can be written: worth starting early. */
  readonly isWork: boolean;
  readonly run: () => Promise<OutputPiece>;
  /** Instead of `run`: gives back what the step holds already. */
  readonly drop?: () => void;
}

/** An operation makes one chunk of the output, or a few that stand together, in one step or in several. */
export interface ChunkOperation {
  readonly rowGroup: number;
  /** Where in the source the bytes come from: operations run in this order, so that copies join up. */
  readonly sourceStart: number;
  readonly steps: () => Iterable<PieceStep> | AsyncIterable<PieceStep>;
}

/** A piece that is some pages of a chunk. */
export type RunPiece = Extract<OutputPiece, { kind: "run" }>;
