/**
 * A stand-in for the kubelet: registers one node, runs the containers of the pods bound to it as local processes
 * (test/support/container.ts) and reports what became of them, so that the real controllers act on real exit codes. It
 * has no images, networks, probes, init containers or memory limits: an image's name stands for a local command.
 */
import { mkdirSync, readFileSync } from "node:fs";
import { chmod, mkdir, symlink, writeFile } from "node:fs/promises";
import { once } from "node:events";
import type { ChildProcess } from "node:child_process";
import { join } from "node:path";
import { signalContainer, startContainer } from "../../support/container.ts";
import type { ContainerMount } from "../../support/container.ts";
import { KubeApiError } from "./api.ts";
import type { KubeApi } from "./api.ts";
import type { Container, EnvVar, Pod } from "./pod.ts";

export interface Image {
  readonly entrypoint: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** What the image has and this machine has not, or elsewhere. */
  readonly mounts?: readonly ContainerMount[];
}

/** What an image name stands for, asked anew for each pod. */
export type FindImage = (name: string, pod: Pod) => Image;

/** Why a pod cannot start although its manifest is valid; it stays Pending, as under the real kubelet. */
class ContainerConfigError extends Error {}

interface RunningPod {
  readonly children: readonly ChildProcess[];
  /** Settles when the pod's last status has been reported. */
  readonly done: Promise<void>;
}

export class Kubelet {
  readonly #api: KubeApi;
  readonly #directory: string;
  readonly #findImage: FindImage;
  readonly #nodeName: string;
  readonly #stopped = new AbortController();
  readonly #pods = new Map<string, RunningPod>();
  #watching: Promise<void> = Promise.resolve();

  private constructor(api: KubeApi, directory: string, nodeName: string, findImage: FindImage) {
    this.#api = api;
    this.#directory = directory;
    this.#nodeName = nodeName;
    this.#findImage = findImage;
  }

  /** `directory` holds the volumes and logs of the pods and is the caller's to remove. */
  static async start(api: KubeApi, directory: string, findImage: FindImage): Promise<Kubelet> {
    const kubelet = new Kubelet(api, directory, "test-node", findImage);
    mkdirSync(directory, { recursive: true });
    await kubelet.#register();
    kubelet.#watching = kubelet.#watch();
    return kubelet;
  }

