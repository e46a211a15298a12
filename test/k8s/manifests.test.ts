import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { deployDirectory, missingForCluster, namespace, startCluster } from "./support/cluster.ts";
import type { Cluster } from "./support/cluster.ts";

const missing = await missingForCluster();
const dryRun = ["apply", "--server-side", "--dry-run=server", "--validate=strict", "--warnings-as-errors"];
const kustomizations = readdirSync(deployDirectory);

describe.skipIf(missing)(`manifests of deploy/${missing === undefined ? "" : ` (${missing})`}`, () => {
  let cluster: Cluster;

  beforeAll(async () => {
    cluster = await startCluster(() => {
      throw new Error("no pod is meant to run here");
    });
  });
  afterAll(() => cluster?.stop());

  const strictDryRun = (manifests: string): Promise<string> =>
    cluster.kubectl([...dryRun, "--namespace", namespace, "--filename", "-"], manifests);

  test.each(kustomizations)("%s passes the API server's strict dry run without a warning", async (name) => {
    const manifests = await cluster.kubectl(["kustomize", join(deployDirectory, name)]);
    expect(await strictDryRun(manifests)).toMatch(/serverside-applied \(server dry run\)/);
  });

  test.each([
    ["a misspelt field", /concurencyPolicy/, "concurrencyPolicy:", "concurencyPolicy:"],
    ["an action that does not exist", /supported values/, "action: FailJob", "action: Fail"],
    ["a quantity that is none", /quantit/, "768Mi", "768MiB"],
    ["a volume that is not there", /volumeMounts/, "          name: jobs", "          name: job"],
    ["a container that could gain root", /PodSecurity/, "runAsNonRoot: true", "runAsNonRoot: false"],
  ])("the dry run refuses %s", async (_, message, right, wrong) => {
    const manifests = await cluster.kubectl(["kustomize", join(deployDirectory, "cronjob")]);
    expect(manifests).toContain(right);
    await expect(strictDryRun(manifests.replace(right, wrong))).rejects.toThrow(message);
  });
});
