import type { Command } from "commander";
import { applyPlan } from "../../execute/apply-job.ts";
import type { JobContext } from "../../execute/job-context.ts";
import { planJob, type PreparedPlan } from "../../execute/plan-job.ts";
import { collect, examples, jobArgument, type JobOptions } from "../command-parts.ts";
import type { Session, StartCommand } from "../session.ts";
import { RunCosts } from "../view/run-costs.ts";
import { type ApplySummary, applySummary, renderApply } from "../view/apply.ts";
import { onlyHelp, runPlan } from "./plan.ts";

interface ApplyOptions extends JobOptions {
  readonly only?: readonly string[];
  readonly dryRun?: boolean;
}

export function configure(command: Command, start: StartCommand): void {
  command
    .argument("<job>", jobArgument)
    .option("--only <name=value>", onlyHelp, collect)
    .option("--dry-run", "the plan alone: change nothing")
    .addHelpText(
      "after",
      examples(
        ["colonnade apply jobs/flights.yaml", "migrate what is new, and move the pointer"],
        [
          "colonnade apply jobs/flights.yaml --only month=2001-03",
          "one partition; the others stay as they are",
        ],
        ["colonnade apply jobs/flights.yaml --json > result.json", "what was committed, for a script"],
      ),
    )
    .action((job: string, options: ApplyOptions) =>
      start(options, (session) =>
        options.dryRun === true ? runPlan(session, job, options.only) : runApply(session, job, options.only),
      ),
    );
}

async function runApply(session: Session, job: string, only: readonly string[] = []): Promise<void> {
  await using context = await session.openJob(job);
  const summary = await applyJob(context, (watched) => planJob(watched, { only }));
  session.result(summary, (columns) => renderApply(summary, columns));
}

/** Plans and applies, and adds up what it cost. */
export async function applyJob(
  context: JobContext,
  plan: (context: JobContext) => Promise<PreparedPlan>,
): Promise<ApplySummary> {
  const costs = new RunCosts(context.clock);
  const watched = { ...context, onEvent: costs.watching(context.onEvent) };
  const applied = await applyPlan(watched, await plan(watched));
  return applySummary(applied, costs, context);
}
