import { chunkByteRange } from "../parquet/footer/chunk-range.ts";
import type { ChunkFacts } from "../parquet/footer/chunk-facts.ts";
import { formatLeafType, sameLeafType } from "../parquet/leaf-type.ts";
import type { LeafNode } from "../parquet/footer/schema-tree.ts";
import { encodeStruct } from "../parquet/thrift/thrift-writer.ts";
import { ThriftStruct } from "../parquet/thrift/thrift.ts";
import type { OpenOutput } from "./check-object.ts";
import { findDifference } from "./copied-bytes.ts";
import type { MemoryLimit } from "./memory-limit.ts";

/** One chunk of an object. */
export interface ChunkPlace {
  readonly of: OpenOutput;
  readonly rowGroup: number;
  readonly leaf: LeafNode;
}

export interface Problem {
  readonly code: string;
  readonly message: string;
  readonly details: object;
}

const copyWindowBytes = 8 * 1024 * 1024;

/** Bytes that were not touched must not mean anything else: the same levels and storage, and of a copy the same type. */
export function findReinterpretation(
  source: LeafNode,
  output: LeafNode,
  isRelabel: boolean,
): Problem | undefined {
  const sameLevels = output.repetitions.join() === source.repetitions.join();
  const [from, to] = [source.column, output.column];
  const sameStorage = from.physicalType === to.physicalType && from.typeLength === to.typeLength;
  if (sameLevels && sameStorage && (isRelabel || sameLeafType(from.type, to.type))) return undefined;
  return {
    code: "COPY_REINTERPRETED",
    message: "copied bytes are read as another type than they were written",
    details: {
      from: formatLeafType(from.type),
      to: formatLeafType(to.type),
      fromRepetitions: source.repetitions,
      toRepetitions: output.repetitions,
    },
  };
}

/** An alias has the chunk of its column, not one of its own. */
export function findAliasProblem(
  of: OpenOutput,
  rowGroup: number,
  alias: number,
  column: number,
): Problem | undefined {
  const { footer, object } = of;
  const own = chunkByteRange(footer.chunkFacts(rowGroup, alias), object.bytes);
  const other = chunkByteRange(footer.chunkFacts(rowGroup, column), object.bytes);
  if (own.start === other.start && own.end === other.end) return undefined;
  return {
    code: "ALIAS_DIFFERS",
    message: "alias does not share the chunk of its column",
    details: { own, other },
  };
}

/** Compares a copied chunk byte for byte, and what the footers say of it. The bytes that were equal, or what is wrong. */
export async function compareCopy(
  source: ChunkPlace,
  output: ChunkPlace,
  memory: MemoryLimit,
): Promise<number | Problem> {
  const [from, to] = [factsOf(source), factsOf(output)];
  const bytes = from.totalCompressedBytes;
  const difference = await memory.hold(Math.min(2 * bytes, copyWindowBytes), () =>
    findDifference(source.of.object, rangeOf(source, from), output.of.object, rangeOf(output, to)),
  );
  if (difference !== undefined) {
    return {
      code: "CHUNK_DIFFERS",
      message: "copied chunk is not the source's",
      details: { bytes: to.totalCompressedBytes, sourceBytes: bytes, firstDifference: difference },
    };
  }
  const isSame =
    from.numValues === to.numValues &&
    from.codec === to.codec &&
    from.totalUncompressedBytes === to.totalUncompressedBytes &&
    isSubset(to.statistics(), from.statistics());
  if (isSame) return bytes;
  return {
    code: "CHUNK_METADATA_DIFFERS",
    message: "footer says something else of a copied chunk than the source's",
    details: { numValues: to.numValues, sourceNumValues: from.numValues },
  };
}

function factsOf({ of, rowGroup, leaf }: ChunkPlace): ChunkFacts {
  return of.footer.chunkFacts(rowGroup, leaf.leafIndex);
}

function rangeOf({ of }: ChunkPlace, facts: ChunkFacts): { readonly start: number; readonly end: number } {
  const { start } = chunkByteRange(facts, of.object.bytes);
  return { start, end: start + facts.totalCompressedBytes };
}

/** Statistics may be left out, and never say anything else: readers skip row groups by them. */
function isSubset(some: ThriftStruct | undefined, all: ThriftStruct | undefined): boolean {
  return (some?.fields ?? []).every((field) => {
    const other = all?.fields.find(({ id }) => id === field.id);
    if (other === undefined) return false;
    const [a, b] = [field, other].map((one) => encodeStruct(new ThriftStruct([one])));
    return a !== undefined && b !== undefined && Buffer.compare(a, b) === 0;
  });
}
