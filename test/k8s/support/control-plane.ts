/**
 * A real control plane on loopback: etcd, API server, the Job and CronJob controllers and their neighbours,
 * scheduler. It lives as long as the test that started it: the kernel ends its processes with their parent.
 */
import { execFile, spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { once } from "node:events";
import { open, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { KubeApi } from "./api.ts";
import { buildControlPlane } from "./build.ts";

const controllers = [
  "job-controller",
  "cronjob-controller",
  "ttl-after-finished-controller",
  "garbage-collector-controller",
  "namespace-controller",
  "serviceaccount-controller",
  "pod-garbage-collector-controller",
  "root-ca-certificate-publisher-controller",
  "disruption-controller",
];

/** Instead of the Job controller's 10 s before a failed pod's first replacement. */
const podFailureBackoff = "500ms";

export interface ControlPlane {
  readonly api: KubeApi;
  readonly directory: string;
  /** Runs kubectl; resolves with its standard output, rejects with its standard error. */
  kubectl(args: readonly string[], input?: string): Promise<string>;
  stop(): Promise<void>;
}

/** Starts everything up to a ready API server with its default service account: about five seconds. */
export async function startControlPlane(): Promise<ControlPlane> {
  const binary = await buildControlPlane();
  const directory = await mkdtemp(join(tmpdir(), "colonnade-k8s-"));
  const children: ChildProcess[] = [];
  const start = async (component: string, flags: readonly string[]): Promise<void> => {
    const log = await open(join(directory, `${component}.log`), "w");
    const child = spawn("setpriv", ["--pdeathsig", "KILL", binary, component, ...flags], {
      cwd: directory,
      env: { ...process.env, JOB_POD_FAILURE_BACKOFF: podFailureBackoff },
      stdio: ["ignore", log.fd, log.fd],
    });
    children.push(child);
    await log.close();
  };
  const stop = async (): Promise<void> => {
    api.close();
    // Nothing of it is kept, so nothing needs a graceful end.
    for (const child of children) child.kill("SIGKILL");
    for (const child of children) {
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    }
    await rm(directory, { recursive: true, force: true });
  };

  const [etcdPort, peerPort, apiPort] = await freePorts(3);
  const server = `https://127.0.0.1:${apiPort}`;
  const token = randomBytes(16).toString("hex");
  await writeCredentials(directory, token);
  let api = new KubeApi(server, token, "");
  try {
    await start("etcd", etcdFlags(`http://127.0.0.1:${etcdPort}`, `http://127.0.0.1:${peerPort}`));
    await eventually("etcd is healthy", async () => (await fetch(`http://127.0.0.1:${etcdPort}/health`)).ok);
    await start("kube-apiserver", apiServerFlags(`http://127.0.0.1:${etcdPort}`, String(apiPort)));
    const certificate = join(directory, "certs/apiserver.crt");
    await eventually("the API server is ready", async () => {
      api.close();
      api = new KubeApi(server, token, await readFile(certificate, "utf8"));
      await api.get("/readyz");
      return true;
    });
    await writeFile(join(directory, "kubeconfig"), kubeconfig(server, token, certificate), { mode: 0o600 });
    const client = ["--kubeconfig=kubeconfig", "--leader-elect=false", "--secure-port=0"];
    await start("kube-controller-manager", [
      ...client,
      "--service-account-private-key-file=service-account.key",
      `--controllers=${controllers.join(",")}`,
    ]);
    await start("kube-scheduler", client);
    await eventually("the default service account is there", async () => {
      await api.get("/api/v1/namespaces/default/serviceaccounts/default");
      return true;
    });
  } catch (error) {
    await stop();
    throw error;
  }
  const kubectl = (args: readonly string[], input = ""): Promise<string> =>
    new Promise((resolve, reject) => {
      const command = ["kubectl", `--kubeconfig=${join(directory, "kubeconfig")}`, ...args];
      const child = execFile(binary, command, { maxBuffer: 16 * 2 ** 20 }, (error, stdout, stderr) =>
        error ? reject(new Error(`kubectl ${args.join(" ")}: ${stderr}`)) : resolve(stdout),
      );
      child.stdin?.end(input);
    });
  return { api, directory, kubectl, stop };
}

/** Waits until `condition` resolves with a value other than false; what it throws meanwhile counts as "not yet". */
export async function eventually<T>(
  what: string,
  condition: () => Promise<T | false>,
  timeoutMs = 60_000,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  let last: unknown;
  while (Date.now() < deadline) {
    try {
      const value = await condition();
      if (value !== false) return value;
    } catch (error) {
      last = error;
    }
    await sleep(100);
  }
  throw new Error(`not within ${timeoutMs} ms: ${what}`, { cause: last });
}

async function writeCredentials(directory: string, token: string): Promise<void> {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", {
    modulusLength: 2048,
    privateKeyEncoding: { type: "pkcs1", format: "pem" },
    publicKeyEncoding: { type: "spki", format: "pem" },
  });
  await writeFile(join(directory, "service-account.key"), privateKey, { mode: 0o600 });
  await writeFile(join(directory, "service-account.pub"), publicKey);
  await writeFile(join(directory, "tokens.csv"), `${token},admin,admin,system:masters\n`, { mode: 0o600 });
}

function etcdFlags(clientUrl: string, peerUrl: string): string[] {
  return [
    "--data-dir=etcd",
    "--unsafe-no-fsync",
    "--log-level=warn",
    `--listen-client-urls=${clientUrl}`,
    `--advertise-client-urls=${clientUrl}`,
    `--listen-peer-urls=${peerUrl}`,
    `--initial-advertise-peer-urls=${peerUrl}`,
    `--initial-cluster=default=${peerUrl}`,
  ];
}

function apiServerFlags(etcdUrl: string, port: string): string[] {
  return [
    `--etcd-servers=${etcdUrl}`,
    "--bind-address=127.0.0.1",
    "--advertise-address=127.0.0.1",
    `--secure-port=${port}`,
    "--endpoint-reconciler-type=none",
    "--cert-dir=certs",
    "--token-auth-file=tokens.csv",
    "--authorization-mode=RBAC",
    "--service-cluster-ip-range=10.0.0.0/24",
    "--service-account-issuer=https://kubernetes.default.svc",
    "--service-account-key-file=service-account.pub",
    "--service-account-signing-key-file=service-account.key",
  ];
}

/** JSON is YAML. */
function kubeconfig(server: string, token: string, certificate: string): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "test", cluster: { server, "certificate-authority": certificate } }],
    users: [{ name: "test", user: { token } }],
    contexts: [{ name: "test", context: { cluster: "test", user: "test" } }],
    "current-context": "test",
  });
}

/** All are held until all are known, so that no port comes twice. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, "127.0.0.1");
      await once(server, "listening");
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => once(server.close(), "close")));
  return ports;
}
