import { spawnSync } from "node:child_process";
import { constants } from "node:fs";
import { access, mkdir } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";

const image = "quay.io/minio/minio:RELEASE.2025-09-07T16-13-09Z";
const module = "github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c";
const cacheHome = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
const cacheFolder = join(cacheHome, "colonnade", "minio", "7aac2a2c5b7c");

export type MinioSource =
  | { readonly kind: "binary"; readonly path: string }
  | { readonly kind: "docker"; readonly image: string };

/**
 * A MinIO that this machine can run, first that is there: `minio` on the PATH, the project's cache, Docker
 * (when a daemon answers), a build by the Go toolchain into the cache. Undefined when there is none.
 */
export async function findMinio(): Promise<MinioSource | undefined> {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter).filter(Boolean), cacheFolder];
  for (const folder of folders) {
    const path = join(folder, "minio");
    if (await isExecutable(path)) return { kind: "binary", path };
  }
  if (answers("docker", ["info", "--format", "{{.ServerVersion}}"])) return { kind: "docker", image };
  if (answers("go", ["version"])) return await buildMinio();
  return undefined;
}

async function buildMinio(): Promise<MinioSource | undefined> {
  console.error(`building MinIO once for the S3 tests, into ${cacheFolder}: takes a few minutes`);
  await mkdir(cacheFolder, { recursive: true });
  const built = spawnSync("go", ["install", module], {
    env: { ...process.env, GOBIN: cacheFolder, GOFLAGS: "" },
    stdio: ["ignore", "ignore", "inherit"],
  });
  if (built.status !== 0) {
    console.error("building MinIO failed");
    return undefined;
  }
  return { kind: "binary", path: join(cacheFolder, "minio") };
}

async function isExecutable(path: string): Promise<boolean> {
  return await access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

function answers(command: string, args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: "ignore", timeout: 20_000 }).status === 0;
}
