/** The manifests of `deploy/` as kustomize renders them, and Jobs made from them. */
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { deployDirectory, namespace } from "./cluster.ts";
import type { Cluster } from "./cluster.ts";

export interface JobSpec {
  backoffLimit: number;
  readonly activeDeadlineSeconds: number;
  readonly podFailurePolicy: { readonly rules: readonly object[] };
  readonly template: {
    readonly spec: {
      readonly containers: readonly [
        { readonly image: string; args: string[]; readonly resources: { limits: { memory: string } } },
      ];
    };
  };
}

export interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec?: unknown;
  readonly data?: Readonly<Record<string, string>>;
}

/** Every object of one kustomization, by the folder's name under `deploy/` or a path. */
export async function renderManifests(cluster: Cluster, directory: string): Promise<Manifest[]> {
  const text = await cluster.kubectl(["kustomize", join(deployDirectory, directory)]);
  return parseAllDocuments(text).map((document) => document.toJS() as Manifest);
}

export async function applyManifests(cluster: Cluster, manifests: readonly Manifest[]): Promise<void> {
  const list = { apiVersion: "v1", kind: "List", items: manifests };
  await cluster.kubectl(["apply", "-n", namespace, "--server-side", "-f", "-"], JSON.stringify(list));
}

/** The spec of the CronJob's Jobs, or of the Job, among `manifests`; a copy to edit. */
export function jobSpecOf(manifests: readonly Manifest[]): JobSpec {
  for (const { kind, spec } of manifests) {
    if (kind === "Job") return structuredClone(spec) as JobSpec;
    if (kind === "CronJob") {
      return structuredClone((spec as { jobTemplate: { spec: JobSpec } }).jobTemplate.spec);
    }
  }
  throw new Error("no Job and no CronJob among the manifests");
}

export function jobManifest(name: string, spec: JobSpec): Manifest {
  return { apiVersion: "batch/v1", kind: "Job", metadata: { name }, spec } as Manifest;
}
