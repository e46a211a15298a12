/**
 * Runs one container's command as a local process in its own mount and process namespaces. Its root is a
 * throw-away overlay of this machine's, with the pod's volumes mounted; the command is process 1 in there,
 * as in a real container, so a signal that it does not handle does nothing. Needs root.
 */
import { execFileSync, spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { closeSync, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";

export interface ContainerMount {
  readonly from: string;
  readonly to: string;
  readonly readOnly: boolean;
}

export interface ContainerProcess {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly workingDirectory: string;
  readonly user: number;
  readonly group: number;
  readonly readOnlyRoot: boolean;
  readonly mounts: readonly ContainerMount[];
  /** Scratch space of this container, and where its output goes. */
  readonly directory: string;
  readonly logPath: string;
}

/** What container runtimes set; the set-up below needs its sbin folders, too. */
const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** The exit code with which a container's set-up fails, as container runtimes have it. */
const setupFailed = 128;

/** Why containers cannot run on this machine, or undefined where they can. */
export function missingForContainers(): string | undefined {
  if (process.platform !== "linux") return "needs Linux";
  if (process.getuid?.() !== 0) return "needs root, to mount and to become another user";
  try {
    const layers = "lowerdir=/,upperdir=/mnt/u,workdir=/mnt/w";
    const probe = `mount -t tmpfs t /mnt && mkdir /mnt/u /mnt/w /mnt/m && mount -t overlay o -o ${layers} /mnt/m`;
    execFileSync("unshare", ["--mount", "sh", "-c", probe], { stdio: "ignore" });
    return undefined;
  } catch {
    return "needs to mount overlayfs";
  }
}

export function startContainer(container: ContainerProcess): ChildProcess {
  mkdirSync(container.directory, { recursive: true });
  const root = join(container.directory, "root");
  const setup = setupCommands(container, root).join(" && ");
  const script = `{ ${setup}; } || exit ${setupFailed}; exec "$@"`;
  const enter = ["chroot", `--userspec=${container.user}:${container.group}`, "--groups=", root];
  const run = ["env", "-C", container.workingDirectory, ...container.argv];
  // The overlay's upper layer must not be on an overlay itself: a tmpfs that goes with the namespace.
  const namespaces = ["unshare", "--mount", "--pid", "--fork", "--kill-child"];
  const log = openSync(container.logPath, "a");
  try {
    const argv = ["--pdeathsig", "KILL", ...namespaces, "sh", "-c", script, "sh", ...enter, ...run];
    return spawn("setpriv", argv, {
      env: { ...container.env, PATH: path },
      stdio: ["ignore", log, log],
      detached: true,
    });
  } finally {
    closeSync(log);
  }
}

/** Signals the container's process, as a container runtime does: not its children. */
export function signalContainer(child: ChildProcess, signal: "SIGTERM" | "SIGKILL"): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  // `unshare` blocks SIGTERM itself; the whole group hears it, process 1 of the container among it.
  process.kill(-child.pid, signal);
}

function setupCommands(container: ContainerProcess, root: string): string[] {
  const scratch = quote(container.directory);
  const layers = `lowerdir=/,upperdir=${scratch}/upper,workdir=${scratch}/work`;
  return [
    `mount -t tmpfs tmpfs ${scratch}`,
    `mkdir ${scratch}/upper ${scratch}/work ${quote(root)}`,
    `mount -t overlay overlay -o ${layers} ${quote(root)}`,
    `mount -t proc proc ${quote(`${root}/proc`)}`,
    `mount --rbind /dev ${quote(`${root}/dev`)}`,
    ...container.mounts.flatMap(({ from, to, readOnly }) => {
      const target = quote(root + to);
      const mount = [`mkdir -p ${target}`, `mount --bind ${quote(from)} ${target}`];
      return readOnly ? [...mount, `mount -o remount,ro,bind ${target}`] : mount;
    }),
    ...(container.readOnlyRoot ? [`mount -o remount,ro,bind ${quote(root)}`] : []),
  ];
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
