// The job as a user runs it: planned, applied, committed, through the library's own functions.
import { openJob } from "../../src/cli/open-job.ts";
import { applyJob } from "../../src/execute/apply-job.ts";

const [job = ""] = process.argv.slice(2);
const startedMs = performance.now();
const environment = { variables: process.env, signal: new AbortController().signal };
const context = await openJob(job, environment, () => undefined);
const { manifest } = await applyJob(context);
await context[Symbol.asyncDispose]();
console.log(
  JSON.stringify({
    seconds: (performance.now() - startedMs) / 1000,
    peakBytes: process.resourceUsage().maxRSS * 1024,
    bytesCopied: manifest.totals.bytesCopied,
    bytesRewritten: manifest.totals.bytesRewritten,
  }),
);
