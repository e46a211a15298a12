import { ColonnadeError } from "../../base/errors.ts";
import { ChunkFacts } from "./chunk-facts.ts";
import { type FieldSpan, type KeyValue, type RowGroupFacts, scan } from "./footer-scan.ts";
import type { LeafNode, StructNode } from "./schema-tree.ts";
import { RowGroup } from "../spec.ts";
import { ThriftReader } from "../thrift/thrift-reader.ts";
import { ThriftStruct, type ThriftField, thriftType } from "../thrift/thrift.ts";

export interface FooterPlace {
  /** Where the footer's Thrift begins in the object. */
  readonly footerStart: number;
  readonly footerBytes: number;
}

/** Facts take a few hundred bytes each. */
const knownLeavesMax = 1_000;

/** Bytes that {@link locateFooter} needs from the object's end: the footer's length and the magic. */
export const footerTailBytes = 8;

/**
 * Finds the footer from the last bytes (eight or more) of an object of `objectBytes`. Throws `data`
 * `OBJECT_TOO_SMALL`, `FOOTER_MAGIC`, `FOOTER_ENCRYPTED`, `FOOTER_TRUNCATED`. Source: parquet-format README, "File format".
 */
export function locateFooter(tail: Uint8Array, objectBytes: number): FooterPlace {
  const smallest = 4 + footerTailBytes;
  if (objectBytes < smallest || tail.length < footerTailBytes) {
    throw new ColonnadeError("data", "OBJECT_TOO_SMALL", "the object is too small for a Parquet file", {
      objectBytes,
      smallest,
    });
  }
  const magic = String.fromCharCode(...tail.subarray(-4));
  if (magic === "PARE") {
    throw new ColonnadeError("data", "FOOTER_ENCRYPTED", "the object has an encrypted footer", { magic });
  }
  if (magic !== "PAR1") {
    throw new ColonnadeError("data", "FOOTER_MAGIC", "the object does not end as a Parquet file", { magic });
  }
  const lengthAt = tail.byteOffset + tail.length - footerTailBytes;
  const footerBytes = new DataView(tail.buffer).getUint32(lengthAt, true);
  if (footerBytes > objectBytes - smallest) {
    throw new ColonnadeError("data", "FOOTER_TRUNCATED", "the footer is longer than the object", {
      footerBytes,
      objectBytes,
    });
  }
  return { footerStart: objectBytes - footerTailBytes - footerBytes, footerBytes };
}

/**
 * A footer as spans of its bytes. The schema is decoded; a row group is a few numbers; a column chunk is four
 * bytes (where it begins) until somebody asks for it, so that half a million of them cost two megabytes.
 */
export class Footer {
  /** FileMetaData, as it is in the object. */
  readonly bytes: Uint8Array;
  readonly version: number;
  /** Root first, depth first. */
  readonly schema: readonly ThriftStruct[];
  readonly tree: StructNode;
  /** One per column chunk of a row group, in their order. */
  readonly leaves: readonly LeafNode[];
  /** Sum over the row groups, which is what readers read. */
  readonly rows: number;
  /** num_rows as written; another number than `rows` only in files of faulty writers. */
  readonly declaredRows: number;
  readonly rowGroups: readonly RowGroupFacts[];
  readonly keyValueMetadata: readonly KeyValue[];
  /** The same, field by field, as raw as they came. */
  readonly keyValueStructs: readonly ThriftStruct[];
  readonly createdBy: string | undefined;
  /** One per leaf; undefined when there are none or when their number is wrong. */
  readonly columnOrders: readonly ThriftStruct[] | undefined;
  /** Fields of FileMetaData in their order, unknown ones included. */
  readonly fields: readonly FieldSpan[];

  readonly #chunkStarts: Uint32Array;
  /** Of the row group that was asked for last, unless it is very wide: planning, copying and indexing ask for the same. */
  #known: { readonly rowGroup: number; readonly facts: (ChunkFacts | undefined)[] } | undefined;
  readonly #slackBytes: number;

  /** Use {@link scanFooter}. */
  constructor(bytes: Uint8Array) {
    const scanned = scan(bytes);
    this.bytes = bytes;
    this.version = scanned.version;
    this.schema = scanned.schema;
    this.tree = scanned.tree;
    this.leaves = scanned.leaves;
    this.rows = scanned.rowGroups.reduce((sum, rowGroup) => sum + rowGroup.rows, 0);
    this.declaredRows = scanned.declaredRows;
    this.rowGroups = scanned.rowGroups;
    this.keyValueStructs = scanned.keyValueStructs;
    this.keyValueMetadata = scanned.keyValueMetadata;
    this.createdBy = scanned.createdBy;
    this.columnOrders = scanned.columnOrders;
    this.fields = scanned.fields;
    this.#chunkStarts = scanned.chunkStarts;
    this.#slackBytes = sizeSlackBytes(scanned.createdBy);
  }

