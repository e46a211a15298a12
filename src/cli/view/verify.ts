import type { Finding, VerifyReport } from "../../validate/report.ts";
import { bold, dim, emptyLine, green, red, text, type Text, yellow } from "../text/styled.ts";
import { table } from "../text/table.ts";
import { countOf, formatBytes, formatCount, formatDuration } from "../text/units.ts";
import { detailWords } from "./details.ts";

const findingsShown = 20;

export function renderVerify(report: VerifyReport, elapsedMs: number, columns: number): Text[] {
  const { dataset, version, generation, channel, deep, checks, passed, bytesRead } = report;
  const served = generation === null ? "" : ` (${channel}, generation ${generation})`;
  return [
    text`${bold(dataset ?? "?")} version ${version ?? "?"}${served}`,
    emptyLine,
    ...table(
      [{ title: "" }, { title: "" }, { title: "", shrink: "wrap" }],
      checks.map(({ name, passed, detail }) => [passed ? green("✓") : red("✗"), name, dim(detail)]),
      { width: columns },
    ),
    ...findingLines(report, columns),
    emptyLine,
    ...(deep ? [text`  ${deepWords(report)}`, emptyLine] : []),
    text`${passed ? green("✓") : red("✗")} ${passed ? "the version is what it says" : "the version is not what it says"} ${dim(`${countOf(report.objects, "object")}, ${countOf(report.rows, "row")}, ${formatBytes(bytesRead)} read in ${formatDuration(elapsedMs)}`)}`,
  ];
}

function deepWords(report: VerifyReport): string {
  const { copiedBytesCompared, valuesCompared, valuesNotCompared, sourcesGone } = report;
  return [
    `${formatBytes(copiedBytesCompared)} of copied columns are those of the source, byte for byte`,
    `${countOf(valuesCompared, "value")} compared with what the cast must give`,
    ...(valuesNotCompared > 0 ? [`${countOf(valuesNotCompared, "value")} decoded but not compared`] : []),
    ...(sourcesGone > 0 ? [`${countOf(sourcesGone, "object")} without its source any more`] : []),
  ].join("; ");
}

function findingLines({ findings, findingsOmitted }: VerifyReport, columns: number): Text[] {
  if (findings.length === 0) return [];
  const hidden = Math.max(0, findings.length - findingsShown) + findingsOmitted;
  return [
    emptyLine,
    ...table(
      [
        { title: "" },
        { title: "code" },
        { title: "what is wrong", shrink: "wrap" },
        { title: "object", shrink: "cut" },
        { title: "column", shrink: "cut" },
      ],
      findings.slice(0, findingsShown).map(findingRow),
      { width: columns },
    ),
    ...(hidden > 0 ? [text`  ${dim(`and ${formatCount(hidden)} more; --json has more of them`)}`] : []),
  ];
}

function findingRow({ level, code, message, object = "", column = "", details }: Finding): (string | Text)[] {
  const [mark, style] = level === "error" ? [red("✗"), red] : [yellow("i"), dim];
  return [mark, style(code), text`${message}${dim(detailWords(details, object))}`, object, column];
}
