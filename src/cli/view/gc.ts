import type { GcReport } from "../../dataset/gc/collect.ts";
import type { KeptBecause } from "../../dataset/gc/retention.ts";
import type { Kind, Tally } from "../../dataset/gc/sweep.ts";
import { bold, dim, emptyLine, green, text, type Text, yellow } from "../text/styled.ts";
import { table } from "../text/table.ts";
import { countOf, formatAge, formatBytes, formatCount, formatInstant } from "../text/units.ts";

/** What `gc --json` prints. */
export type GcView = GcReport & { readonly destination: string };

/** More versions than that are counted, not listed. */
const versionsMax = 20;

const words: Readonly<Record<Kind, string>> = {
  data: "data that no version lists",
  quarantine: "quarantined rows of such data",
  version: "manifests and file lists",
  run: "logs of dead runs",
  upload: "uploads that were never finished",
  pin: "pins of commits that are over",
  receipt: "receipts of versions that are gone",
  scratch: "scratch of store checks",
};

export function renderGc(report: GcView, columns: number): Text[] {
  const { isReal, removedVersions, sparedVersions, removed, inUse, foreign } = report;
  const rows = (Object.keys(words) as Kind[])
    .filter((kind) => removed[kind].objects > 0)
    .map((kind) => [words[kind], formatCount(removed[kind].objects), formatBytes(removed[kind].bytes)]);
  const total = sum(Object.values(removed));
  const goes = isReal ? "removed" : "would be removed";
  return [
    text`${bold(report.destination)}`,
    emptyLine,
    ...keptVersions(report, columns),
    ...livingRuns(report, columns),
    emptyLine,
    ...(rows.length === 0
      ? [text`${green("✓")} nothing to remove`]
      : [
          text`${bold(isReal ? "Removed" : "To be removed")}${removedVersions.length === 0 ? "" : `: ${removedVersions.length === 1 ? "version" : "versions"} ${rangesOf(removedVersions)}`}`,
          ...table(
            [{ title: "" }, { title: "objects", align: "right" }, { title: "size", align: "right" }],
            rows,
            { width: columns },
          ),
        ]),
    ...(sparedVersions.length === 0
      ? []
      : [
          text`${yellow("!")} versions ${rangesOf(sparedVersions)} stay: somebody is about to serve them, or reads them`,
        ]),
    ...(inUse.objects === 0
      ? []
      : [
          text`${yellow("!")} ${countOf(inUse.objects, "object")} (${formatBytes(inUse.bytes)}) that no version lists stay for the runs above`,
        ]),
    ...(foreign.objects === 0
      ? []
      : [
          text`${yellow("!")} ${countOf(foreign.objects, "object")} (${formatBytes(foreign.bytes)}) below data/ and quarantine/ are not Colonnade's and stay`,
        ]),
    ...(rows.length === 0
      ? []
      : [
          emptyLine,
          text`${isReal ? green("✓") : yellow("·")} ${countOf(total.objects, "object")}, ${formatBytes(total.bytes)} ${goes}${isReal ? "" : "; add --delete to do it"}`,
        ]),
  ];
}

function keptVersions({ kept }: GcView, columns: number): Text[] {
  const rows = kept
    .slice(0, versionsMax)
    .map(({ version, because }) => [bold(String(version)), because.map(explain).join(", ")]);
  const more = kept.length - rows.length;
  return [
    ...table(
      [
        { title: "kept", align: "right" },
        { title: "because", shrink: "wrap" },
      ],
      rows,
      {
        width: columns,
      },
    ),
    ...(more > 0 ? [text`  ${dim(`and ${countOf(more, "more version")}`)}`] : []),
  ];
}

function explain(because: KeptBecause): string {
  switch (because.reason) {
    case "served":
      return `${because.channel} serves it`;
    case "newest":
      return `among the newest of ${because.channel}`;
    case "recent":
      return `${because.channel} served it until ${formatInstant(because.servedUntil)}`;
    case "pinned":
      return `${because.channel} is about to serve it`;
    case "consumer":
      return `${because.consumer} has not finished with it`;
    case "run":
      return `run ${because.run} needs it`;
  }
}

function livingRuns({ runs }: GcView, columns: number): Text[] {
  const living = runs.filter(({ isHeardOf }) => isHeardOf);
  if (living.length === 0) return [];
  return [
    emptyLine,
    ...table(
      [{ title: "unfinished run" }, { title: "job" }, { title: "heard of" }],
      living.map(({ run, job, silentMs }) => [run, job, formatAge(silentMs)]),
      { width: columns },
    ),
  ];
}

function sum(tallies: readonly Tally[]): Tally {
  return tallies.reduce(
    (all, { objects, bytes }) => ({ objects: all.objects + objects, bytes: all.bytes + bytes }),
    { objects: 0, bytes: 0 },
  );
}

/** `1–7, 9`. */
function rangesOf(numbers: readonly number[]): string {
  const ranges: [number, number][] = [];
  for (const number of numbers) {
    const last = ranges.at(-1);
    if (last !== undefined && last[1] === number - 1) last[1] = number;
    else ranges.push([number, number]);
  }
  return ranges.map(([from, to]) => (from === to ? String(from) : `${from}–${to}`)).join(", ");
}