  /** Where a ColumnChunk struct lies in `bytes`. */
  chunkSpan(rowGroup: number, column: number): { readonly start: number; readonly end: number } {
    const index = rowGroup * this.leaves.length + column;
    const start = this.#chunkStarts[index];
    const facts = this.rowGroups[rowGroup];
    if (start === undefined || facts === undefined || column >= this.leaves.length) {
      throw new ColonnadeError("internal", "NO_SUCH_CHUNK", "the footer has no such column chunk", {
        rowGroup,
        column,
      });
    }
    const isLast = column === this.leaves.length - 1;
    return { start, end: isLast ? facts.columnsEnd : (this.#chunkStarts[index + 1] as number) };
  }

  /** The numbers of one ColumnChunk, without building it. Throws as {@link ChunkFacts} does. */
  chunkFacts(rowGroup: number, column: number): ChunkFacts {
    if (this.leaves.length > knownLeavesMax) return this.#readFacts(rowGroup, column);
    if (this.#known?.rowGroup !== rowGroup) this.#known = { rowGroup, facts: [] };
    return (this.#known.facts[column] ??= this.#readFacts(rowGroup, column));
  }

  #readFacts(rowGroup: number, column: number): ChunkFacts {
    const { start } = this.chunkSpan(rowGroup, column);
    const rows = this.rowGroups[rowGroup]?.rows ?? 0;
    const leaf = this.leaves[column];
    if (leaf === undefined) throw new ColonnadeError("internal", "NO_SUCH_CHUNK", "no such leaf", { column });
    const footerBytes = this.bytes.length;
    const slackBytes = this.#slackBytes;
    return new ChunkFacts(this.bytes, start, {
      rowGroup,
      column,
      rows,
      leaf: leaf.column,
      footerBytes,
      slackBytes,
    });
  }

  /** Decodes one RowGroup; its `columns` are there, but empty. */
  rowGroup(rowGroup: number): ThriftStruct {
    const facts = this.rowGroups[rowGroup];
    if (facts === undefined) {
      throw new ColonnadeError("internal", "NO_SUCH_ROW_GROUP", "the footer has no such row group", {
        rowGroup,
      });
    }
    const reader = new ThriftReader(this.bytes, facts.start);
    const fields: ThriftField[] = [];
    let id = 0;
    for (let header = reader.fieldHeader(0); header !== undefined; header = reader.fieldHeader(id)) {
      id = header.id;
      if (id === RowGroup.columns) {
        fields.push({ id, type: header.type, value: { elementType: thriftType.struct, elements: [] } });
        reader.position = facts.columnsEnd;
      } else if (header.type === thriftType.true || header.type === thriftType.false) {
        fields.push({ id, type: thriftType.true, value: header.type === thriftType.true });
      } else {
        fields.push({ id, type: header.type, value: reader.value(header.type, 1) });
      }
    }
    return new ThriftStruct(fields);
  }
}

/**
 * Scans FileMetaData, checking all that can be checked without the data: the schema tree, one column chunk for each
 * leaf in every row group, no encryption, no chunk in another file. What a single chunk says is checked by
 * {@link Footer.chunkFacts}. Throws `data` errors: `FOOTER_MALFORMED`, `SCHEMA_…`, `THRIFT_MALFORMED`, `FOOTER_ENCRYPTED`, `COLUMN_ENCRYPTED`,
 * `CHUNK_EXTERNAL`. `bytes` is kept, not copied.
 */
export function scanFooter(bytes: Uint8Array): Footer {
  return new Footer(bytes);
}

/**
 * parquet-mr before 1.2.9 left the dictionary page's header out of a chunk's sizes (IMPALA-694): readers take up
 * to 100 bytes more, and so must a copy.
 */
function sizeSlackBytes(createdBy: string | undefined): number {
  const version = /^parquet-mr(?:\s+version\s+(\d+)\.(\d+)(?:\.(\d+))?)?/.exec(createdBy ?? "");
  if (version === null) return 0;
  const [major, minor, patch] = version.slice(1).map((part) => Number(part ?? 0)) as [number, number, number];
  const isFixed = major > 1 || (major === 1 && (minor > 2 || (minor === 2 && patch >= 9)));
  return isFixed ? 0 : 100;
}
