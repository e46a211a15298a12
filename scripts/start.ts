// `npm start`: the flights example, from nothing to a served version, on the embedded `file:` store.
import { copyFile, mkdir, open, rm } from "node:fs/promises";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { applyJob } from "../src/cli/commands/apply.ts";
import { runAction } from "../src/cli/run-program.ts";
import type { Session } from "../src/cli/session.ts";
import { bold, cyan, dim, emptyLine, text, type Text } from "../src/cli/text/styled.ts";
import { table } from "../src/cli/text/table.ts";
import { countOf, formatBytes, formatDuration } from "../src/cli/text/units.ts";
import { type ApplySummary, costsLine, renderApply } from "../src/cli/view/apply.ts";
import { renderPlan } from "../src/cli/view/plan.ts";
import type { JobContext } from "../src/execute/job-context.ts";
import { planJob } from "../src/execute/plan-job.ts";
import type { Plan } from "../src/plan/plan.ts";
import { type SchemaHistory, versionOf } from "../src/schema/history.ts";
import type { SchemaVersion } from "../src/schema/schema-version.ts";
import { layOutFlights } from "./flights-data.ts";

const job = "jobs/flights.yaml";
const data = ".data/flights/raw";

process.exitCode = await runAction({ logFormat: "pretty" }, async (session) => {
  await layOutData(session);
  await using context = await session.openJob(job);
  const prepared = await planJob(context);
  const { plan } = prepared;
  session.result(plan, (columns) => [...renderPlan(plan, columns), emptyLine]);
  const summary = await applyJob(context, async () => prepared);
  if (summary.outcome === "committed") {
    const copy = await timePlainCopy(plan);
    session.result(summary, (columns) => [
      ...renderApply(summary, columns),
      emptyLine,
      ...renderCosts(summary, copy, columns),
      emptyLine,
    ]);
  }
  // Not fitted to the screen: a command that is pasted must stay on its line.
  session.out.print(...nextSteps(context, summary));
});

async function layOutData(session: Session): Promise<void> {
  if (existsSync(data)) return;
  session.out.print(
    text`${bold("flights")}: 3,000,000 US departures of early 2001 (flights-3m.parquet of the vega-datasets package),`,
    text`laid out once as a Hive dataset by month in ${data}`,
    emptyLine,
  );
  await layOutFlights(data);
}

interface PlainCopy {
  readonly objects: number;
  readonly bytes: number;
  readonly elapsedMs: number;
}

/** What a migration is measured against: the same files copied one after the other, as durable as the store makes them. */
async function timePlainCopy({ objects }: Plan): Promise<PlainCopy> {
  const target = ".data/flights/plain-copy";
  await rm(target, { recursive: true, force: true });
  const started = performance.now();
  let bytes = 0;
  for (const { source } of objects.todo) {
    const path = join(target, source.key);
    await mkdir(dirname(path), { recursive: true });
    await copyFile(join(data, source.key), path);
    await sync(path);
    await sync(dirname(path));
    bytes += source.bytes;
  }
  const elapsedMs = performance.now() - started;
  await rm(target, { recursive: true, force: true });
  return { objects: objects.todo.length, bytes, elapsedMs };
}

async function sync(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function renderCosts({ run }: ApplySummary, copy: PlainCopy, columns: number): Text[] {
  return [
    bold("what it cost"),
    ...table(
      [{ title: "" }, { title: "time", align: "right" }, { title: "bytes", shrink: "wrap" }],
      [
        ["this migration", formatDuration(run.elapsedMs), costsLine(run)],
        [
          "a plain copy",
          formatDuration(copy.elapsedMs),
          text`${formatBytes(copy.bytes)} ${dim(`in ${countOf(copy.objects, "file")}, each synced to disk as the store does`)}`,
        ],
      ],
      { width: columns },
    ),
  ];
}

/** Commands to paste. */
function nextSteps({ history, job: { schema } }: JobContext, { version }: ApplySummary): Text[] {
  const steps: (readonly [purpose: string, ...commands: string[]])[] = [
    ["first, to save typing", "alias colonnade='npm run -s colonnade --'"],
    ...renameSteps(versionOf(history, schema.to), history),
    ...(version > 1
      ? ([["go back, data and schema together", `colonnade rollback ${job} --to ${version - 1}`]] as const)
      : []),
    ["what a reader opens", `colonnade files ${job}`],
    ["prove that unchanged columns are unchanged, byte for byte", `colonnade verify ${job} --deep`],
    ["what is served, and what was", `colonnade status ${job}`, `colonnade history ${job}`],
  ];
  return [
    bold("try next"),
    ...steps.flatMap(([purpose, ...commands]) => [
      text`  ${dim(`# ${purpose}`)}`,
      ...commands.map((command) => text`  ${cyan(command)}`),
    ]),
  ];
}

/** One more schema version, while there is a column left to rename in it. */
function renameSteps(to: SchemaVersion, { versions }: SchemaHistory): (readonly [string, ...string[]])[] {
  const next = to.version + 1;
  const column = ["origin", "destination"].find((name) => to.fields.some((field) => field.name === name));
  if (column === undefined || versions.some(({ version }) => version === next)) return [];
  const edits = `s/^version: ${to.version}/version: ${next}/; s/name: ${column},/name: ${column}_airport,/`;
  return [
    [
      `rename one more column: the bytes of ${column} are copied as they are`,
      `sed '${edits}' schemas/flights/${to.version}.yaml > schemas/flights/${next}.yaml`,
      `perl -pi -e 's/to: ${to.version}$/to: ${next}/' ${job}`,
      `colonnade plan ${job}`,
      `colonnade apply ${job}`,
    ],
  ];
}
