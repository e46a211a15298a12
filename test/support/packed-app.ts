/**
 * Colonnade as a user gets it: packed, and installed without its development dependencies in an empty folder. The
 * commands are the Dockerfile's, so that what is true of this folder is true of the image's /opt/colonnade.
 */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, mkdir, readFile, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

import type { ContainerMount } from "./container.ts";

const run = promisify(execFile);

export const repository = join(import.meta.dirname, "../..");

export interface PackedApp {
  /** Where it is installed. */
  readonly root: string;
  /** The paths in the package's archive. */
  readonly files: readonly string[];
}

/** Builds, packs and installs below `directory`: about ten seconds, without the network when npm's cache is warm. */
export async function installPackedApp(directory: string): Promise<PackedApp> {
  const source = join(directory, "source");
  await mkdir(source, { recursive: true });
  // A copy, for `dist/` must be what this source compiles to and nothing that was there before.
  const { files } = JSON.parse(await readFile(join(repository, "package.json"), "utf8")) as {
    files: string[];
  };
  const built = [
    "package.json",
    "package-lock.json",
    "tsconfig.json",
    "tsconfig.build.json",
    "src",
    "scripts/build.ts",
  ];
  for (const name of [...built, ...files]) {
    if (name === "dist" || !existsSync(join(repository, name))) continue;
    await cp(join(repository, name), join(source, name), { recursive: true });
  }
  await symlink(join(repository, "node_modules"), join(source, "node_modules"));
  await npm(source, ["run", "build"]);
  const packed = await npm(source, ["pack", "--ignore-scripts", "--json", "--pack-destination", directory]);
  const pack = describePack(packed);

  await run("tar", ["-xzf", join(directory, pack.filename), "-C", directory]);
  const root = join(directory, "package");
  await cp(join(repository, "package-lock.json"), join(root, "package-lock.json"));
  await npm(root, ["ci", "--omit=dev", "--ignore-scripts", "--prefer-offline"]);
  return { root, files: pack.files };
}

/** Where the image has its Node and Colonnade, with the checkout that they come from out of sight. */
export const imageEntrypoint = ["/opt/node/bin/node", "/opt/colonnade/dist/bin/colonnade.js"] as const;

/** What to mount so that a container has what the image has. `emptyDirectory` hides the checkout. */
export function imageMounts(app: PackedApp, emptyDirectory: string): ContainerMount[] {
  return [
    { from: app.root, to: "/opt/colonnade", readOnly: true },
    { from: dirname(process.execPath), to: "/opt/node/bin", readOnly: true },
    { from: emptyDirectory, to: repository, readOnly: true },
  ];
}

async function npm(cwd: string, args: readonly string[]): Promise<string> {
  const quiet = ["--no-audit", "--no-fund", "--loglevel=error"];
  try {
    return (await run("npm", [...args, ...quiet], { cwd, maxBuffer: 16 * 2 ** 20 })).stdout;
  } catch (error) {
    // tsc reports on standard output.
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`npm ${args.join(" ")} failed:\n${stdout}\n${stderr}`, { cause: error });
  }
}

interface PackDescription {
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

function describePack(json: string): { filename: string; files: string[] } {
  const [pack] = JSON.parse(json) as PackDescription[];
  if (pack === undefined) throw new Error("npm pack packed nothing");
  return { filename: pack.filename, files: pack.files.map(({ path }) => path) };
}
