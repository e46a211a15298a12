import { readFileList } from "../dataset/file-list.ts";
import type { FileLine, Manifest } from "../dataset/formats.ts";
import type { VersionSummary } from "../dataset/publish-version.ts";
import type { Plan } from "../plan/plan.ts";
import type { ObjectStore } from "../store/object-store.ts";
import { compareKeys } from "./survey/line-cursor.ts";

/** The lines of a new version in the order of the source's keys: the base's that stay, and those of this run. */
export async function* versionLines(
  store: ObjectStore,
  base: Manifest | undefined,
  replaced: ReadonlySet<string>,
  results: readonly FileLine[],
): AsyncIterable<FileLine> {
  const fresh = results.toSorted((a, b) => compareKeys(a.source.key, b.source.key));
  let next = 0;
  if (base !== undefined) {
    for await (const line of readFileList(store, base.parts)) {
      if (replaced.has(line.source.key)) continue;
      for (; next < fresh.length; next += 1) {
        const own = fresh[next] as FileLine;
        if (compareKeys(own.source.key, line.source.key) >= 0) break;
        yield own;
      }
      yield line;
    }
  }
  yield* fresh.slice(next);
}

/** Adds up the lines as they are written into the file list. */
export class VersionTotals {
  readonly #totals = {
    objects: 0,
    rowsIn: 0,
    rows: 0,
    rowsQuarantined: 0,
    bytes: 0,
    bytesCopied: 0,
    bytesRewritten: 0,
    invalid: new Map<string, number>(),
  };
  readonly #warnings: readonly string[];

  constructor(plan: Plan) {
    this.#warnings = plan.warnings;
  }

  async *over(lines: AsyncIterable<FileLine>): AsyncIterable<FileLine> {
    const totals = this.#totals;
    for await (const line of lines) {
      totals.objects += 1;
      totals.rowsIn += line.source.rows;
      totals.rows += line.rows;
      totals.rowsQuarantined += line.quarantine?.rows ?? 0;
      totals.bytes += line.bytes;
      totals.bytesCopied += line.bytesCopied;
      totals.bytesRewritten += line.bytesRewritten;
      for (const [column, count] of Object.entries(line.invalid)) {
        totals.invalid.set(column, (totals.invalid.get(column) ?? 0) + count);
      }
      yield line;
    }
  }

  summary(): VersionSummary {
    const { invalid, ...totals } = this.#totals;
    const { rowsIn, rows, rowsQuarantined } = totals;
    return {
      totals: { ...totals, invalid: Object.fromEntries(invalid) },
      checks: [
        {
          name: "rows in = rows out + quarantined",
          passed: rowsIn === rows + rowsQuarantined,
          detail: `${rowsIn} = ${rows} + ${rowsQuarantined}`,
        },
      ],
      warnings: [...this.#warnings],
    };
  }
}
