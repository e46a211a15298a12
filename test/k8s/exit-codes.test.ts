/**
 * What the Job controller makes of each exit code under the pod failure policy of `deploy/`. The program is a
 * stand-in that exits as the test says: migrate.test.ts has the real one.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { exitCodes } from "../../src/base/errors.ts";
import { missingForCluster, namespace, startCluster } from "./support/cluster.ts";
import type { Cluster } from "./support/cluster.ts";
import { eventually } from "./support/control-plane.ts";
import { applyManifests, jobManifest, jobSpecOf, renderManifests } from "./support/manifests.ts";
import type { JobSpec, Manifest } from "./support/manifests.ts";
import type { Pod } from "./support/pod.ts";

const missing = await missingForCluster();

/** What the first, second, … pod of each Job runs in place of Colonnade; the last goes for all that follow. */
const scripts = new Map<string, string[]>();

/** Runs until SIGTERM, and ends with the code then. Says so once the signal would be met. */
const untilTerminated = (code: number): string =>
  `trap "exit ${code}" TERM; echo ready; while :; do sleep 0.1; done`;

function nextScript(pod: Pod): string {
  const job = pod.metadata.labels?.["batch.kubernetes.io/job-name"] ?? "";
  const [script = "exit 1", ...rest] = scripts.get(job) ?? [];
  if (rest.length > 0) scripts.set(job, rest);
  return script;
}

function podPath(pod: Pod): string {
  return `/api/v1/namespaces/${namespace}/pods/${pod.metadata.name}`;
}

describe.skipIf(missing)(`exit codes${missing === undefined ? "" : ` (${missing})`}`, () => {
  let cluster: Cluster;
  let cronJob: Manifest[];

  beforeAll(async () => {
    cluster = await startCluster((_, pod) => ({ entrypoint: ["sh", "-c", nextScript(pod)] }));
    await cluster.kubectl(["create", "secret", "generic", "colonnade-store", "-n", namespace]);
    cronJob = await renderManifests(cluster, "cronjob");
    await applyManifests(
      cluster,
      cronJob.filter(({ kind }) => kind !== "CronJob"),
    );
  });
  afterAll(() => cluster?.stop());

  async function startJob(name: string, script: string[], change: Partial<JobSpec> = {}): Promise<void> {
    scripts.set(name, script);
    await applyManifests(cluster, [jobManifest(name, { ...jobSpecOf(cronJob), ...change })]);
  }

  const runningPod = (job: string): Promise<Pod> =>
    eventually(`a pod of ${job} runs`, async () => {
      const pods = await cluster.podsOf(job);
      const running = pods.find(({ status }) => status.phase === "Running");
      return running !== undefined && cluster.kubelet.log(running).includes("ready") ? running : false;
    });

  test.each([
    ["invalid", exitCodes.invalid],
    ["conflict", exitCodes.conflict],
    ["data", exitCodes.data],
    ["validation", exitCodes.validation],
    ["internal", exitCodes.internal],
  ])("%s (%i) fails the Job at once", async (kind, code) => {
    await startJob(`once-${kind}`, [`exit ${code}`, "exit 0"]);
    const end = await cluster.jobEnd(`once-${kind}`);
    expect(end).toMatchObject({ type: "Failed", reason: "PodFailurePolicy", failed: 1 });
    expect(end.message).toContain(`exit code ${code}`);
    expect(await cluster.podsOf(`once-${kind}`)).toHaveLength(1);
  });

  test.each([
    ["unavailable", exitCodes.unavailable],
    ["cancelled", exitCodes.cancelled],
    ["unknown", exitCodes.unknown],
    ["killed for its memory", 137],
  ])("%s (%i) is retried, and the Job completes", async (_, code) => {
    await startJob(`again-${code}`, [`exit ${code}`, "exit 0"]);
    expect(await cluster.jobEnd(`again-${code}`)).toMatchObject({ type: "Complete", failed: 1 });
    expect(await cluster.podsOf(`again-${code}`)).toHaveLength(2);
  });

  test("a store that stays unavailable ends the Job at its backoff limit", async () => {
    await startJob("exhausted", [`exit ${exitCodes.unavailable}`], { backoffLimit: 1 });
    const end = await cluster.jobEnd("exhausted");
    expect(end).toMatchObject({ type: "Failed", reason: "BackoffLimitExceeded", failed: 2 });
  });

  test("an evicted pod is replaced and costs no retry, even where none is left", async () => {
    await startJob("evicted", [untilTerminated(exitCodes.cancelled), "exit 0"], { backoffLimit: 0 });
    await cluster.evict(await runningPod("evicted"));
    expect(await cluster.jobEnd("evicted")).toMatchObject({ type: "Complete" });
  });

  test("a pod that someone deletes is replaced at the cost of a retry", async () => {
    await startJob("deleted", [untilTerminated(exitCodes.cancelled), "exit 0"], { backoffLimit: 0 });
    await cluster.api.delete(podPath(await runningPod("deleted")));
    expect(await cluster.jobEnd("deleted")).toMatchObject({ type: "Failed", reason: "BackoffLimitExceeded" });
  });

  test("a failing exit code counts also when the pod is being evicted", async () => {
    await startJob("evicted-data", [untilTerminated(exitCodes.data), "exit 0"]);
    await cluster.evict(await runningPod("evicted-data"));
    expect(await cluster.jobEnd("evicted-data")).toMatchObject({
      type: "Failed",
      reason: "PodFailurePolicy",
    });
  });

  test("CronJob and backfill Job have the same policy, and it names every exit code", async () => {
    const { podFailurePolicy } = jobSpecOf(cronJob);
    expect(jobSpecOf(await renderManifests(cluster, "backfill")).podFailurePolicy).toEqual(podFailurePolicy);
    const named = podFailurePolicy.rules.flatMap((rule) =>
      "onExitCodes" in rule ? (rule.onExitCodes as { values: number[] }).values : [],
    );
    expect(named.toSorted((a, b) => a - b)).toEqual(Object.values(exitCodes));
  });
});
