import type { ManifestChange, Pointer, Totals } from "../../dataset/formats.ts";
import { bold, dim, emptyLine, red, text, type Text, yellow } from "../text/styled.ts";
import { table } from "../text/table.ts";
import { formatAge, formatBytes, formatCount } from "../text/units.ts";

/** What `history --json` prints. */
export interface HistoryReport {
  readonly destination: string;
  readonly channel: string;
  /** Newest first; the first is what is served. */
  readonly generations: readonly GenerationEntry[];
  /** There are older ones than `--limit` allowed. */
  readonly more: boolean;
}

export type GenerationEntry =
  | { readonly kept: false; readonly generation: number; readonly version: number }
  | {
      readonly kept: true;
      readonly generation: number;
      readonly version: number;
      readonly schema: number;
      readonly reason: string;
      readonly publishedAt: string;
      readonly previous: Pointer["previous"];
      readonly model?: NonNullable<Pointer["model"]>;
      /** Null when the version can no longer be read; `problem` says why. */
      readonly totals: Totals | null;
      readonly changes: readonly ManifestChange[];
      readonly problem: { readonly code: string; readonly message: string } | null;
    };

export function renderHistory(report: HistoryReport, columns: number, now: Date): Text[] {
  const { generations, channel, destination, more } = report;
  if (generations.length === 0) return [text`${bold(channel)} ${dim("in")} ${destination}: nothing yet`];
  return [
    text`${bold(channel)} ${dim("in")} ${destination}`,
    emptyLine,
    ...table(
      [
        { title: "generation", align: "right" },
        { title: "version", align: "right" },
        { title: "schema", align: "right" },
        { title: "rows", align: "right" },
        { title: "bytes", align: "right" },
        { title: "published" },
        { title: "reason", shrink: "cut" },
        { title: "changes", shrink: "wrap" },
      ],
      generations.map((entry, index) => row(entry, index === 0, now)),
      { width: columns },
    ),
    ...(more ? [text`  ${dim("older ones: --limit")}`] : []),
  ];
}

function row(entry: GenerationEntry, isServed: boolean, now: Date): readonly (string | Text)[] {
  const generation = formatCount(entry.generation);
  if (!entry.kept) return [generation, formatCount(entry.version), "", "", "", "", dim("not kept any more")];
  const { version, schema, totals, publishedAt, reason, changes, problem } = entry;
  return [
    isServed ? bold(generation) : generation,
    isServed ? bold(formatCount(version)) : formatCount(version),
    formatCount(schema),
    totals === null ? "" : formatCount(totals.rows),
    totals === null ? "" : formatBytes(totals.bytes),
    formatAge(now.getTime() - Date.parse(publishedAt)),
    reason.startsWith("rollback") ? yellow(reason) : reason,
    problem === null
      ? dim(summariseChanges(changes))
      : // What gc has removed is no damage; what is served cannot have been.
        problem.code === "MANIFEST_MISSING" && !isServed
        ? dim("version is gone")
        : red(problem.message),
  ];
}

const words: Readonly<Record<ManifestChange["kind"], string>> = {
  rename: "renamed",
  cast: "cast",
  add: "added",
  drop: "dropped",
  reorder: "moved",
  nullability: "nullability",
  partition: "partition",
  alias: "alias",
};

/** `2 renamed, 1 cast`. */
export function summariseChanges(changes: readonly ManifestChange[]): string {
  const counts = new Map<string, number>();
  for (const { kind } of changes) counts.set(words[kind], (counts.get(words[kind]) ?? 0) + 1);
  return Array.from(counts, ([word, count]) => `${count} ${word}`).join(", ");
}
