/**
 * Builds the control plane binary from the Go module proxy into the cache, once per Kubernetes version:
 * about six minutes on two cores the first time. Run as a program it builds and prints the binary's path.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { access, chmod, copyFile, mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

export const kubernetesVersion = "1.36.3";

const mainGo = join(import.meta.dirname, "../control-plane/main.go");

function cacheDirectory(): string {
  const root = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
  return join(root, "colonnade", "k8s", kubernetesVersion);
}

/** Where the binary is or will be: named by the source it is built from, so an edited `main.go` is built anew. */
export async function controlPlanePath(): Promise<string> {
  const digest = createHash("sha256")
    .update(await readFile(mainGo))
    .digest("hex");
  return join(cacheDirectory(), `control-plane-${digest.slice(0, 12)}`);
}

/** True where {@link buildControlPlane} would return at once. */
export async function isControlPlaneBuilt(): Promise<boolean> {
  return access(await controlPlanePath()).then(
    () => true,
    () => false,
  );
}

/** The path of the binary, built now if the cache has none. Needs `go` on the PATH for that. */
export async function buildControlPlane(): Promise<string> {
  const binary = await controlPlanePath();
  if (await isControlPlaneBuilt()) return binary;

  const source = join(cacheDirectory(), "source");
  await mkdir(source, { recursive: true });
  await writeModule(source);
  await copyFile(mainGo, join(source, "main.go"));
  const version = "k8s.io/component-base/version";
  const [major, minor] = kubernetesVersion.split(".");
  const linkerFlags = [
    "-s -w",
    // kubectl and the API server refuse to talk about versions when these say v0.0.0.
    `-X ${version}.gitVersion=v${kubernetesVersion}`,
    `-X ${version}.gitMajor=${major} -X ${version}.gitMinor=${minor}`,
  ].join(" ");
  const output = `${binary}.${process.pid}`;
  await run("nice", ["go", "build", "-mod=mod", "-trimpath", "-ldflags", linkerFlags, "-o", output, "."], {
    cwd: source,
    env: { ...process.env, CGO_ENABLED: "0" },
    maxBuffer: 64 * 2 ** 20,
  });
  await rename(output, binary);
  return binary;
}

/**
 * Kubernetes' own go.mod under another name, and so its exact dependencies. Its `replace` lines point into the
 * staging folder of its repository, which the published module lacks: point them to the published modules.
 */
async function writeModule(directory: string): Promise<void> {
  const module = `k8s.io/kubernetes@v${kubernetesVersion}`;
  const { stdout } = await run("go", ["mod", "download", "-json", module], { cwd: cacheDirectory() });
  const { Dir: upstream } = JSON.parse(stdout) as { Dir: string };
  const stagingVersion = kubernetesVersion.replace(/^1\./, "v0.");
  const goMod = (await readFile(join(upstream, "go.mod"), "utf8"))
    .replace(/^module .*$/m, "module control-plane")
    .replaceAll(/=> \.\/staging\/src\/(k8s\.io\/[a-z-]+)/g, `=> $1 ${stagingVersion}`);
  await writeFile(join(directory, "go.mod"), goMod);
  await copyFile(join(upstream, "go.sum"), join(directory, "go.sum"));
  await chmod(join(directory, "go.sum"), 0o644);
  await run("go", ["mod", "edit", `-require=${module}`], { cwd: directory });
}

if (import.meta.main) console.log(await buildControlPlane());
