import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

import { sha256Hex } from "../../src/base/digest.ts";

/**
 * Python readers for tests, in a virtual environment of their own in the cache, installed once per content of
 * `python-requirements.txt`. Without Python 3.11 or later the tests that need it are skipped by name; with `CI`
 * set and such a Python present, an install that fails is a failure, so that a green CI never hides it.
 */
const requirementsPath = join(import.meta.dirname, "python-requirements.txt");
const candidates = [
  "python3",
  "python3.13",
  "python3.12",
  "python3.11",
  "python",
  "python3.14",
  "python3.10",
];
const installTimeoutMs = 600_000;

let environment: { readonly interpreter: string | undefined } | undefined;

/**
 * The interpreter of the environment when every named package can be imported from it; undefined when there is
 * no Python. Installs on the first call (some seconds), waiting when another process is already doing so.
 */
export function pythonWith(packages: readonly string[]): string | undefined {
  environment ??= { interpreter: provide() };
  const { interpreter } = environment;
  if (interpreter === undefined) return undefined;
  const probe =
    "import importlib.util, sys; sys.exit(any(importlib.util.find_spec(p) is None for p in sys.argv[1:]))";
  return spawnSync(interpreter, ["-I", "-c", probe, ...packages]).status === 0 ? interpreter : undefined;
}

/**
 * Runs a script in the environment and gives its standard output (UTF-8). `stdin` is what the script reads.
 * Rejects with the script's standard error when it fails.
 */
export function runPython(
  script: string,
  stdin?: string | Uint8Array,
  args: readonly string[] = [],
): Promise<string> {
  const interpreter = pythonWith([]);
  if (interpreter === undefined) return Promise.reject(new Error("python: there is no Python 3.11 or later"));
  return new Promise((resolve, reject) => {
    const child = spawn(interpreter, ["-I", "-X", "utf8", "-c", script, ...args], { stdio: "pipe" });
    const output: Buffer[] = [];
    const errors: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => output.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => errors.push(chunk));
    child.on("error", reject);
    child.on("close", (code, signal) => {
      if (code === 0) resolve(Buffer.concat(output).toString("utf8"));
      else
        reject(new Error(`python: ended with ${code ?? signal}\n${Buffer.concat(errors).toString("utf8")}`));
    });
    child.stdin.on("error", () => {}); // A script that ends early closes the pipe; its exit code says why.
    child.stdin.end(stdin);
  });
}

function provide(): string | undefined {
  const requirements = readFileSync(requirementsPath, "utf8");
  const cache = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "colonnade");
  const home = join(cache, `python-${sha256Hex(requirements).slice(0, 16)}`);
  if (works(home)) return interpreterOf(home);
  const python = findPython();
  if (python === undefined) return undefined;
  mkdirSync(cache, { recursive: true });
  return withLock(`${home}.lock`, () => {
    if (works(home)) return interpreterOf(home);
    const failure = install(python, home);
    if (failure === undefined) return interpreterOf(home);
    if (process.env["CI"] !== undefined) throw new Error(`python: the install failed\n${failure}`);
    process.stderr.write(`python: the install failed, tests that need it are skipped\n${failure}\n`);
    return undefined;
  });
}

function interpreterOf(home: string): string {
  return process.platform === "win32" ? join(home, "Scripts", "python.exe") : join(home, "bin", "python");
}

/** False also when the Python that the environment was made from has gone. */
function works(home: string): boolean {
  return existsSync(home) && spawnSync(interpreterOf(home), ["-I", "-c", "import pyarrow"]).status === 0;
}

function findPython(): string | undefined {
  const version = "import sys, venv, ensurepip; sys.exit(not ((3, 11) <= sys.version_info[:2] <= (3, 14)))";
  return candidates.find((name) => spawnSync(name, ["-I", "-c", version]).status === 0);
}

/** Gives what went wrong, or undefined. The environment appears under its name only when it is complete. */
function install(python: string, home: string): string | undefined {
  const building = `${home}.${process.pid}.building`;
  const steps: (readonly [string, readonly string[]])[] = [
    [python, ["-I", "-m", "venv", building]],
    [
      interpreterOf(building),
      ["-I", "-m", "pip", "install", "--quiet", "--only-binary", ":all:", "--requirement", requirementsPath],
    ],
  ];
  try {
    for (const [command, args] of steps) {
      const result = spawnSync(command, args, { encoding: "utf8", timeout: installTimeoutMs });
      if (result.status !== 0) return `${command} ${args.join(" ")}\n${result.stdout}${result.stderr}`;
    }
    if (works(home)) return undefined; // Two that took over one dead lock: the first to finish has won.
    rmSync(home, { recursive: true, force: true });
    renameSync(building, home);
    return undefined;
  } finally {
    rmSync(building, { recursive: true, force: true });
  }
}

/** One process at a time; a lock whose holder is dead is taken over. */
function withLock<T>(lock: string, action: () => T): T {
  const deadline = Date.now() + 2 * installTimeoutMs;
  for (;;) {
    try {
      mkdirSync(lock);
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    if (isAbandoned(lock) && moveAway(lock)) continue;
    if (Date.now() > deadline) throw new Error(`python: gave up waiting for ${lock}`);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 250);
  }
  try {
    writeFileSync(join(lock, "pid"), String(process.pid));
    return action();
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
}

function isAbandoned(lock: string): boolean {
  try {
    process.kill(Number(readFileSync(join(lock, "pid"), "utf8")), 0);
    return false;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // ENOENT: its pid is not yet written, or its holder died just then. EPERM: alive, another user's.
    if (code === "ENOENT")
      return Date.now() - (statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? Infinity) > 10_000;
    return code === "ESRCH";
  }
}

function moveAway(lock: string): boolean {
  const grave = `${lock}.${process.pid}`;
  try {
    renameSync(lock, grave);
  } catch {
    return false; // Another waiter was first.
  }
  rmSync(grave, { recursive: true, force: true });
  return true;
}
