import type { FileLine } from "../dataset/formats.ts";
import { formatLeafType } from "../parquet/leaf-type.ts";
import { type CastPolicy, defaultCastPolicy } from "../schema/schema-version.ts";
import type { OpenOutput } from "./check-object.ts";
import { compareCopy, findAliasProblem, findReinterpretation, type Problem } from "./compare-copies.ts";
import type { DeepChecks } from "./deep-checks.ts";
import type { ComparisonResult } from "./comparison.ts";
import type { LeafOrigin, MovedColumn } from "./leaf-origins.ts";
import type { RowGroupPair } from "./row-groups.ts";
import type { ReaderRequest } from "./second-reader-worker.ts";
import { readSingleColumn, type SingleColumn } from "./single-column.ts";

export interface LeafComparison {
  /** Index in the output's footer. */
  readonly leaf: number;
  readonly origin: LeafOrigin;
}

type Carried = Extract<LeafOrigin, { kind: "carried" }>;
type Added = Extract<LeafOrigin, { kind: "added" }>;
type Where = { readonly column: string; readonly rowGroup: RowGroupPair };

/** Fetched, framed, handed over and inside of WebAssembly; and decoded there. */
const copiesOfCompressed = 3;
const copiesOfPlain = 3;
/** Below, a trap is not for want of memory. */
const trapBytesMin = 1024 * 1024 * 1024;

/** Compares the chunks of one object, and gathers what only adds up over all of them. */
export class LeafComparisons {
  readonly #line: FileLine;
  readonly #source: OpenOutput;
  readonly #data: OpenOutput;
  readonly #checks: DeepChecks;
  /** Invalid values by column; NaN where not all of them could be judged. */
  readonly #invalid = new Map<string, number>();
  /** Rows with a reason to be in quarantine, by row group of the source; undefined where not all could be judged. */
  readonly #reasons = new Map<number, Set<number> | undefined>();

  constructor(line: FileLine, source: OpenOutput, data: OpenOutput, checks: DeepChecks) {
    this.#line = line;
    this.#source = source;
    this.#data = data;
    this.#checks = checks;
  }

