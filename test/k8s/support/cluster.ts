/** A control plane with one node and one namespace, for a test file; and what this machine lacks for it. */
import { accessSync } from "node:fs";
import { join } from "node:path";
import { missingForContainers } from "../../support/container.ts";
import type { KubeObject } from "./api.ts";
import { isControlPlaneBuilt } from "./build.ts";
import { eventually, startControlPlane } from "./control-plane.ts";
import type { ControlPlane } from "./control-plane.ts";
import { Kubelet } from "./kubelet.ts";
import type { FindImage } from "./kubelet.ts";
import type { Pod } from "./pod.ts";

export const deployDirectory = join(import.meta.dirname, "../../../deploy");

/** The namespace of the tests. It enforces the strictest pod security standard: other pods are refused. */
export const namespace = "colonnade-test";

export interface Cluster extends ControlPlane {
  readonly kubelet: Kubelet;
  /** The pods of a Job that still exist, oldest first. */
  podsOf(job: string): Promise<Pod[]>;
  /** Waits until the Job is Complete or Failed. */
  jobEnd(job: string, timeoutMs?: number): Promise<JobEnd>;
  /** As a node drain does: through the eviction API, which marks the pod a disruption's target. */
  evict(pod: Pod): Promise<void>;
}

export interface Job extends KubeObject {
  readonly status: {
    readonly conditions?: readonly JobCondition[];
    readonly failed?: number;
    readonly succeeded?: number;
  };
}

interface JobCondition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
}

export interface JobEnd {
  readonly type: "Complete" | "Failed";
  readonly reason: string;
  readonly message: string;
  /** Pods that failed, those that the failure policy ignored among them or not, as the controller counts. */
  readonly failed: number;
}

/** Why a cluster cannot run on this machine, or undefined where it can. */
export async function missingForCluster(): Promise<string | undefined> {
  const missing = missingForContainers();
  if (missing !== undefined) return missing;
  if (!(await isControlPlaneBuilt()) && !isOnPath("go")) return "needs Go, to build the control plane once";
  return undefined;
}

export async function startCluster(findImage: FindImage): Promise<Cluster> {
  const plane = await startControlPlane();
  const { api } = plane;
  const labels = {
    "pod-security.kubernetes.io/enforce": "restricted",
    // Enforcement sees pods only; the warnings come for the templates of Jobs and CronJobs already.
    "pod-security.kubernetes.io/warn": "restricted",
  };
  await api.post("/api/v1/namespaces", { metadata: { name: namespace, labels } });
  const kubelet = await Kubelet.start(api, join(plane.directory, "pods"), findImage);
  const jobPath = (job: string): string => `/apis/batch/v1/namespaces/${namespace}/jobs/${job}`;
  return {
    ...plane,
    kubelet,
    async podsOf(job) {
      const selector = encodeURIComponent(`batch.kubernetes.io/job-name=${job}`);
      const path = `/api/v1/namespaces/${namespace}/pods?labelSelector=${selector}`;
      const { items } = await api.get<{ items: Pod[] }>(path);
      return items.toSorted(
        (a, b) => Number(a.metadata.resourceVersion) - Number(b.metadata.resourceVersion),
      );
    },
    jobEnd: (job, timeoutMs = 120_000) =>
      eventually(
        `job ${job} has ended`,
        async () => {
          const { status } = await api.get<Job>(jobPath(job));
          const end = status.conditions?.find(
            ({ type, status }) => (type === "Complete" || type === "Failed") && status === "True",
          );
          if (end === undefined) return false;
          const { type, reason = "", message = "" } = end;
          return { type: type as JobEnd["type"], reason, message, failed: status.failed ?? 0 };
        },
        timeoutMs,
      ),
    async evict({ metadata: { name } }) {
      const eviction = { apiVersion: "policy/v1", kind: "Eviction", metadata: { name, namespace } };
      await api.post(`/api/v1/namespaces/${namespace}/pods/${name}/eviction`, eviction);
    },
    async stop() {
      await kubelet.stop();
      await plane.stop();
    },
  };
}

/** The exit code of a pod's only container, once it has one. */
export function exitCodeOf(pod: Pod): number | undefined {
  return pod.status.containerStatuses?.[0]?.state.terminated?.exitCode;
}

function isOnPath(program: string): boolean {
  return (process.env["PATH"] ?? "").split(":").some((directory) => {
    try {
      accessSync(join(directory, program));
      return true;
    } catch {
      return false;
    }
  });
}
