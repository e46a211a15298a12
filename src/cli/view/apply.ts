import type { ManifestChange } from "../../dataset/formats.ts";
import { pointerKey } from "../../dataset/layout.ts";
import type { ApplyResult } from "../../execute/apply-job.ts";
import type { JobContext } from "../../execute/job-context.ts";
import { pairs } from "../text/table.ts";
import { bold, concat, dim, emptyLine, green, join, red, text, type Text, yellow } from "../text/styled.ts";
import { countOf, formatBytes, formatDuration } from "../text/units.ts";
import { renderChanges } from "./changes.ts";
import type { RunCosts } from "./run-costs.ts";

/** The result of an apply, as `--json` prints it. */
export interface ApplySummary {
  readonly outcome: "committed" | "upToDate";
  readonly dataset: string;
  readonly channel: string;
  readonly generation: number;
  readonly version: number;
  readonly schema: number;
  readonly pointer: string;
  readonly changes: readonly ManifestChange[];
  /** This run alone; `totals` are the version's. */
  readonly run: {
    readonly objects: number;
    readonly resumed: number;
    readonly rows: number;
    readonly bytesCopied: number;
    readonly bytesRewritten: number;
    readonly elapsedMs: number;
  };
  readonly totals: ApplyResult["manifest"]["totals"];
  readonly warnings: readonly string[];
}

export function applySummary(
  { outcome, pointer, manifest, plan }: ApplyResult,
  costs: RunCosts,
  { destination, job }: Pick<JobContext, "destination" | "job">,
): ApplySummary {
  const { objects, resumed, rows, bytesCopied, bytesRewritten } = costs;
  return {
    outcome,
    dataset: pointer.dataset,
    channel: pointer.channel,
    generation: pointer.generation,
    version: pointer.version,
    schema: pointer.schema.version,
    pointer: `${destination.uri}/${pointerKey(job.destination.channel)}`,
    changes: outcome === "committed" ? plan.changes : [],
    run: {
      objects,
      resumed,
      rows,
      bytesCopied,
      bytesRewritten,
      elapsedMs: Math.round(costs.elapsedMs),
    },
    totals: manifest.totals,
    warnings: plan.warnings,
  };
}

export function renderApply(summary: ApplySummary, columns: number): Text[] {
  const { run, totals } = summary;
  if (summary.outcome === "upToDate") {
    return [
      text`${green("✓")} ${bold(summary.dataset)} is up to date: ${summary.channel} serves version ${summary.version} (generation ${summary.generation}, schema ${summary.schema}) ${dim(formatDuration(run.elapsedMs))}`,
    ];
  }
  const invalid = Object.entries(totals.invalid).filter(([, count]) => count > 0);
  return [
    text`${green("✓")} ${bold(summary.dataset)}: ${summary.channel} serves version ${bold(String(summary.version))} now (generation ${summary.generation}, schema ${summary.schema})`,
    emptyLine,
    ...(summary.changes.length === 0 ? [] : [...renderChanges(summary.changes, columns), emptyLine]),
    ...pairs(
      [
        [
          "this run",
          text`${countOf(run.objects, "object")}, ${countOf(run.rows, "row")} in ${formatDuration(run.elapsedMs)}`,
        ],
        ...(run.resumed > 0
          ? [["resumed", text`${countOf(run.resumed, "object")} of an earlier run`] as const]
          : []),
        ["wrote", costsLine(run)],
        [
          "version",
          text`${countOf(totals.objects, "object")}, ${countOf(totals.rows, "row")}, ${formatBytes(totals.bytes)}`,
        ],
        ...(totals.rowsQuarantined > 0
          ? [["quarantined", yellow(countOf(totals.rowsQuarantined, "row"))] as const]
          : []),
        ...invalid.map(
          ([column, count]) => ["invalid", text`${column}: ${yellow(countOf(count, "value"))}`] as const,
        ),
        ["pointer", concat(summary.pointer)],
      ],
      { width: columns },
    ),
  ];
}

export interface Costs {
  readonly bytesCopied: number;
  readonly bytesRewritten: number;
  readonly bytesDropped?: number;
}

/** `copied 6.1 MB · rewritten 7.2 MB · dropped 0.5 MB`. */
export function costsLine(costs: Costs, withDropped = false): Text {
  const { bytesCopied, bytesRewritten, bytesDropped = 0 } = costs;
  const rewritten = formatBytes(bytesRewritten);
  return join(
    [
      text`copied ${green(formatBytes(bytesCopied))}`,
      text`rewritten ${bytesRewritten > 0 ? yellow(rewritten) : rewritten}`,
      ...(withDropped ? [text`dropped ${red(formatBytes(bytesDropped))}`] : []),
    ],
    dim(" · "),
  );
}
