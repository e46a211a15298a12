import type { Command } from "commander";
import { planJob } from "../../execute/plan-job.ts";
import { collect, examples, jobArgument, type JobOptions } from "../command-parts.ts";
import type { Session, StartCommand } from "../session.ts";
import { renderPlan } from "../view/plan.ts";

interface PlanOptions extends JobOptions {
  readonly only?: readonly string[];
}

export function configure(command: Command, start: StartCommand): void {
  command
    .argument("<job>", jobArgument)
    .option("--only <name=value>", onlyHelp, collect)
    .addHelpText(
      "after",
      examples(
        ["colonnade plan jobs/flights.yaml", "per column: copy or rewrite, why, and how many bytes"],
        ["colonnade plan jobs/flights.yaml --only month=2001-03", "of one partition"],
        ["colonnade plan jobs/flights.yaml --json | jq .totals", "for a script"],
      ),
    )
    .action((job: string, options: PlanOptions) =>
      start(options, (session) => runPlan(session, job, options.only)),
    );
}

export const onlyHelp =
  "only partitions with this value; again for another name (and) or another value of the same name (or)";

/** Also `apply --dry-run`. */
export async function runPlan(session: Session, job: string, only: readonly string[] = []): Promise<void> {
  await using context = await session.openJob(job);
  const { plan } = await planJob(context, { only });
  session.result(plan, (columns) => renderPlan(plan, columns));
}
