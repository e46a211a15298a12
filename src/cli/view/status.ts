import type { SourceStatus } from "../../execute/source-status.ts";
import { bold, concat, dim, emptyLine, green, join, red, text, type Text, yellow } from "../text/styled.ts";
import { pairs, table } from "../text/table.ts";
import { countOf, formatAge, formatBytes, formatCount } from "../text/units.ts";

/** What `status --json` prints. */
export interface StatusReport {
  readonly job: string;
  readonly dataset: string;
  readonly destination: string;
  /** The job's own. */
  readonly channel: string;
  readonly channels: readonly ChannelStatus[];
  /** The schema version that the job migrates to, and whether its channel has it. */
  readonly target: { readonly schema: number; readonly fingerprint: string; readonly served: boolean };
  /** Null when it was not looked at. */
  readonly source:
    | ({ readonly state: "listed"; readonly uri: string } & SourceStatus)
    | {
        readonly state: "unreachable";
        readonly uri: string;
        readonly error: { readonly kind: string; readonly code: string; readonly message: string };
      }
    | null;
  /** Whether an apply would find nothing to do; null when that is not known. */
  readonly upToDate: boolean | null;
}

export interface ChannelStatus {
  readonly channel: string;
  readonly generation: number;
  readonly version: number;
  readonly schema: number;
  readonly fingerprint: string;
  readonly objects: number;
  readonly rows: number;
  readonly bytes: number;
  readonly reason: string;
  readonly publishedAt: string;
  readonly model?: { readonly uri: string; readonly version: string };
}

export function renderStatus(report: StatusReport, columns: number, now: Date): Text[] {
  return [
    text`${bold(report.dataset)} ${dim("in")} ${report.destination}`,
    emptyLine,
    ...(report.channels.length === 0
      ? [text`  ${report.channel} serves nothing yet`]
      : channelTable(report, columns, now)),
    emptyLine,
    ...pairs(
      [
        ["schema", schemaLine(report)],
        ...(report.source === null ? [] : [["source", sourceLine(report.source)] as const]),
      ],
      { width: columns },
    ),
    emptyLine,
    verdict(report),
  ];
}

function channelTable({ channel, channels }: StatusReport, columns: number, now: Date): Text[] {
  const models = channels.some(({ model }) => model !== undefined);
  return table(
    [
      { title: "channel" },
      { title: "generation", align: "right" },
      { title: "version", align: "right" },
      { title: "schema", align: "right" },
      { title: "objects", align: "right" },
      { title: "rows", align: "right" },
      { title: "bytes", align: "right" },
      { title: "published" },
      { title: "reason", shrink: "cut" },
      ...(models ? [{ title: "model", shrink: "cut" } as const] : []),
    ],
    channels.map((one) => [
      one.channel === channel ? bold(one.channel) : one.channel,
      formatCount(one.generation),
      formatCount(one.version),
      formatCount(one.schema),
      formatCount(one.objects),
      formatCount(one.rows),
      formatBytes(one.bytes),
      formatAge(now.getTime() - Date.parse(one.publishedAt)),
      dim(one.reason),
      ...(models ? [one.model === undefined ? "" : `${one.model.uri} ${one.model.version}`] : []),
    ]),
    { width: columns },
  );
}

function schemaLine({ target, channel, channels }: StatusReport): Text {
  if (target.served) return text`${green("✓")} ${channel} serves schema ${target.schema}, as the job wants`;
  const served = channels.find((one) => one.channel === channel);
  const now = served === undefined ? "nothing" : `schema ${served.schema}`;
  return text`${yellow("!")} the job wants schema ${target.schema}, ${channel} serves ${now}`;
}

function sourceLine(source: NonNullable<StatusReport["source"]>): Text {
  if (source.state === "unreachable") {
    return text`${red("✗")} ${source.uri}: ${source.error.message} ${dim(source.error.code)}`;
  }
  const moved = [
    ...(source.added > 0 ? [yellow(`${formatCount(source.added)} new`)] : []),
    ...(source.changed > 0 ? [yellow(`${formatCount(source.changed)} changed`)] : []),
    ...(source.vanished > 0 ? [yellow(`${formatCount(source.vanished)} vanished`)] : []),
    ...(source.invalid > 0 ? [red(`${formatCount(source.invalid)} with an invalid key`)] : []),
  ];
  const size = text`${countOf(source.objects, "object")}, ${formatBytes(source.bytes)}`;
  return moved.length === 0
    ? text`${green("✓")} ${size}, all of them as in the version`
    : text`${yellow("!")} ${size}: ${join(moved, ", ")}`;
}

function verdict({ upToDate, job }: StatusReport): Text {
  if (upToDate === null) return concat("whether there is something to do is not known");
  if (upToDate) return text`${green("✓")} up to date: an apply would find nothing to do`;
  return text`${yellow("!")} an apply of ${job} has something to do; ${bold("colonnade plan")} shows what`;
}