  /** What a pod's containers have printed so far. */
  log(pod: Pod): string {
    return readFileSync(this.#logPath(pod), "utf8");
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    for (const pod of this.#pods.values())
      for (const child of pod.children) signalContainer(child, "SIGKILL");
    await Promise.allSettled([this.#watching, ...[...this.#pods.values()].map((pod) => pod.done)]);
  }

  async #register(): Promise<void> {
    const name = this.#nodeName;
    const resources = { cpu: "8", memory: "32Gi", pods: "110", "ephemeral-storage": "50Gi" };
    await this.#api.post("/api/v1/nodes", { apiVersion: "v1", kind: "Node", metadata: { name } });
    const ready = { type: "Ready", status: "True", reason: "KubeletReady", message: "stand-in" };
    await this.#api.patch(`/api/v1/nodes/${name}/status`, {
      status: { capacity: resources, allocatable: resources, conditions: [ready] },
    });
    // Admission taints a new node as not ready, and the controller that would remove the taint does not run.
    await this.#api.patch(`/api/v1/nodes/${name}`, { spec: { taints: null } });
  }

  async #watch(): Promise<void> {
    for await (const { type, object: pod } of this.#api.watch<Pod>("/api/v1/pods", this.#stopped.signal)) {
      if (pod.spec.nodeName !== this.#nodeName || type === "BOOKMARK") continue;
      const { uid, deletionTimestamp, deletionGracePeriodSeconds } = pod.metadata;
      const running = this.#pods.get(uid);
      if (type === "DELETED") this.#terminate(running, 0);
      else if (deletionTimestamp !== undefined) {
        this.#terminate(running, deletionGracePeriodSeconds ?? 30);
        void (running?.done ?? Promise.resolve()).then(() => this.#remove(pod));
      } else if (running === undefined && pod.status.phase === "Pending") {
        const children: ChildProcess[] = [];
        this.#pods.set(uid, { children, done: this.#run(pod, children) });
      }
    }
  }

  #terminate(pod: RunningPod | undefined, graceSeconds: number): void {
    for (const child of pod?.children ?? []) {
      signalContainer(child, "SIGTERM");
      setTimeout(signalContainer, graceSeconds * 1000, child, "SIGKILL").unref();
    }
  }

  /** Starts the pod's containers, reports Running, waits for all, reports how they ended. */
  async #run(pod: Pod, children: ChildProcess[]): Promise<void> {
    const startTime = timestamp();
    const report = (phase: string, states: readonly object[]): Promise<void> =>
      this.#report(pod, startTime, phase, states);
    try {
      const volumes = await this.#prepareVolumes(pod);
      for (const container of pod.spec.containers) {
        children.push(await this.#startContainer(pod, container, volumes));
      }
    } catch (error) {
      if (!(error instanceof ContainerConfigError)) throw error;
      const waiting = { reason: "CreateContainerConfigError", message: error.message };
      return report("Pending", [{ waiting }]);
    }
    await report("Running", [{ running: { startedAt: startTime } }]);
    const exitCodes = await Promise.all(children.map(waitForExitCode));
    const phase = exitCodes.every((code) => code === 0) ? "Succeeded" : "Failed";
    const finishedAt = timestamp();
    const states = exitCodes.map((exitCode) => ({
      terminated: {
        exitCode,
        reason: exitCode === 0 ? "Completed" : "Error",
        startedAt: startTime,
        finishedAt,
      },
    }));
    await report(phase, states);
  }

  async #startContainer(
    pod: Pod,
    container: Container,
    volumes: ReadonlyMap<string, string>,
  ): Promise<ChildProcess> {
    const image = this.#findImage(container.image, pod);
    const security = { ...pod.spec.securityContext, ...container.securityContext };
    const user = security.runAsUser ?? 0;
    if (security.runAsNonRoot === true && user === 0) {
      throw new ContainerConfigError("container has runAsNonRoot and image will run as root");
    }
    const volumeMounts = (container.volumeMounts ?? []).map(({ name, mountPath, readOnly = false }) => {
      const from = volumes.get(name);
      if (from === undefined)
        throw new ContainerConfigError(`volume "${name}" is not one this stand-in knows`);
      return { from, to: mountPath, readOnly };
    });
    return startContainer({
      argv: [...(container.command ?? image.entrypoint), ...(container.args ?? [])],
      env: await this.#environment(pod, container, image),
      workingDirectory: container.workingDir ?? "/",
      user,
      group: security.runAsGroup ?? 0,
      readOnlyRoot: security.readOnlyRootFilesystem === true,
      mounts: [...(image.mounts ?? []), ...volumeMounts],
      directory: join(this.#podDirectory(pod), "containers", container.name),
      logPath: this.#logPath(pod),
    });
  }

  async #prepareVolumes(pod: Pod): Promise<Map<string, string>> {
    const paths = new Map<string, string>();
    for (const volume of pod.spec.volumes ?? []) {
      const path = join(this.#podDirectory(pod), "volumes", volume.name);
      await mkdir(path, { recursive: true });
      const { configMap, secret } = volume;
      if (volume.emptyDir) await chmod(path, 0o777);
      else if (configMap) await writeFiles(path, await this.#data(pod, "configmaps", configMap));
      else if (secret) {
        await writeFiles(path, await this.#data(pod, "secrets", { ...secret, name: secret.secretName }));
      } else continue;
      paths.set(volume.name, path);
    }
    return paths;
  }

  async #environment(pod: Pod, container: Container, image: Image): Promise<Record<string, string>> {
    const env: Record<string, string> = {
      HOSTNAME: pod.metadata.name,
      ...image.env,
    };
    for (const { configMapRef, secretRef } of container.envFrom ?? []) {
      if (configMapRef) Object.assign(env, asText(await this.#data(pod, "configmaps", configMapRef)));
      if (secretRef) Object.assign(env, asText(await this.#data(pod, "secrets", secretRef)));
    }
    for (const variable of container.env ?? []) {
      const value = await this.#value(pod, variable);
      if (value !== undefined) env[variable.name] = value;
    }
    return env;
  }

  async #value(pod: Pod, { value, valueFrom }: EnvVar): Promise<string | undefined> {
    const { configMapKeyRef, secretKeyRef, fieldRef } = valueFrom ?? {};
    if (fieldRef) {
      const field = fieldRef.fieldPath.replace(/^metadata\./, "");
      if (field !== "name" && field !== "namespace") {
        throw new ContainerConfigError(`field ${fieldRef.fieldPath} is not one this stand-in knows`);
      }
      return pod.metadata[field];
    }
    const reference = configMapKeyRef ?? secretKeyRef;
    if (!reference) return value ?? "";
    const data = asText(await this.#data(pod, configMapKeyRef ? "configmaps" : "secrets", reference));
    const found = data[reference.key];
    if (found === undefined && reference.optional !== true) {
      throw new ContainerConfigError(`couldn't find key ${reference.key} in ${reference.name}`);
    }
    return found;
  }

  async #data(
    pod: Pod,
    kind: "configmaps" | "secrets",
    { name, optional = false }: { name: string; optional?: boolean },
  ): Promise<Record<string, Buffer>> {
    try {
      const path = `/api/v1/namespaces/${pod.metadata.namespace}/${kind}/${name}`;
      const { data = {} } = await this.#api.get<{ data?: Record<string, string> }>(path);
      const encoding = kind === "secrets" ? "base64" : "utf8";
      return Object.fromEntries(
        Object.entries(data).map(([key, text]) => [key, Buffer.from(text, encoding)]),
      );
    } catch (error) {
      if (!(error instanceof KubeApiError) || error.status !== 404) throw error;
      if (optional) return {};
      throw new ContainerConfigError(`${kind} "${name}" not found`, { cause: error });
    }
  }

  async #report(pod: Pod, startTime: string, phase: string, states: readonly object[]): Promise<void> {
    const containerStatuses = states.map((state, index) => ({
      name: pod.spec.containers[index]?.name,
      image: pod.spec.containers[index]?.image,
      imageID: "",
      restartCount: 0,
      ready: phase === "Running",
      state,
    }));
    const ready = { type: "Ready", status: phase === "Running" ? "True" : "False" };
    const status = { phase, startTime, containerStatuses, conditions: [ready] };
    // Strategic: a condition that another wrote (DisruptionTarget) must stay.
    await this.#unlessGone(this.#api.patch(`${podPath(pod)}/status`, { status }, "strategic"));
  }

  async #remove(pod: Pod): Promise<void> {
    const preconditions = { uid: pod.metadata.uid };
    await this.#unlessGone(this.#api.delete(podPath(pod), { gracePeriodSeconds: 0, preconditions }));
  }

  async #unlessGone(request: Promise<unknown>): Promise<void> {
    try {
      await request;
    } catch (error) {
      const gone = error instanceof KubeApiError && (error.status === 404 || error.status === 409);
      if (!gone && !this.#stopped.signal.aborted) throw error;
    }
  }

  #podDirectory(pod: Pod): string {
    return join(this.#directory, pod.metadata.uid);
  }

  #logPath(pod: Pod): string {
    return join(this.#podDirectory(pod), "log");
  }
}

function podPath(pod: Pod): string {
  return `/api/v1/namespaces/${pod.metadata.namespace}/pods/${pod.metadata.name}`;
}

/** A container ended by a signal has 128 and the signal's number as its exit code. */
async function waitForExitCode(child: ChildProcess): Promise<number> {
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  if (child.exitCode !== null) return child.exitCode;
  return child.signalCode === "SIGTERM" ? 143 : 137;
}

/**
 * As the kubelet's atomic writer lays a ConfigMap out: each name is a link through `..data` to a file, so that
 * an update is one rename. A program that lists the directory sees links and `..data` beside them.
 */
async function writeFiles(directory: string, files: Readonly<Record<string, Buffer>>): Promise<void> {
  const version = "..2026_01_01_00_00_00.1";
  await mkdir(join(directory, version));
  await symlink(version, join(directory, "..data"));
  for (const [name, content] of Object.entries(files)) {
    await writeFile(join(directory, version, name), content);
    await symlink(join("..data", name), join(directory, name));
  }
}

function asText(data: Readonly<Record<string, Buffer>>): Record<string, string> {
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, value.toString("utf8")]));
}

/** RFC 3339 with whole seconds, the only form that the API takes. */
function timestamp(): string {
  return `${new Date().toISOString().slice(0, 19)}Z`;
}
