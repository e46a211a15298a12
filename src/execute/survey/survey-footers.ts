import type { SourceObject } from "../../dataset/list-source.ts";
import type { Footer } from "../../parquet/footer/footer.ts";
import { ColumnSummary, costOf, type PlannedObject, type UnreadableObject } from "../../plan/plan.ts";
import { eachFooter } from "./each-footer.ts";
import type { JobContext } from "../job-context.ts";
import type { SchemaRecogniser } from "./recognise.ts";
import { type Target, taskOf } from "./survey-source.ts";

/** Footers are kept between planning and doing, up to about so much memory; the others are read again. */
const footerCacheBytesMax = 16 * 1024 * 1024;
/** What a scanned footer takes beyond its bytes, for each element of its schema (measured with forty columns). */
const scannedElementBytes = 1_500;

export interface FooterSurvey {
  readonly planned: readonly PlannedObject[];
  readonly unreadable: readonly UnreadableObject[];
  readonly columns: ColumnSummary;
  readonly notes: readonly string[];
  readonly kept: Map<string, Footer>;
}

/** Reads the footer of each object and says what carrying it over will take. */
export async function readFooters(
  context: JobContext,
  candidates: readonly SourceObject[],
  recogniser: SchemaRecogniser,
  target: Target,
): Promise<FooterSurvey> {
  const unreadable: UnreadableObject[] = [];
  const columns = new ColumnSummary();
  const notes = new Set<string>();
  const kept = new Map<string, Footer>();
  let keptBytes = 0;
  const planned = await eachFooter(context, candidates, unreadable, (object, footer): PlannedObject => {
    const recognised = recogniser.recognise(footer, object.partition);
    const cost = costOf(footer, recognised.output.leaves, object.bytes);
    columns.add(recognised.output.leaves, cost);
    for (const note of recognised.notes) notes.add(note);
    keptBytes += footer.bytes.length + scannedElementBytes * footer.schema.length;
    if (keptBytes <= footerCacheBytesMax) kept.set(object.key, footer);
    return {
      source: object,
      task: taskOf(object, recognised.from, target, context.job.output.compression),
      from: recognised.from.version,
      rows: footer.rows,
      rowGroups: footer.rowGroups.length,
      bytesCopied: cost.bytesCopied,
      bytesRewritten: cost.bytesRewritten,
    };
  });
  return {
    planned,
    unreadable: unreadable.toSorted((a, b) => (a.object < b.object ? -1 : 1)),
    columns,
    notes: [...notes],
    kept,
  };
}
