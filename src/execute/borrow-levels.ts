import type { ChunkExtras, Codec, ColumnData, WrittenChunk } from "../parquet/column-data.ts";
import type { LeafColumn } from "../parquet/leaf-type.ts";
import { type RowSelection, selectRows } from "./select-rows.ts";
import { type ReadLimits, readColumnChunk } from "../parquet/read-chunk.ts";
import type { Values } from "../parquet/values.ts";
import { writeColumnChunk } from "../parquet/write-chunk.ts";
import { ColonnadeError } from "../base/errors.ts";
import { repeatValue } from "../parquet/edit-values.ts";

/** Serialisable: it crosses into worker threads. */
export interface BorrowRequest {
  /** Chunk of the leaf whose levels tell where the new leaf's parent is present. */
  readonly bytes: Uint8Array;
  readonly codec: Codec;
  readonly numValues: number;
  readonly limits: ReadLimits;
  readonly source: LeafColumn;
  readonly target: LeafColumn;
  readonly value: Values | null;
  readonly levels: Int16Array;
  readonly maxRepetitionLevel: number;
  readonly extras: ChunkExtras;
  readonly outputCodec?: Codec;
  readonly rows?: RowSelection;
}

/**
 * The chunk of a leaf that is added inside a carried struct or list: the entries of a leaf beside it, with one value
 * wherever the parent is present. Throws `data` `NULL_PARENT` where the parent is null and may no longer be.
 */
export async function writeBorrowed(request: BorrowRequest): Promise<WrittenChunk> {
  const { source, target, levels, maxRepetitionLevel } = request;
  // First the rows: a null parent in a row that stays out is none.
  const data = selectRows(
    await readColumnChunk(request.bytes, source, request, request.limits),
    request.rows,
  );
  const definition = new Uint16Array(data.entries);
  const repetition = new Uint16Array(data.entries);
  let entries = 0;
  let values = 0;
  for (let i = 0; i < data.entries; i += 1) {
    const repeats = data.repetitionLevels?.[i] ?? 0;
    if (repeats > maxRepetitionLevel) continue;
    const level = levels[data.definitionLevels?.[i] ?? 0] ?? 0;
    if (level < 0) {
      throw new ColonnadeError("data", "NULL_PARENT", "struct is null where the new schema allows none", {
        column: target.path.join("."),
        entry: i,
      });
    }
    definition[entries] = level;
    repetition[entries] = repeats;
    entries += 1;
    if (request.value !== null && level === target.maxDefinitionLevel) values += 1;
  }
  const written: ColumnData = {
    rows: data.rows,
    entries,
    ...(target.maxDefinitionLevel === 0 ? {} : { definitionLevels: definition.subarray(0, entries) }),
    ...(target.maxRepetitionLevel === 0 ? {} : { repetitionLevels: repetition.subarray(0, entries) }),
    values: repeatValue(target, request.value, values),
    // The writer cuts pages by its own rule: the source's boundaries are those of other entries.
    pages: [],
    layout: { ...data.layout, codec: request.outputCodec ?? data.layout.codec, dictionary: "all" },
  };
  return writeColumnChunk(written, target, request.extras);
}