  async compareRowGroup(rowGroup: RowGroupPair, leaves: readonly LeafComparison[]): Promise<void> {
    await Promise.all(leaves.map((leaf) => this.#compareLeaf(rowGroup, leaf)));
  }

  /** Columns that went into the path: a value of the path for all of their rows. */
  async compareMoved(rowGroup: RowGroupPair, columns: readonly MovedColumn[]): Promise<void> {
    // Of a row group that is all in quarantine nothing went into the path.
    if (rowGroup.output === undefined) return;
    for (const { source, field, type } of columns) {
      const where = { column: field.name, rowGroup };
      const text = this.#line.partition[field.name] ?? null;
      const value = { kind: "path", text, type, policy: defaultCastPolicy } as const;
      const result = await this.#ask(
        where,
        [this.#sizeOf(this.#source, rowGroup.source, source.leafIndex)],
        async () => ({
          kind: "moved",
          source: await this.#readSource(rowGroup.source, source.leafIndex),
          target: type,
          policy: field.cast ?? defaultCastPolicy,
          default: field.default,
          value,
        }),
      );
      if (result !== undefined)
        this.#report(where, result, formatLeafType(source.column.type), formatLeafType(type));
    }
  }

  /** A column of the quarantine, which holds the source's values as they were. */
  async compareKept(
    quarantine: OpenOutput,
    at: { readonly rowGroup: number; readonly leafIndex: number },
    sourceRowGroup: number,
    rows: Uint32Array,
    policy: CastPolicy,
  ): Promise<void> {
    const leaf = this.#source.footer.leaves[at.leafIndex];
    const rowGroup: RowGroupPair = {
      source: sourceRowGroup,
      output: at.rowGroup,
      rows: 0,
      firstRow: 0,
      dropped: rows,
    };
    const where = { column: leaf?.column.path.join(".") ?? "", rowGroup };
    const sizes = [
      this.#sizeOf(this.#source, sourceRowGroup, at.leafIndex),
      this.#sizeOf(quarantine, at.rowGroup, at.leafIndex),
    ];
    const result = await this.#ask(where, sizes, async () => ({
      kind: "carried",
      source: await this.#readSource(sourceRowGroup, at.leafIndex),
      output: await readSingleColumn(quarantine.object, quarantine.footer, at.rowGroup, at.leafIndex),
      policy,
      default: undefined,
      choice: { kind: "keep", rows },
    }));
    if (result !== undefined)
      this.#report(where, result, "the source's", "the quarantine's", quarantine.object.key);
  }

  /** Every quarantined row has a value that its column's policy puts there. */
  checkReasons(rowGroup: number, dropped: Uint32Array): void {
    if (this.#reasons.has(rowGroup) && this.#reasons.get(rowGroup) === undefined) return;
    const reasons = this.#reasons.get(rowGroup) ?? new Set();
    const innocent = Array.from(dropped).filter((row) => !reasons.has(row));
    const place = { object: this.#line.quarantine?.key ?? this.#line.key };
    if (innocent.length > 0) {
      this.#checks.findings.error(
        "values",
        "QUARANTINE_UNFOUNDED",
        "rows are in quarantine whose values are all valid",
        place,
        {
          rowGroup,
          count: innocent.length,
          rows: innocent.slice(0, 5),
        },
      );
    }
  }

  /** What the second path found invalid is what the line counts. */
  compareInvalid(): void {
    for (const [column, count] of this.#invalid) {
      const listed = this.#line.invalid[column] ?? 0;
      if (Number.isNaN(count) || count === listed) continue;
      const place = { object: this.#line.key, column };
      this.#checks.findings.error(
        "values",
        "INVALID_MISCOUNTED",
        "line counts other invalid values than there are",
        place,
        {
          invalid: count,
          listed,
        },
      );
    }
  }

  async #compareLeaf(rowGroup: RowGroupPair, { leaf, origin }: LeafComparison): Promise<void> {
    const column = this.#data.footer.leaves[leaf]?.column.path.join(".") ?? "";
    const where = { column, rowGroup };
    const action = this.#line.columns[column];
    switch (origin.kind) {
      case "unknown":
        this.#checks.findings.info(
          "values",
          "NOT_COMPARED",
          `column was not compared: ${origin.reason}`,
          this.#placeOf(where),
        );
        return;
      case "alias":
        if (rowGroup.output === undefined) return;
        this.#checks.findings.looked("copied chunks");
        return this.#problem(where, findAliasProblem(this.#data, rowGroup.output, leaf, origin.of));
      case "added":
        if (action !== "constant") this.#wrongAction(where, "an added column");
        return this.#compareAdded(where, leaf, origin);
      case "carried":
        if (action === "constant" || action === "alias") this.#wrongAction(where, "a carried column");
        return this.#compareCarried(where, leaf, origin, action);
    }
  }

  async #compareAdded(where: Where, leaf: number, { value, neighbour }: Added): Promise<void> {
    const { source, output, rows, dropped } = where.rowGroup;
    if (output === undefined) return;
    const sizes = [this.#sizeOf(this.#data, output, leaf)];
    if (neighbour !== undefined) sizes.push(this.#sizeOf(this.#source, source, neighbour.leaf.leafIndex));
    const result = await this.#ask(where, sizes, async () => ({
      kind: "added",
      output: await readSingleColumn(this.#data.object, this.#data.footer, output, leaf),
      value,
      choice: { kind: "drop", rows: dropped },
      sourceRows: rows,
      ...(neighbour === undefined
        ? {}
        : {
            neighbour: {
              column: await this.#readSource(source, neighbour.leaf.leafIndex),
              parentDepth: neighbour.parentDepth,
            },
          }),
    }));
    if (result !== undefined) this.#report(where, result, "added", this.#typeOf(leaf));
  }

  async #compareCarried(
    where: Where,
    leaf: number,
    origin: Carried,
    action: string | undefined,
  ): Promise<void> {
    const { output, dropped } = where.rowGroup;
    const policy = origin.field.cast ?? defaultCastPolicy;
    const isCopied = action === "copy" || action === "relabel";
    if (isCopied && output !== undefined && dropped.length === 0) {
      // Equal bytes of an equal type are equal values.
      if ((await this.#compareCopy(where, leaf, origin, action)) && action === "copy") return;
    }
    // Of a row group that is all in quarantine there only is to say why.
    if (output === undefined && policy.onInvalid !== "quarantine") return;
    const result = await this.#compareValues(where, leaf, origin, policy);
    if (result === undefined) return this.#noteInvalid(where, policy, undefined);
    this.#noteInvalid(where, policy, result);
    this.#report(where, result, formatLeafType(origin.source.column.type), this.#typeOf(leaf));
  }

  #compareValues(
    where: Where,
    leaf: number,
    { source, field }: Carried,
    policy: CastPolicy,
  ): Promise<ComparisonResult | undefined> {
    const { output, dropped } = where.rowGroup;
    const target = this.#data.footer.leaves[leaf];
    const sizes = [this.#sizeOf(this.#source, where.rowGroup.source, source.leafIndex)];
    if (output !== undefined) sizes.push(this.#sizeOf(this.#data, output, leaf));
    return this.#ask(where, sizes, async () => ({
      kind: "carried",
      source: await this.#readSource(where.rowGroup.source, source.leafIndex),
      output:
        output === undefined || target === undefined
          ? {
              file: undefined,
              column: target?.column ?? source.column,
              repetitions: target?.repetitions ?? [],
            }
          : await readSingleColumn(this.#data.object, this.#data.footer, output, leaf),
      policy,
      default: field.default,
      choice: { kind: "drop", rows: dropped },
    }));
  }

  /** Whether the bytes are the source's; where they may be others, the values tell. */
  async #compareCopy(
    where: Where,
    leaf: number,
    { source, field }: Carried,
    action: string,
  ): Promise<boolean> {
    const { findings, memory, counts } = this.#checks;
    const { output, source: rowGroup } = where.rowGroup;
    const target = this.#data.footer.leaves[leaf];
    if (output === undefined || target === undefined) return false;
    this.#problem(where, findReinterpretation(source, target, action === "relabel"));
    const from = { of: this.#source, rowGroup, leaf: source };
    const compared = await compareCopy(from, { of: this.#data, rowGroup: output, leaf: target }, memory);
    findings.looked("copied chunks");
    if (typeof compared === "number") {
      counts.copiedBytesCompared += compared;
      return true;
    }
    // A checked relabel is written anew where its check found something and the policy has an answer.
    const { onInvalid } = field.cast ?? defaultCastPolicy;
    const isRewritten = onInvalid !== "fail" && (this.#line.invalid[where.column] ?? 0) > 0;
    if (action === "copy" || !isRewritten) this.#problem(where, compared);
    return false;
  }

  #problem(where: Where, problem: Problem | undefined): void {
    if (problem === undefined) return;
    this.#error("copied chunks", where, problem.code, problem.message, problem.details);
  }

  /** Sends a request when there is memory for it. Undefined when a side cannot be read, which is reported. */
  async #ask(
    where: Where,
    sizes: readonly number[],
    request: () => Promise<ReaderRequest>,
  ): Promise<ComparisonResult | undefined> {
    const { memory, secondReader } = this.#checks;
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    const reply = await memory.hold(bytes, async () => secondReader.run(await request()));
    if (reply.kind === "compared") return reply.result;
    const reason = reply.kind === "failed" ? reply.reason : "no answer";
    const isOutput = reply.kind === "failed" && reply.side === "output";
    // A trap in a large chunk is most likely WebAssembly's memory, which says no more than that.
    if (isOutput && !(reply.isFatal && bytes > trapBytesMin)) {
      this.#error("values", where, "OUTPUT_UNREADABLE", "parquet-wasm cannot read the chunk", { reason });
    } else {
      this.#checks.findings.info(
        "values",
        "NOT_COMPARED",
        "values were not compared: parquet-wasm cannot read them",
        this.#placeOf(where),
        {
          rowGroup: where.rowGroup.source,
          reason,
        },
      );
    }
    return undefined;
  }

  #report(where: Where, result: ComparisonResult, from: string, to: string, object = this.#line.key): void {
    const { findings, counts } = this.#checks;
    const { source, firstRow } = where.rowGroup;
    findings.looked("values");
    counts.valuesCompared += result.values;
    counts.valuesNotCompared += result.unjudged;
    if (result.unjudged > 0) {
      this.#checks.noteUnjudged(where.column, `${from} → ${to}`);
    }
    if (result.differences === 0) return;
    findings.error(
      "values",
      "VALUES_DIFFER",
      "column holds other values than its source means",
      { object, column: where.column },
      {
        from,
        to,
        rowGroup: source,
        differences: result.differences,
        examples: result.examples.map((example) => ({ ...example, row: firstRow + example.row })),
      },
    );
  }

  #noteInvalid(
    { column, rowGroup }: Where,
    { onInvalid }: CastPolicy,
    result: ComparisonResult | undefined,
  ): void {
    const isJudged = result !== undefined && result.unjudged === 0;
    const before = this.#invalid.get(column) ?? 0;
    this.#invalid.set(column, isJudged ? before + result.invalid : NaN);
    if (onInvalid !== "quarantine") return;
    const reasons = this.#reasons.has(rowGroup.source)
      ? this.#reasons.get(rowGroup.source)
      : new Set<number>();
    for (const row of result?.invalidRows ?? []) reasons?.add(row);
    this.#reasons.set(rowGroup.source, isJudged ? reasons : undefined);
  }

  #wrongAction(where: Where, what: string): void {
    this.#error("values", where, "ACTION_WRONG", `line calls ${what} something else`, {
      action: this.#line.columns[where.column],
    });
  }

  #error(
    check: "values" | "copied chunks",
    where: Where,
    code: string,
    message: string,
    details: object,
  ): void {
    this.#checks.findings.error(check, code, message, this.#placeOf(where), {
      rowGroup: where.rowGroup.source,
      ...details,
    });
  }

  #placeOf({ column }: Where): { readonly object: string; readonly column: string } {
    return { object: this.#line.key, column };
  }

  #typeOf(leaf: number): string {
    const column = this.#data.footer.leaves[leaf]?.column;
    return column === undefined ? "" : formatLeafType(column.type);
  }

  #readSource(rowGroup: number, leaf: number): Promise<SingleColumn> {
    return readSingleColumn(this.#source.object, this.#source.footer, rowGroup, leaf);
  }

  #sizeOf({ footer }: OpenOutput, rowGroup: number, leaf: number): number {
    const { totalCompressedBytes, totalUncompressedBytes } = footer.chunkFacts(rowGroup, leaf);
    return copiesOfCompressed * totalCompressedBytes + copiesOfPlain * totalUncompressedBytes;
  }
}
